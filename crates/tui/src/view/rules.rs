//! Rules: the catalogue with what each found here, and the page of the one under the cursor.
//!
//! ```text
//! ▌AUTH001 high  2 Protected request sent…│ # AUTH001 `missing-authorization`
//!  AUTH002 high  · API called before the… │ ## What it detects
//! ```

use ratatui::{buffer::Buffer, text::Line};

use super::{
    details,
    list::{self, span},
};
use crate::{
    model::Model,
    text::{cell, fit, right},
    theme::{Role, severity_role},
};

/// Draws the screen.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    list::draw(model, buffer, None, "reading …", |row| line(model, row).unwrap_or_default());
    details::draw(model, buffer);
}

fn line(model: &Model, row: usize) -> Option<Line<'static>> {
    let data = model.data.as_ref()?;
    let rule = data.rules.get(row)?;
    let theme = model.setup.theme;
    let found = data.found(rule.code);
    // What was found here stands out among what was not.
    let severity = severity_role(rule.severity);
    let (found, count, severity, title) = match found {
        0 => (model.setup.glyphs.none.to_owned(), Role::Dim, Role::Dim, Role::Dim),
        found => (found.to_string(), Role::Bold, severity, Role::Plain),
    };
    let room = usize::from(model.areas().list.width).saturating_sub(25);
    Some(Line::from(vec![
        span(" ", theme.style(Role::Plain)),
        span(cell(rule.code, 8), theme.style(Role::Name)),
        span(cell(rule.severity.name(), 9), theme.style(severity)),
        span(right(&found, 5) + " ", theme.style(count)),
        span(fit(rule.title, room), theme.style(title)),
    ]))
}
