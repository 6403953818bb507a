//! AUTH032: the token's algorithm is not the one that the verifier accepts, or is none at all.

use crate::{
    capture::Protection,
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, gate::Gate, key_set::KeySet, outcome::OutcomeClass, site},
    finding::{Cap, Reason, Severity},
    presented::{self, Accepted, Judged, Presented, Window, quoted, reason_is_open},
    rule::{Check, Draft, Findings, Rule},
    text::answered,
    token::JoseForm,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH032",
        id: "algorithm-mismatch",
        title: "Token's algorithm is not accepted (alg)",
        severity: Severity::High,
        layer: Layer::Key,
        tier: Tier::T2,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.algorithms", "idp.algorithm"],
    },
    check: Check::Timeline(check),
};

/// What shows that the algorithm is wrong.
enum Proof<'a> {
    /// The server says so.
    Text,
    /// The token is not signed at all.
    Unsigned,
    /// The issuer publishes keys, and none of them fits the algorithm.
    Published(&'a Fact, String),
    /// Every token that the origin accepts from this issuer uses another algorithm.
    Control(&'a Fact, Presented<'a>),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    for origin in presented::by_origin(case) {
        let accepted = origin.accepted();
        for (fact, jwt) in &origin.refused {
            if let Some(proof) = proof(case, fact, jwt, &origin, &accepted) {
                out.add(refused(case, fact, jwt, &proof));
            }
        }
    }
    let says = |f: &&Fact| f.outcome.says(&[ErrorClass::Algorithm]) && Presented::of(case, f).is_none();
    out.add_all(case.refusals().filter(|f| !f.role.is_identity()).filter(says).map(by_words));
    for fact in case.api_calls() {
        if let Some(jwt) = accepted_unsigned(case, fact) {
            out.add(accepted(fact, &jwt));
        }
    }
}

fn proof<'a>(
    case: &Case<'a>,
    fact: &Fact,
    jwt: &Presented<'a>,
    origin: &Judged<'a>,
    accepted: &Accepted<'_>,
) -> Option<Proof<'a>> {
    if jwt.jose.is_unsigned() && (reason_is_open(fact) || is_about_signature(fact)) {
        return Some(Proof::Unsigned);
    }
    if fact.outcome.says(&[ErrorClass::Algorithm]) {
        return Some(Proof::Text);
    }
    let about_key = reason_is_open(fact) || fact.outcome.says(&[ErrorClass::Signature, ErrorClass::UnknownKey]);
    let sound = jwt.credential.well_formed && jwt.jose.form == JoseForm::Jws && jwt.window(case, fact) == Window::Open;
    if !about_key || !sound || accepted.has_algorithm(jwt.jose.header.alg.as_deref()) {
        return None;
    }
    by_published(case, jwt).or_else(|| by_control(jwt, origin, accepted).filter(|_| reason_is_open(fact)))
}

fn is_about_signature(fact: &Fact) -> bool {
    use ErrorClass as E;
    fact.outcome.says(&[E::Algorithm, E::Signature, E::UnknownKey, E::Malformed])
}

/// The issuer's key set says which algorithms its tokens have (RFC 8725 §3.1).
fn by_published<'a>(case: &Case<'a>, jwt: &Presented<'_>) -> Option<Proof<'a>> {
    let alg = jwt.jose.header.alg.as_deref()?;
    let deliverer = jwt.token.delivered_by.and_then(|id| case.fact(id)).map(|f| &f.origin);
    let sets = case.profile().key_sets.issued_by(jwt.claims, deliverer);
    let (at, set) = sets.iter().rev().find_map(|fact| Some((*fact, fact.key_set.as_deref()?)))?;
    let kid = jwt.jose.header.kid.as_deref();
    let own = kid.and_then(|kid| set.key(kid));
    match own {
        Some(key) => {
            let other = key.alg.as_deref().filter(|published| *published != alg);
            other.map(|published| Proof::Published(at, quoted([published].into_iter())))
        }
        // With a key of the right kind in the set, only its name may be wrong.
        None if set.signing().any(|key| fits(&key.kty, alg)) => None,
        None => Some(Proof::Published(at, algorithms(set))),
    }
}

/// Whether a key of type `kty` verifies signatures of `alg` (RFC 7518 §3.1, RFC 8037 §3.1).
fn fits(kty: &str, alg: &str) -> bool {
    match kty {
        "RSA" => alg.starts_with("RS") || alg.starts_with("PS"),
        "EC" => alg.starts_with("ES"),
        "OKP" => alg.starts_with("Ed"),
        "oct" => alg.starts_with("HS"),
        _ => true,
    }
}

fn algorithms(set: &KeySet) -> String {
    let named: Vec<&str> = set.signing().map(|key| key.alg.as_deref().unwrap_or(&key.kty)).collect();
    quoted(named.into_iter())
}

