//! AUTH073: the server says that no credential came, and the wire shows a well-formed one.

mod cookie;

use crate::{
    case::{Case, good_authorization, has_bare_challenge},
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{
        Fact,
        credential::{Carrier, Credential},
        role::Role,
    },
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::answered,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH073",
        id: "credential-stripped-upstream",
        title: "Credential lost between the client and the application",
        severity: Severity::High,
        layer: Layer::Transport,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.proxy", "be.log-reason"],
    },
    check: Check::Timeline(check),
};

/// A token this far past its own `exp` is refused for that by any verifier, whatever words the server uses; in seconds.
const EXPIRED_LEEWAY_SECONDS: i64 = 60;

const SECOND: i64 = 1_000_000_000;

fn check(case: &Case<'_>, out: &mut Findings) {
    for fact in case.refusals().filter(|f| !f.role.delivers()) {
        out.add_all(underscored(case, fact));
        out.add_all(cookie::stripped(case, fact));
        let Some(credential) = good_authorization(fact).filter(|c| is_usable(case, fact, c)) else { continue };
        let inner = inner_leg(case, fact);
        if inner.is_some() || (says_missing(fact) && !passes_here(case, fact, credential)) {
            out.add(draft(case, fact, credential, inner));
        }
    }
}

/// A key in a header whose name holds an underscore, and a server that misses it: nginx drops such fields unless
/// `underscores_in_headers` is on, and gateways in front of CGI do the same.
fn underscored(case: &Case<'_>, fact: &Fact) -> Option<Draft> {
    let named = |credential: &&Credential| match &credential.carrier {
        Carrier::Header(name) => name.contains('_') && credential.kind.is_credential(),
        _ => false,
    };
    let credential = fact.credentials.iter().find(named)?;
    let missing = fact.outcome.error.is_some_and(ErrorClass::is_missing);
    // Where it is accepted elsewhere, nothing drops it.
    let read = case.lookup().succeeded_with(&fact.origin, credential.token).iter().next().is_some();
    (missing && !read && fact.authorization().is_none()).then_some(())?;
    let header = credential.carrier.to_string();
    let name = header.rsplit('.').next().unwrap_or_default();
    Some(
        Draft::new(&RULE.meta, fact)
            .variant("underscore")
            .title("Key in a header field that proxies drop for its name")
            .credential(credential.token)
            .because(Reason::WireFact)
            .because_server_says(fact)
            .capped([Cap::NoControl])
            .primary(fact.id, &header, format!("present: {}", case.capture().describe(credential.token)))
            .server_says(fact)
            .fixes(&["fe.header-name"])
            .cause(format!("{} {name}", fact.origin))
            .message(format!(
                "{} carried a credential in {name} and {}, as if nothing had been sent: nginx and others drop header fields whose names hold an underscore.",
                fact.route,
                answered(fact.status)
            )),
    )
}

/// Whether a server that saw this credential would not call it missing: `Bearer` where nothing else is asked for, or a
/// scheme that the API accepts elsewhere, and not an identifier or a token that is long expired.
fn is_usable(case: &Case<'_>, fact: &Fact, credential: &Credential) -> bool {
    let scheme = credential.scheme.as_deref().unwrap_or_default().to_ascii_lowercase();
    let accepted = case.control(fact).0.accepted_schemes.contains_key(scheme.as_str());
    // A server that asks for another scheme passes this one over: Django REST Framework calls that "not provided".
    let asks_other = !fact.challenges.is_empty() && !fact.challenges.iter().any(|c| c.is(&scheme));
    let known = !asks_other && (accepted || scheme == "bearer");
    let claims = case.token(credential.token).claims();
    let expired = claims
        .and_then(|claims| claims.exp)
        .is_some_and(|exp| exp.intended().nanos().saturating_add(EXPIRED_LEEWAY_SECONDS * SECOND) < fact.sent_nanos());
    known && credential.kind.is_credential() && !expired
}

/// Whether the server says that nothing came: in words, or by a challenge without an error and without any words.
fn says_missing(fact: &Fact) -> bool {
    match fact.outcome.error {
        // A missing API key is another credential than the one that was sent.
        Some(error) => error.is_missing() && error != ErrorClass::ApiKeyMissing,
        None => has_bare_challenge(fact) && fact.response_body_seen && fact.outcome.error_text.is_none(),
    }
}

/// The same request behind a proxy, without the header: it runs within the outer one and has the same method and path.
fn inner_leg<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    let lacks = |f: &&Fact| matches!(case.authorization(f), crate::case::Seen::Absent { .. });
    if let Some(view) = case.capture().views(fact.id).find(lacks) {
        return Some(view);
    }
    let within = |f: &Fact| f.started_nanos() >= fact.started_nanos() && f.ended_nanos() <= fact.ended_nanos();
    case.lookup().between(fact.started_nanos(), fact.ended_nanos()).find(|f| {
        f.id != fact.id
            && f.origin != fact.origin
            && f.path == fact.path
            && f.method == fact.method
            && f.status == fact.status
            && f.role != Role::Preflight
            && f.redirected_from.is_none()
            && within(f)
            && lacks(f)
    })
}

fn draft(case: &Case<'_>, fact: &Fact, credential: &Credential, inner: Option<&Fact>) -> Draft {
    let accepted = accepted_here(case, fact, credential);
    let token = case.capture().describe(credential.token);
    let status = fact.status.unwrap_or_default();
    let draft = Draft::new(&RULE.meta, fact)
        .credential(credential.token)
        .because(Reason::WireFact)
        .because_server_says(fact)
        .because_if(accepted.is_some() || inner.is_some(), Reason::Control)
        .capped((accepted.is_none() && inner.is_none()).then_some(Cap::NoControl))
        .primary(fact.id, "request.header.authorization", format!("present and well formed: {token}"))
        .server_says(fact)
        .cause(&fact.origin);
    let draft = match accepted {
        Some(control) => draft.related(control.id, "request.header.authorization", "the same token, accepted"),
        None => draft,
    };
    match inner {
        Some(inner) => draft
            .variant("inner-leg")
            .also([inner.id])
            .primary(inner.id, "request.header.authorization", "absent behind the proxy")
            .message(format!(
                "{} carried {token} to {}, which passed it on to {} without Authorization; the answer was {status}.",
                fact.route, fact.origin, inner.origin
            )),
        None => draft.message(format!(
            "{} carried {token}, and the server answered {status} as if nothing had been sent: a hop in between drops the header, or the application reads another one{}.",
            fact.route,
            if accepted.is_some() { ". The same token is accepted on another route of this origin" } else { "" }
        )),
    }
}

/// Whether the same path accepts the same token at other times, or with another method: then nothing on the way to it drops
/// the header.
fn passes_here(case: &Case<'_>, fact: &Fact, credential: &Credential) -> bool {
    let with = case.lookup().succeeded_with(&fact.origin, credential.token);
    let same = |f: &Fact| f.path == fact.path && f.authorization().is_some_and(|c| c.token == credential.token);
    with.iter().any(|f| f.accepted() && !f.bare_accepted && same(f))
}

/// A request to the same origin that was accepted with the same token in the same header.
fn accepted_here<'a>(case: &Case<'a>, fact: &Fact, credential: &Credential) -> Option<&'a Fact> {
    let with = case.lookup().succeeded_with(&fact.origin, credential.token);
    with.iter().find(|f| f.accepted() && f.authorization().is_some_and(|c| c.token == credential.token))
}
