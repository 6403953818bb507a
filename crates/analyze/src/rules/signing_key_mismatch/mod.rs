//! AUTH030: the token was signed with a key that the verifier does not use.

mod request;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, outcome::OutcomeClass},
    finding::{Cap, Reason, Severity},
    key::{KeyForm, KeyResult},
    presented::{self, Control, Judged, Presented, Window, quoted, reason_is_open},
    rule::{Check, Draft, Findings, Rule},
    text::Text,
    thresholds::thresholds,
    tokens::TokenId,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH030",
        id: "signing-key-mismatch",
        title: "Token is signed with another key than the verifier's",
        severity: Severity::Critical,
        layer: Layer::Key,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["be.keys", "be.env"],
    },
    check: Check::Timeline(check),
};

// How many requests of each signer make a difference between signers a pattern.
thresholds! {
    /// Refused requests of the one and accepted requests of the other, at least.
    each: count = 2,
}

/// What shows that the key is the wrong one.
enum Proof<'a> {
    /// The server says that the signature does not verify.
    Text,
    /// Another key signed the tokens that this origin accepts.
    OtherKey(&'a Fact, TokenId),
    /// A key of the same family is there, and this token was not signed with it.
    NotSignedBy,
    /// None of the keys at hand signed it.
    SignedByNone,
    /// Tokens from elsewhere are all accepted, those from here are all refused.
    Signer(&'a Fact),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    request::check(case, out);
    for origin in presented::by_origin(case) {
        let signers = Signers::of(case, &origin);
        for (fact, jwt) in origin.refused.iter().filter(|(_, jwt)| is_signed(jwt)) {
            if let Some(proof) = proof(case, fact, jwt, &origin, &signers) {
                out.add(draft(case, fact, jwt, &proof));
            }
        }
    }
}

/// Whether there is a whole signature to be wrong: a broken or missing one is another defect.
fn is_signed(jwt: &Presented<'_>) -> bool {
    jwt.credential.well_formed && jwt.jose.signature == crate::token::Signature::Plausible
}

fn proof<'a>(
    case: &Case<'a>,
    fact: &Fact,
    jwt: &Presented<'a>,
    origin: &Judged<'a>,
    signers: &Signers,
) -> Option<Proof<'a>> {
    // Nobody else has the key to a token of a well-known API: that it does not verify says whose it is.
    if jwt.reserved_for(fact).is_some() {
        return None;
    }
    if fact.outcome.says(&[ErrorClass::Signature]) {
        return Some(Proof::Text);
    }
    if !reason_is_open(fact) || jwt.window(case, fact) != Window::Open {
        return None;
    }
    if signers.accepted.contains(&jwt.id()) {
        return None;
    }
    by_keys(case, fact, jwt, &origin.controls).or_else(|| by_signer(case, jwt, origin, signers))
}

/// What the keys at hand say, where the server says nothing.
fn by_keys<'a>(case: &Case<'a>, fact: &Fact, jwt: &Presented<'a>, controls: &[Control<'a>]) -> Option<Proof<'a>> {
    let results = case.key_results(jwt.id());
    let own: BTreeSet<&str> = verified(results).map(|r| &*r.name).collect();
    let signed_by_other = controls.iter().find(|(_, other)| {
        let names: Vec<&str> = verified(case.key_results(other.id())).map(|r| &*r.name).collect();
        !names.is_empty() && !names.iter().any(|name| own.contains(name))
    });
    if results.is_empty() || !controls.is_empty() {
        return signed_by_other.filter(|_| !results.is_empty()).map(|(ok, other)| Proof::OtherKey(ok, other.id()));
    }
    // Without an accepted token nothing says which of the keys is the verifier's; names of one family do suggest it.
    let sibling = results.iter().find(|r| !r.verified && own.iter().any(|name| same_family(name, &r.name)));
    match sibling {
        _ if !never_accepted(case, fact, jwt) => None,
        Some(_) => Some(Proof::NotSignedBy),
        None => own.is_empty().then_some(Proof::SignedByNone),
    }
}

