//! SARIF 2.1.0 (OASIS): findings for code scanning, with the catalogue as rules and the causal chain as thread flows.
//!
//! A finding is about a place in a capture, not about a line of code: its location is the capture file, and within it the
//! entry or frame as a logical location.

mod build;
mod log;

use crate::{json, view::View};

/// The log, indented, with a line end.
pub fn render(view: &View<'_>) -> String {
    json::pretty(&build::log(view))
}
