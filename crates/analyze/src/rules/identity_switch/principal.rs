//! Another user in the next token: `sub` changes, or goes back and forth, while nobody signs in or out.
//!
//! Only recordings of one browser are judged: behind one address of a packet capture many people may sit (gate G15).

use std::collections::BTreeMap;

use super::RULE;
use crate::{
    case::Case,
    coverage::InputFormat,
    facts::{Fact, gate::Gate, role::Role},
    finding::{Cap, Reason, Severity},
    presented::Presented,
    rule::Draft,
    text::{Text, count},
    token::{Claims, Identifier},
    tokens::Purpose,
};

/// A request and the user that its token names.
type Sighting<'a> = (&'a Fact, Presented<'a>);

/// Tokens of one issuer for one audience and client at one origin: only their users are comparable.
type Realm<'a> = (&'a Text, Option<&'a str>, Vec<&'a str>, Option<&'a str>);

pub(super) fn check<'a>(case: &Case<'a>) -> Vec<Draft> {
    let mut realms: BTreeMap<Realm<'a>, Vec<Sighting<'a>>> = BTreeMap::new();
    for fact in case.api_calls().filter(|f| is_of_one_browser(case, f) && !f.gates.any(&[Gate::Probe, Gate::NotServer]))
    {
        let Some(jwt) = Presented::of(case, fact).filter(|jwt| is_user(jwt)) else { continue };
        let aud = jwt.claims.aud.iter().map(|aud| &**aud).collect();
        let party = jwt.claims.azp.as_deref().or(jwt.claims.client_id.as_deref());
        realms.entry((&fact.origin, jwt.claims.iss.as_deref(), aud, party)).or_default().push((fact, jwt));
    }
    realms.into_values().filter_map(|sightings| switch(case, &sightings)).collect()
}

fn is_of_one_browser(case: &Case<'_>, fact: &Fact) -> bool {
    let input = case.capture().inputs.get(usize::from(fact.source.input));
    input.is_none_or(|input| input.format == InputFormat::Har) && fact.resource_type.is_some()
}

/// Whether the token is a user's own: no impersonation (RFC 8693 §4.1), no machine, and a user that it names.
fn is_user(jwt: &Presented<'_>) -> bool {
    const ON_BEHALF: &[&str] = &["act", "impersonator", "impersonated_by", "impersonatorId", "impersonator_id"];
    let claims = jwt.claims;
    !claims.is_client && subject(claims).is_some() && !claims.names.iter().any(|name| ON_BEHALF.contains(&&**name))
}

fn subject(claims: &Claims) -> Option<&Identifier> {
    claims.sub.as_ref()
}

fn switch<'a>(case: &Case<'a>, sightings: &[Sighting<'a>]) -> Option<Draft> {
    let changes: Vec<(Sighting<'_>, Sighting<'_>)> = sightings
        .windows(2)
        .map(|pair| (pair[0], pair[1]))
        .filter(|(a, b)| subject(a.1.claims) != subject(b.1.claims) && a.0.lifetime == b.0.lifetime)
        .filter(|(a, b)| !is_identity_event_between(case, a.0, &b.1, b.0))
        .collect();
    let (first, second) = changes.first().copied()?;
    // Requests in flight while an account is switched overlap; a switch that stays is told by what follows.
    let alternates = changes.len() > 1;
    let refreshed = delivery(case, &second.1).filter(|f| matches!(f.role, Role::Refresh | Role::Mint));
    (alternates || refreshed.is_some() || second.0.started_nanos() >= first.0.ended_nanos())
        .then(|| draft(case, first, second, &changes, refreshed))
}

fn delivery<'a>(case: &Case<'a>, jwt: &Presented<'_>) -> Option<&'a Fact> {
    jwt.token.delivered_by.and_then(|id| case.fact(id))
}

/// Whether somebody signed in or out, or the token came from anywhere but a refresh, since the request before.
fn is_identity_event_between(case: &Case<'_>, before: &Fact, new: &Presented<'_>, after: &Fact) -> bool {
    let by_grant = delivery(case, new).is_some_and(|f| !matches!(f.role, Role::Refresh | Role::Mint));
    let identity = |f: &Fact| {
        matches!(f.role, Role::Login | Role::Logout | Role::Callback | Role::Authorize | Role::Token) || switches(f)
    };
    // What was seen before the earlier request may still be on its way to the later one.
    by_grant || case.lookup().between(before.started_nanos(), after.started_nanos()).any(identity)
}

/// Requests that change the user by their name: impersonation and account pickers.
fn switches(fact: &Fact) -> bool {
    const WORDS: &[&str] = &[
        "impersonate",
        "impersonation",
        "switch",
        "switch-user",
        "switch_user",
        "switch-account",
        "sudo",
        "masquerade",
    ];
    &*fact.method != "GET" && fact.path.split('/').any(|segment| WORDS.contains(&segment.to_ascii_lowercase().as_str()))
}

fn draft(
    case: &Case<'_>,
    (before, a): Sighting<'_>,
    (after, b): Sighting<'_>,
    changes: &[(Sighting<'_>, Sighting<'_>)],
    refreshed: Option<&Fact>,
) -> Draft {
    let alternates = changes.len() > 1;
    let user =
        |jwt: &Presented<'_>| jwt.claims.sub.as_ref().map_or_else(String::new, |sub| case.capture().fingerprint(sub));
    let (one, other) = (user(&a), user(&b));
    let by_session = b.token.purpose == Some(Purpose::Session);
    let how = match (alternates, refreshed) {
        (true, _) => format!("the user changes {} while nobody signs in or out", count(changes.len(), "time")),
        (false, Some(refresh)) => format!("{} renewed the session of one user with a token of another", refresh.route),
        (false, None) => "nobody signed in or out in between".to_owned(),
    };
    let draft = Draft::new(&RULE.meta, after)
        .variant(if refreshed.is_some() { "refresh-changed-user" } else { "other-user" })
        .title("Requests of one page carry tokens of two users")
        .credential(b.id())
        .message(format!(
            "{} was sent as user {one} and {} as user {other} by the same page: {how}.",
            before.route, after.route
        ))
        .because(Reason::WireFact)
        .because_if(alternates, Reason::Control)
        .capped([Cap::TokenSays])
        .primary(after.id, "token.claim.sub", format!("user {other}"))
        .related(before.id, "token.claim.sub", format!("user {one}"))
        .also(changes.iter().map(|(_, (fact, _))| fact.id))
        .cause(format!("{} {}", after.origin, a.claims.iss.as_deref().unwrap_or_default()))
        .fixes(if by_session { &["be.session-store"] } else { &["fe.one-identity", "be.no-shared-cache"] });
    match refreshed {
        Some(refresh) => draft
            .related(refresh.id, "response", format!("delivered the token of user {other}"))
            .severity(Severity::High, "one user gets another user's token"),
        None if !alternates && is_newer(before, &b) => draft.severity(
            Severity::Low,
            "the token is new: somebody may have signed in out of sight, in a pop-up or another tab",
        ),
        None => draft,
    }
}

/// Whether the token was made after the other user's request: then it is no stray one from before.
fn is_newer(before: &Fact, jwt: &Presented<'_>) -> bool {
    jwt.claims.iat.is_none_or(|iat| iat.intended().nanos() >= before.started_nanos())
}
