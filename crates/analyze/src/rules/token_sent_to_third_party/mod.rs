//! AUTH102: a token went to somebody whom it is not for.

use std::collections::{BTreeSet, HashMap};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::{ThirdParty, providers, third_parties},
    facts::{
        Fact,
        credential::{Carrier, Credential},
        gate::{Gate, Gates},
        role::Role,
        site,
    },
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::Text,
    token::TokenKind,
    tokens::{Token, TokenId},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH102",
        id: "token-sent-to-third-party",
        title: "Token sent to a third party",
        severity: Severity::High,
        layer: Layer::Client,
        tier: Tier::T2,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["fe.scoped-client", "sec.rotate"],
    },
    check: Check::Timeline(check),
};

/// Why the receiver is a third party.
enum Stranger<'a> {
    /// The URL is signed, which is its own credential; storage refuses a second one or ignores it.
    SignedUrl,
    /// A service that takes no customer's token.
    Known(&'static ThirdParty),
    /// Another site answers the same without a token.
    NeedsNone(&'a Fact),
    /// Another site refused it, and the token says whom it is for.
    Refused,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    // Whether a host is none of a token's homes, asked once: a client sends one token to one host ten thousand times.
    let mut foreign: HashMap<(TokenId, &Text), bool> = HashMap::new();
    for fact in case.facts().filter(|f| f.leg_of().is_none() && !is_out(f.gates)) {
        let mut carried = fact.credentials.iter().filter(|c| is_bearer(c, fact));
        let mut judge = |c: &Credential| {
            let foreign = *foreign.entry((c.token, &fact.host)).or_insert_with(|| is_foreign(case, fact, c));
            stranger(case, fact, c, foreign)
        };
        if let Some((credential, stranger)) = carried.find_map(|c| Some((c, judge(c)?))) {
            out.add(draft(case, fact, credential, &stranger));
        }
    }
}

fn is_out(gates: Gates) -> bool {
    gates.any(&[Gate::Preflight, Gate::Probe, Gate::NotServer])
}

/// Tokens that an application adds by itself, to every call of a client: no cookies, no keys of the receiver's own, no
/// signature of the request, no password.
fn is_bearer(credential: &Credential, fact: &Fact) -> bool {
    use TokenKind as K;
    let sent = match &credential.carrier {
        Carrier::Header(name) => !matches!(&**name, "proxy-authorization" | "dpop"),
        _ => false,
    };
    let scheme = credential.scheme.as_deref().unwrap_or("bearer").to_ascii_lowercase();
    let kind = matches!(credential.kind, K::Jwt | K::Jws | K::Jwe | K::Opaque | K::Paseto | K::Macaroon | K::SdJwt);
    // A request object for a token is what a provider is there for.
    sent && kind
        && matches!(&*scheme, "bearer" | "dpop" | "token" | "jwt")
        && !matches!(fact.role, Role::Token | Role::Refresh)
}

fn stranger<'a>(case: &Case<'a>, fact: &'a Fact, credential: &Credential, foreign: bool) -> Option<Stranger<'a>> {
    let token = case.token(credential.token);
    if is_signed_url(fact) && credential.is_authorization() {
        return Some(Stranger::SignedUrl);
    }
    if !foreign || is_providers(case, fact, token) || is_local(fact) {
        return None;
    }
    if let Some(known) = third_parties().by_host(&fact.host).filter(|known| !takes(known, token)) {
        return Some(Stranger::Known(known));
    }
    if let Some(bare) = answered_without(case, fact) {
        return Some(Stranger::NeedsNone(bare));
    }
    let audience = token.claims().is_some_and(|c| !hosts(&c.aud).is_empty());
    // Refused for the token alone, and by nobody's API: no call to it was ever accepted.
    let never = case.lookup().succeeded_at(&fact.origin).iter().next().is_none();
    (fact.refused() && audience && never).then_some(Stranger::Refused)
}

/// Whether the token is at home somewhere, and not at the host of `fact`.
fn is_foreign(case: &Case<'_>, fact: &Fact, credential: &Credential) -> bool {
    let homes = homes(case, case.token(credential.token));
    !homes.is_empty() && !homes.contains(site::registrable(&fact.host))
}

/// Sites where the token is at home: where it was issued or accepted, and whom it names itself.
fn homes<'a>(case: &Case<'a>, token: &'a Token) -> BTreeSet<&'a str> {
    let mut homes = BTreeSet::new();
    if let Some(claims) = token.claims() {
        homes.extend(hosts(&claims.aud).into_iter().map(site::registrable));
        homes.extend(claims.iss.as_deref().and_then(host).map(site::registrable));
        homes.extend(claims.azp.as_deref().and_then(host).map(site::registrable));
    }
    let issuer = token.delivered_by.and_then(|id| case.fact(id));
    homes.extend(issuer.map(|f| site::registrable(&f.host)));
    // The site of the page that sends it, where the token works there.
    let sent = token.sent_in.iter().filter_map(|id| case.fact(*id));
    let own = sent.filter(|f| f.accepted() && third_parties().by_host(&f.host).is_none());
    let own = own.filter(|f| is_of_page(f));
    homes.extend(own.map(|f| site::registrable(&f.host)));
    homes
}

/// Whether a request goes to the site of the page that makes it.
fn is_of_page(fact: &Fact) -> bool {
    let page = fact.cors.as_ref().and_then(|cors| cors.origin.as_deref()).map(site::host_of);
    page.is_none_or(|page| site::same_site(page, &fact.host))
}

/// The host of a claim that is a URL.
fn host(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let host = authority.split_once(':').map_or(authority, |(host, _)| host);
    host.contains('.').then_some(host)
}

/// Hosts that audiences name; client ids and `api://` names are none.
fn hosts(audiences: &[Box<str>]) -> Vec<&str> {
    audiences.iter().filter_map(|aud| host(aud)).collect()
}

/// `X-Amz-Signature` and its kin: the URL alone is the permission.
fn is_signed_url(fact: &Fact) -> bool {
    let has = |name: &str| fact.query_keys.iter().any(|key| key.eq_ignore_ascii_case(name));
    let azure = has("sig") && has("se") && has("sv");
    let cloudfront = has("Key-Pair-Id") && has("Signature");
    has("x-amz-signature")
        || has("x-goog-signature")
        || azure
        || cloudfront
        || (has("AWSAccessKeyId") && has("Signature"))
        || (has("GoogleAccessId") && has("Signature"))
}

/// Whether the receiver belongs to the provider of the token, which may read what it issued.
fn is_providers(case: &Case<'_>, fact: &Fact, token: &Token) -> bool {
    let of_host = providers().by_host(&fact.host).map(|p| p.id());
    let of_token = token.classified.jose.as_ref().and_then(|jose| providers().by_token(jose)).map(|p| p.id());
    (of_host.is_some() && (of_host == of_token || fact.role.is_identity() || fact.role == Role::Userinfo))
        || case.profile().delivers_tokens(&fact.origin)
        || matches!(fact.role, Role::Userinfo | Role::Introspect | Role::Logout | Role::Jwks | Role::Discovery)
}

fn takes(known: &ThirdParty, token: &Token) -> bool {
    let issuer = token.classified.jose.as_ref().and_then(|jose| providers().by_token(jose));
    // An opaque token may be the receiver's own.
    let opaque = token.classified.jose.is_none();
    known.takes.iter().any(|id| issuer.is_some_and(|p| p.id() == &**id) || opaque)
}

/// Names and addresses that are no third party's.
fn is_local(fact: &Fact) -> bool {
    site::is_loopback(&fact.host)
        || site::is_private_name(&fact.host)
        || site::address(&fact.host).is_some_and(site::is_private)
        || fact.server.is_some_and(|server| site::is_private(server.ip()))
}

/// A request to the same route that was accepted without any credential: then the token is not needed there.
fn answered_without<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    let page = fact.cors.as_ref().and_then(|cors| cors.origin.as_deref()).map(site::host_of);
    let of_other_site = page.is_some_and(|page| !page.is_empty() && !site::same_site(page, &fact.host));
    let bare = |f: &&Fact| f.accepted() && f.credentials.is_empty() && !f.has_cookies && f.role != Role::Preflight;
    let visible = !case.capture().hides_headers(fact.source.input);
    // An API that gives some answers to everybody and others to the holder of this token knows what to do with it.
    let mut accepted = case.lookup().succeeded_at(&fact.origin).iter().filter(|f| f.accepted() && !f.bare_accepted);
    if accepted.any(|f| f.authorization().is_some()) {
        return None;
    }
    let mut same = case.lookup().on_route(&fact.origin, &fact.route).iter();
    same.find(|f| of_other_site && visible && bare(f) && case.authorization(f) != crate::case::Seen::Unknown)
}

