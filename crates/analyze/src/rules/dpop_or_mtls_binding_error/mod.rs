//! AUTH094: a token that is bound to a key came without its proof, or with a wrong one.

mod fault;

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use authtrace_parse::ExchangeId;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{
        Fact,
        gate::{Gate, NOT_A_FAILURE},
        mark::Mark,
        outcome::OutcomeClass,
        proof::{Proof, UrlMatch},
    },
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    thresholds::{nanos, thresholds},
};
use fault::{Fault, evidence, fixes, message, variant};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH094",
        id: "dpop-or-mtls-binding-error",
        title: "A sender-constrained token came without its proof, or with a wrong one",
        severity: Severity::High,
        layer: Layer::Token,
        tier: Tier::T3,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.dpop-proof", "be.proxy-url"],
    },
    check: Check::Timeline(check),
};

// What is still a good proof.
thresholds! {
    /// Servers accept proofs of this age, either way; RFC 9449 §11.1 speaks of seconds or minutes.
    window: time = Duration::from_secs(60),
    /// Nonces asked for in a row, on one route, that are a loop: one is the protocol (RFC 9449 §8).
    nonces: count = 2,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let mut seen: HashMap<Mark, &Fact> = HashMap::new();
    let asks = nonce_loops(case);
    for fact in case.facts().filter(|f| f.leg_of().is_none()) {
        let first_use = fact.proof().and_then(|proof| proof.id).and_then(|id| seen.insert(id, fact));
        if !is_refused(fact) {
            continue;
        }
        if let Some(fault) = fault(case, fact, first_use.is_some(), asks.contains(&fact.id)) {
            out.add(draft(case, fact, fault, first_use));
        }
    }
}

/// Refused for authentication, or, as nginx does, with a plain 400; the first nonce is the protocol's (G7).
fn is_refused(fact: &Fact) -> bool {
    let refused = fact.refused() || (fact.outcome.class == OutcomeClass::ClientError && says_certificate(fact));
    refused && !fact.gates.any(NOT_A_FAILURE)
}

/// Exchanges whose nonce was asked for again and again: the client does not store it, or the server does not remember it.
fn nonce_loops(case: &Case<'_>) -> BTreeSet<ExchangeId> {
    let asks = case.facts().filter(|f| f.refused() && asks_nonce(f) && !f.gates.has(Gate::DpopNonce));
    let groups = Case::grouped(asks, |f| (f.origin.clone(), f.route.clone()));
    groups.into_values().filter(|list| list.len() >= Thresholds::of(case).nonces).flatten().map(|f| f.id).collect()
}

fn asks_nonce(fact: &Fact) -> bool {
    let named = |text: &str| text.contains("use_dpop_nonce");
    fact.challenges.iter().any(|c| c.error() == Some("use_dpop_nonce"))
        || fact.outcome.error_text.as_deref().is_some_and(named)
        || fact.oauth().and_then(|o| o.answered.error.as_deref()).is_some_and(named)
}

fn says_certificate(fact: &Fact) -> bool {
    fact.outcome.says(&[ErrorClass::ClientCertificate])
}

fn says_dpop(fact: &Fact) -> bool {
    let names = |text: &str| text.contains("invalid_dpop_proof") || text.to_ascii_lowercase().contains("dpop");
    (fact.outcome.says(&[ErrorClass::Dpop]) || fact.challenges.iter().any(|c| c.error() == Some("invalid_dpop_proof")))
        || fact.oauth().and_then(|o| o.answered.error.as_deref()).is_some_and(names)
        || (fact.proof().is_some() && fact.outcome.error_text.as_deref().is_some_and(names))
}

/// What is wrong with the binding of `fact`; `None` where nothing is, or where the refusal is about something else.
fn fault(case: &Case<'_>, fact: &Fact, repeated: bool, nonce_loop: bool) -> Option<Fault> {
    if says_certificate(fact) {
        return Some(Fault::Certificate);
    }
    if nonce_loop {
        return Some(Fault::NonceLoop);
    }
    if asks_nonce(fact) {
        return None;
    }
    let said = says_dpop(fact);
    // The server names another check: then that one failed, and a proof that looks odd to us is good enough for it.
    let names_other = fact.outcome.names_token_check() && !said;
    if names_other {
        return None;
    }
    let bound = is_bound(case, fact);
    let scheme = fact.authorization().and_then(|c| c.scheme.as_deref()).unwrap_or_default();
    match fact.proof() {
        None if bound && scheme.eq_ignore_ascii_case("dpop") => Some(Fault::NoProof),
        None if bound && scheme.eq_ignore_ascii_case("bearer") => Some(Fault::Bearer),
        Some(_) if bound && scheme.eq_ignore_ascii_case("bearer") => Some(Fault::Bearer),
        Some(proof) => of_proof(case, fact, proof, repeated).or(said.then_some(Fault::Said)),
        None => (said && scheme.eq_ignore_ascii_case("dpop")).then_some(Fault::NoProof).or(said.then_some(Fault::Said)),
    }
}