/// `JWT_SECRET_KEY` and `JWT_SECRET_STAGING` name one thing in two places; `JWT_SECRET` and `SESSION_SECRET` do not.
fn same_family(a: &str, b: &str) -> bool {
    let family = |name: &str| name.split(['_', '.', '-']).next().unwrap_or_default().to_ascii_lowercase();
    a != b && family(a) == family(b)
}

fn never_accepted(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>) -> bool {
    let with = case.lookup().succeeded_with(&fact.origin, jwt.id());
    let mut accepted = with.iter().filter(|f| f.is_api_call() && f.outcome.class == OutcomeClass::Success);
    !accepted.any(|f| case.route(f).bare_ok == 0)
}

/// Tokens of one signer are all refused here while those of another are all accepted, the issuer being the same.
fn by_signer<'a>(case: &Case<'a>, jwt: &Presented<'a>, origin: &Judged<'a>, signers: &Signers) -> Option<Proof<'a>> {
    let own = signer(case, jwt);
    let refused = signers.refused.get(&own).copied().unwrap_or_default();
    if own.1.is_none() || refused < Thresholds::of(case).each || origin.accepted < Thresholds::of(case).each {
        return None;
    }
    let same_claims = |other: &Presented<'_>| other.claims.iss == jwt.claims.iss && other.claims.aud == jwt.claims.aud;
    // Another kid or algorithm of the same issuer is a matter of its key set (AUTH031, AUTH032).
    let same_key = |other: &Presented<'_>| {
        other.jose.header.kid == jwt.jose.header.kid && other.jose.header.alg == jwt.jose.header.alg
    };
    let comparable = |other: &Presented<'_>| same_claims(other) && same_key(other);
    let is_split = origin.controls.iter().all(|(_, other)| signer(case, other) != own && comparable(other));
    origin.controls.first().filter(|_| is_split).map(|(ok, _)| Proof::Signer(ok))
}

/// What one origin makes of tokens and signers.
struct Signers {
    accepted: BTreeSet<TokenId>,
    /// Refused requests by the signer of their token.
    refused: BTreeMap<Signer, usize>,
}

impl Signers {
    fn of(case: &Case<'_>, origin: &Judged<'_>) -> Self {
        let mut refused: BTreeMap<Signer, usize> = BTreeMap::new();
        for (_, jwt) in &origin.refused {
            *refused.entry(signer(case, jwt)).or_default() += 1;
        }
        Self { accepted: origin.controls.iter().map(|(_, other)| other.id()).collect(), refused }
    }
}

/// The key that a token names, and the origin that delivered it.
type Signer = (Option<Box<str>>, Option<Text>);

/// Who made the token: the key that it names, else the origin that delivered it.
fn signer(case: &Case<'_>, jwt: &Presented<'_>) -> Signer {
    let deliverer = jwt.token.delivered_by.and_then(|id| case.fact(id)).map(|f| f.origin.clone());
    (jwt.jose.header.kid.clone(), deliverer)
}

fn verified(results: &[KeyResult]) -> impl Iterator<Item = &KeyResult> {
    results.iter().filter(|r| r.verified)
}

fn draft(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, proof: &Proof<'_>) -> Draft {
    let results = case.key_results(jwt.id());
    let header = &jwt.jose.header;
    let alg = quoted(header.alg.as_deref().into_iter());
    let kid = header.kid.as_deref().map(|kid| format!(", kid {}", quoted([kid].into_iter()))).unwrap_or_default();
    let mut draft = Draft::new(&RULE.meta, fact)
        .credential(jwt.id())
        .message(message(case, fact, results, proof))
        .because(if matches!(proof, Proof::Signer(_)) { Reason::Control } else { Reason::WireFact })
        .because_if(!results.is_empty(), Reason::KeyCheck)
        .because_if(matches!(proof, Proof::OtherKey(..)), Reason::Control)
        .capped(matches!(proof, Proof::NotSignedBy | Proof::SignedByNone).then_some(Cap::NoControl))
        .primary(fact.id, &jwt.part(), format!("{}, alg {alg}{kid}", case.capture().describe(jwt.id())))
        .server_says(fact)
        .cause(format!("{} {:?} {:?}", fact.origin, jwt.claims.iss, header.kid));
    if matches!(proof, Proof::Text) {
        draft = draft.because_server_says(fact);
    }
    let published = case.published_results(jwt.id());
    // The key has the name that the token gives, and did not sign it.
    draft = draft.because_if(!published.is_empty() && !published.iter().any(|r| r.verified), Reason::KeyCheck);
    for result in results.iter().chain(published) {
        draft = draft.related(fact.id, "token.signature", matrix_row(result));
    }
    match proof {
        Proof::OtherKey(ok, token) => draft.related(
            ok.id,
            "token.signature",
            format!("{}, accepted, {}", case.capture().describe(*token), signed_with(case.key_results(*token))),
        ),
        Proof::Signer(ok) => draft.related(ok.id, "response.status", "a token of another signer, accepted"),
        _ => draft,
    }
}

