//! A list: a head, the rows that are visible, the cursor.
//!
//! ```text
//!   id time         session …      head, where the list has columns
//! ▌ 11 18:09:36.952 S1 …           the row under the cursor
//!   12 18:09:36.960 S1 …
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::write;
use crate::{model::Model, theme::Role};

/// Draws the list of the current screen; `row` writes row number `n`.
pub(super) fn draw(
    model: &Model,
    buffer: &mut Buffer,
    head: Option<Line<'_>>,
    empty: &str,
    row: impl Fn(usize) -> Line<'static>,
) {
    let area = model.areas().list;
    let theme = model.setup.theme;
    let mut below = area;
    if let Some(head) = head.filter(|_| !area.is_empty()) {
        buffer.set_line(area.x, area.y, &head, area.width);
        below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    }
    let (length, room) = (model.length(), usize::from(below.height));
    if length == 0 {
        write(buffer, below, 2, 0, empty, theme.style(Role::Dim));
        return;
    }
    let cursor = model.cursor();
    for (y, number) in (below.y..).zip(cursor.window(length, room)) {
        let line = Rect { y, height: 1, ..below };
        buffer.set_line(line.x, y, &row(number), line.width);
        mark_matches(model, buffer, line);
        if number == cursor.at {
            let role = if model.moves_pane() { Role::CursorBeside } else { Role::Cursor };
            buffer.set_style(line, theme.style(role));
        }
    }
}

/// Marks what is searched for in one row of the screen.
pub(super) fn mark_matches(model: &Model, buffer: &mut Buffer, row: Rect) {
    let Some(needle) = &model.search else { return };
    let mut text = String::new();
    let mut cells: Vec<(usize, u16)> = Vec::new();
    for x in row.left()..row.right() {
        cells.push((text.len(), x));
        text.push_str(&buffer[(x, row.y)].symbol().to_lowercase());
    }
    let style = model.setup.theme.style(Role::Match);
    for (start, found) in text.match_indices(needle.as_str()) {
        let within = cells.iter().filter(|(at, _)| (start..start + found.len()).contains(at));
        within.for_each(|&(_, x)| buffer.set_style(Rect { x, width: 1, ..row }, style));
    }
}

/// A piece of a row.
pub(super) fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}
