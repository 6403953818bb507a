//! AUTH094: a token that is bound to a key came without its proof, or with a wrong one.

use std::{collections::HashMap, time::Duration};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta},
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
    text::span,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH094",
        id: "dpop-or-mtls-binding-error",
        title: "A sender-constrained token came without its proof, or with a wrong one",
        severity: Severity::High,
        layer: Layer::Token,
        spec: include_str!("spec.md"),
        fixes: &["fe.dpop-proof", "be.proxy-url"],
    },
    check: Check::Timeline(check),
};

/// What is still a good proof.
struct Thresholds {
    /// Servers accept proofs of this age, either way; RFC 9449 §11.1 speaks of seconds or minutes.
    window: Duration,
    /// Nonces asked for in a row, on one route, that are a loop: one is the protocol (RFC 9449 §8).
    nonces: usize,
}

const THRESHOLDS: Thresholds = Thresholds { window: Duration::from_secs(60), nonces: 2 };

/// What is wrong.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Bearer,
    NoProof,
    Malformed,
    Method,
    OtherOrigin,
    Url,
    Stale(i64),
    Repeated,
    NoHash,
    OtherToken,
    OtherKey,
    NonceLoop,
    Certificate,
    /// The server says so, and nothing on the wire shows why.
    Said,
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

/// Refused for authentication, or, as token endpoints and nginx do, with a plain 400.
fn is_refused(fact: &Fact) -> bool {
    let refused = fact.refused() || (fact.outcome.class == OutcomeClass::ClientError && says_certificate(fact));
    let gates: Vec<Gate> = NOT_A_FAILURE.iter().copied().filter(|gate| *gate != Gate::DpopNonce).collect();
    refused && !fact.gates.any(&gates) && !fact.gates.has(Gate::DpopNonce)
}

/// Exchanges whose nonce was asked for again and again: the client does not store it, or the server does not remember it.
fn nonce_loops(case: &Case<'_>) -> Vec<authtrace_parse::ExchangeId> {
    let asks = case.facts().filter(|f| f.refused() && asks_nonce(f) && !f.gates.has(Gate::DpopNonce));
    let groups = Case::grouped(asks, |f| (f.origin.clone(), f.route.clone()));
    groups.into_values().filter(|list| list.len() >= THRESHOLDS.nonces).flatten().map(|f| f.id).collect()
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
    let claims = token.and_then(|t| t.classified.jose.as_ref()?.claims.as_ref());
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
    (off.abs() > i64::try_from(THRESHOLDS.window.as_nanos()).unwrap_or(i64::MAX)).then_some(Fault::Stale(off))
}

/// How old the proof is for the server at least, negative where it comes from the future (G19).
fn age(case: &Case<'_>, fact: &Fact, proof: &Proof) -> Option<i64> {
    let (issued, clock) = (proof.issued?, case.clock(fact));
    let (low, high) = (fact.sent_nanos() + clock.low - issued, fact.sent_nanos() + clock.high - issued);
    match (low > 0, high < 0) {
        (true, _) => Some(low),
        (_, true) => Some(high),
        _ => Some(0),
    }
}

fn draft(case: &Case<'_>, fact: &Fact, fault: Fault, first_use: Option<&Fact>) -> Draft {
    let said = says_dpop(fact) || says_certificate(fact) || asks_nonce(fact);
    let seen = !matches!(fault, Fault::Said | Fault::Certificate);
    let (at, shows) = evidence(fault);
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant(fault))
        .because_if(seen, Reason::WireFact)
        .because_if(said, Reason::ServerCode)
        .because_if(said && !seen, Reason::ServerText)
        .capped((matches!(fault, Fault::Bearer | Fault::NoProof) && !said).then_some(Cap::TokenSays))
        .primary(fact.id, at, shows)
        .server_says(fact)
        .fixes(fixes(fault))
        .cause(format!("{} {}", fact.origin, variant(fault)))
        .message(message(fact, fault));
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

