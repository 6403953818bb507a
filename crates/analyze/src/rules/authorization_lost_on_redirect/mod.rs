//! AUTH070: a redirect to another origin made the client drop `Authorization`.

mod downgrade;

use authtrace_parse::ExchangeId;

use crate::{
    case::{Case, Seen, good_authorization, has_bare_challenge},
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, gate::Gate},
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH070",
        id: "authorization-lost-on-redirect",
        title: "Authorization lost on a redirect to another origin",
        severity: Severity::High,
        layer: Layer::Transport,
        tier: Tier::T2,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.relative-redirect", "fe.canonical-url"],
    },
    check: Check::Timeline(check),
};

/// How one knows that the second hop went without the header.
enum Lost {
    /// Its headers are complete.
    Seen(Vec<Cap>),
    /// Its headers were not recorded, but clients drop it there and the server says that it is missing.
    Said(Cap),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    for fact in case.refusals() {
        let Some((first, next)) = departure(case, fact) else { continue };
        if let Some(lost) = lost(case, fact) {
            out.add(draft(case, first, next, fact, lost));
        }
    }
    downgrade::check(case, out);
}

/// Redirects that are followed back: more than browsers follow.
const MOST_HOPS: usize = 20;

/// Of the redirects that led to `fact`, the one that left the origin of a request with `Authorization`, and where it led.
/// A chain may come back to where it began; the header does not.
fn departure<'a>(case: &Case<'a>, fact: &'a Fact) -> Option<(&'a Fact, &'a Fact)> {
    let mut next = fact;
    for _ in 0..MOST_HOPS {
        let first = case.fact(next.redirected_from?)?;
        let had = good_authorization(first).is_some() || matches!(case.authorization(first), Seen::Set(_));
        // The browser's own upgrade to TLS is no server's redirect (G9).
        if first.origin != next.origin && had && !first.gates.has(Gate::NotServer) {
            return Some((first, next));
        }
        next = first;
    }
    None
}

fn lost(case: &Case<'_>, fact: &Fact) -> Option<Lost> {
    match case.authorization(fact) {
        Seen::Absent { caps, .. } => Some(Lost::Seen(caps)),
        Seen::Unknown => {
            let says = fact.outcome.error.is_some_and(|e| e.is_missing()) || has_bare_challenge(fact);
            let sanitized = case.capture().is_sanitized(fact.source.input);
            says.then_some(Lost::Said(if sanitized { Cap::Sanitized } else { Cap::NoControl }))
        }
        Seen::Present | Seen::Set(_) => None,
    }
}

fn draft(case: &Case<'_>, first: &Fact, next: &Fact, fact: &Fact, lost: Lost) -> Draft {
    let status = first.status.unwrap_or_default();
    let draft = Draft::new(&RULE.meta, fact)
        .because(Reason::WireFact)
        .because(Reason::Timing)
        .because_server_says(fact)
        .also([first.id])
        .related(first.id, "request.header.authorization", carried(case, first.id))
        .primary(first.id, "response.header.location", format!("{status} to {}", next.origin))
        .server_says(fact)
        .cause(format!("{} {}", first.origin, next.origin))
        .message(format!(
            "{} carried Authorization to {} and was redirected ({status}) to {}, another {}: clients drop the header there, and {} was answered {}.",
            first.route,
            first.origin,
            next.origin,
            difference(first, next),
            fact.route,
            fact.status.unwrap_or_default()
        ));
    let draft = match good_authorization(first) {
        Some(credential) => {
            let accepted =
                case.facts().any(|f| f.accepted() && f.authorization().is_some_and(|c| c.token == credential.token));
            draft.credential(credential.token).because_if(accepted, Reason::Control)
        }
        None => draft,
    };
    match lost {
        Lost::Seen(caps) => draft.capped(caps).primary(fact.id, "request.header.authorization", "absent"),
        Lost::Said(cap) => draft.capped([cap]),
    }
}

fn carried(case: &Case<'_>, id: ExchangeId) -> String {
    let credential = case.fact(id).and_then(good_authorization);
    credential.map_or_else(|| "set, says its preflight".to_owned(), |c| case.capture().describe(c.token))
}

/// What of the origin differs: the first that a person would notice.
fn difference(first: &Fact, fact: &Fact) -> &'static str {
    if first.host != fact.host {
        "host"
    } else if first.origin.split(':').next() != fact.origin.split(':').next() {
        "scheme"
    } else {
        "port"
    }
}
