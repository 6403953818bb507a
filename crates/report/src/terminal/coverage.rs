//! What the capture could not show, and the step that records a better one.

use authtrace_analyze::coverage::Coverage;

use super::{Layout, incident::GUTTER};
use crate::{page::Page, style::Ink, view::View};

/// Writes one gap of coverage.
pub(super) fn write_gap(page: &mut Page, coverage: &Coverage) {
    page.headline(&format!("coverage[{}]:", coverage.rule.code), Ink::Dim, coverage.rule.title);
    page.para(2, Ink::Plain, &coverage.says);
    if let Some(remedy) = coverage.remedy {
        page.hanging(2, "record", GUTTER, Ink::Plain, remedy);
    }
}

/// Writes every gap of coverage.
pub(super) fn write(page: &mut Page, view: &View<'_>, _: &Layout) {
    for coverage in &view.analysis.coverage {
        page.blank();
        write_gap(page, coverage);
    }
    // CAP202 says more where it is among the rules.
    if view.analysis.coverage.iter().any(|coverage| coverage.rule.code == "CAP202") {
        return;
    }
    for input in view.analysis.capture.inputs.iter().filter(|input| input.truncated) {
        page.blank();
        let title = format!("{} ends in the middle; everything before that was read", input.path);
        page.headline("coverage:", Ink::Dim, &title);
        page.hanging(2, "record", GUTTER, Ink::Plain, "Export the capture again, or copy the whole file.");
    }
}
