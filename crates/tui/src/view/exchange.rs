//! One exchange: what was asked and answered, headers, cookies, tokens read apart, bodies. No secret is shown.
//!
//! ```text
//! GET http://localhost:8000/api/v1/books/
//! → 401, refused: "Missing authentication credentials" (response.body.detail)
//! at          2026-11-25 18:09:36 UTC, took 24 ms
//! finding     AUTH002 …
//! request headers  12 fields
//!   accept: …
//! ```

use ratatui::buffer::Buffer;

use super::{details, write};
use crate::{model::Model, theme::Role};

/// Draws the screen.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    if model.exchange.is_none() || model.data.is_none() {
        let text =
            if model.data.is_none() { "reading …" } else { "No exchange is selected; choose one in the timeline." };
        write(buffer, model.areas().pane, 2, 0, text, model.setup.theme.style(Role::Dim));
    }
    details::draw(model, buffer);
}
