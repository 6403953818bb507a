//! AUTH103: a secret that browser code can read, although it should not, or that lives too long there.

use std::time::Duration;

use std::collections::BTreeSet;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, credential::Carrier},
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::Text,
    thresholds::{nanos, thresholds},
    token::VendorKey,
    tokens::{Purpose, Token, TokenId},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH103",
        id: "browser-exposed-secret",
        title: "Secret within reach of browser code",
        severity: Severity::High,
        layer: Layer::Hygiene,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["sec.hygiene"],
    },
    check: Check::Timeline(check),
};

// How long a token may live in a browser before its life is worth a word (detectors §14).
thresholds! {
    /// Access and ID tokens: a stolen one works until it expires.
    access_life: time = Duration::from_secs(24 * 3600),
    /// Refresh tokens, which can be revoked.
    refresh_life: time = Duration::from_secs(90 * 24 * 3600),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let mut told: BTreeSet<(&str, Text)> = BTreeSet::new();
    for fact in case.facts().filter(|f| f.is_from_browser()) {
        out.add_all(readable_twin(case, fact));
        let sent = fact.credentials.iter().map(|c| (c.token, c.carrier.clone()));
        let given = fact.delivered.iter().map(|d| (d.token, d.carrier.clone()));
        for (token, carrier) in sent.chain(given) {
            out.add_all(server_only(case, fact, token, &carrier));
            if let Some((variant, draft)) = long_lived(case, fact, token, &carrier) {
                // Tokens of one issuer live equally long: one is told, the next ones are not.
                if told.insert((variant, issuer(case.token(token)))) {
                    out.add(draft);
                }
            }
        }
        out.add_all(cacheable(fact));
    }
}

fn issuer(token: &Token) -> Text {
    Text::from(token.claims().and_then(|c| c.iss.as_deref()).unwrap_or_default())
}

/// A cookie without `HttpOnly` that holds the value of one with it, which then protects nothing.
fn readable_twin(case: &Case<'_>, fact: &Fact) -> Option<Draft> {
    let cookie = |carrier: &Carrier| match carrier {
        Carrier::SetCookie(name) => fact.set_cookies.iter().find(|c| c.name == *name),
        _ => None,
    };
    let set: Vec<_> = fact.delivered.iter().filter_map(|d| Some((d.token, cookie(&d.carrier)?))).collect();
    let (token, open) = set
        .iter()
        .find(|(token, c)| !c.http_only && set.iter().any(|(other, twin)| other == token && twin.http_only))?;
    let (_, closed) = set.iter().find(|(other, twin)| other == token && twin.http_only)?;
    Some(
        Draft::new(&RULE.meta, fact)
            .variant("readable-twin")
            .title("HttpOnly cookie with a readable twin")
            .severity(Severity::Medium, "a script must run in the page to read it")
            .credential(*token)
            .because(Reason::WireFact)
            .primary(fact.id, &format!("response.cookie.{}", open.name), "no HttpOnly")
            .related(fact.id, &format!("response.cookie.{}", closed.name), "HttpOnly, the same value")
            .cause(format!("{} {}", fact.origin, open.name))
            .message(format!(
                "{} sets {} twice: as {} with HttpOnly and as {} without it, so any script of the page can read what HttpOnly should hide.",
                fact.route,
                case.capture().describe(*token),
                closed.name,
                open.name
            )),
    )
}

