//! Help: every action with its keys, from the table that dispatches them, and the commands of the command line.
//!
//! ```text
//! j down                  next row                    │ : timeline      the screen
//! k up                    row before                  │ : filter        filter the timeline …
//! ```

use ratatui::{buffer::Buffer, layout::Rect};

use super::write;
use crate::{keys::BINDINGS, model::Model, prompt::COMMANDS, text::cell, theme::Role};

/// Lines of the page.
pub const LINES: usize = BINDINGS.len() + COMMANDS.len() + 3;

/// Draws the page from line `scroll` on.
pub(super) fn draw(model: &Model, scroll: usize, buffer: &mut Buffer, area: Rect) {
    let theme = model.setup.theme;
    write(buffer, area, 0, 0, "keys", theme.style(Role::Bold));
    write(buffer, area, 6, 0, "j and k move, any other key leaves", theme.style(Role::Dim));
    let body = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
    let last = LINES.saturating_sub(usize::from(body.height));
    let keys = BINDINGS.iter().map(|binding| (model.setup.keymap.keys(binding.action).join(" "), binding.says));
    let heads = [(String::new(), ""), ("commands".to_owned(), ""), (String::new(), "")];
    let commands = COMMANDS.iter().map(|(name, says)| (format!(":{name}"), *says));
    let lines = keys.chain(heads).chain(commands).skip(scroll.min(last));
    for (y, (left, says)) in (0..body.height).zip(lines) {
        write(buffer, body, 1, y, &cell(&left, 24), theme.style(Role::Name));
        write(buffer, body, 26, y, says, theme.style(Role::Plain));
    }
}
