//! A capture while it grows: what is new since the last look, as JSON Lines for programs and as one line for people.
//!
//! What is judged before the end is provisional: a later exchange may explain an earlier one. So an incident is announced
//! once, told again when it has changed much, and taken back where it no longer holds.

mod chronicle;

use serde::Serialize;

pub use self::chronicle::{Change, Chronicle, Kind, News, Reason};
use crate::{
    exchanges,
    hidden::visible,
    json::{self, document},
    view::View,
};

/// Characters of one line for people.
const LONGEST: usize = 400;

/// How a live capture goes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Stats {
    /// Seconds since it began.
    pub elapsed: f64,
    /// Frames captured.
    pub frames: u64,
    /// Captured bytes, with the blocks around the frames.
    pub bytes: u64,
    /// Bytes written to files.
    pub written: u64,
    /// Frames lost by the devices.
    pub interface_drops: u64,
    /// Frames lost by the kernel.
    pub system_drops: u64,
    /// TLS secrets that were followed.
    pub secrets: u64,
    /// Exchanges that are known.
    pub exchanges: u64,
    /// Exchanges of which nothing is kept any more.
    pub forgotten: u64,
}

#[derive(Serialize)]
struct Tagged<'a, T> {
    event: &'static str,
    provisional: bool,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Serialize)]
struct IncidentEvent<'a> {
    /// The same for all events about one incident.
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<String>,
    title: &'a str,
    /// Fingerprints of its findings, root first.
    fingerprints: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<document::Incident>,
}

/// The news as JSON Lines: exchanges, findings, then incidents.
pub fn lines(view: &View<'_>, news: &News<'_>, provisional: bool) -> String {
    let mut text = String::new();
    for fact in &news.exchanges {
        let row = exchanges::row(&view.analysis.capture, fact);
        text += &line("exchange", provisional, &row);
    }
    for (id, finding) in &news.findings {
        text += &line("finding", provisional, &json::finding(view, *id, finding));
    }
    for change in &news.changes {
        text += &line(change.kind.event(), provisional, &described(view, change));
    }
    text
}

/// How it goes, as a line of JSON.
pub fn stats(stats: &Stats) -> String {
    json::line(&Tagged { event: "stats", provisional: false, body: stats })
}

/// One incident as a document of its own.
pub fn document(view: &View<'_>, change: &Change<'_>, provisional: bool) -> String {
    line(change.kind.event(), provisional, &described(view, change))
}

/// What happened to an incident, in one line for people.
pub fn sentence(change: &Change<'_>) -> String {
    let text = match (&change.kind, change.incident) {
        (Kind::Closed(Reason::Withdrawn), _) => format!("{}: withdrawn, later traffic explains it", change.title),
        (Kind::Closed(Reason::Merged(into)), _) => format!("{}: follows from {}", change.title, key(*into)),
        (Kind::Closed(Reason::CaptureEnded), _) => format!("{}: the capture ended", change.title),
        (_, None) => change.title.clone(),
        (kind, Some(incident)) => {
            let again = if *kind == Kind::Updated { "still " } else { "" };
            let count = incident.exchanges.len();
            let requests = if count == 1 { "request" } else { "requests" };
            let (severity, certainty) = (incident.severity.name(), incident.confidence.value() * 100.0);
            format!("{again}{severity}, {certainty:.0} % sure, {count} {requests} so far: {}", incident.statement)
        }
    };
    visible(&format!("{} {text}", key(change.number)), LONGEST).into_owned()
}

fn line(event: &'static str, provisional: bool, body: &impl Serialize) -> String {
    json::line(&Tagged { event, provisional, body })
}

fn described<'a>(view: &View<'_>, change: &'a Change<'_>) -> IncidentEvent<'a> {
    let (reason, merged_into) = match &change.kind {
        Kind::Opened | Kind::Updated => (None, None),
        Kind::Closed(reason) => (Some(reason.name()), reason.into_incident().map(key)),
    };
    IncidentEvent {
        key: key(change.number),
        reason,
        merged_into,
        title: &change.title,
        fingerprints: change.fingerprints.iter().map(String::as_str).collect(),
        incident: change.incident.map(|incident| json::incident(view, incident)),
    }
}

/// `L3`: numbers of a document's incidents change from look to look, these do not.
fn key(number: u32) -> String {
    format!("L{number}")
}
