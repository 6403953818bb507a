//! The heading: what is shown, and how much of it.
//!
//! ```text
//! race.har · 21 exchanges, 4 refused, 1 session, 3 tokens            filter: status = 401 · by time · 4/21
//! reading race.har: 120400 exchanges, the first 10000 below
//! judging 1000000 exchanges …
//! LIVE, following · lo · 21 exchanges, 4 refused · 312 frames, 2 lost
//! ```

use ratatui::buffer::Buffer;

use super::write;
use crate::{
    arrange::Fold,
    message::Counts,
    model::{Data, Live, Model},
    screen::Screen,
    text::{fit, width},
    theme::Role,
};

/// Draws the heading.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    let area = model.areas().heading;
    let theme = model.setup.theme;
    let columns = usize::from(area.width);
    let state = model.live.as_ref().map(|live| state(live, model.data.as_deref()));
    if let (Some(state), None) = (&state, &model.data) {
        write(buffer, area, 0, 0, &fit(state, columns), theme.style(Role::Name));
        return;
    }
    let Some(data) = &model.data else {
        let path = if model.reading.path.is_empty() { "…" } else { &model.reading.path };
        let text = match (&model.reading, model.reading.rows.len()) {
            (reading, _) if reading.judging => format!("judging {} exchanges …", reading.seen),
            (reading, rows) if (rows as u64) < reading.seen => {
                format!("reading {}: {} exchanges, the first {rows} below", fit(path, 60), reading.seen)
            }
            (reading, _) => format!("reading {}: {} exchanges", fit(path, 60), reading.seen),
        };
        write(buffer, area, 0, 0, &text, theme.style(Role::Name));
        return;
    };
    let right = fit(&place(model), columns);
    let left = state.unwrap_or_else(|| inputs(data));
    let left = fit(&left, columns.saturating_sub(width(&right) + 2));
    write(buffer, area, 0, 0, &left, theme.style(Role::Dim));
    let at = u16::try_from(columns.saturating_sub(width(&right))).unwrap_or(0);
    write(buffer, area, at, 0, &right, theme.style(Role::Name));
}

/// What is captured, and how that goes.
fn state(live: &Live, data: Option<&Data>) -> String {
    let Counts { frames, lost } = live.counts;
    let (exchanges, refused) = data.map_or((0, 0), |data| (data.analysis().capture.facts.len(), data.refused));
    let follows = if live.follows && !live.over { ", following" } else { "" };
    let lost = if lost > 0 { format!(", {lost} lost") } else { String::new() };
    format!(
        "{}{follows} · {} · {exchanges} exchanges, {refused} refused · {frames} frames{lost}",
        live.state(),
        live.name
    )
}

fn inputs(data: &Data) -> String {
    let analysis = data.analysis();
    let names: Vec<&str> = analysis.capture.inputs.iter().map(|input| input.path.as_str()).collect();
    let names = match names.as_slice() {
        [] => "no input".to_owned(),
        [one] => (*one).to_owned(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    };
    let sum = analysis.capture.facts.len();
    format!("{names} · {sum} exchanges, {} refused", data.refused)
}

/// The filter, the order, and the place in the list.
fn place(model: &Model) -> String {
    let mut parts = Vec::new();
    if model.screen == Screen::Timeline {
        if model.awaited.is_some() {
            parts.push("arranging …".to_owned());
        }
        if let Some(filter) = &model.how.filter {
            parts.push(format!("filter: {}", fit(filter, 40)));
        }
        let turned = if model.how.reverse { ", reversed" } else { "" };
        parts.push(format!("by {}{turned}", model.how.sort.name()));
        if model.how.fold != Fold::None {
            parts.push(format!("grouped by {}", model.how.fold.name()));
        }
    }
    if model.screen == Screen::Flow {
        parts.push(model.session.map_or_else(|| "no session".to_owned(), |session| format!("session {session}")));
    }
    if model.screen == Screen::Exchange {
        parts.extend(model.exchange.map(|id| format!("#{}", id.0)));
    }
    let (at, length) = match model.areas().list.is_empty() {
        true => (model.pane.cursor.at, model.pane.lines.len()),
        false => (model.cursor().at, model.length()),
    };
    if length > 0 {
        parts.push(format!("{}/{length}", at + 1));
    }
    parts.join(" · ")
}
