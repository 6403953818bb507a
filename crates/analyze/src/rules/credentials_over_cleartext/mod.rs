//! AUTH101: credentials travel over HTTP without TLS, or a session cookie may.

use std::net::IpAddr;

use authtrace_parse::Scheme;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{
        Fact,
        credential::{Carrier, Credential},
        outcome::OutcomeClass,
        role::Role,
        site,
    },
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::Text,
    token::TokenKind,
    tokens::TokenId,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH101",
        id: "credentials-over-cleartext",
        title: "Credentials sent without TLS",
        severity: Severity::Critical,
        layer: Layer::Hygiene,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["sec.tls"],
    },
    check: Check::Timeline(check),
};

/// Routes that one finding lists.
const ROUTES: usize = 20;

/// Where the other end is.
#[derive(Clone, Copy, PartialEq)]
enum Peer {
    /// This machine or a private network.
    Private,
    /// An address or name that the public reaches.
    Public,
    /// The capture has no address, and the name says nothing.
    Unknown,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let exposed =
        case.facts().filter(|f| matches!(f.scheme, Scheme::Http | Scheme::Ws) && left(f) && secret(f).is_some());
    // One hop is one finding: every call over it leaks in the same way.
    for facts in Case::grouped(exposed, |f| f.origin.clone()).into_values() {
        out.add_all(cleartext(case, &facts));
    }
    for fact in case.facts().filter(|f| f.scheme == Scheme::Https) {
        out.add_all(insecure_cookie(fact));
    }
}

/// Whether the request left the client: one that was held back, or that found nobody listening, showed nothing.
fn left(fact: &Fact) -> bool {
    fact.outcome.class != OutcomeClass::NoAnswer
}

/// The secret that an exchange shows to whoever reads along: its place and its name in words.
fn secret(fact: &Fact) -> Option<(String, &'static str)> {
    let sent = fact.credentials.iter().find(|c| c.kind.is_credential() && !is_safe(c));
    if fact.request.has_password {
        Some(("request.body".into(), "a password"))
    } else if let Some(credential) = sent {
        let what = match credential.carrier {
            Carrier::Cookie(_) => "a session cookie",
            Carrier::Header(_) => "an authorization header",
            _ => "a token",
        };
        Some((credential.carrier.to_string(), what))
    } else {
        fact.delivered.first().map(|d| (d.carrier.to_string(), "a token in the answer"))
    }
}

/// What is the proxy's and goes no further, and answers to a challenge, which tell nobody the secret.
fn is_safe(credential: &Credential) -> bool {
    let of_proxy = matches!(&credential.carrier, Carrier::Header(name) if &**name == "proxy-authorization");
    of_proxy || matches!(credential.kind, TokenKind::Digest | TokenKind::Ntlm | TokenKind::Negotiate)
}

fn cleartext(case: &Case<'_>, facts: &[&Fact]) -> Option<Draft> {
    let telling = facts.iter().find(|f| is_telling(case, f));
    let first = telling.or(facts.first())?;
    let mut routes: Vec<Text> = facts.iter().map(|f| f.route.clone()).collect();
    routes.sort_unstable();
    routes.dedup();
    routes.truncate(ROUTES);
    let (at, what) = secret(first)?;
    let draft = Draft::new(&RULE.meta, first)
        .because(Reason::WireFact)
        .primary(first.id, "request.url", format!("{}, no TLS", first.origin))
        .primary(first.id, &at, what)
        .also(facts.iter().map(|f| f.id))
        .routes(routes)
        .cause(&first.origin)
        .message(format!(
            "{} of {} carried {what} without TLS{}.",
            first.route,
            first.origin,
            match facts.len() {
                1 => String::new(),
                2 => "; so did another request to this origin".into(),
                n => format!("; {} more requests to this origin carried credentials, too", n - 1),
            }
        ));
    Some(match (peer(case, first), telling) {
        (Peer::Public, Some(_)) => draft,
        (Peer::Public, None) => draft.severity(Severity::Medium, "only cookies, of which no sign-in is seen"),
        (Peer::Private, _) => draft.severity(Severity::Low, "the peer is this machine or a private network"),
        (Peer::Unknown, Some(_)) => draft.severity(Severity::Medium, "the capture does not show where the peer is"),
        (Peer::Unknown, None) => draft.severity(Severity::Low, "only cookies, and a peer of which nothing is known"),
    })
}

/// Whether the secret stands for somebody: a password, a token, or a cookie that a sign-in set. Every site hands session
/// cookies to strangers, too.
fn is_telling(case: &Case<'_>, fact: &Fact) -> bool {
    let signed_in = |token: TokenId| {
        let by = case.token(token).delivered_by.and_then(|id| case.fact(id));
        by.is_some_and(|f| matches!(f.role, Role::Login | Role::Callback))
    };
    let sent = fact.credentials.iter().any(|c| c.kind.is_credential() && (!c.is_cookie() || signed_in(c.token)));
    let given = fact.delivered.iter().any(|d| !matches!(d.carrier, Carrier::SetCookie(_)) || signed_in(d.token));
    fact.request.has_password || sent || given
}

/// Where the peer is: by its address here, by its address elsewhere in the capture, by its name.
fn peer(case: &Case<'_>, fact: &Fact) -> Peer {
    let elsewhere = || case.facts().filter(|f| f.host == fact.host).find_map(|f| f.server.map(|server| server.ip()));
    let known: Option<IpAddr> =
        fact.server.map(|server| server.ip()).or_else(elsewhere).or_else(|| site::address(&fact.host));
    match known {
        Some(ip) if site::is_private(ip) => Peer::Private,
        Some(_) => Peer::Public,
        None if site::is_private_name(&fact.host) => Peer::Private,
        None => Peer::Unknown,
    }
}

/// A session cookie that is set over TLS without `Secure`: the next `http://` link sends it in the clear.
fn insecure_cookie(fact: &Fact) -> Option<Draft> {
    let session = |name: &Text| fact.delivered.iter().any(|d| d.carrier == Carrier::SetCookie(name.clone()));
    let cookie = fact.set_cookies.iter().find(|c| !c.secure && !c.deletes && session(&c.name))?;
    Some(
        Draft::new(&RULE.meta, fact)
            .variant("cookie-not-secure")
            .title("Session cookie without Secure")
            .severity(Severity::Low, "it was sent over TLS here")
            .because(Reason::WireFact)
            .primary(fact.id, &format!("response.cookie.{}", cookie.name), "no Secure")
            .cause(format!("{} {}", fact.origin, cookie.name))
            .message(format!(
                "{} of {} sets the session cookie {} without Secure: any http:// link to this host sends it in the clear.",
                fact.route, fact.origin, cookie.name
            )),
    )
}
