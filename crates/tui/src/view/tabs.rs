//! The row of tabs.
//!
//! ```text
//! 1 incidents 2 timeline 3 tokens 4 exchange 5 sessions 6 flow 7 compare 8 rules     wide enough
//! 1 2 timeline 3 4 5 6 7 8                                                           else
//! ```

use ratatui::{buffer::Buffer, layout::Rect};

use super::write;
use crate::{model::Model, screen::Screen, theme::Role};

/// Columns that all names take.
const WIDE: u16 = 78;
/// Columns from which there is air between them.
const AIRY: u16 = 90;

/// Draws the tabs.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    let area = model.areas().tabs;
    for (screen, place) in places(model) {
        let role = if screen == model.screen { Role::Tab } else { Role::Dim };
        write(buffer, area, place.x, 0, &name(model, screen), model.setup.theme.style(role));
    }
}

/// The screen whose tab is at column `x`.
pub fn at(model: &Model, x: u16) -> Option<Screen> {
    places(model).into_iter().find(|(_, place)| (place.left()..place.right()).contains(&x)).map(|(screen, _)| screen)
}

fn places(model: &Model) -> Vec<(Screen, Rect)> {
    let mut x = 0;
    let place = |screen: Screen| {
        let width = u16::try_from(name(model, screen).len()).unwrap_or(0);
        let place = Rect { x, y: 0, width, height: 1 };
        x += width + if model.size.width >= AIRY { 2 } else { 1 };
        (screen, place)
    };
    Screen::ALL.into_iter().map(place).collect()
}

fn name(model: &Model, screen: Screen) -> String {
    let number = screen.index() + 1;
    if model.size.width >= WIDE || screen == model.screen {
        format!("{number} {}", screen.name())
    } else {
        number.to_string()
    }
}
