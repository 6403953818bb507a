//! AUTH031: the verifier has no key for the token: another `kid`, a stale key set, or one that cannot be fetched.

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, key_set::KeySet, outcome::OutcomeClass},
    finding::{Cap, Reason, Severity},
    presented::{self, Accepted, Judged, Presented, Window, quoted, reason_is_open},
    rule::{Check, Draft, Findings, Rule},
    text::{Text, answered},
    token::JoseForm,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH031",
        id: "unknown-kid-or-jwks",
        title: "Verifier has no key for the token (kid, JWKS)",
        severity: Severity::High,
        layer: Layer::Key,
        tier: Tier::T2,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.jwks", "be.aud-iss"],
    },
    check: Check::Timeline(check),
};

/// What shows that the verifier lacks the key.
enum Proof<'a> {
    /// The server says so.
    Text,
    /// The issuer's key set in the capture does not list the token's key.
    NotListed(&'a Fact),
    /// The issuer's keys could not be fetched.
    Unreachable(&'a Fact),
    /// Tokens of another key of the same issuer are accepted, and this key is the newer one.
    Rotated(&'a Fact, Presented<'a>),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    for origin in presented::by_origin(case) {
        let accepted = origin.accepted();
        for (fact, jwt) in &origin.refused {
            if let Some(proof) = proof(case, fact, jwt, &origin, &accepted) {
                out.add(with_token(case, fact, jwt, &proof));
            }
        }
    }
    // The token may be out of sight, the server's words are not.
    let says = |f: &&Fact| f.outcome.says(&[ErrorClass::UnknownKey]) && Presented::of(case, f).is_none();
    out.add_all(case.refusals().filter(|f| !f.role.is_identity()).filter(says).map(by_words));
}

fn proof<'a>(
    case: &Case<'a>,
    fact: &Fact,
    jwt: &Presented<'a>,
    origin: &Judged<'a>,
    accepted: &Accepted<'_>,
) -> Option<Proof<'a>> {
    // Nobody else publishes the keys of a well-known API's tokens: that is AUTH023's.
    if jwt.reserved_for(fact).is_some() {
        return None;
    }
    if fact.outcome.says(&[ErrorClass::UnknownKey]) {
        return Some(Proof::Text);
    }
    let open = reason_is_open(fact) || fact.outcome.says(&[ErrorClass::Signature]);
    let sound = jwt.credential.well_formed && jwt.window(case, fact) == Window::Open;
    if !open || !sound || accepted.has_signer(jwt) {
        return None;
    }
    not_listed(case, fact, jwt)
        .map(Proof::NotListed)
        .or_else(|| unreachable(case, fact, jwt).map(Proof::Unreachable))
        .or_else(|| rotated(jwt, origin, accepted).filter(|_| reason_is_open(fact)))
}

fn deliverer<'a>(case: &Case<'a>, jwt: &Presented<'_>) -> Option<&'a Text> {
    jwt.token.delivered_by.and_then(|id| case.fact(id)).map(|f| &f.origin)
}

/// The issuer's published keys, in order of id.
fn published<'a>(case: &Case<'a>, jwt: &Presented<'_>) -> impl DoubleEndedIterator<Item = (&'a Fact, &'a KeySet)> {
    let all = case.profile().key_sets.issued_by(jwt.claims, deliverer(case, jwt));
    all.into_iter().filter_map(|fact| Some((fact, fact.key_set.as_deref()?)))
}

/// The last key set of the issuer before the refusal, where no set of the capture has the token's key.
fn not_listed<'a>(case: &Case<'a>, fact: &Fact, jwt: &Presented<'_>) -> Option<&'a Fact> {
    let kid = jwt.jose.header.kid.as_deref()?;
    // A shared secret is in no published set; an algorithm that no key fits is another defect.
    let is_public = jwt.jose.form == JoseForm::Jws && !jwt.jose.header.alg.as_deref()?.starts_with("HS");
    let named = |set: &KeySet| set.signing().all(|key| key.kid.is_some());
    let mut sets = published(case, jwt);
    let all: Vec<_> = sets.by_ref().collect();
    let lacks = is_public && !all.is_empty() && all.iter().all(|(_, set)| named(set) && set.key(kid).is_none());
    let before = all.iter().rev().find(|(at, _)| at.started_nanos() <= fact.started_nanos());
    lacks.then(|| before.or(all.first()).map(|(at, _)| *at)).flatten()
}

/// The last request for the issuer's keys or metadata before the refusal, where it failed and none succeeded since.
fn unreachable<'a>(case: &Case<'a>, fact: &Fact, jwt: &Presented<'_>) -> Option<&'a Fact> {
    let before = |f: &&Fact| f.started_nanos() <= fact.ended_nanos();
    let failed = case.profile().key_sets.failed(jwt.claims).filter(before).last()?;
    let since = published(case, jwt).any(|(at, _)| at.started_nanos() >= failed.started_nanos() && before(&at));
    (!since).then_some(failed)
}

