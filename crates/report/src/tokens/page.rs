//! One credential in full: what it says of itself, where it came from, where it went, which keys verify it.

use authtrace_analyze::{
    capture::Capture,
    key::KeyResult,
    token::NumericDate,
    tokens::{Token, TokenId},
};
use authtrace_parse::Timestamp;

use super::{claims, jose, name};
use crate::{
    moment::{Clock, date_and_time, span},
    page::{Line, Page},
    style::Ink,
    terminal::Layout,
};

/// Columns of the labels.
const GUTTER: usize = 12;
/// Requests that are named.
const LISTED: usize = 20;

/// The credential `id` as lines.
pub fn lines(capture: &Capture, id: TokenId, layout: &Layout) -> Vec<Line> {
    let token = capture.tokens.get(id);
    let mut page = Page::new(layout.width, layout.style);
    page.headline(&id.to_string(), Ink::Bold, &name(capture, id, token));
    let mut field = |label: &str, text: &str| page.hanging(2, label, GUTTER, Ink::Plain, text);
    if let Some(purpose) = token.purpose {
        field("for", purpose.name());
    }
    let carriers: Vec<String> = token.carriers.iter().map(ToString::to_string).collect();
    field("carried in", &carriers.join(", "));
    let defects: Vec<&str> = token.classified.defects.iter().map(|defect| defect.name()).collect();
    if !defects.is_empty() {
        field("defects", &defects.join(", "));
    }
    let clock = layout.clock.as_ref().unwrap_or(&Clock::Utc);
    write_claims(&mut page, capture, token, token.first.unwrap_or(Timestamp::from_nanos(0)), "it was first seen");
    provenance(&mut page, capture, token, clock);
    keys(&mut page, capture, id);
    page.into_lines()
}

/// Header and claims that may be shown (detectors §13), dates told from `at`, which `event` names.
pub(crate) fn write_claims(page: &mut Page, capture: &Capture, token: &Token, at: Timestamp, event: &str) {
    let Some(jose) = jose(token) else { return };
    let header =
        [("alg", &jose.header.alg), ("typ", &jose.header.typ), ("kid", &jose.header.kid), ("enc", &jose.header.enc)];
    let header = header.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_deref()?)));
    page.hanging(2, "header", GUTTER, Ink::Plain, &header.collect::<Vec<_>>().join(", "));
    let Some(claims) = claims(token) else { return };
    for (name, value) in [("iss", &claims.iss), ("azp", &claims.azp), ("client_id", &claims.client_id)] {
        if let Some(value) = value {
            page.hanging(2, name, GUTTER, Ink::Plain, value);
        }
    }
    for (name, values) in [("aud", &claims.aud), ("scope", &claims.scopes)] {
        if !values.is_empty() {
            page.hanging(2, name, GUTTER, Ink::Plain, &values.join(" "));
        }
    }
    if let Some(sub) = &claims.sub {
        let sub = format!("#{}", capture.fingerprint(sub));
        page.hanging(2, "sub", GUTTER, Ink::Plain, &sub);
    }
    for (name, date) in [("iat", claims.iat), ("nbf", claims.nbf), ("exp", claims.exp)] {
        if let Some(date) = date {
            page.hanging(2, name, GUTTER, Ink::Plain, &moment(name, date, at, event));
        }
    }
}

/// `2026-11-21 10:22:03 UTC, 3 min 20 s left when it was sent`
fn moment(name: &str, date: NumericDate, then: Timestamp, event: &str) -> String {
    let at = date.intended();
    let ahead = at.nanos_since(then);
    let distance = span(ahead);
    let relation = match (name, ahead >= 0) {
        ("exp", true) => format!("{distance} left when {event}"),
        ("exp", false) => format!("expired {distance} before {event}"),
        (_, true) => format!("{distance} after {event}"),
        (_, false) => format!("{distance} before {event}"),
    };
    format!("{} UTC, {relation}", date_and_time(at, &jiff::tz::TimeZone::UTC))
}

/// Where it came from and where it went.
fn provenance(page: &mut Page, capture: &Capture, token: &Token, clock: &Clock) {
    let zone = clock.zone();
    let when = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| date_and_time(at, &zone));
    page.blank();
    match token.delivered_by.and_then(|id| capture.fact(id)) {
        Some(fact) => {
            page.about(Some(fact.id));
            let traded = fact.request.refresh_token.map(|from| format!(", in exchange for {from}")).unwrap_or_default();
            let text = format!("#{} {} at {}{traded}", fact.id.0, fact.route, when(token.delivered_at));
            page.hanging(2, "given by", GUTTER, Ink::Plain, &text);
            page.about(None);
        }
        None => page.hanging(2, "given by", GUTTER, Ink::Plain, "nothing in this capture"),
    }
    page.hanging(2, "seen", GUTTER, Ink::Plain, &format!("{} to {}", when(token.first), when(token.last)));
    let counts = format!("{} times: {} accepted, {} refused", token.sent_count, token.accepted, token.refused);
    page.hanging(2, "sent", GUTTER, Ink::Plain, &counts);
    for fact in token.sent_in.iter().take(LISTED).filter_map(|id| capture.fact(*id)) {
        let status = fact.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let ink = if fact.refused() { Ink::Bold } else { Ink::Plain };
        page.about(Some(fact.id));
        page.hanging(2, "", GUTTER, ink, &format!("#{} {} → {status}", fact.id.0, fact.route));
    }
    page.about(None);
    let more = (token.sent_count as usize).saturating_sub(token.sent_in.len().min(LISTED));
    if more > 0 {
        page.hanging(2, "", GUTTER, Ink::Dim, &format!("and {more} more"));
    }
}

/// Each candidate key with its verdict.
fn keys(page: &mut Page, capture: &Capture, id: TokenId) {
    let results: Vec<&KeyResult> = super::matrix::results(capture, id).map(|(result, _)| result).collect();
    page.blank();
    let mut label = "keys";
    if results.is_empty() {
        let why = if capture.has_keys { "no key given fits" } else { "none given; see --key and --env-file" };
        page.hanging(2, label, GUTTER, Ink::Dim, why);
    }
    for result in results {
        let (ink, verdict) = if result.verified { (Ink::Good, "verifies") } else { (Ink::Plain, "does not verify") };
        page.hanging(2, label, GUTTER, ink, &format!("{}: {verdict} ({})", result.name, result.form.name()));
        label = "";
    }
}
