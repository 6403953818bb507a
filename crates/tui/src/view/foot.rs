//! The last row: what is being typed, a question, a notice, or the keys that help here.
//!
//! ```text
//! filter: statos = 401       `statos` is no column; Tab completes names
//!         ^^^^^^
//! ```

use std::ops::Range;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::write;
use crate::{
    keys::Action,
    model::{Mode, Model},
    prompt::Prompt,
    screen::Screen,
    text::{fit, width},
    theme::Role,
};

/// Draws the foot; gives the place of the terminal's cursor while one types.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) -> Option<Position> {
    let area = model.areas().foot;
    let theme = model.setup.theme;
    match (&model.mode, &model.notice) {
        (Mode::Prompt(prompt), _) => return Some(typing(model, prompt, buffer, area)),
        (Mode::Confirm(token), _) => {
            let text = format!("show the whole value of {token} on this screen? y shows it, any other key does not");
            write(buffer, area, 0, 0, &text, theme.style(Role::Warn));
        }
        (_, None) if model.finding.as_ref().is_some_and(|find| find.done > 0) => searching(model, buffer, area),
        (_, Some(notice)) => {
            let role = if notice.trouble { Role::Bad } else { Role::Good };
            write(buffer, area, 0, 0, &fit(&notice.text, usize::from(area.width)), theme.style(role));
        }
        _ => hints(model, buffer, area),
    }
    None
}

/// How far a search has come that takes longer than a moment.
fn searching(model: &Model, buffer: &mut Buffer, area: Rect) {
    let (Some(find), Some(data)) = (&model.finding, &model.data) else { return };
    let all = find.list.length(data);
    let text = format!("searching … {} of {all} rows; Esc gives up", find.done);
    write(buffer, area, 0, 0, &text, model.setup.theme.style(Role::Name));
}

fn typing(model: &Model, prompt: &Prompt, buffer: &mut Buffer, area: Rect) -> Position {
    let theme = model.setup.theme;
    let sign = prompt.kind.sign();
    let room = usize::from(area.width).saturating_sub(width(sign) + 1).max(1);
    // Where the line is longer than the row, its start gives way.
    let mut start = 0;
    while width(&prompt.line[start..prompt.cursor]) > room {
        start += prompt.line[start..].chars().next().map_or(1, char::len_utf8);
    }
    let shown = fit(&prompt.line[start..], room);
    let at = |columns: usize| u16::try_from(columns).unwrap_or(u16::MAX);
    let text_x = at(width(sign));
    write(buffer, area, 0, 0, sign, theme.style(Role::Name));
    write(buffer, area, text_x, 0, &shown, theme.style(Role::Plain));
    let above = Rect { y: area.y.saturating_sub(1), ..area };
    let clear = " ".repeat(usize::from(area.width));
    if let Some((why, range)) = &prompt.fault {
        let begin = range.as_ref().map_or(0, |range| width(prompt.line.get(start..range.start).unwrap_or_default()));
        // Where something is missing, one sign points at the place.
        let wide = |range: &Range<usize>| width(prompt.line.get(range.clone()).unwrap_or_default()).max(1);
        let wide = range.as_ref().map_or(0, wide);
        let text = format!("{}{} {why}", " ".repeat(usize::from(text_x) + begin), "v".repeat(wide));
        write(buffer, above, 0, 0, &clear, theme.style(Role::Plain));
        write(buffer, above, 0, 0, &fit(&text, usize::from(area.width)), theme.style(Role::Bad));
    } else if !prompt.candidates.is_empty() {
        write(buffer, above, 0, 0, &clear, theme.style(Role::Plain));
        let names = prompt.candidates.join("  ");
        write(buffer, above, 0, 0, &fit(&names, usize::from(area.width)), theme.style(Role::Name));
    }
    let x = usize::from(text_x) + width(&prompt.line[start..prompt.cursor]);
    Position { x: area.x + at(x).min(area.width.saturating_sub(1)), y: area.y }
}

/// Keys that help on this screen, most useful first; what does not fit is left out.
fn hints(model: &Model, buffer: &mut Buffer, area: Rect) {
    let theme = model.setup.theme;
    let mut x = 0;
    let general =
        [(Action::Help, "help"), (Action::CommandLine, "command"), (Action::Back, "back"), (Action::Quit, "quit")];
    for (action, word) in of_screen(model.screen).iter().chain(&general) {
        let Some(key) = model.setup.keymap.keys(*action).first() else { continue };
        let wide = u16::try_from(key.len() + word.len() + 1).unwrap_or(u16::MAX);
        if x + wide > area.width {
            break;
        }
        write(buffer, area, x, 0, key, theme.style(Role::Bold));
        write(buffer, area, x + u16::try_from(key.len()).unwrap_or(0) + 1, 0, word, theme.style(Role::Dim));
        x += wide + 2;
    }
}

fn of_screen(screen: Screen) -> &'static [(Action, &'static str)] {
    match screen {
        Screen::Incidents => &[(Action::Open, "evidence"), (Action::Verbose, "more"), (Action::Export, "export")],
        Screen::Timeline => &[
            (Action::Open, "open"),
            (Action::Filter, "filter"),
            (Action::NextFinding, "finding"),
            (Action::Mark, "mark"),
            (Action::Sort, "sort"),
            (Action::Fold, "group"),
        ],
        Screen::Tokens => &[(Action::Open, "uses"), (Action::Reveal, "reveal"), (Action::Copy, "copy")],
        Screen::Exchange => &[
            (Action::Right, "next"),
            (Action::NextFinding, "finding"),
            (Action::Mark, "mark"),
            (Action::CopyCurl, "curl"),
        ],
        Screen::Sessions => &[(Action::Open, "flow"), (Action::NextPane, "details")],
        Screen::Flow => &[(Action::Open, "open"), (Action::Right, "next session"), (Action::Mark, "mark")],
        Screen::Compare => &[(Action::Copy, "copy"), (Action::Export, "export")],
        Screen::Rules => &[(Action::Open, "read"), (Action::Search, "search")],
    }
}
