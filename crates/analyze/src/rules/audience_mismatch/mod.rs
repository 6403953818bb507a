//! AUTH023: the token was issued for another API, or names no API at all.

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    challenge::Challenge,
    dictionary::{ErrorClass, Resource},
    facts::Fact,
    finding::{Cap, Reason, Severity},
    presented::{self, Control, Judged, Presented, Window, quoted, reason_is_open},
    rule::{Check, Draft, Findings, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH023",
        id: "audience-mismatch",
        title: "Token is not meant for this API (aud)",
        severity: Severity::High,
        layer: Layer::Token,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["idp.audience", "be.aud-iss"],
    },
    check: Check::Timeline(check),
};

fn check(case: &Case<'_>, out: &mut Findings) {
    for origin in presented::by_origin(case) {
        check_origin(case, &origin, out);
    }
}

fn check_origin(case: &Case<'_>, origin: &Judged<'_>, out: &mut Findings) {
    let controls = &origin.controls;
    for &(fact, jwt) in &origin.refused {
        let says = fact.outcome.says(&[ErrorClass::AuthorizedParty, ErrorClass::Audience]);
        if let Some(api) = reserved(case, fact, &jwt, controls) {
            out.add(for_another(case, fact, &jwt, api));
            continue;
        }
        if !says && !reason_is_open(fact) {
            continue;
        }
        if fact.outcome.says(&[ErrorClass::AuthorizedParty]) {
            out.add(other_party(case, fact, &jwt));
        } else if fact.outcome.says(&[ErrorClass::Audience])
            || is_undeclared(case, fact, &jwt)
            || differs_silently(case, fact, &jwt, controls)
            || other_service(case, fact, &jwt).is_some()
        {
            out.add(draft(case, fact, &jwt, controls));
        }
    }
}

/// No stated reason, and every accepted token of the same signer names an audience that this one lacks.
fn differs_silently(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, controls: &[Control<'_>]) -> bool {
    let comparable = || controls.iter().any(|(_, other)| other.same_signer(jwt));
    reason_is_open(fact)
        && jwt.window(case, fact) == Window::Open
        && comparable()
        && controls.iter().all(|(_, other)| !other.claims.aud.is_empty() && is_disjoint(jwt, other))
}

/// The challenge names the service that tokens must be for (Distribution, "Token authentication"), and this one is for another.
fn other_service<'f>(case: &Case<'_>, fact: &'f Fact, jwt: &Presented<'_>) -> Option<&'f str> {
    let registry = |c: &&Challenge| c.is("bearer") && c.get("realm").is_some_and(|realm| realm.contains("://"));
    let service = fact.challenges.iter().find(registry).and_then(|c| c.get("service"))?;
    let aud = &jwt.claims.aud;
    let other = !aud.is_empty() && !aud.iter().any(|aud| **aud == *service);
    (other && reason_is_open(fact) && jwt.window(case, fact) == Window::Open).then_some(service)
}

/// No stated reason, and the settings name the audiences of this API: the token is for none of them.
fn is_undeclared(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>) -> bool {
    jwt.window(case, fact) == Window::Open && case.capture().expectations().are_foreign_audiences(&jwt.claims.aud)
}

