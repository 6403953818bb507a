//! One exchange in full, for a person: what was asked and answered, with every secret taken out.
//!
//! The fact says what it means, the [`Exchange`] that is read again from the input adds headers and bodies.
//! No raw value of a credential enters the page: known ones are named by number and fingerprint, telling names hide what
//! they hold, and free text goes through the scrubber.

mod body;
mod conceal;
mod curl;
mod headers;
mod json;

use authtrace_analyze::{
    Analysis, FindingId,
    facts::{Fact, credential::Credential},
};
use authtrace_parse::{Exchange, Locator, Timestamp};

pub use curl::curl;
pub use json::{document, line};

use self::conceal::Conceal;
use crate::{
    hidden::visible,
    moment::{Clock, date_and_time, span},
    page::{Line, Page},
    style::Ink,
    terminal::Layout,
    tokens,
};

/// Columns of the labels.
const GUTTER: usize = 12;
/// The most characters of a path that are shown.
const PATH: usize = 2000;

/// How far a second look into the input has come, which alone shows headers and bodies.
#[derive(Clone, Copy)]
pub enum Again<'a> {
    /// Nobody asked for it.
    Unasked,
    /// It is under way.
    Awaited,
    /// The exchange.
    Here(&'a Exchange),
    /// It failed, for this reason.
    Failed(&'a str),
}

impl<'a> Again<'a> {
    fn exchange(self) -> Option<&'a Exchange> {
        match self {
            Self::Here(exchange) => Some(exchange),
            _ => None,
        }
    }
}

/// One exchange with what is said of it.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The analysis that it is of.
    pub analysis: &'a Analysis,
    /// What it means.
    pub fact: &'a Fact,
    /// What it says.
    pub again: Again<'a>,
    /// Findings about it.
    pub findings: &'a [FindingId],
}

/// The exchange as lines.
pub fn lines(shown: Shown<'_>, layout: &Layout) -> Vec<Line> {
    page(shown, layout).into_lines()
}

/// The same as text.
pub fn text(shown: Shown<'_>, layout: &Layout) -> String {
    page(shown, layout).finish()
}

fn page(shown: Shown<'_>, layout: &Layout) -> Page {
    let Shown { analysis, fact, again, findings } = shown;
    let exchange = again.exchange();
    let mut page = Page::new(layout.width, layout.style);
    let conceal = Conceal::new(&analysis.capture, fact);
    let request = format!("{} {}", fact.method, url(fact, exchange, &conceal));
    page.para(0, Ink::Bold, &request);
    page.para(0, Ink::Plain, &answer(fact));
    page.blank();
    about(&mut page, analysis, fact, layout);
    said_of_it(&mut page, analysis, fact, findings);
    for credential in fact.credentials.iter() {
        presented(&mut page, analysis, fact, credential, &conceal);
    }
    delivered(&mut page, fact, &conceal);
    match again {
        Again::Unasked => {}
        Again::Here(exchange) => messages(&mut page, fact, exchange, &conceal),
        Again::Awaited => {
            page.blank();
            page.para(0, Ink::Dim, "reading headers and bodies …");
        }
        Again::Failed(why) => {
            page.blank();
            page.para(0, Ink::Dim, &format!("headers and bodies cannot be shown: {why}"));
        }
    }
    page
}

/// Origin, path and query, the values of parameters concealed.
fn url(fact: &Fact, exchange: Option<&Exchange>, conceal: &Conceal<'_>) -> String {
    let mut url = format!("{}{}", fact.origin, visible(&fact.path, PATH));
    let pairs: Vec<_> = exchange.iter().flat_map(|exchange| exchange.request.target.query_pairs()).collect();
    let known = pairs.len() == fact.query_keys.len();
    for (index, key) in fact.query_keys.iter().enumerate() {
        let value = pairs.get(index).filter(|_| known).map(|(_, value)| conceal.value(key, value.expose()));
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(&format!("{}={}", conceal.text(key), value.unwrap_or_else(|| "…".to_owned())));
    }
    url
}

/// `401 refused: "Missing authentication credentials" (response.body.detail)`
fn answer(fact: &Fact) -> String {
    let status = fact.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let mut text = format!("→ {status}, {}", fact.outcome.class.name());
    if let Some(said) = &fact.outcome.error_text {
        let part = fact.outcome.error_part.as_deref().map(|part| format!(" ({part})")).unwrap_or_default();
        text.push_str(&format!(": \"{said}\"{part}"));
    }
    if let Some(failure) = &fact.failure {
        text.push_str(&format!(": {failure}"));
    }
    text
}

