//! Sessions: who, how much, how long, when, above what was found about the one under the cursor.
//!
//! ```text
//!   session principal     exchanges refused lasted       life
//! ▌ S1      sub #1b2c3d4e        21       2 3 min 20 s       ━━━━━━━━━
//! ─────────────────────────────────────────────────── 1/6 ─
//! S1 sub #1b2c3d4e
//! ```

use ratatui::{buffer::Buffer, text::Line};

use super::{
    details,
    list::{self, span},
};
use crate::{
    model::{Data, Model},
    text::{cell, right},
    theme::Role,
};

/// Columns before the life.
const BEFORE: usize = 58;

/// Draws the screen.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    let head = format!(
        "  {}{}{} {}  {}life",
        cell("session", 9),
        cell("principal", 16),
        right("exchanges", 9),
        right("refused", 7),
        cell("lasted", 13)
    );
    let head = Line::from(span(head, model.setup.theme.style(Role::Dim)));
    let empty = match model.data {
        Some(_) => "No session: no exchange carries or is given a credential.",
        None => "reading …",
    };
    list::draw(model, buffer, Some(head), empty, |row| line(model, row).unwrap_or_default());
    details::draw(model, buffer);
}

fn line(model: &Model, row: usize) -> Option<Line<'static>> {
    let data = model.data.as_ref()?;
    let id = *data.sessions.get(row)?;
    let session = data.analysis().capture.session(id)?;
    let theme = model.setup.theme;
    let subject = session.subject.as_deref().map_or_else(|| "-".to_owned(), |subject| format!("sub #{subject}"));
    let lasted = session.first.zip(session.last).map(|(first, last)| last.nanos_since(first));
    let lasted = lasted.map_or_else(|| "-".to_owned(), authtrace_report::moment::span);
    let refused = if session.refused > 0 { Role::Bad } else { Role::Dim };
    let lane = data.index.lane(id).map_or(Role::Dim, Role::Lane);
    let life = session.first.zip(session.last).and_then(|(first, last)| {
        let width = usize::from(model.areas().list.width).saturating_sub(BEFORE + 1);
        life(model, data, first.nanos(), last.nanos(), width)
    });
    Some(Line::from(vec![
        span("  ", theme.style(Role::Plain)),
        span(cell(&id.to_string(), 9), theme.style(Role::Name)),
        span(cell(&subject, 16), theme.style(Role::Plain)),
        span(right(&session.exchanges.to_string(), 9) + " ", theme.style(Role::Plain)),
        span(right(&session.refused.to_string(), 7) + "  ", theme.style(refused)),
        span(cell(&lasted, 13), theme.style(Role::Dim)),
        span(life.unwrap_or_default(), theme.style(lane)),
    ]))
}

/// When the session lived, on the scale of the whole capture.
fn life(model: &Model, data: &Data, first: i64, last: i64, width: usize) -> Option<String> {
    let (from, until) = data.index.span.filter(|_| width > 0)?;
    let column = |at: i64| {
        let whole = (i128::from(until) - i128::from(from)).max(1);
        let part = (i128::from(at) - i128::from(from)).clamp(0, whole);
        usize::try_from(part * i128::try_from(width - 1).unwrap_or(0) / whole).unwrap_or(0).min(width - 1)
    };
    let (start, stop) = (column(first), column(last));
    Some(" ".repeat(start) + &model.setup.glyphs.bar.repeat(stop.saturating_sub(start) + 1))
}
