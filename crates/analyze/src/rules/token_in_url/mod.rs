//! AUTH100: a credential travels in a URL, where logs, histories and other sites read it.

use authtrace_parse::Kind;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, credential::Carrier, role::Role, site},
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    token::TokenKind,
    tokens::{Purpose, Token, TokenId},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH100",
        id: "token-in-url",
        title: "Credential in a URL",
        severity: Severity::High,
        layer: Layer::Hygiene,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["sec.no-token-in-url"],
    },
    check: Check::Timeline(check),
};

/// A token that lives at most this long, in seconds, is of little use to whoever reads the URL later (detectors §14).
const SHORT_LIFETIME_SECONDS: i64 = 120;

/// Parameters that sign a URL instead of carrying a token (G12).
const SIGNATURES: &[&str] = &["sig", "signature", "x-amz-signature", "x-goog-signature"];

/// Parameters whose name says that the value grants access.
const GRANTS: &[&str] = &["access_token", "id_token", "token", "jwt", "auth_token", "api_key", "apikey", "ticket"];

/// A credential in a URL, and how bad that is.
struct Leak<'a> {
    token: TokenId,
    /// Evidence part: `request.query.token`.
    at: String,
    /// "the query parameter token", "the fragment of its Location"…
    place: String,
    variant: &'static str,
    /// A change of severity with its reason.
    milder: Option<(Severity, &'static str)>,
    fact: &'a Fact,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    for fact in case.facts() {
        for leak in in_query(case, fact).chain(in_headers(case, fact)) {
            out.add(draft(case, &leak));
        }
        if fact.path.contains("{token}") {
            out.add(in_path(fact));
        }
    }
}

fn in_query<'a>(case: &Case<'a>, fact: &'a Fact) -> impl Iterator<Item = Leak<'a>> {
    let found = fact.credentials.iter().filter_map(move |credential| {
        let Carrier::Query(name) = &credential.carrier else { return None };
        let token = case.token(credential.token);
        leaks(name, token).then(|| Leak {
            token: credential.token,
            at: credential.carrier.to_string(),
            place: format!("the query parameter {name}"),
            variant: "query",
            milder: milder(case, fact, name, token),
            fact,
        })
    });
    found.collect::<Vec<_>>().into_iter()
}

/// Credentials in URLs that header fields carry on: to another origin by `Referer`, to the browser by `Location`.
fn in_headers<'a>(case: &Case<'a>, fact: &'a Fact) -> impl Iterator<Item = Leak<'a>> {
    let found = fact.url_credentials.iter().filter_map(move |found| {
        let token = case.token(found.token);
        let referer = matches!(found.carrier, Carrier::Header(_));
        if !leaks(&found.parameter, token) || (referer && found.origin == fact.origin) {
            return None;
        }
        let place = match referer {
            true => format!("the parameter {} of its Referer, a page of {}", found.parameter, found.origin),
            false => format!("the parameter {} of its Location", found.parameter),
        };
        let short = lifetime(token).is_some_and(|s| s <= SHORT_LIFETIME_SECONDS);
        let own = referer && site::same_site(site::host_of(&found.origin), &fact.host);
        let ticket = !referer && token.classified.jose.is_none() && found.parameter.eq_ignore_ascii_case("ticket");
        let milder = if ticket {
            Some((Severity::Low, "a ticket for one use"))
        } else if short {
            Some((Severity::Low, "it lives two minutes or less"))
        } else if !referer && fact.path.split('/').any(|segment| segment == "sso") {
            Some((Severity::Low, "a message of a single sign-on"))
        } else if is_protocol_message(&found.parameter, token) {
            Some((Severity::Low, "a signed message between provider and client, which no API was seen to accept"))
        } else {
            own.then_some((Severity::Medium, "the URL reaches another host of the same site only"))
        };
        let variant = if referer { "referer" } else { "redirect" };
        Some(Leak { token: found.token, at: found.carrier.to_string(), place, variant, milder, fact })
    });
    found.collect::<Vec<_>>().into_iter()
}

/// Whether a parameter's value grants access: no signature, no placeholder, no public key.
fn leaks(name: &str, token: &Token) -> bool {
    let lower = name.to_ascii_lowercase();
    let claims = token.claims();
    let public = claims.and_then(|c| c.role.as_deref()).is_some_and(|role| role == "anon");
    let nothing = matches!(token.classified.kind, TokenKind::Redacted | TokenKind::LowEntropy | TokenKind::SigV4);
    // Clerk hands its development instances' state around in URLs by design.
    let development = lower.starts_with("__clerk_");
    token.classified.kind.is_credential() && !nothing && !public && !development && !SIGNATURES.contains(&&*lower)
}

