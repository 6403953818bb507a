//! AUTH080: a WebSocket handshake was answered with something other than 101.

use authtrace_parse::{HeaderView, Kind};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{
        Fact,
        credential::{Carrier, Credential},
        gate::{Gate, NOT_A_FAILURE},
    },
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH080",
        id: "websocket-upgrade-refused",
        title: "WebSocket handshake refused",
        severity: Severity::High,
        layer: Layer::Transport,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.ws"],
    },
    check: Check::Timeline(check),
};

/// A client that has to fetch another ticket first is back within this time, in nanoseconds.
const RENEWED_WITHIN: i64 = 10_000_000_000;

fn check(case: &Case<'_>, out: &mut Findings) {
    let handshakes = case.facts().filter(|f| f.kind == Kind::WebSocket && f.status != Some(101));
    let refused: Vec<&Fact> = handshakes
        .filter(|f| !f.gates.any(&[Gate::Probe, Gate::HealthCheck, Gate::Blocked, Gate::BrowserItself]))
        .collect();
    for facts in Case::grouped(refused.into_iter(), |f| {
        (f.origin.clone(), f.route.clone(), f.outcome.status, f.main_credential().map(|c| c.token))
    })
    .into_values()
    {
        for fact in &facts {
            let status = fact.outcome.status;
            // A server that is down for a moment refuses everybody: the same handshake is accepted before or after.
            if status.is_some_and(|status| variant(status) == "server-error") && upgraded(case, fact).is_some() {
                continue;
            }
            if let Some(status) = status {
                out.add(draft(case, fact, status, facts.len()));
            }
        }
    }
}

fn draft(case: &Case<'_>, fact: &Fact, status: u16, times: usize) -> Draft {
    let credential = fact.main_credential();
    let control = credential.and_then(|c| accepted(case, fact, c));
    let upgraded = upgraded(case, fact);
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant(status))
        .because(Reason::WireFact)
        .because_if(upgraded.is_some(), Reason::Control)
        .because_server_says(fact)
        .primary(fact.id, "response.status", format!("{status}, not 101"))
        .related(fact.id, "request", carrier(case, fact, credential))
        .fixes(fixes(status))
        .cause(format!("{} {} {status}", fact.origin, fact.route))
        .message(message(case, fact, status, times, credential, control));
    let draft = match is_renewed(case, fact, credential) {
        true => draft.severity(Severity::Low, "the next handshake brought another credential and was accepted"),
        false => draft,
    };
    let draft = match credential {
        Some(credential) => draft.credential(credential.token),
        None => draft,
    };
    let draft = match control {
        Some(control) => draft.related(control.id, "request.header.authorization", "the same token, accepted"),
        None => draft,
    };
    match upgraded {
        Some(upgraded) => draft.related(upgraded.id, "response.status", "101 on the same path"),
        None => draft,
    }
}

/// A request to the same origin that was accepted with the same token: then the token is not the reason.
fn accepted<'a>(case: &Case<'a>, fact: &Fact, credential: &Credential) -> Option<&'a Fact> {
    let with = case.lookup().succeeded_with(&fact.origin, credential.token);
    with.iter().find(|f| f.kind == Kind::Http && f.accepted())
}

/// Whether the same token is refused on an ordinary request to the same origin.
fn refused_elsewhere(case: &Case<'_>, fact: &Fact, credential: Option<&Credential>) -> bool {
    let with = credential.map(|own| case.lookup().refused_with(&fact.origin, own.token));
    with.is_some_and(|with| with.iter().any(|f| f.kind == Kind::Http && !f.gates.any(NOT_A_FAILURE)))
}

/// A handshake on the same path that was accepted.
fn upgraded<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    let same = case.lookup().on_route(&fact.origin, &fact.route);
    same.iter().find(|f| f.kind == Kind::WebSocket && f.status == Some(101))
}

/// Whether the next handshake on the same path soon follows with another credential and is accepted: a ticket was too old.
fn is_renewed(case: &Case<'_>, fact: &Fact, credential: Option<&Credential>) -> bool {
    let Some(own) = credential.map(|c| c.token) else { return false };
    let soon = fact.ended_nanos() + RENEWED_WITHIN;
    let next = case.lookup().on_route(&fact.origin, &fact.route).since(fact.ended_nanos()).before(soon);
    let next = next.iter().find(|f| f.kind == Kind::WebSocket);
    next.is_some_and(|f| f.status == Some(101) && f.main_credential().is_some_and(|c| c.token != own))
}

fn variant(status: u16) -> &'static str {
    match status {
        401 | 403 | 407 => "refused",
        404 | 410 => "unknown-path",
        500..=599 => "server-error",
        _ => "not-upgraded",
    }
}

fn fixes(status: u16) -> &'static [&'static str] {
    match variant(status) {
        "refused" => &["be.ws", "be.log-reason"],
        "unknown-path" => &["fe.base-url", "be.gateway-policy"],
        _ => &["be.gateway-policy", "be.ws"],
    }
}

/// What the handshake carried, or why one cannot tell.
fn carrier(case: &Case<'_>, fact: &Fact, credential: Option<&Credential>) -> String {
    match credential {
        Some(c) => format!("{} in {}", case.capture().describe(c.token), place(&c.carrier)),
        None if may_hide_cookies(case, fact) => {
            "no credential is listed, but the browser does not list the cookies of a refused handshake".into()
        }
        None => "no credential in header, query, subprotocol or cookie".into(),
    }
}

fn place(carrier: &Carrier) -> String {
    match carrier {
        Carrier::Subprotocol => "Sec-WebSocket-Protocol".into(),
        Carrier::Header(name) if &**name == "authorization" => "Authorization".into(),
        Carrier::Header(name) => format!("the header {name}"),
        Carrier::Cookie(name) => format!("the cookie {name}"),
        Carrier::Query(name) => format!("the query parameter {name}"),
        _ => "its first message".into(),
    }
}

/// A browser lists a refused handshake without its cookies, and a sanitised export lists none at all.
fn may_hide_cookies(case: &Case<'_>, fact: &Fact) -> bool {
    fact.status.is_none() || fact.view != HeaderView::Full || case.capture().is_sanitized(fact.source.input)
}

fn message(
    case: &Case<'_>,
    fact: &Fact,
    status: u16,
    times: usize,
    credential: Option<&Credential>,
    control: Option<&Fact>,
) -> String {
    let count = if times == 1 { String::new() } else { format!(" {times} times") };
    let carried = match credential {
        Some(_) => format!("It carried {}", carrier(case, fact, credential)),
        None if may_hide_cookies(case, fact) => {
            "The recording lists no credential, but leaves out cookies of a refused handshake".into()
        }
        None => "It carried no credential".into(),
    };
    let so = match (control, variant(status)) {
        (Some(control), _) => {
            format!("; {} was accepted with the same token, so the token is not the reason", control.route)
        }
        (None, _) if refused_elsewhere(case, fact, credential) => {
            "; HTTP calls with the same token are refused there, too, so look at the token first".into()
        }
        (None, "unknown-path") => "; most likely no WebSocket is served on this path".into(),
        (None, "server-error") => "; the service or a proxy in front of it failed".into(),
        (None, "not-upgraded") => "; a proxy that does not pass the upgrade on looks like this".into(),
        (None, _) => "; the answer names no reason, and ASGI servers send it for any refusal before accept".into(),
    };
    format!("{} was answered {status} instead of 101{count}. {carried}{so}.", fact.route)
}