/// When, where, by whom.
fn about(page: &mut Page, analysis: &Analysis, fact: &Fact, layout: &Layout) {
    let mut field = |label: &str, text: &str| page.hanging(0, label, GUTTER, Ink::Plain, text);
    let clock = layout.clock.as_ref().unwrap_or(&Clock::Utc);
    let zone = if matches!(clock, Clock::Local(_)) { "" } else { " UTC" };
    if let Some(at) = fact.timing.started().or(fact.timing.sent()) {
        let took = fact.timing.duration().and_then(|d| i64::try_from(d.as_nanos()).ok());
        let took = took.map(|took| format!(", took {}", span(took))).unwrap_or_default();
        field("at", &format!("{}{zone}{took}", date_and_time(at, &clock.zone())));
    }
    let input = analysis.capture.inputs.get(usize::from(fact.source.input)).map_or("", |input| &input.path);
    let place = match fact.source.locator {
        Locator::Entry(entry) => format!("entry {entry}"),
        Locator::Frames { request, response, stream } => {
            let frame = |frame: Option<u32>| frame.map_or_else(|| "?".to_owned(), |frame| frame.to_string());
            let stream = stream.map(|stream| format!(", HTTP/2 stream {stream}")).unwrap_or_default();
            format!("frame {} → {}{stream}", frame(request), frame(response))
        }
    };
    field("from", &format!("#{}, {place} of {input}", fact.id.0));
    let protocol = fact.protocol.map(authtrace_analyze::table::protocol_name).unwrap_or("protocol unknown");
    let connection = fact.connection.as_ref().map(|c| format!(", connection {c}")).unwrap_or_default();
    field("over", &format!("{protocol}{connection}"));
    let session = fact.session.map(|session| format!(", session {session}")).unwrap_or_default();
    field("role", &format!("{}, route {}{session}", fact.role.name(), fact.route));
    if let Some(site) = &fact.call_site {
        field("called by", site);
    }
    for (label, id) in [
        ("preflight", fact.preflight),
        ("asks for", fact.preflight_of),
        ("redirected", fact.redirected_from),
        ("same call", fact.leg_of()),
    ] {
        if let Some(id) = id {
            page.about(Some(id));
            page.hanging(0, label, GUTTER, Ink::Plain, &format!("#{}", id.0));
            page.about(None);
        }
    }
}

/// What findings say of this exchange, part by part.
fn said_of_it(page: &mut Page, analysis: &Analysis, fact: &Fact, findings: &[FindingId]) {
    for id in findings {
        let Some(finding) = analysis.finding(*id) else { continue };
        let ink = Ink::Severity(finding.severity);
        page.hanging(0, "finding", GUTTER, ink, &format!("{} {}", finding.rule.code, finding.title));
        for evidence in finding.evidence.iter().filter(|evidence| evidence.exchange == fact.id) {
            page.hanging(GUTTER, "", 0, Ink::Plain, &format!("{}: {}", evidence.part, evidence.says));
        }
    }
}

/// A credential of the request: what it says of itself, and how much life it had left when it was sent.
fn presented(page: &mut Page, analysis: &Analysis, fact: &Fact, credential: &Credential, conceal: &Conceal<'_>) {
    page.blank();
    page.para(0, Ink::Bold, &format!("{}  {}", credential.carrier, conceal.name(credential.token)));
    if let Some(scheme) = &credential.scheme {
        page.hanging(2, "scheme", GUTTER, Ink::Plain, scheme);
    }
    let defects: Vec<&str> = credential.defects.iter().map(|defect| defect.name()).collect();
    if !defects.is_empty() {
        page.hanging(2, "defects", GUTTER, Ink::Plain, &defects.join(", "));
    }
    let token = analysis.capture.tokens.get(credential.token);
    let sent = Timestamp::from_nanos(fact.sent_nanos());
    tokens::page::write_claims(page, &analysis.capture, token, sent, "it was sent");
}

/// Credentials that the response handed out.
fn delivered(page: &mut Page, fact: &Fact, conceal: &Conceal<'_>) {
    for delivery in fact.delivered.iter() {
        page.blank();
        page.para(0, Ink::Bold, &format!("{}  {}", delivery.carrier, conceal.name(delivery.token)));
    }
}

/// Headers and bodies of both sides, and what followed a handshake.
fn messages(page: &mut Page, fact: &Fact, exchange: &Exchange, conceal: &Conceal<'_>) {
    let request = &exchange.request;
    headers::write(page, "request headers", &request.headers, request.view, fact, conceal);
    body::write(page, "request body", &request.body, conceal);
    if let Some(response) = &exchange.response {
        headers::write(page, "response headers", &response.headers, response.view, fact, conceal);
        body::write(page, "response body", &response.body, conceal);
    }
    let Some(socket) = &exchange.websocket else { return };
    page.blank();
    page.para(0, Ink::Bold, &format!("messages  {} in all", socket.message_count));
    for message in &socket.messages {
        let who = if message.from_client { "client" } else { "server" };
        match &message.text {
            Some(text) => {
                page.para(2, Ink::Dim, who);
                body::write_text(page, 4, None, text.expose(), conceal);
            }
            None => page.para(2, Ink::Dim, &format!("{who}, binary")),
        }
    }
}