/// An accepted token of another key of the same issuer, older than this one, where the algorithm is the same.
fn rotated<'a>(jwt: &Presented<'a>, origin: &Judged<'a>, accepted: &Accepted<'_>) -> Option<Proof<'a>> {
    let alg = jwt.jose.header.alg.as_deref();
    let comparable = accepted.is_all_of_realm(jwt) && accepted.is_all_named(alg);
    let (ok, other) = origin.controls.first().filter(|_| comparable && jwt.jose.header.kid.is_some())?;
    let made = |jwt: &Presented<'_>| jwt.claims.iat.map(|iat| iat.intended());
    (made(other)? <= made(jwt)?).then_some(Proof::Rotated(ok, *other))
}

fn with_token(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, proof: &Proof<'_>) -> Draft {
    let header = &jwt.jose.header;
    let kid = header.kid.as_deref().map_or_else(|| "absent".to_owned(), |kid| quoted([kid].into_iter()));
    let listed = published(case, jwt).next_back();
    let contradicts = listed.filter(|(_, set)| header.kid.as_deref().is_some_and(|kid| set.key(kid).is_some()));
    let draft = Draft::new(&RULE.meta, fact)
        .credential(jwt.id())
        .message(message(fact, &kid, proof, contradicts.is_some()))
        .because(if matches!(proof, Proof::Rotated(..)) { Reason::Control } else { Reason::WireFact })
        .because_if(matches!(proof, Proof::Rotated(..)), Reason::Timing)
        .because_if(matches!(proof, Proof::Text) && contradicts.is_some(), Reason::Control)
        .because_server_says(fact)
        .capped((!matches!(proof, Proof::Text)).then_some(Cap::TokenSays))
        .capped(matches!(proof, Proof::Unreachable(failed) if failed.client == fact.client).then_some(Cap::NoControl))
        .primary(fact.id, "token.header.kid", kid)
        .related(fact.id, &jwt.part(), case.capture().describe(jwt.id()))
        .server_says(fact)
        .cause(format!("{} {:?} {:?}", fact.origin, jwt.claims.iss, header.kid));
    let draft = match listed {
        Some((at, set)) => draft.related(at.id, "response.body.keys", kids(set)),
        None => draft,
    };
    match proof {
        Proof::Text | Proof::NotListed(_) => draft,
        Proof::Unreachable(failed) => draft
            .variant("unreachable")
            .title("Issuer's keys cannot be fetched")
            .fixes(&["be.jwks-egress", "be.jwks"])
            .related(failed.id, "response.status", failure(failed)),
        Proof::Rotated(ok, other) => {
            draft.variant("rotated").title("Token is signed with a newer key than the API accepts").related(
                ok.id,
                "token.header.kid",
                format!("{}, accepted on {}", quoted(other.jose.header.kid.as_deref().into_iter()), ok.route),
            )
        }
    }
}

/// A refusal for want of a key, where the token cannot be read.
fn by_words(fact: &Fact) -> Draft {
    let at = fact.outcome.error_part.as_deref().unwrap_or("response.status");
    let text =
        fact.outcome.error_text.as_deref().map_or_else(|| "unknown key".to_owned(), |text| format!("\"{text}\""));
    Draft::new(&RULE.meta, fact)
        .message(format!(
            "{} {}: the verifier says that it has no key for the token, which the capture does not show.",
            fact.route,
            answered(fact.status)
        ))
        .because_server_says(fact)
        .primary(fact.id, at, text)
        .cause(fact.origin.to_string())
}

fn kids(set: &KeySet) -> String {
    let named: Vec<&str> = set.signing().filter_map(|key| key.kid.as_deref()).collect();
    if named.is_empty() { "keys without kid".to_owned() } else { format!("kids {}", quoted(named.into_iter())) }
}

fn failure(fact: &Fact) -> String {
    match (fact.status, fact.failure.as_deref()) {
        (Some(status), _) => format!("{} {status}", fact.route),
        (None, Some(failure)) => format!("{}: {failure}", fact.route),
        (None, None) => format!("{} got no answer", fact.route),
    }
}

fn message(fact: &Fact, kid: &str, proof: &Proof<'_>, is_published: bool) -> String {
    let head = format!("{} {}", fact.route, answered(fact.status));
    match proof {
        Proof::Text if is_published => format!(
            "{head}: the verifier has no key for kid {kid}, which the issuer publishes: its copy of the key set is old."
        ),
        Proof::Text => format!(
            "{head}: the verifier found no key for the token's kid {kid}: it holds another issuer's keys, an old copy, or could not fetch them."
        ),
        Proof::NotListed(at) => format!(
            "{head}: the token names kid {kid}, and the key set of its issuer ({}) has no such key: another instance signed it, or the key was withdrawn.",
            at.route
        ),
        Proof::Unreachable(failed) => format!(
            "{head} after {}: without the issuer's keys no token of it can be verified.",
            match failed.outcome.class {
                OutcomeClass::NoAnswer => format!("{} at {} got no answer", failed.route, failed.origin),
                _ => format!("{} at {} {}", failed.route, failed.origin, answered(failed.status)),
            }
        ),
        Proof::Rotated(ok, other) => format!(
            "{head}: tokens of kid {kid} are refused since the issuer signs with it, and older ones of kid {} are accepted (as on {}): the verifier holds an old key set.",
            quoted(other.jose.header.kid.as_deref().into_iter()),
            ok.route
        ),
    }
}