fn variant(fault: Fault) -> &'static str {
    match fault {
        Fault::Bearer => "sent-as-bearer",
        Fault::NoProof => "no-proof",
        Fault::Malformed => "malformed-proof",
        Fault::Method => "htm-mismatch",
        Fault::OtherOrigin => "htu-origin",
        Fault::Url => "htu-mismatch",
        Fault::Stale(_) => "iat-outside-window",
        Fault::Repeated => "jti-reused",
        Fault::NoHash => "ath-missing",
        Fault::OtherToken => "ath-mismatch",
        Fault::OtherKey => "key-mismatch",
        Fault::NonceLoop => "nonce-loop",
        Fault::Certificate => "client-certificate",
        Fault::Said => "proof-refused",
    }
}

fn evidence(fault: Fault) -> (&'static str, &'static str) {
    const PROOF: &str = "request.header.dpop";
    match fault {
        Fault::Bearer => ("token.claim.cnf", "jkt is there, and the scheme is Bearer"),
        Fault::NoProof => (PROOF, "absent"),
        Fault::Malformed => (PROOF, "no single JWT of type dpop+jwt with a key"),
        Fault::Method => (PROOF, "htm is another method"),
        Fault::OtherOrigin => (PROOF, "htu names another scheme, host or port"),
        Fault::Url => (PROOF, "htu is another URL, or absent"),
        Fault::Stale(_) => (PROOF, "iat is outside the window"),
        Fault::Repeated => (PROOF, "its jti was used before"),
        Fault::NoHash => (PROOF, "no ath"),
        Fault::OtherToken => (PROOF, "ath is the hash of another token"),
        Fault::OtherKey => (PROOF, "its key is not the one in cnf.jkt"),
        Fault::NonceLoop => ("response.status", "use_dpop_nonce, again"),
        Fault::Certificate => ("response.status", "the server wants a client certificate"),
        Fault::Said => ("response.status", "invalid_dpop_proof"),
    }
}

fn fixes(fault: Fault) -> &'static [&'static str] {
    match fault {
        Fault::OtherOrigin => &["be.proxy-url", "fe.dpop-proof"],
        Fault::NonceLoop => &["fe.dpop-nonce"],
        Fault::Certificate => &["be.client-certificate"],
        Fault::Stale(_) => &["be.leeway", "fe.dpop-proof"],
        Fault::Said => &["fe.dpop-proof", "be.log-reason"],
        _ => &["fe.dpop-proof"],
    }
}

fn message(fact: &Fact, fault: Fault) -> String {
    let status = fact.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let why = match fault {
        Fault::Bearer => "the token is bound to a key (cnf.jkt) and came as a plain Bearer token; it must come under the scheme DPoP with a proof".to_owned(),
        Fault::NoProof => "no DPoP proof came with it".to_owned(),
        Fault::Malformed => "the DPoP header is not one JWT of type dpop+jwt with a public key".to_owned(),
        Fault::Method => "the proof is for another method (htm)".to_owned(),
        Fault::OtherOrigin => "the proof names the same path at another scheme, host or port (htu): client and server see different URLs, as behind a proxy that rewrites Host".to_owned(),
        Fault::Url => "the proof is for another URL (htu)".to_owned(),
        Fault::Stale(off) if off > 0 => format!("the proof was {} old", span(off)),
        Fault::Stale(off) => format!("the proof was made {} in the future of the server's clock", span(off)),
        Fault::Repeated => "the proof had been used before (jti), and each is good for one request".to_owned(),
        Fault::NoHash => "the proof does not say which token it belongs to (ath)".to_owned(),
        Fault::OtherToken => "the proof belongs to another token (ath), as after a refresh that only one of the two heard of".to_owned(),
        Fault::OtherKey => "the proof is signed with another key than the one that the token is bound to (cnf.jkt): the key pair was made anew or comes from another tab or device".to_owned(),
        Fault::NonceLoop => "the server asks for a nonce again and again; the client does not send the one that it was given, or the server does not remember it".to_owned(),
        Fault::Certificate => "the server wants a TLS client certificate (mTLS), and none came or another one".to_owned(),
        Fault::Said => "the server does not accept the DPoP proof; its form, method, URL, time and token are as they should be".to_owned(),
    };
    format!("{} was answered {status}: {why}.", fact.route)
}