fn by_control<'a>(jwt: &Presented<'a>, origin: &Judged<'a>, accepted: &Accepted<'_>) -> Option<Proof<'a>> {
    let differs = accepted.is_all_of_realm(jwt) && !accepted.has_algorithm(None) && jwt.jose.header.alg.is_some();
    let (ok, other) = origin.controls.first().filter(|_| differs)?;
    Some(Proof::Control(ok, *other))
}

fn refused(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, proof: &Proof<'_>) -> Draft {
    let alg = quoted(jwt.jose.header.alg.as_deref().into_iter());
    let says = fact.outcome.says(&[ErrorClass::Algorithm]);
    let draft = Draft::new(&RULE.meta, fact)
        .credential(jwt.id())
        .message(message(fact, &alg, proof))
        .because(Reason::WireFact)
        .because_if(matches!(proof, Proof::Control(..)), Reason::Control)
        .because_server_says(fact)
        .capped((!says).then_some(Cap::TokenSays))
        .primary(fact.id, "token.header.alg", if alg.is_empty() { "absent".to_owned() } else { alg.clone() })
        .related(fact.id, &jwt.part(), case.capture().describe(jwt.id()))
        .server_says(fact)
        .cause(format!("{} {alg}", fact.origin));
    match proof {
        Proof::Text => draft,
        Proof::Unsigned => draft.variant("unsigned").title("Token is not signed (alg none)").fixes(&["idp.algorithm"]),
        Proof::Published(at, keys) => draft.related(at.id, "response.body.keys", format!("keys for {keys}")),
        Proof::Control(ok, other) => draft.related(
            ok.id,
            "token.header.alg",
            format!("{}, accepted on {}", quoted(other.jose.header.alg.as_deref().into_iter()), ok.route),
        ),
    }
}

fn message(fact: &Fact, alg: &str, proof: &Proof<'_>) -> String {
    let head = format!("{} {}", fact.route, answered(fact.status));
    match proof {
        Proof::Text => format!("{head}: the verifier does not accept the token's algorithm, {alg}."),
        Proof::Unsigned => format!("{head} to a token without a signature (alg {alg}), which no API may accept."),
        Proof::Published(at, keys) => format!(
            "{head}: the token is signed with {alg}, and its issuer publishes keys for {keys} only ({}).",
            at.route
        ),
        Proof::Control(ok, other) => format!(
            "{head}: the token is signed with {alg}; tokens of the same issuer that the API accepts, as on {}, are signed with {}.",
            ok.route,
            quoted(other.jose.header.alg.as_deref().into_iter())
        ),
    }
}

/// A refusal of the algorithm, where the token cannot be read.
fn by_words(fact: &Fact) -> Draft {
    let at = fact.outcome.error_part.as_deref().unwrap_or("response.status");
    let text = fact.outcome.error_text.as_deref().map_or_else(|| "algorithm".to_owned(), |text| format!("\"{text}\""));
    Draft::new(&RULE.meta, fact)
        .message(format!(
            "{} {}: the verifier does not accept the algorithm of a token that the capture does not show.",
            fact.route,
            answered(fact.status)
        ))
        .because_server_says(fact)
        .primary(fact.id, at, text)
        .cause(fact.origin.to_string())
}

/// An unsigned token that a protected route took: whoever writes one is let in.
fn accepted_unsigned<'a>(case: &Case<'a>, fact: &'a Fact) -> Option<Presented<'a>> {
    let by_server =
        fact.outcome.class == OutcomeClass::Success && !fact.gates.any(&[Gate::NotServer, Gate::HealthCheck]);
    if !by_server || fact.bare_accepted {
        return None;
    }
    let jwt = Presented::of(case, fact).filter(|jwt| jwt.jose.is_unsigned() && !jwt.credential.is_cookie())?;
    let checks = case.route(fact).bare_refused + case.route(fact).credentialed_refused > 0;
    (checks && case.capture().protection(fact) == Protection::Protected).then_some(jwt)
}

fn accepted(fact: &Fact, jwt: &Presented<'_>) -> Draft {
    let draft = Draft::new(&RULE.meta, fact)
        .variant("unsigned-accepted")
        .title("Unsigned token accepted (alg none)")
        .credential(jwt.id())
        .message(format!(
            "{} accepted a token without a signature and refuses calls without a token: anybody can write such a token.",
            fact.route
        ))
        .because(Reason::WireFact)
        .because(Reason::Control)
        .primary(fact.id, "token.header.alg", "none")
        .related(fact.id, "response.status", fact.status.map_or_else(String::new, |s| s.to_string()))
        .fixes(&["be.algorithms"])
        .cause(format!("accepted {}", fact.origin));
    // Emulators of providers write such tokens for services on the developer's machine.
    match site::is_loopback(&fact.host) || site::is_private_name(&fact.host) {
        true => draft.severity(Severity::Low, "the service runs on a developer's machine"),
        false => draft.severity(Severity::Critical, "anybody is let in"),
    }
}