/// `cnf.jkt`: such a token must come with a proof, under the scheme `DPoP` (RFC 9449 §7.1).
fn is_bound(case: &Case<'_>, fact: &Fact) -> bool {
    let token = fact.authorization().map(|c| case.token(c.token));
    let claims = token.and_then(|t| t.claims());
    claims.is_some_and(|claims| claims.jkt.is_some())
}

/// The first check of RFC 9449 §4.3 that the proof fails.
fn of_proof(case: &Case<'_>, fact: &Fact, proof: &Proof, repeated: bool) -> Option<Fault> {
    if !proof.well_formed {
        return Some(Fault::Malformed);
    }
    if !proof.method {
        return Some(Fault::Method);
    }
    match proof.url {
        UrlMatch::OtherOrigin => return Some(Fault::OtherOrigin),
        UrlMatch::Other | UrlMatch::Absent => return Some(Fault::Url),
        UrlMatch::Same => {}
    }
    if proof.key == Some(false) {
        return Some(Fault::OtherKey);
    }
    match proof.token {
        Some(false) => return Some(Fault::OtherToken),
        // At the token endpoint there is no access token to hash.
        None if fact
            .authorization()
            .is_some_and(|c| c.scheme.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("dpop"))) =>
        {
            return Some(Fault::NoHash);
        }
        _ => {}
    }
    if repeated {
        return Some(Fault::Repeated);
    }
    let off = age(case, fact, proof)?;
    (off.abs() > nanos(Thresholds::of(case).window)).then_some(Fault::Stale(off))
}

/// How old the proof is for the server at least, negative where it comes from the future (G19).
fn age(case: &Case<'_>, fact: &Fact, proof: &Proof) -> Option<i64> {
    let (issued, clock) = (proof.issued?, case.clock(fact));
    match (clock.behind(fact, issued), clock.ahead(fact, issued)) {
        (old, _) if old > 0 => Some(old),
        (_, early) if early > 0 => Some(-early),
        _ => Some(0),
    }
}

fn title(fault: Fault) -> &'static str {
    match fault {
        Fault::Certificate => "The server wants a client certificate, or another one",
        _ => RULE.meta.title,
    }
}

fn draft(case: &Case<'_>, fact: &Fact, fault: Fault, first_use: Option<&Fact>) -> Draft {
    let said = says_dpop(fact) || says_certificate(fact) || asks_nonce(fact);
    let seen = !matches!(fault, Fault::Said | Fault::Certificate);
    let (at, shows) = evidence(fault);
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant(fault))
        .title(title(fault))
        .because_if(seen, Reason::WireFact)
        .because_if(said, Reason::ServerCode)
        .because_if(said && !seen, Reason::ServerText)
        .capped((matches!(fault, Fault::Bearer | Fault::NoProof) && !said).then_some(Cap::TokenSays))
        .primary(fact.id, at, shows)
        .server_says(fact)
        .fixes(fixes(fault))
        .cause(format!("{} {}", fact.origin, variant(fault)))
        .message(message(fact, fault));
    // A browser asks which certificate to show, and asks the server again.
    let again = case.lookup().on_route(&fact.origin, &fact.route).since(fact.ended_nanos());
    let chosen = again.iter().take(2).find(|f| fault == Fault::Certificate && f.accepted());
    let draft = match chosen {
        Some(ok) => draft
            .related(ok.id, "response.status", "the same call, accepted afterwards")
            .severity(Severity::Low, "the certificate was chosen, and the call was accepted"),
        None => draft,
    };
    let draft = match fact.authorization() {
        Some(credential) => draft.credential(credential.token).related(
            fact.id,
            "request.header.authorization",
            case.capture().describe(credential.token),
        ),
        None => draft,
    };
    match first_use.filter(|_| fault == Fault::Repeated) {
        Some(first) => draft.related(first.id, "request.header.dpop", "the same jti"),
        None => draft,
    }
}