/// A key that belongs on a server, in the traffic of a browser.
fn server_only(case: &Case<'_>, fact: &Fact, id: TokenId, carrier: &Carrier) -> Option<Draft> {
    let token = case.token(id);
    let service_role = token.claims().and_then(|c| c.role.as_deref()).is_some_and(|role| role == "service_role");
    let what = match token.value.vendor_key(&token.classified).filter(is_server_only) {
        Some(key) => format!("a {} {}", key.vendor, key.what),
        None if service_role => "a project key with role service_role".to_owned(),
        None => return None,
    };
    let draft = Draft::new(&RULE.meta, fact);
    // Whoever connects their account elsewhere types in the key that they made for it.
    let typed = matches!(carrier, Carrier::Body(_)) && &*fact.method != "GET" && !is_handed_out(token);
    let draft = match typed {
        true => draft.severity(Severity::Low, "probably typed into a form by the one whose key it is"),
        false => draft,
    };
    Some(
        draft
            .variant("server-only")
            .title("Server-only secret in a browser")
            .credential(id)
            .because(Reason::WireFact)
            .capped(service_role.then_some(Cap::TokenSays))
            .primary(fact.id, &carrier.to_string(), case.capture().describe(id))
            .cause(format!("{id} server-only"))
            .message(format!(
                "{} of {} carries {what} in a browser: everybody who opens the page can take it, and must be assumed to have.",
                fact.route, fact.origin
            )),
    )
}

/// Whether a response or another part of a request shows that the page has the token.
fn is_handed_out(token: &Token) -> bool {
    token.purpose.is_some() || token.carriers.iter().any(|carrier| !matches!(carrier, Carrier::Body(_)))
}

/// Keys of servers, not of users: users' own OAuth tokens live in browsers by design, Google's `AIza` keys are public, and
/// Vault's own web interface signs people in with its tokens.
fn is_server_only(key: &VendorKey) -> bool {
    const OF_USERS: &[&str] = &["OAuth", "user", "refresh", "key id", "credential id", "token id", "sid"];
    !key.publishable
        && !matches!(&*key.vendor, "Google" | "HashiCorp Vault")
        && !OF_USERS.iter().any(|word| key.what.contains(word))
}

/// A token that lives longer than a browser should keep it, or without end.
fn long_lived(case: &Case<'_>, fact: &Fact, id: TokenId, carrier: &Carrier) -> Option<(&'static str, Draft)> {
    let token = case.token(id);
    let claims = token.claims()?;
    // A project's public key is made to last.
    if claims.role.as_deref() == Some("anon") {
        return None;
    }
    let refresh = token.purpose == Some(Purpose::Refresh);
    let thresholds = Thresholds::of(case);
    let limit = if refresh { thresholds.refresh_life } else { thresholds.access_life };
    let (variant, says) = match (claims.exp, claims.iat) {
        (None, _) => ("no-expiry", "has no exp: it works until its key changes".to_owned()),
        (Some(exp), Some(iat)) => {
            let life = exp.intended().nanos_since(iat.intended()).max(0);
            (life > nanos(limit)).then(|| ("long-lived", format!("lives {} days", life / 86_400_000_000_000)))?
        }
        (Some(_), None) => return None,
    };
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant)
        .title("Long-lived token in a browser")
        .severity(Severity::Low, "a matter of policy")
        .because(Reason::WireFact)
        .capped([Cap::TokenSays])
        .primary(fact.id, "token.claim.exp", says.clone())
        .related(fact.id, &carrier.to_string(), case.capture().describe(id))
        .cause(format!("{} {variant}", issuer(token)))
        .message(format!("{} in {} of {} {says}.", case.capture().describe(id), fact.route, fact.origin));
    Some((variant, draft))
}

/// A token response that caches may keep (RFC 6749 §5.1 asks for `no-store`).
fn cacheable(fact: &Fact) -> Option<Draft> {
    let delivery = fact.delivered.iter().find(|d| matches!(d.carrier, Carrier::ResponseBody(_)))?;
    if fact.no_store || fact.from_cache || !fact.succeeded() {
        return None;
    }
    Some(
        Draft::new(&RULE.meta, fact)
            .variant("cacheable")
            .title("Token response without no-store")
            .severity(Severity::Low, "nearly every application does it")
            .because(Reason::WireFact)
            .primary(fact.id, "response.header.cache-control", "no no-store")
            .related(fact.id, &delivery.carrier.to_string(), "a token")
            .cause(format!("{} cacheable", fact.origin))
            .message(format!("{} answers with a token and without Cache-Control: no-store.", fact.route)),
    )
}
