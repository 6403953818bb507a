//! Clicks select and open, the wheel moves.

use ratatui::layout::Position;

use super::{act::step, go};
use crate::{
    message::{Command, Mouse},
    model::{Mode, Model},
    screen::Screen,
    view::tabs,
};

/// Rows of one turn of the wheel.
const WHEEL: isize = 3;

/// What the mouse did.
pub(super) fn mouse(model: &mut Model, mouse: Mouse) -> Vec<Command> {
    match (&mut model.mode, mouse) {
        (Mode::Help(scroll), Mouse::WheelDown) => *scroll = (*scroll + 3).min(crate::view::help::LINES),
        (Mode::Help(scroll), Mouse::WheelUp) => *scroll = scroll.saturating_sub(3),
        (Mode::Help(_), Mouse::Click(..)) => model.mode = Mode::Normal,
        (Mode::Normal, Mouse::WheelDown) => step(model, WHEEL),
        (Mode::Normal, Mouse::WheelUp) => step(model, -WHEEL),
        (Mode::Normal, Mouse::Click(x, y)) => click(model, Position { x, y }),
        _ => {}
    }
    Vec::new()
}

fn click(model: &mut Model, at: Position) {
    let areas = model.areas();
    if areas.tabs.contains(at) {
        if let Some(screen) = tabs::at(model, at.x) {
            go::to(model, screen);
        }
    } else if areas.pane.contains(at) {
        let line = model.pane.cursor.top + usize::from(at.y - areas.pane.y);
        let again = model.moves_pane() && model.pane.cursor.at == line;
        model.in_pane = true;
        model.pane.cursor.at = line;
        if again {
            go::open(model);
        }
    } else if areas.list.contains(at) {
        let head = usize::from(areas.list.height) - model.room().min(usize::from(areas.list.height));
        let y = usize::from(at.y - areas.list.y);
        let row = match model.screen {
            Screen::Flow => y.checked_sub(2).map(|y| y / 2),
            _ => y.checked_sub(head),
        };
        let Some(row) = row.map(|row| model.cursor().top + row).filter(|row| *row < model.length()) else { return };
        let again = !model.in_pane && model.cursor().at == row;
        model.in_pane = false;
        model.cursor_mut().at = row;
        if again {
            go::open(model);
        }
    }
}