/// One cell of the matrix token × key: name, length and form, never a byte of the key.
fn matrix_row(result: &KeyResult) -> String {
    let short = if result.short { ", shorter than its algorithm asks for" } else { "" };
    let verdict = if result.verified { "verifies with" } else { "does not verify with" };
    format!("{verdict} {} ({} bytes{}{short})", result.name, result.key_len_bytes, form(result))
}

fn form(result: &KeyResult) -> &'static str {
    match result.form {
        KeyForm::Trimmed if result.verified => ", only without the white space around it",
        KeyForm::Base64 | KeyForm::Base64Url if result.verified => ", only after base64 decoding",
        _ => "",
    }
}

fn named(result: &KeyResult) -> String {
    format!("{} ({} bytes{})", result.name, result.key_len_bytes, form(result))
}

fn signed_with(results: &[KeyResult]) -> String {
    let names: Vec<String> = verified(results).map(named).collect();
    if names.is_empty() {
        "signed with none of the given keys".to_owned()
    } else {
        format!("signed with {}", names.join(" and "))
    }
}

fn message(case: &Case<'_>, fact: &Fact, results: &[KeyResult], proof: &Proof<'_>) -> String {
    let (route, status) = (&fact.route, fact.status.unwrap_or_default());
    let head = match proof {
        Proof::Text => format!("{route} answered {status}: the signature does not verify there."),
        Proof::Signer(ok) => {
            return format!(
                "{route} answered {status}: every token of this signer is refused and every token of another signer is accepted (as on {}), with the same issuer and audience.",
                ok.route
            );
        }
        Proof::OtherKey(ok, token) => format!(
            "{route} answered {status}; {} accepts a token {}.",
            ok.route,
            signed_with(case.key_results(*token))
        ),
        Proof::NotSignedBy | Proof::SignedByNone => format!("{route} answered {status} and names no reason."),
    };
    match key_sentence(case, results) {
        Some(keys) => format!("{head} {keys}"),
        None => format!("{head} Signer and verifier hold different keys; give both with --key to see which."),
    }
}

/// Which key signed the token and which did not, and why two keys that look alike differ.
fn key_sentence(case: &Case<'_>, results: &[KeyResult]) -> Option<String> {
    let own: Vec<&KeyResult> = verified(results).collect();
    let other: Vec<String> = results.iter().filter(|r| !r.verified).map(named).collect();
    let first = own.iter().find(|r| form(r).is_empty()).or(own.first());
    let Some(first) = first else {
        return (!results.is_empty())
            .then(|| format!("The token was signed with none of the given keys: {}.", other.join(", ")));
    };
    let twin = case.capture().key_twins.iter().find(|(a, b)| *a == *first.name || *b == *first.name);
    Some(match twin {
        Some((a, b)) => format!(
            "The token was signed with {}; {a} and {b} differ only by white space around the value, so one side has a stray line end.",
            named(first)
        ),
        None if !form(first).is_empty() => format!(
            "The token was signed with {}: one side decodes or trims the value, the other does not.",
            named(first)
        ),
        None if other.is_empty() => {
            format!("The token was signed with {}, so the verifier holds another key.", named(first))
        }
        None => format!("The token was signed with {}, not with {}.", named(first), other.join(" or ")),
    })
}