/// The well-known API that the token is meant for, where the server says nothing that speaks against it: a signature that
/// does not verify is what others make of such a token.
fn reserved(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, controls: &[Control<'_>]) -> Option<&'static Resource> {
    let says = fact.outcome.says(&[ErrorClass::Audience, ErrorClass::Signature, ErrorClass::UnknownKey])
        || reason_is_open(fact);
    let open = says && jwt.window(case, fact) == Window::Open;
    jwt.reserved_for(fact).filter(|_| open && controls.iter().all(|(_, other)| is_disjoint(jwt, other)))
}

fn is_disjoint(jwt: &Presented<'_>, other: &Presented<'_>) -> bool {
    !jwt.claims.aud.iter().any(|aud| other.claims.aud.contains(aud))
}

fn for_another(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, api: &Resource) -> Draft {
    let name = &api.name;
    by_claim(case, fact, jwt, "token.claim.aud", format!("{}, {name}", named(jwt)))
        .variant("another-api")
        .title("Token of another API sent to this one (aud)")
        .message(format!(
            "{} answered {} to a token for {name} ({}), which nobody else can check: ask for a token with a scope of this API.",
            fact.route,
            fact.status.unwrap_or_default(),
            named(jwt)
        ))
        .cause(format!("{} {}", fact.origin, jwt.claims.aud.join(" ")))
}

/// What the token and the server say of one claim, without a token that is accepted.
fn by_claim(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, claim: &str, value: String) -> Draft {
    Draft::new(&RULE.meta, fact)
        .credential(jwt.id())
        .because(Reason::WireFact)
        .because_server_says(fact)
        .capped([Cap::TokenSays])
        .primary(fact.id, claim, value)
        .related(fact.id, &jwt.part(), case.capture().describe(jwt.id()))
        .server_says(fact)
}

fn draft(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, controls: &[Control<'_>]) -> Draft {
    let absent = jwt.claims.aud.is_empty();
    let control = controls.iter().find(|(_, other)| !other.claims.aud.is_empty() && is_disjoint(jwt, other));
    let undeclared = is_undeclared(case, fact, jwt);
    let declared = case.capture().expectations().audiences.iter().filter(|_| undeclared);
    let service = other_service(case, fact, jwt);
    let wanted = controls.iter().flat_map(|(_, other)| &other.claims.aud).chain(declared).map(|aud| &**aud);
    let wanted = quoted(wanted.chain(service));
    let status = fact.status.unwrap_or_default();
    let draft = Draft::new(&RULE.meta, fact)
        .credential(jwt.id())
        .message(message(fact, jwt, &wanted, status))
        .because(Reason::WireFact)
        .because_if(control.is_some(), Reason::Control)
        .because_if(undeclared, Reason::Document)
        .because_server_says(fact)
        .capped([Cap::TokenSays])
        .capped((!absent && control.is_none() && !undeclared && service.is_none()).then_some(Cap::NoControl))
        .primary(fact.id, "token.claim.aud", if absent { "absent".to_owned() } else { named(jwt) })
        .related(fact.id, &jwt.part(), case.capture().describe(jwt.id()))
        .server_says(fact)
        .cause(format!("{} {}", fact.origin, jwt.claims.aud.join(" ")));
    let draft = match service {
        Some(service) => draft.related(
            fact.id,
            "response.header.www-authenticate",
            format!("tokens are for {}", quoted([service].into_iter())),
        ),
        None => draft,
    };
    match control {
        Some((ok, other)) => {
            draft.related(ok.id, "token.claim.aud", format!("{}, accepted on {}", named(other), ok.route))
        }
        None => draft,
    }
}

fn named(jwt: &Presented<'_>) -> String {
    quoted(jwt.claims.aud.iter().map(|aud| &**aud))
}

fn message(fact: &Fact, jwt: &Presented<'_>, wanted: &str, status: u16) -> String {
    let (route, has) = (&fact.route, named(jwt));
    match (jwt.claims.aud.is_empty(), wanted.is_empty()) {
        (true, true) => format!("{route} answered {status} to a token without an aud claim, which this API requires."),
        (true, false) => {
            format!(
                "{route} answered {status} to a token without an aud claim; the tokens that this API accepts are for {wanted}."
            )
        }
        (false, true) => {
            format!("{route} answered {status} to a token for {has}; the server says that this is not its audience.")
        }
        (false, false) if same_but_slash(&has, wanted) => {
            format!(
                "{route} answered {status} to a token for {has}; accepted tokens are for {wanted}, which differs by the trailing slash only."
            )
        }
        (false, false) => {
            format!(
                "{route} answered {status} to a token for {has}; the tokens that this API accepts are for {wanted}."
            )
        }
    }
}

fn same_but_slash(a: &str, b: &str) -> bool {
    a.replace("/`", "`") == b.replace("/`", "`")
}

/// The server does not allow the client that the token was issued to (`azp`).
fn other_party(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>) -> Draft {
    let azp = jwt.claims.azp.as_deref().or(jwt.claims.client_id.as_deref());
    let party = azp.map_or_else(
        || "names no authorized party".to_owned(),
        |azp| format!("was issued to {}", quoted([azp].into_iter())),
    );
    let value = azp.map_or_else(|| "absent".to_owned(), |azp| quoted([azp].into_iter()));
    by_claim(case, fact, jwt, "token.claim.azp", value)
        .variant("authorized-party")
        .title("Token was issued to a client that this API does not allow (azp)")
        .message(format!(
            "{} answered {}: the token {party}, and the server says that this party is not allowed.",
            fact.route,
            fact.status.unwrap_or_default()
        ))
        .cause(format!("{} azp {}", fact.origin, azp.unwrap_or_default()))
        .fixes(&["be.aud-iss", "idp.instance"])
}
