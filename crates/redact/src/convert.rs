//! Exchanges as HAR 1.2, as Chrome DevTools and mitmproxy open it, with all that reading it back needs.
//!
//! What HAR has no place for (the client's address, how complete a header list is, trailers) stands in an object of its
//! own, `_authtrace`, which [`HarReader`](authtrace_parse::har::HarReader) reads and every other program skips.

mod entry;

use authtrace_parse::{BodyPolicy, BodyQuestion, Secret, Timestamp, har::Page};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::redactor::Redactor;

pub use entry::entry;

/// What stands before the first entry.
pub fn head(version: &str) -> String {
    let creator = json!({"name": "authtrace", "version": version});
    format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":[")
}

/// What stands behind the last entry: entries come first, since pages are known only at the end.
pub fn tail(pages: &[Page]) -> String {
    let page = |page: &Page| {
        json!({
            "id": &*page.id,
            "startedDateTime": page.started.map(date),
            "title": page.title.as_ref().map_or("", |title| title.expose()),
            "pageTimings": {},
        })
    };
    let pages: Vec<Value> = pages.iter().map(page).collect();
    format!("\n],\"pages\":{}}}}}\n", Value::from(pages))
}

/// The same with what may be secret in titles replaced.
pub fn redacted_tail(redactor: &mut Redactor, pages: &[Page]) -> String {
    let clean = |page: &Page| {
        let title = page.title.as_ref().map(|title| Secret::new(redactor.link(title.expose())));
        Page { title, ..page.clone() }
    };
    tail(&pages.iter().map(clean).collect::<Vec<_>>())
}

/// A moment as HAR writes it (RFC 3339, UTC).
fn date(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(at.nanos())).unwrap_or_default();
    instant.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.9fZ").to_string()
}

/// The bodies that a HAR is worth being filled with: text of any size up to [`TextBodies::MOST`]. Pictures and the like
/// keep their media type and size.
pub struct TextBodies;

impl TextBodies {
    /// Most bytes of one body.
    pub const MOST: usize = 16 << 20;
}

impl BodyPolicy for TextBodies {
    fn keep(&self, question: &BodyQuestion<'_>) -> usize {
        let mime = question.mime.unwrap_or_default().to_ascii_lowercase();
        let text = ["json", "urlencoded", "text/", "xml", "javascript", "multipart", "graphql"];
        let wanted = mime.is_empty() || text.iter().any(|part| mime.contains(part));
        if wanted && question.stored <= Self::MOST { Self::MOST } else { 0 }
    }
}
