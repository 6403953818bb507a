//! The document `authtrace.analysis/1`, for programs. Keys may be added, never renamed or removed within a schema number.

mod build;
pub mod document;

use authtrace_analyze::{Finding, FindingId, Incident};
use serde::Serialize;

use crate::{hidden::escaped, view::View};

/// Name and number of the schema.
pub const SCHEMA: &str = "authtrace.analysis/1";

/// Exchange ids kept of a list; the first and the last are among them.
const LISTED: usize = 100;

/// The whole document, indented, with a line end.
pub fn render(view: &View<'_>) -> String {
    pretty(&build::document(view))
}

/// The whole document with an incident report under the key `report`.
pub(crate) fn render_with_report(view: &View<'_>, report: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct WithReport<'r, R> {
        #[serde(flatten)]
        document: document::Document,
        report: &'r R,
    }
    pretty(&WithReport { document: build::document(view), report })
}

/// One finding a line.
pub fn lines(view: &View<'_>) -> String {
    view.findings().map(|(id, finding)| line(&build::finding(view, id, finding))).collect()
}

/// Findings as objects of the document, each with its id.
pub(crate) fn findings(view: &View<'_>) -> Vec<document::Finding> {
    view.findings().map(|(id, finding)| build::finding(view, id, finding)).collect()
}

/// A finding as an object of the document.
pub(crate) fn finding(view: &View<'_>, id: FindingId, finding: &Finding) -> document::Finding {
    build::finding(view, id, finding)
}

/// An incident as an object of the document.
pub(crate) fn incident(view: &View<'_>, incident: &Incident) -> document::Incident {
    build::incident(view, incident)
}

/// Indented JSON with a line end.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    let mut text = escaped(serde_json::to_string_pretty(value).unwrap_or_default());
    text.push('\n');
    text
}

/// JSON on one line with a line end.
pub(crate) fn line(value: &impl Serialize) -> String {
    let mut text = escaped(serde_json::to_string(value).unwrap_or_default());
    text.push('\n');
    text
}

/// At most [`LISTED`] of `ids`, first and last included.
pub(crate) fn listed(ids: &[authtrace_parse::ExchangeId]) -> Vec<u32> {
    let mut kept: Vec<u32> = ids.iter().take(LISTED).map(|id| id.0).collect();
    if let (Some(last), true) = (ids.last(), ids.len() > LISTED) {
        kept[LISTED - 1] = last.0;
    }
    kept
}

#[cfg(test)]
mod tests {
    use authtrace_parse::ExchangeId;

    #[test]
    fn long_lists_keep_first_and_last() {
        let ids: Vec<ExchangeId> = (0..250).map(ExchangeId).collect();
        let kept = super::listed(&ids);
        assert_eq!((kept.len(), kept[0], kept[98], kept[99]), (100, 0, 98, 249));
        assert_eq!(super::listed(&ids[..3]), [0, 1, 2]);
    }
}
