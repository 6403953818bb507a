//! A token whose claims, as far as they can be read, are in order.

use super::{RULE, about_user};
use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::{Fact, credential::Credential},
    finding::{Cap, Reason, Severity},
    presented::{Presented, Window, quoted, reason_is_open},
    rule::Draft,
    token::TokenKind,
};

/// The refusal of a token in which nothing is wrong to the eye.
pub(super) fn judge(case: &Case<'_>, fact: &Fact) -> Option<Draft> {
    let credential = fact.main_credential().filter(|c| !c.is_cookie() && c.well_formed)?;
    let open = reason_is_open(fact) || says_missing(fact) || about_user(fact).is_some();
    (open && looks_valid(case, fact, credential)).then(|| draft(case, fact, credential))
}

/// Whether everything that can be checked without a key speaks for the credential.
fn looks_valid(case: &Case<'_>, fact: &Fact, credential: &Credential) -> bool {
    let accepted = &case.profile().origin(&fact.origin).accepted_kinds;
    match Presented::of(case, fact) {
        Some(jwt) => jwt.window(case, fact) == Window::Open && jwt.jose.header.alg.as_deref() != Some("none"),
        // Without claims to look at, only an API that accepts such tokens makes this one look right.
        None => credential.kind == TokenKind::Opaque && accepted.contains_key(credential.kind.name()),
    }
}

/// Whether the server says that it saw nothing, against the bytes of the request.
fn says_missing(fact: &Fact) -> bool {
    fact.outcome.error.is_some_and(ErrorClass::is_missing)
}

fn draft(case: &Case<'_>, fact: &Fact, credential: &Credential) -> Draft {
    let controlled = case.route(fact).credentialed_ok > 0 || case.control(fact).0.credentialed_ok > 0;
    let with = case.lookup().succeeded_with(&fact.origin, credential.token);
    let with = with.iter().filter(|f| f.is_api_call());
    let mut with = with.filter(|f| f.main_credential().is_some_and(|c| c.token == credential.token));
    // The same call tells more than another one.
    let elsewhere = with.clone().find(|f| f.route == fact.route).or_else(|| with.next());
    let mut draft = Draft::new(&RULE.meta, fact)
        .credential(credential.token)
        .message(message(case, fact, elsewhere))
        .because(Reason::WireFact)
        .capped([Cap::TokenSays])
        .capped((!controlled && about_user(fact).is_none()).then_some(Cap::NoControl))
        .primary(fact.id, &credential.carrier.to_string(), case.capture().describe(credential.token))
        .server_says(fact)
        .cause(cause(case, fact));
    if let Some((variant, title, _)) = about_user(fact) {
        draft = draft.variant(variant).title(title).because_server_says(fact).fixes(&["be.log-reason"]);
    }
    if fact.status == Some(403) && fact.outcome.error.is_none() && fact.challenges.is_empty() {
        draft = draft.severity(Severity::Medium, "A 403 without words may have nothing to do with the token.");
    }
    for (part, says) in checked(case, fact) {
        draft = draft.related(fact.id, part, says);
    }
    match elsewhere {
        Some(ok) => draft.related(ok.id, "response.status", format!("the same token, accepted on {}", ok.route)),
        None => draft,
    }
}

/// What was checked of the claims, and passed.
fn checked(case: &Case<'_>, fact: &Fact) -> Vec<(&'static str, String)> {
    let Some(jwt) = Presented::of(case, fact) else { return Vec::new() };
    let mut passed = Vec::new();
    if let Some(exp) = jwt.claims.exp {
        let left = exp.intended().nanos().saturating_sub(fact.sent_nanos()) / 1_000_000_000;
        let unit = if exp.milliseconds { ", written in milliseconds, which verifiers read as seconds" } else { "" };
        passed.push(("token.claim.exp", format!("{left} s after the request was sent{unit}")));
    }
    let named = |value: &Option<Box<str>>| quoted(value.as_deref().into_iter());
    passed.extend(jwt.claims.iss.is_some().then(|| ("token.claim.iss", named(&jwt.claims.iss))));
    passed.extend(jwt.jose.header.alg.is_some().then(|| ("token.header.alg", named(&jwt.jose.header.alg))));
    passed
}

fn message(case: &Case<'_>, fact: &Fact, elsewhere: Option<&Fact>) -> String {
    let (route, status) = (&fact.route, fact.status.unwrap_or_default());
    if let Some((_, _, says)) = about_user(fact) {
        return format!("{route} answered {status}: {says}.");
    }
    if says_missing(fact) {
        return format!(
            "{route} answered {status} and says that no credential arrived, although the request carries a well-formed token: a hop in between drops it, or this endpoint reads another carrier."
        );
    }
    let words = reason(fact).unwrap_or_default();
    match elsewhere {
        None if !words.is_empty() => format!(
            "{route} answered {status} to a well-formed token inside its window and says \"{words}\"; the wire shows no more of it."
        ),
        Some(ok) if ok.route == fact.route && is_accepted_again(case, fact, ok) => format!(
            "{route} answered {status} to a token that it had accepted before and accepts again: what answers differs from time to time, one of several servers or a cache in front of them."
        ),
        Some(ok) if ok.path == fact.path && ok.method != fact.method => format!(
            "{route} answered {status} to a token that {} of the same path accepts: the refusal is this method's own, or that of what handles its errors.",
            ok.method
        ),
        Some(ok) if ok.route == fact.route && ok.started_nanos() < fact.started_nanos() => format!(
            "{route} answered {status} to a token that it had accepted before and that is still in its window; something changed on the server: a revoked session, a rotated key, a new policy."
        ),
        Some(ok) => format!(
            "{route} answered {status} to a token that {} accepts, so signature, issuer, audience and expiry are fine for whoever answers there; the refusal is this endpoint's own, or that of another service behind the same address.",
            ok.route
        ),
        None if case.control(fact).0.credentialed_ok > 0 => format!(
            "{route} answered {status} to a well-formed token inside its window and gives no reason, while the same API accepts other tokens; the wire cannot show whether key, session or user is at fault."
        ),
        None => format!(
            "{route} answered {status} to a well-formed token inside its window and gives no reason; the wire cannot show whether key, session or user is at fault."
        ),
    }
}

/// What the server says, where that is a sentence and not the name of its status.
fn reason(fact: &Fact) -> Option<&str> {
    fact.outcome.error_text.as_deref().filter(|text| text.split_whitespace().count() > 2)
}

/// Whether the same call is accepted with the same token, which `ok` carried, after the refusal, too.
fn is_accepted_again(case: &Case<'_>, fact: &Fact, ok: &Fact) -> bool {
    let token = ok.main_credential().map(|c| c.token);
    let later = case.lookup().on_route(&fact.origin, &fact.route).since(fact.ended_nanos());
    later.iter().any(|f| f.accepted() && f.main_credential().map(|c| c.token) == token)
}

/// One verifier that refuses one signer's tokens for one stated reason is one cause.
fn cause(case: &Case<'_>, fact: &Fact) -> String {
    let signer = Presented::of(case, fact).map(|jwt| (jwt.claims.iss.clone(), jwt.jose.header.kid.clone()));
    format!("{} {signer:?} {:?}", fact.origin, fact.outcome.error)
}
