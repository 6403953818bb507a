//! Details: the lines of the pane, the line that the reader is at, and the rule that parts them from the list.
//!
//! ```text
//! ──────────────────────────────── 4/31 ─
//! evidence  #11 GET /api/books → 401  ›     a line that leads to an exchange
//! ```

use ratatui::{buffer::Buffer, layout::Rect};

use super::{list::mark_matches, write};
use crate::{model::Model, theme::Role};

/// Draws the rule and the details.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    let areas = model.areas();
    rule(model, buffer, areas.rule);
    let (pane, area, theme) = (&model.pane, areas.pane, model.setup.theme);
    let active = model.moves_pane();
    for (y, at) in (area.y..).zip(pane.cursor.window(pane.lines.len(), usize::from(area.height))) {
        let Some(line) = pane.lines.get(at) else { break };
        let row = Rect { y, height: 1, ..area };
        let mut x = 0;
        for piece in &line.pieces {
            write(buffer, row, x, 0, &piece.text, theme.ink(piece.ink));
            let wide = u16::try_from(crate::text::width(&piece.text)).unwrap_or(u16::MAX);
            x = x.saturating_add(wide);
        }
        if line.exchange.is_some() && active {
            let sign = model.setup.glyphs.after;
            let end = area.width.saturating_sub(1);
            write(buffer, row, x.saturating_add(1).min(end), 0, sign, theme.style(Role::Name));
        }
        mark_matches(model, buffer, row);
        if active && at == pane.cursor.at {
            buffer.set_style(row, theme.style(Role::Cursor));
        }
    }
}

/// The line between list and details, with the place in them.
fn rule(model: &Model, buffer: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    let style = model.setup.theme.style(if model.in_pane { Role::Name } else { Role::Dim });
    let glyphs = model.setup.glyphs;
    if area.width == 1 {
        for y in 0..area.height {
            write(buffer, area, 0, y, glyphs.down, style);
        }
        return;
    }
    write(buffer, area, 0, 0, &glyphs.across.repeat(usize::from(area.width)), style);
    let (at, all) = (model.pane.cursor.at + 1, model.pane.lines.len());
    if all > 0 {
        let place = format!(" {at}/{all} ");
        let x = area.width.saturating_sub(u16::try_from(place.len()).unwrap_or(0) + 1);
        write(buffer, area, x, 0, &place, style);
    }
}
