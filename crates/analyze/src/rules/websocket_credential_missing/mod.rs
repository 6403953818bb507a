//! AUTH081: a browser's WebSocket or event stream carries no credential, because it cannot carry `Authorization`.

mod client;

use std::{collections::BTreeMap, time::Duration};

use authtrace_parse::Kind;

use super::websocket_closed_unauthorised::{Refused, refused};
use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{
        Fact,
        gate::{Gate, NOT_A_FAILURE},
    },
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::{Text, span, times},
    thresholds::{nanos, thresholds},
};
pub(super) use client::Client;

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH081",
        id: "websocket-credential-missing",
        title: "WebSocket without a credential: a browser cannot add Authorization to it",
        severity: Severity::High,
        layer: Layer::Client,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.ws-ticket", "be.ws"],
    },
    check: Check::Timeline(check),
};

// When a close is the answer to the handshake.
thresholds! {
    /// A server that waits for a first message gives up within this time.
    early: time = Duration::from_secs(10),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let Some(client) = Client::of(case) else { return };
    let handshakes: Vec<&Fact> = case.facts().filter(|f| is_refused_handshake(f) && client.lacks(f)).collect();
    let closed: Vec<Refused<'_>> = refused(case).filter(|r| is_early(case, r) && client.lacks(r.fact)).collect();
    let mut counts: BTreeMap<(&Text, &Text), usize> = BTreeMap::new();
    for fact in handshakes.iter().copied().chain(closed.iter().map(|r| r.fact)) {
        *counts.entry((&fact.origin, &fact.route)).or_default() += 1;
    }
    let all = handshakes.iter().map(|&fact| (fact, None)).chain(closed.iter().map(|r| (r.fact, Some(r))));
    for (fact, closed) in all {
        out.add_all(draft(case, &client, fact, closed, counts[&(&fact.origin, &fact.route)]));
    }
}

fn is_early(case: &Case<'_>, refused: &Refused<'_>) -> bool {
    let early = nanos(Thresholds::of(case).early);
    refused.after().is_none_or(|after| after <= early) && refused.socket.received == 0
}

/// A handshake or an event stream that was refused in words of authentication.
fn is_refused_handshake(fact: &Fact) -> bool {
    let stream = fact.kind == Kind::WebSocket || is_event_stream(fact);
    stream && matches!(fact.outcome.status, Some(401 | 403)) && !fact.gates.any(NOT_A_FAILURE)
}

/// `EventSource` has no way to set headers either (HTML, "Server-sent events").
fn is_event_stream(fact: &Fact) -> bool {
    fact.resource_type.as_deref() == Some("eventsource")
}

/// A handshake of the same route that was accepted without any credential either: then none is needed.
fn works_without(case: &Case<'_>, fact: &Fact) -> bool {
    let mut same = case.lookup().on_route(&fact.origin, &fact.route).iter();
    same.any(|f| {
        f.id != fact.id
            && f.status == Some(101)
            && f.credentials.is_empty()
            && f.socket().is_some_and(|s| s.refusal.is_none() && s.close_code.is_none() && s.received > 0)
    })
}

fn draft(
    case: &Case<'_>,
    client: &Client<'_>,
    fact: &Fact,
    closed: Option<&Refused<'_>>,
    count: usize,
) -> Option<Draft> {
    if works_without(case, fact) || fact.gates.has(Gate::AnonymousProbe) {
        return None;
    }
    let control = client.control(fact);
    let says_missing = fact.outcome.error.is_some_and(|e| e.is_missing())
        || fact.challenges.iter().any(|c| c.is("bearer"))
        || closed.is_some_and(|r| r.says.is_some() || r.code.is_some_and(|code| matches!(code, 3000 | 4401)));
    // Without a call that works with a token, and without a word of the server, anything may be the reason.
    if control.is_none() && !says_missing {
        return None;
    }
    let kind = if is_event_stream(fact) { "EventSource" } else { "WebSocket" };
    let sanitized = case.capture().is_sanitized(fact.source.input);
    let draft = Draft::new(&RULE.meta, fact)
        .variant(if is_event_stream(fact) {
            "eventsource"
        } else if closed.is_some() {
            "closed"
        } else {
            "refused"
        })
        // A 403 alone may be about the Origin, the path or a crash: then only the comparison speaks for it.
        .because_if(says_missing || fact.outcome.status == Some(401), Reason::WireFact)
        .because_if(control.is_some(), Reason::Control)
        .because_if(says_missing, Reason::ServerText)
        .capped(sanitized.then_some(Cap::Sanitized))
        .capped(control.is_none().then_some(Cap::NoControl))
        .primary(fact.id, "request", "no credential in cookie, query or subprotocol")
        .cause(format!("{} {}", fact.origin, fact.route))
        .message(message(fact, closed, control, kind, count));
    let draft = match closed {
        Some(closed) => {
            let code = closed.code.map(|code| format!("close code {code}"));
            let words = closed.says.map(|words| format!("\"{words}\""));
            draft.related(fact.id, "websocket", [words, code].into_iter().flatten().collect::<Vec<_>>().join(", "))
        }
        None => draft.server_says(fact),
    };
    Some(match control {
        Some(control) => draft.related(control.id, "request.header.authorization", "present, and accepted"),
        None => draft,
    })
}

fn message(fact: &Fact, closed: Option<&Refused<'_>>, control: Option<&Fact>, kind: &str, count: usize) -> String {
    let end = match closed {
        Some(closed) => {
            let after = closed
                .after()
                .filter(|after| *after >= 0)
                .map_or_else(String::new, |after| format!(" after {}", span(after)));
            match (closed.code, closed.says) {
                (Some(code), _) => format!("was accepted and closed with {code}{after}"),
                (None, Some(words)) => format!("was accepted and refused{after} with \"{words}\""),
                (None, None) => "was accepted and closed".to_owned(),
            }
        }
        None => format!("was refused with {}", fact.outcome.status.unwrap_or_default()),
    };
    let rest = match control {
        Some(control) => format!(", while {} is accepted with Authorization", control.route),
        None => String::new(),
    };
    format!(
        "{} {end}{}. It carries no credential in cookie, query or subprotocol{rest}; the browser's {kind} cannot set Authorization.",
        fact.route,
        times(count)
    )
}
