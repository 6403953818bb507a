//! AUTH092: the token endpoint refused the client itself.

use authtrace_parse::HeaderView;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{
        Fact,
        gate::Gate,
        oauth::{ClientAuth, Oauth},
        role::Role,
    },
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH092",
        id: "client-authentication-failed",
        title: "The provider does not accept the client",
        severity: Severity::High,
        layer: Layer::Key,
        tier: Tier::T2,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.client-credentials", "idp.client-settings"],
    },
    check: Check::Timeline(check),
};

fn check(case: &Case<'_>, out: &mut Findings) {
    for fact in case.facts().filter(|f| !f.gates.any(&[Gate::NotServer, Gate::Probe, Gate::Blocked])) {
        let Some(oauth) = fact.oauth().filter(|oauth| takes_client(fact, oauth)) else { continue };
        let failed = fact.status.is_some_and(|s| (400..429).contains(&s))
            || (fact.status == Some(200) && oauth.answered.error.is_some() && fact.delivered.is_empty());
        if failed && is_about_client(fact, oauth) {
            out.add(draft(case, fact, oauth));
        }
    }
}

/// Whether clients authenticate themselves there: token, introspection and revocation endpoints, and Cognito's own API.
fn takes_client(fact: &Fact, oauth: &Oauth) -> bool {
    let identity = matches!(fact.role, Role::Token | Role::Refresh | Role::Introspect | Role::Login | Role::Mint);
    let authenticates = oauth.client_auth != ClientAuth::default() && fact.role != Role::Authorize;
    oauth.trades_code || fact.request.grant_type.is_some() || identity || authenticates
}

/// Codes by which providers say that it is the client, the way it authenticates, or the grant that is not accepted.
const CODES: &[&str] = &[
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "incorrect_client_credentials",
    "invalid_client_id",
    "invalid_client_credentials",
    "bad_client_secret",
    "missing_client_id",
    "wrong_client_secret",
    "invalid_scope",
    "invalid_target",
];

/// The same in words; all lower-case.
const WORDS: &[&str] = &[
    "secret hash",
    "secret_hash",
    "client authentication failed",
    "invalid client",
    "invalid_client",
    "client secret",
    "client_secret",
    "client credentials",
    "client_assertion",
    "aadsts90002",
    "aadsts7000215",
    "aadsts7000218",
    "aadsts7000222",
    "aadsts700025",
    "aadsts700016",
    "aadsts700027",
    "aadsts9002326",
    "aadsts9002327",
    "unsupported grant",
    "grant type is not allowed",
    "grant type not supported",
];

/// Whether what was refused is the client and not what it asked to trade.
pub(super) fn is_about_client(fact: &Fact, oauth: &Oauth) -> bool {
    let error = oauth.answered.error.as_deref().unwrap_or_default();
    let texts = [&oauth.answered.description, &fact.outcome.error_text];
    let said = texts.into_iter().flatten().map(|text| text.to_ascii_lowercase()).collect::<Vec<_>>().join(" ");
    let auth0 = fact.status == Some(401) && error == "access_denied" && said.contains("unauthorized");
    fact.outcome.says(&[ErrorClass::ClientAuth])
        || CODES.contains(&error)
        || WORDS.iter().any(|word| said.contains(word))
        || auth0
        || is_json_where_form_belongs(fact, oauth)
        || has_only_itself(fact, error)
}

/// A client that asks for a token of its own presents nothing but itself (RFC 6749 §4.4).
fn has_only_itself(fact: &Fact, error: &str) -> bool {
    let grant = fact.request.grant_type.as_deref() == Some("client_credentials");
    let of_request =
        error.contains("scope") || error.contains("dpop") || matches!(error, "invalid_target" | "invalid_resource");
    grant
        && matches!(fact.status, Some(401 | 403))
        && !of_request
        && !fact.outcome.says(&[ErrorClass::Dpop, ErrorClass::ClientCertificate])
}

/// JSON to an endpoint that reads forms only: it finds no parameter and says so.
fn is_json_where_form_belongs(fact: &Fact, oauth: &Oauth) -> bool {
    let error = oauth.answered.error.as_deref().unwrap_or_default();
    let complains = matches!(error, "invalid_request" | "unsupported_grant_type") || fact.status == Some(415);
    oauth.json && complains && fact.request.grant_type.is_some()
}

fn variant(oauth: &Oauth, fact: &Fact) -> &'static str {
    let error = oauth.answered.error.as_deref().unwrap_or_default();
    let said = oauth.answered.description.as_deref().unwrap_or_default().to_ascii_lowercase();
    let auth = oauth.client_auth;
    match () {
        () if is_json_where_form_belongs(fact, oauth) => "json-body",
        () if matches!(error, "invalid_scope" | "invalid_target") => "scope",
        () if auth.basic && auth.secret => "two-methods",
        () if error == "unsupported_grant_type" || said.contains("unsupported grant") => "grant-type",
        () if said.contains("secret hash") || said.contains("secret_hash") => "secret-hash",
        () if said.contains("aadsts9002326") || said.contains("aadsts9002327") => "client-type",
        () if said.contains("aadsts700025") => "public-client-with-secret",
        () if error == "unauthorized_client" && !said.contains("credentials") => "not-allowed",
        () if auth.assertion => "assertion",
        () if auth.basic => "basic",
        () if auth.secret => "post",
        () if said.contains("aadsts90002") => "tenant",
        // The server speaks of a secret that the recording does not show.
        () if oauth.client_id.is_none() || said.contains("secret is") || said.contains("secret supplied") => {
            "client-refused"
        }
        () => "no-client-credentials",
    }
}

