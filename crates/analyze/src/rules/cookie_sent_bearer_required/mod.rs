//! AUTH004: the token travels in a cookie, and the API reads only `Authorization`.

use crate::{
    case::{Case, Lack},
    catalogue::{Layer, RuleMeta, Tier},
    facts::{
        Fact,
        credential::{Carrier, Credential, is_token_kind},
    },
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::answered,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH004",
        id: "cookie-sent-bearer-required",
        title: "Token sent in a cookie where the API reads the Authorization header",
        severity: Severity::High,
        layer: Layer::Client,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["fe.single-client", "be.bearer-only"],
    },
    check: Check::Timeline(check),
};

/// How a cookie shows that it holds a token; a later one is the stronger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    /// Its name says so.
    Name,
    /// Its value is a JWT or another known sort of token.
    Kind,
    /// The same value was accepted as a bearer token by this origin.
    Accepted,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    for fact in case.refusals().filter(|f| !f.role.delivers()) {
        let Some(lack) = case.lacks_credential(fact).filter(|lack| lack.cookies) else { continue };
        if let Some((cookie, name, sign)) = token_cookie(case, fact) {
            out.add(draft(case, fact, &lack, cookie, name, sign));
        }
    }
}

/// The cookie that most likely holds the access token.
fn token_cookie<'f>(case: &Case<'_>, fact: &'f Fact) -> Option<(&'f Credential, &'f str, Sign)> {
    let signs = fact.credentials.iter().filter_map(|cookie| {
        let Carrier::Cookie(name) = &cookie.carrier else { return None };
        Some((cookie, &**name, sign(case, fact, cookie, name)?))
    });
    // Of two equal signs the first cookie in the header's order stands.
    signs.reduce(|best, next| if next.2 > best.2 { next } else { best })
}

fn sign(case: &Case<'_>, fact: &Fact, cookie: &Credential, name: &str) -> Option<Sign> {
    if !cookie.kind.is_credential() {
        return None;
    }
    if accepted_as_bearer(case, fact, cookie).is_some() {
        return Some(Sign::Accepted);
    }
    let lower = name.to_ascii_lowercase();
    // A refresh token in a cookie is for the refresh endpoint; nobody expects an API to read it.
    if lower.contains("refresh") {
        return None;
    }
    if is_token_kind(cookie.kind) {
        return Some(Sign::Kind);
    }
    // A cookie that accepted requests carry beside their Authorization is the site's session, not the token.
    let beside = || {
        let with = case.lookup().succeeded_with(&fact.origin, cookie.token);
        with.iter().any(|f| f.authorization().is_some() && f.cookies().any(|c| c.token == cookie.token))
    };
    (is_token_name(&lower) && !beside()).then_some(Sign::Name)
}

/// Names that applications give a cookie that holds an access token; `session` alone is not among them.
fn is_token_name(lower: &str) -> bool {
    const WORDS: [&str; 4] = ["token", "jwt", "bearer", "__session"];
    (WORDS.iter().any(|word| lower.contains(word))
        && !lower.contains("session-token")
        && !lower.contains("session_token"))
        || lower == "auth"
        || lower == "authorization"
}

/// The request whose `Authorization` held the cookie's value and was accepted by the same origin.
fn accepted_as_bearer<'a>(case: &Case<'a>, fact: &Fact, cookie: &Credential) -> Option<&'a Fact> {
    let with = case.lookup().succeeded_with(&fact.origin, cookie.token);
    with.iter().find(|f| f.authorization().is_some_and(|c| c.token == cookie.token))
}

fn draft(case: &Case<'_>, fact: &Fact, lack: &Lack, cookie: &Credential, name: &str, sign: Sign) -> Draft {
    let accepted = accepted_as_bearer(case, fact, cookie);
    let token = case.capture().describe(cookie.token);
    let draft = Draft::new(&RULE.meta, fact)
        .message(message(fact, name, sign, accepted))
        .because(if sign == Sign::Name { Reason::PathName } else { Reason::WireFact })
        .because_if(lack.has_control, Reason::Control)
        .because_server_says(fact)
        .capped(lack.caps.iter().copied())
        .primary(fact.id, &format!("request.cookie.{name}"), token)
        .related(fact.id, "request.header.authorization", "absent")
        .server_says(fact)
        .credential(cookie.token)
        .cause(format!("{} {name}", fact.origin));
    match accepted {
        Some(other) => draft.related(other.id, "request.header.authorization", "the same token, accepted"),
        None => draft,
    }
}

fn message(fact: &Fact, name: &str, sign: Sign, accepted: Option<&Fact>) -> String {
    let sent = format!("{} sent its token only in the cookie `{name}` and {}", fact.route, answered(fact.status));
    match (accepted, sign) {
        (Some(other), _) => {
            format!("{sent}; {} carried the same token in Authorization and was accepted.", other.route)
        }
        (None, Sign::Name) => format!("{sent}; this API was only ever seen to read Authorization."),
        (None, _) => format!("{sent}; the cookie holds a token, and the API wants it in Authorization."),
    }
}
