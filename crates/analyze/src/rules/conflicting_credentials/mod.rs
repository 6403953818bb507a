//! AUTH015: a refused request carried several credentials, and the server may have judged another than the caller meant.

use std::collections::BTreeMap;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{
        Fact,
        credential::{Carrier, Credential, Method, is_token_kind},
    },
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::answered,
    token::Identifier,
    tokens::TokenId,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH015",
        id: "conflicting-credentials",
        title: "Several credentials sent together",
        severity: Severity::Medium,
        layer: Layer::Client,
        tier: Tier::T2,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["fe.one-carrier"],
    },
    check: Check::Timeline(check),
};

/// How credentials of one request get into each other's way.
enum Conflict<'f> {
    /// More than one `Authorization` field, which is no list (RFC 9110 §11.6.2).
    Fields(Vec<&'f Credential>),
    /// A bearer token by more than one method (RFC 6750 §2).
    Methods(&'f Credential, &'f Credential),
    /// A cookie's token and the header's name different principals or sessions.
    Principals(&'f Credential, &'f Credential),
    /// One cookie name with two values: two paths or domains shadow each other.
    Shadowed(&'f Credential, &'f Credential),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    for fact in case.refusals() {
        if let Some(conflict) = conflict(case, fact) {
            out.add(draft(case, fact, &conflict));
        }
    }
}

fn conflict<'f>(case: &Case<'_>, fact: &'f Fact) -> Option<Conflict<'f>> {
    let fields: Vec<_> = fact.credentials.iter().filter(|c| c.is_authorization()).collect();
    if fields.len() > 1 {
        return Some(Conflict::Fields(fields));
    }
    let header = fact.authorization();
    if let Some((header, other)) = header.and_then(|h| Some((h, second_method(fact, h)?))) {
        return Some(Conflict::Methods(header, other));
    }
    if let Some((first, second)) = shadowed(fact) {
        return Some(Conflict::Shadowed(first, second));
    }
    let header = header?;
    let other = fact.cookies().find(|cookie| !is_refresh(cookie) && differ(case, header.token, cookie.token))?;
    Some(Conflict::Principals(header, other))
}

/// A bearer token in query or body beside the header. API keys, tickets and signatures there are methods of their own (G12).
/// A parameter that is only called `token` may be an invitation or a reset link: then its value must look like the header's.
fn second_method<'f>(fact: &'f Fact, header: &Credential) -> Option<&'f Credential> {
    let alike = |c: &Credential| c.token == header.token || c.kind == header.kind && is_token_kind(c.kind);
    fact.credentials.iter().find(|c| match &c.carrier {
        Carrier::Query(name) if name.eq_ignore_ascii_case("access_token") => true,
        Carrier::Query(_) => alike(c),
        Carrier::Body(key) => &**key == "access_token",
        _ => false,
    })
}

fn shadowed(fact: &Fact) -> Option<(&Credential, &Credential)> {
    let mut by_name: BTreeMap<&Carrier, &Credential> = BTreeMap::new();
    fact.cookies().find_map(|cookie| {
        let first = by_name.entry(&cookie.carrier).or_insert(cookie);
        (first.token != cookie.token).then_some((*first, cookie))
    })
}

fn is_refresh(cookie: &Credential) -> bool {
    matches!(&cookie.carrier, Carrier::Cookie(name) if name.to_ascii_lowercase().contains("refresh"))
}

/// Whether two tokens name different subjects or sessions. Another `exp` alone is only another refresh of the same session.
fn differ(case: &Case<'_>, a: TokenId, b: TokenId) -> bool {
    let claims = |id: TokenId| case.token(id).claims();
    let (Some(a), Some(b)) = (claims(a), claims(b)) else { return false };
    let other =
        |a: &Option<Identifier>, b: &Option<Identifier>| a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| a != b);
    // Two issuers number their users each in their own way.
    a.iss == b.iss && (other(&a.sub, &b.sub) || other(&a.sid, &b.sid))
}

fn draft(case: &Case<'_>, fact: &Fact, conflict: &Conflict<'_>) -> Draft {
    let header = fact.authorization().map(|c| c.token);
    let with = header.map(|token| case.lookup().succeeded_with(&fact.origin, token));
    let mut with = with.into_iter().flat_map(|with| with.iter());
    let alone = with.find(|f| f.authorization().is_some_and(|c| Some(c.token) == header));
    let says_so = fact.outcome.says(&[ErrorClass::ConflictingCredentials]);
    let draft = Draft::new(&RULE.meta, fact)
        .because_if(says_so, Reason::ServerText)
        .because_if(alone.is_some(), Reason::Control)
        .server_says(fact);
    let draft = match alone {
        Some(alone) => {
            draft.related(alone.id, "request.header.authorization", "the same token without the other, accepted")
        }
        None => draft,
    };
    let answer = answered(fact.status);
    let route = &fact.route;
    match conflict {
        Conflict::Fields(fields) => evidence(case, fact, draft, fields)
            .variant("duplicate-header")
            .because(Reason::WireFact)
            .cause("duplicate-header")
            .message(format!("{route} carried {} Authorization fields and {answer}; the field is no list, so servers take the first, the last or none.", fields.len())),
        Conflict::Methods(a, b) => evidence(case, fact, draft, &[a, b])
            .variant("two-methods")
            .because(Reason::WireFact)
            .cause(b.carrier.to_string())
            .message(format!(
                "{route} carried a token in Authorization and {} in {} and {answer}; RFC 6750 §2 allows one method per request.",
                if a.token == b.token { "the same one" } else { "another one" }, place(b)
            )),
        Conflict::Principals(a, b) => evidence(case, fact, draft, &[a, b])
            .variant("other-principal")
            .because(Reason::Timing)
            .capped([Cap::TokenSays])
            .cause(b.carrier.to_string())
            .message(format!(
                "{route} carried one user or session in Authorization and another in {} and {answer}; a server that reads the cookie first judges the wrong one.",
                place(b)
            )),
        Conflict::Shadowed(a, b) => evidence(case, fact, draft, &[a, b])
            .variant("shadowed-cookie")
            .because(if fact.has_method(Method::Authorization) { Reason::Timing } else { Reason::WireFact })
            .cause(b.carrier.to_string())
            .message(format!("{route} carried {} twice with different values and {answer}; a stale cookie of another Path or Domain shadows the good one.", place(b))),
    }
}

/// The first carrier as primary evidence, the others as related; the credential is the first that is not a cookie.
fn evidence(case: &Case<'_>, fact: &Fact, mut draft: Draft, credentials: &[&Credential]) -> Draft {
    for (index, credential) in credentials.iter().enumerate() {
        let (at, says) = (credential.carrier.to_string(), case.capture().describe(credential.token));
        draft = if index == 0 { draft.primary(fact.id, &at, says) } else { draft.related(fact.id, &at, says) };
    }
    match credentials.first() {
        Some(first) => draft.credential(first.token),
        None => draft,
    }
}

fn place(credential: &Credential) -> String {
    match &credential.carrier {
        Carrier::Cookie(name) => format!("the cookie `{name}`"),
        Carrier::Query(name) => format!("the query parameter `{name}`"),
        Carrier::Body(key) => format!("the body key `{key}`"),
        other => other.to_string(),
    }
}
