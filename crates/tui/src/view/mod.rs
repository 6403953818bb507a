//! Draws the model. Pure: a frame depends on nothing but the model.
//!
//! One file a screen, each with a drawing of what it shows; what all share stands in `list`, `details`, `tabs`, `heading`
//! and `foot`. Only rows that are visible are ever formatted, so a million of them cost no more than forty.

mod compare;
mod details;
mod exchange;
mod flow;
mod foot;
mod heading;
pub mod help;
mod incidents;
mod list;
mod rules;
mod sessions;
pub mod tabs;
mod timeline;
mod tokens;

use ratatui::{Frame, buffer::Buffer, layout::Rect};

use crate::{
    model::{Mode, Model},
    screen::{SMALLEST, Screen},
    theme::Role,
};

/// Draws `model`.
pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if area.width < SMALLEST.width || area.height < SMALLEST.height || area.as_size() != model.size {
        let text = format!("at least {} × {} characters are needed", SMALLEST.width, SMALLEST.height);
        write(buffer, area, 0, 0, &text, model.setup.theme.style(Role::Plain));
        return;
    }
    if let Mode::Help(scroll) = model.mode {
        help::draw(model, scroll, buffer, area);
        return;
    }
    tabs::draw(model, buffer);
    heading::draw(model, buffer);
    match model.screen {
        Screen::Incidents => incidents::draw(model, buffer),
        Screen::Timeline => timeline::draw(model, buffer),
        Screen::Tokens => tokens::draw(model, buffer),
        Screen::Exchange => exchange::draw(model, buffer),
        Screen::Sessions => sessions::draw(model, buffer),
        Screen::Flow => flow::draw(model, buffer),
        Screen::Compare => compare::draw(model, buffer),
        Screen::Rules => rules::draw(model, buffer),
    }
    if let Some(position) = foot::draw(model, buffer) {
        frame.set_cursor_position(position);
    }
}

/// Writes `text` in `area`, `x` columns and `y` rows from its corner, cut at its edge.
fn write(buffer: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: ratatui::style::Style) {
    if x < area.width && y < area.height {
        buffer.set_stringn(area.x + x, area.y + y, text, usize::from(area.width - x), style);
    }
}