fn draft(case: &Case<'_>, fact: &Fact, credential: &Credential, stranger: &Stranger<'_>) -> Draft {
    let token = case.token(credential.token);
    let described = case.capture().describe(credential.token);
    let homes = homes(case, token);
    let home = homes.iter().copied().collect::<Vec<_>>().join(", ");
    let accepted = case.carrying(credential.token).find(|f| f.accepted() && f.origin != fact.origin);
    let breaks = !fact.succeeded() && fact.status.is_some();
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant(stranger))
        .credential(credential.token)
        .because(Reason::WireFact)
        .because_if(accepted.is_some(), Reason::Control)
        .because_if(matches!(stranger, Stranger::SignedUrl) && breaks, Reason::ServerText)
        .primary(fact.id, &credential.carrier.to_string(), format!("{described}, sent to {}", fact.host))
        .fixes(if matches!(stranger, Stranger::SignedUrl) { &["fe.scoped-client"] } else { RULE.meta.fixes })
        .cause(format!("{} {}", site::registrable(&fact.host), variant(stranger)))
        .message(message(fact, stranger, &described, &home, breaks));
    let draft = match accepted {
        Some(other) => draft.related(other.id, "response.status", format!("accepted by {}", other.host)),
        None => draft,
    };
    match stranger {
        Stranger::NeedsNone(bare) => draft.related(bare.id, "response.status", "accepted without a token"),
        Stranger::SignedUrl if !breaks => draft.severity(Severity::Medium, "the storage ignored it"),
        _ => draft,
    }
}

fn variant(stranger: &Stranger<'_>) -> &'static str {
    match stranger {
        Stranger::SignedUrl => "signed-url",
        Stranger::Known(_) => "known-third-party",
        Stranger::NeedsNone(_) => "needs-none",
        Stranger::Refused => "refused",
    }
}

fn message(fact: &Fact, stranger: &Stranger<'_>, token: &str, home: &str, breaks: bool) -> String {
    let status = fact.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let why = match stranger {
        Stranger::SignedUrl if breaks => {
            format!("whose URL is signed and is its own credential; two at once were answered {status}")
        }
        Stranger::SignedUrl => "whose URL is signed and is its own credential".to_owned(),
        Stranger::Known(known) => format!("{} ({}), which has no use for it", known.name, known.kind.name()),
        Stranger::NeedsNone(_) => "which answers the same request without it".to_owned(),
        Stranger::Refused => format!("which refused it with {status}"),
    };
    let home = if home.is_empty() { String::new() } else { format!(" It is at home at {home}.") };
    format!("{} sent {token} to {}, {why}.{home}", fact.route, fact.host)
}