fn draft(case: &Case<'_>, fact: &Fact, oauth: &Oauth) -> Draft {
    let variant = variant(oauth, fact);
    let id = oauth.client_id.as_deref();
    let seen =
        fact.view == HeaderView::Full && !case.capture().hides_headers(fact.source.input) && fact.request.body_seen;
    let accepted = case.lookup().succeeded_at(&fact.origin).iter().find(|f| {
        f.path == fact.path && f.oauth().is_some_and(|o| o.client_id.is_some() && o.client_id == oauth.client_id)
    });
    let part = oauth.answered.part.clone().or_else(|| fact.outcome.error_part.clone());
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant)
        .because(Reason::WireFact)
        .because_if(oauth.answered.error.is_some(), Reason::ServerCode)
        .because_if(accepted.is_some(), Reason::Control)
        .primary(fact.id, part.as_deref().unwrap_or("response.status"), says(fact, oauth))
        .related(fact.id, "request", method(oauth, seen && variant != "client-refused"))
        .fixes(fixes(variant))
        .cause(format!("{} {} {variant}", fact.origin, id.unwrap_or_default()))
        .message(message(fact, oauth, variant, seen));
    match accepted {
        Some(other) => draft.related(other.id, "response.status", "the same client, accepted"),
        None => draft,
    }
}

fn says(fact: &Fact, oauth: &Oauth) -> String {
    let status = fact.status.unwrap_or_default();
    let text = oauth.answered.description.as_ref().or(fact.outcome.error_text.as_ref());
    match (&oauth.answered.error, text) {
        (Some(error), Some(text)) if error != text => format!("{status} {error}: \"{text}\""),
        (Some(error), _) => format!("{status} {error}"),
        (None, Some(text)) => format!("{status} \"{text}\""),
        (None, None) => status.to_string(),
    }
}

/// How the client authenticated itself, in the standard's words.
fn method(oauth: &Oauth, seen: bool) -> String {
    let auth = oauth.client_auth;
    let used: Vec<&str> = [
        (auth.basic, "client_secret_basic (Authorization: Basic)"),
        (auth.secret, "client_secret_post (in the body)"),
        (auth.assertion, "private_key_jwt or another assertion"),
    ]
    .into_iter()
    .filter_map(|(used, name)| used.then_some(name))
    .collect();
    match (used.is_empty(), seen) {
        (false, _) => used.join(" and "),
        (true, true) => "none (client_id alone)".into(),
        (true, false) => "no client credential is in the recording".into(),
    }
}

fn fixes(variant: &str) -> &'static [&'static str] {
    match variant {
        "scope" | "grant-type" | "not-allowed" | "client-type" | "public-client-with-secret" => {
            &["idp.client-settings"]
        }
        "json-body" => &["be.token-form"],
        _ => &["be.client-credentials", "idp.client-settings"],
    }
}

fn message(fact: &Fact, oauth: &Oauth, variant: &str, seen: bool) -> String {
    let client = oauth.client_id.as_deref().map_or_else(|| "the client".to_owned(), |id| format!("client {id}"));
    let why = match variant {
        "json-body" => {
            "the request is JSON, and the standard's token endpoint reads a form, so it finds no parameter".to_owned()
        }
        "two-methods" => {
            "the client authenticates itself twice, in Authorization and in the body, which the standard forbids"
                .to_owned()
        }
        "scope" => "it asks for a scope or resource that the provider does not know, or does not allow it".to_owned(),
        "grant-type" => "the provider or this client does not support the grant type".to_owned(),
        "secret-hash" => {
            "the SECRET_HASH is missing or was made with another secret, user name or client id".to_owned()
        }
        "client-type" => {
            "the redirect URI is registered for another type of application than the one that trades here".to_owned()
        }
        "public-client-with-secret" => "the client is registered as public and sends a secret".to_owned(),
        "not-allowed" => {
            "the client is known and may not do this: the grant or the way it authenticates is not allowed to it"
                .to_owned()
        }
        "no-client-credentials" if seen => {
            "no secret and no assertion came with its id, so a confidential client is treated as a public one"
                .to_owned()
        }
        "tenant" => "the provider knows no such tenant".to_owned(),
        "client-refused" => {
            "its id or secret is wrong or has expired; how it was sent is not in the recording".to_owned()
        }
        "assertion" => "its assertion is not accepted: key, audience or lifetime".to_owned(),
        _ => format!(
            "its secret is wrong, has expired, or is not expected in this place; it was sent by {}",
            method(oauth, seen)
        ),
    };
    format!("{} refused {client} ({}): {why}.", fact.route, says(fact, oauth))
}