/// Whether a JWT is what the parameter's protocol puts into a URL, and was never a credential of an API: the hint of a
/// logout (OIDC RP-Initiated Logout §2), a request object (RFC 9101), a signed state, a gateway's own parameters.
fn is_protocol_message(name: &str, token: &Token) -> bool {
    let presented = |c: &Carrier| matches!(c, Carrier::Header(_) | Carrier::Cookie(_) | Carrier::Subprotocol);
    let delivered = token.purpose.is_some_and(|purpose| purpose != Purpose::Id);
    let by_name = GRANTS.contains(&&*name.to_ascii_lowercase());
    token.classified.jose.is_some() && !by_name && !delivered && !token.carriers.iter().any(presented)
}

/// Circumstances that make a credential in a URL less bad, or the best that can be done.
fn milder(case: &Case<'_>, fact: &Fact, name: &str, token: &Token) -> Option<(Severity, &'static str)> {
    if is_protocol_message(name, token) {
        return Some((Severity::Low, "a signed message between provider and client, which no API was seen to accept"));
    }
    if is_only_in_urls(token) {
        if is_file(fact) {
            return Some((Severity::Low, "the address of one file, which the token signs"));
        }
        if is_link(fact) {
            return Some((Severity::Low, "probably a link for one use"));
        }
        if token.classified.jose.is_none() && is_third_party(case, fact) {
            return Some((Severity::Low, "a key for a service of somebody else, and nothing here uses it otherwise"));
        }
    }
    let stream = fact.kind == Kind::WebSocket || fact.resource_type.as_deref() == Some("eventsource");
    let opaque = token.classified.jose.is_none();
    if lifetime(token).is_some_and(|seconds| seconds <= SHORT_LIFETIME_SECONDS) {
        return Some((Severity::Low, "it lives two minutes or less"));
    }
    if stream && (name.eq_ignore_ascii_case("ticket") || (opaque && token.sent_count == 1)) {
        return Some((Severity::Low, "a ticket for one connection, to which a browser cannot add a header"));
    }
    if stream {
        return Some((Severity::Low, "a browser cannot add a header to this kind of connection"));
    }
    if fact.is_document && opaque {
        return Some((Severity::Low, "probably a link for one use"));
    }
    (opaque && name.to_ascii_lowercase().contains("key"))
        .then_some((Severity::Medium, "an API key whose reach is unknown"))
}

/// Whether nothing but URLs carries the token, and no token endpoint handed it out.
fn is_only_in_urls(token: &Token) -> bool {
    token.purpose.is_none() && token.carriers.iter().all(|carrier| matches!(carrier, Carrier::Query(_)))
}

/// Endings of streams: a list of pieces, or one of them.
const STREAMS: &[&str] = &[".m3u8", ".mpd", ".m4s", ".ts"];

/// Whether a file is fetched: a picture, a document, a film.
fn is_file(fact: &Fact) -> bool {
    fact.role == Role::Static || STREAMS.iter().any(|ending| fact.path.ends_with(ending))
}

/// Words in the paths of links that are sent by mail.
const LINKS: &[&str] = &[
    "verify",
    "confirm",
    "activate",
    "reset",
    "magic",
    "invit",
    "unsubscribe",
    "recover",
    "onboard",
    "welcome",
    "/access/jwt",
];

fn is_link(fact: &Fact) -> bool {
    let path = fact.path.to_ascii_lowercase();
    &*fact.method == "GET" && LINKS.iter().any(|word| path.contains(word))
}

/// Whether the request leaves the site of its page.
fn is_third_party(case: &Case<'_>, fact: &Fact) -> bool {
    let page = case.page(fact).find(|f| f.is_document && f.succeeded());
    page.is_some_and(|page| !site::same_site(&page.host, &fact.host))
}

/// How long the token says that it lives, in seconds.
fn lifetime(token: &Token) -> Option<i64> {
    let claims = token.claims()?;
    Some(claims.exp?.intended().nanos_since(claims.iat?.intended()) / 1_000_000_000)
}

fn draft(case: &Case<'_>, leak: &Leak<'_>) -> Draft {
    let fact = leak.fact;
    let token = case.capture().describe(leak.token);
    let draft = Draft::new(&RULE.meta, fact)
        .variant(leak.variant)
        .because(Reason::WireFact)
        .primary(fact.id, &leak.at, token.clone())
        .cause(format!("{} {}", fact.origin, leak.at))
        .message(format!(
            "{} of {} carries {token} in {}, where server logs, browser history and proxies keep it.",
            fact.route, fact.origin, leak.place
        ));
    match leak.milder {
        Some((severity, reason)) => draft.severity(severity, reason),
        None => draft,
    }
}

fn in_path(fact: &Fact) -> Draft {
    Draft::new(&RULE.meta, fact)
        .variant("path")
        .severity(Severity::Low, "probably a link for one use")
        .because(Reason::PathName)
        .because(Reason::Timing)
        .primary(fact.id, "request.path", "a segment that looks like a token")
        .cause(format!("{} path", fact.origin))
        .message(format!("{} of {} has a segment that looks like a token.", fact.route, fact.origin))
}
