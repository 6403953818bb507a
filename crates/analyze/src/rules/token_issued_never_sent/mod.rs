//! AUTH005: the client was given a token, and no later request carries it.

use std::time::Duration;

use std::collections::BTreeSet;

use crate::{
    capture::Protection,
    case::{Case, Lack, has_bare_challenge},
    catalogue::{Layer, RuleMeta, Tier},
    facts::{
        Delivery, Fact,
        credential::{Carrier, Credential, Method},
    },
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::{answered, span},
    thresholds::{nanos, thresholds},
    tokens::Purpose,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH005",
        id: "token-issued-never-sent",
        title: "Token was issued and no request carries it",
        severity: Severity::High,
        layer: Layer::Client,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.token-store", "fe.single-client"],
    },
    check: Check::Timeline(check),
};

// When calls without a token count as evidence that it is never sent.
thresholds! {
    /// Calls without it; fewer may be the ones that were already under way.
    calls_min: count = 3,
    /// They follow the delivery within this time; later the token may be gone for another reason.
    window: time = Duration::from_secs(60),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let Some((issuer, delivery)) = unused_delivery(case) else { return };
    let since = issuer.ended_nanos();
    let bare: Vec<(&Fact, Lack)> = case
        .api_calls()
        .filter(|f| {
            (since..=since + nanos(Thresholds::of(case).window)).contains(&f.started_nanos())
                && f.redirected_from.is_none()
        })
        .filter_map(|f| Some((f, case.lacks_credential(f)?)))
        .filter(|(f, _)| case.capture().protection(f) == Protection::Protected)
        // A login that also sets a session cookie leaves open which of the two the API wants, unless it says so.
        .filter(|(f, _)| has_bare_challenge(f) || !issuer.delivered.iter().any(sets_cookie))
        .collect();
    if bare.len() < Thresholds::of(case).calls_min {
        return;
    }
    let refused: BTreeSet<_> = case.refusals().map(|f| f.id).collect();
    for (fact, lack) in bare.iter().filter(|(fact, _)| refused.contains(&fact.id)) {
        out.add(draft(case, fact, lack, issuer, delivery, bare.len()));
    }
}

/// The first delivery of an access token in a body after which no request carries any token.
/// A token in a cookie is the browser's to send; what becomes of it is another question.
fn unused_delivery<'a>(case: &Case<'a>) -> Option<(&'a Fact, &'a Delivery)> {
    let last_sent = case.facts().filter(|f| f.credentials.iter().any(is_used)).map(Fact::started_nanos).max();
    let deliveries = case.facts().filter(|f| f.role.delivers() && f.succeeded());
    deliveries.filter(|f| last_sent.is_none_or(|at| at < f.ended_nanos())).find_map(|fact| {
        let by_body = |d: &&Delivery| matches!(d.carrier, Carrier::ResponseBody(_) | Carrier::ResponseHeader(_));
        let unsent = |d: &&Delivery| d.purpose == Purpose::Access && case.token(d.token).sent_count == 0;
        fact.delivered.iter().find(|d| by_body(d) && unsent(d)).map(|delivery| (fact, delivery))
    })
}

fn sets_cookie(delivery: &Delivery) -> bool {
    matches!(delivery.carrier, Carrier::SetCookie(_))
}

/// Whether a request attaches a token at all: the interceptor works, and which token it sends is another question.
fn is_used(credential: &Credential) -> bool {
    !matches!(credential.method(), Method::Cookie | Method::Body)
}

fn draft(case: &Case<'_>, fact: &Fact, lack: &Lack, issuer: &Fact, delivery: &Delivery, calls: usize) -> Draft {
    // That the API wants a token is its own word or its challenge; without either nothing shows which credential it wants.
    let caps = lack.caps.iter().copied().filter(|cap| *cap != Cap::NoControl || !lack.says_missing);
    Draft::new(&RULE.meta, fact)
        .message(format!(
            "{} delivered a token; in the minute after it {calls} calls to protected routes went out and none carried it. {} {} {} later.",
            issuer.route,
            fact.route,
            answered(fact.status),
            span(fact.started_nanos() - issuer.ended_nanos()),
        ))
        .because(Reason::WireFact)
        .because(Reason::Timing)
        .because_server_says(fact)
        .capped(caps)
        .primary(fact.id, "request.header.authorization", "absent")
        .related(issuer.id, &delivery.carrier.to_string(), format!("delivers {}", case.capture().describe(delivery.token)))
        .server_says(fact)
        .credential(delivery.token)
        .cause(&issuer.origin)
}
