//! What the HAR tests share: reading in chunks, and one line per exchange that shows everything but values.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::use_debug, reason = "failures are read by people")]

use std::fmt::Write as _;

use authtrace_parse::{
    BodyQuestion, Content, Exchange, Headers,
    har::{HarReader, HarSummary},
};

/// Keeps every body whole.
pub(crate) fn keep_all(question: &BodyQuestion<'_>) -> usize {
    question.stored.min(1 << 20)
}

/// Reads a HAR pushed in pieces of `chunk` bytes.
pub(crate) fn read_in(bytes: &[u8], chunk: usize) -> (Vec<Exchange>, HarSummary) {
    let mut reader = HarReader::new(0, 100, &keep_all);
    let mut exchanges = Vec::new();
    for part in bytes.chunks(chunk.max(1)) {
        reader.push(part, &mut |exchange| exchanges.push(exchange));
    }
    let summary = reader.finish(&mut |exchange| exchanges.push(exchange));
    (exchanges, summary)
}

/// Reads a HAR at once.
pub(crate) fn read(bytes: &[u8]) -> (Vec<Exchange>, HarSummary) {
    read_in(bytes, usize::MAX)
}

/// The only exchange of a HAR whose one entry is `entry`.
#[track_caller]
pub(crate) fn one(entry: &str) -> Exchange {
    let (mut exchanges, summary) =
        read(format!("{{\"log\":{{\"version\":\"1.2\",\"entries\":[{entry}]}}}}").as_bytes());
    assert_eq!(exchanges.len(), 1, "{entry}\n{:?}", summary.anomalies);
    exchanges.remove(0)
}

/// Everything that two readings of the same bytes must agree on. Only for tests' own captures: it shows values.
pub(crate) fn fingerprint(exchanges: &[Exchange], summary: &HarSummary) -> String {
    let mut text = String::new();
    for e in exchanges {
        let _ = writeln!(text, "{}", describe(e));
    }
    let _ = write!(
        text,
        "{} {} {} {} {:?} {:?} {} {:?}",
        summary.recognised,
        summary.truncated,
        summary.entries,
        summary.exchanges,
        summary.creator,
        summary.browser,
        summary.pages.len(),
        summary.anomalies
    );
    text
}

/// One exchange as text.
pub(crate) fn describe(e: &Exchange) -> String {
    let mut text = format!(
        "{:?} {:?} {:?} {} {}{} {:?} {:?} {:?} {:?} {:?} {:?}",
        e.id,
        e.source,
        e.kind,
        e.request.method,
        e.request.target.origin(),
        e.request.target.path.expose(),
        e.protocol,
        e.timing,
        e.server,
        e.connection,
        e.failure,
        e.anomalies,
    );
    let _ = write!(text, " | {:?} {} {}", e.request.view, fields(&e.request.headers), content(&e.request.body.content));
    if let Some(r) = &e.response {
        let _ = write!(text, " | {} {:?} {} {}", r.status, r.view, fields(&r.headers), content(&r.body.content));
    }
    if let Some(ws) = &e.websocket {
        let _ = write!(text, " | {:?} {}", ws.refused_with, ws.message_count);
    }
    text
}

/// Header fields as `name: value; …`.
pub(crate) fn fields(headers: &Headers) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {}", value.expose())).collect::<Vec<_>>().join(" ¦ ")
}

/// A body's content in words.
pub(crate) fn content(content: &Content) -> String {
    match content {
        Content::Unknown => "unknown".into(),
        Content::Empty => "empty".into(),
        Content::NotCaptured => "not captured".into(),
        Content::Skipped => "skipped".into(),
        Content::Text { text, cut } => format!("{}{}", text.expose(), if *cut { "…" } else { "" }),
    }
}
