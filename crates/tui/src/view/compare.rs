//! Two marked exchanges side by side, or two captures route by route.
//!
//! ```text
//!                     #11                    #15
//!   request           GET /api/v1/books/     GET /api/v1/books/
//! ≠ status            401                    200
//! ≠ credential in     -                      request.header.authorization
//! ```

use ratatui::buffer::Buffer;

use super::{details, write};
use crate::{model::Model, theme::Role};

/// Draws the screen.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    if model.data.is_none() {
        write(buffer, model.areas().pane, 2, 0, "reading …", model.setup.theme.style(Role::Dim));
    }
    details::draw(model, buffer);
}
