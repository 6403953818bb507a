//! What one exchange says in an OAuth 2.0, OpenID Connect or SAML conversation: parameters asked, and the answer.
//!
//! Values that only have to agree with each other (`state`, codes, verifiers, redirect URIs) are kept as marks.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use authtrace_parse::{Exchange, SecretStr, Target, headers::Headers};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{body::BodyView, credential::is_token_kind, error_page, mark::Mark, saml};
use crate::{
    role::Role,
    scrub::scrub,
    text::{Interner, Text, start},
    token::{TokenKind, classify},
};

/// One side's message of the conversation.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Message {
    /// `error`, or the code by which a provider's error page names it.
    pub error: Option<Text>,
    /// What is said about the error, scrubbed.
    pub description: Option<Text>,
    /// Where the error stands: `request.query.error`, `response.header.location`, `response.body.error`.
    pub part: Option<Text>,
    /// `state`
    pub state: Option<Mark>,
    /// The authorization code.
    pub code: Option<Mark>,
}

/// How a client authenticates itself to a token endpoint (RFC 6749 §2.3, OIDC Core §9).
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientAuth {
    /// `Authorization: Basic`
    pub basic: bool,
    /// `client_secret` in the body.
    pub secret: bool,
    /// `client_assertion` in the body.
    pub assertion: bool,
}

/// The conversation's part in one exchange.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Oauth {
    /// What the request says.
    pub asked: Message,
    /// What the response says.
    pub answered: Message,
    /// `prompt=none`: the provider must not show anything (OIDC Core §3.1.2.1).
    pub silent: bool,
    /// The challenge that a verifier must fit: `code_challenge` (RFC 7636 §4.3).
    pub challenge: Option<Mark>,
    /// `code_challenge_method` is `plain` or absent.
    pub plain: bool,
    /// `code_verifier`, as the challenge that S256 makes of it and as it is.
    pub verifier: Option<(Mark, Mark)>,
    /// `redirect_uri`
    pub redirect_uri: Option<Mark>,
    /// The same without query: what may be shown.
    pub redirect_shown: Option<Text>,
    /// `client_id`
    pub client_id: Option<Text>,
    /// How the client authenticates itself.
    pub client_auth: ClientAuth,
    /// The request body is JSON, where the standard asks for a form (RFC 6749 §4.1.3).
    pub json: bool,
    /// The request asks to trade a code, by its grant or by what it holds.
    pub trades_code: bool,
}

impl Oauth {
    /// Every value that is only compared.
    pub(super) fn marks(&mut self) -> impl Iterator<Item = &mut Mark> {
        let said = [&mut self.asked, &mut self.answered].into_iter().flat_map(|m| [&mut m.state, &mut m.code]);
        let verifier = self.verifier.iter_mut().flat_map(|(challenge, plain)| [challenge, plain]);
        said.chain([&mut self.challenge, &mut self.redirect_uri]).flatten().chain(verifier)
    }
}

/// Names of a code in a request for a token: the standard's, and Supabase's.
const CODE_KEYS: &[&str] = &["code", "auth_code"];

/// Codes are hard to guess; what is shorter is a country, a postcode or what a person typed.
const SHORTEST_CODE: usize = 10;

/// What is read of one exchange.
pub(crate) struct Reading<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) role: Role,
    pub(crate) request: &'a BodyView,
    pub(crate) response: &'a BodyView,
}

/// Whether a provider answers so while a person has not decided yet (RFC 8628 §3.5, OIDC CIBA §11): nothing is refused.
pub(crate) fn is_wait(error: &str) -> bool {
    matches!(error, "authorization_pending" | "slow_down")
}

/// The conversation's part in an exchange; `None` where it has none.
pub(crate) fn extract(reading: &Reading<'_>, interner: &mut Interner) -> Option<Oauth> {
    let exchange = reading.exchange;
    let response = exchange.response.as_ref();
    let location = response.and_then(|r| r.headers.get("location")).map(|l| l.expose()).filter(|l| says_something(l));
    let at_provider =
        matches!(
            reading.role,
            Role::Authorize | Role::Callback | Role::Token | Role::Refresh | Role::Introspect | Role::Login
        ) || reading.request.has_any(&["grant_type", "client_assertion", "SAMLResponse", "SECRET_HASH", "SecretHash"])
            || is_about_token(exchange, reading.request)
            || reading.request.has("client_id") && reading.request.has_any(&["code", "client_secret"]);
    let in_query = exchange.request.target.query_pairs().any(|(name, _)| matches!(name, "state" | "error" | "prompt"));
    if !at_provider && !in_query && location.is_none() {
        return None;
    }
    let mut oauth = asked(reading, interner);
    oauth.answered = match location {
        Some(location) => in_location(location, interner),
        None => in_body(reading, interner),
    };
    Some(oauth)
}

/// Introspection and revocation, where a client authenticates itself, too (RFC 7662 §2.1, RFC 7009 §2.1).
fn is_about_token(exchange: &Exchange, body: &BodyView) -> bool {
    let path = exchange.request.target.path.expose();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    matches!(last, "introspect" | "introspection" | "revoke" | "revocation") && body.has("token")
}

/// Whether a redirect carries a code or an error.
fn says_something(location: &str) -> bool {
    parameters(location).any(|(name, _)| matches!(name, "code" | "error" | "message"))
}

fn asked(reading: &Reading<'_>, interner: &mut Interner) -> Oauth {
    let (exchange, body) = (reading.exchange, reading.request);
    let own = |name: &'static str| {
        let in_query = exchange.request.target.query_pairs().find(|(key, _)| *key == name);
        let in_query = in_query.map(|(_, value)| decoded(value.expose()));
        in_query.or_else(|| body.string(name).map(|value| Cow::Borrowed(value.expose()))).filter(|v| !v.is_empty())
    };
    let mark = |name: &'static str| own(name).map(|value| Mark::of(&value));
    let code = CODE_KEYS.iter().find_map(|name| own(name)).filter(|code| code.len() >= SHORTEST_CODE);
    let code = code.map(|value| Mark::of(&value));
    let grant = own("grant_type");
    let redirect_uri = own("redirect_uri");
    let error_part = if body.has("error") { "request.body.error" } else { "request.query.error" };
    let basic = exchange
        .request
        .headers
        .get("authorization")
        .is_some_and(|v| v.expose().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic ")));
    let mut asked = Message {
        error: own("error").map(|error| name(&error, interner)),
        // Facebook says "Permissions error" and tells the reason beside it.
        description: own("error_reason").or_else(|| own("error_description")).map(|text| interner.text(&scrub(&text))),
        part: own("error").map(|_| interner.text(error_part)),
        state: mark("state"),
        code,
    };
    if let Some(status) = own("SAMLResponse").and_then(|response| saml::failure(&response)) {
        asked.error = Some(name(&status.code, interner));
        asked.description = status.message.map(|text| interner.text(&scrub(&text)));
        asked.part = Some(interner.text("request.body.SAMLResponse"));
    }
    Oauth {
        silent: own("prompt").is_some_and(|prompt| prompt == "none"),
        challenge: mark("code_challenge"),
        plain: own("code_challenge_method").is_none_or(|method| !method.eq_ignore_ascii_case("S256")),
        verifier: own("code_verifier").map(|verifier| (Mark::of(&s256(&verifier)), Mark::of(&verifier))),
        redirect_shown: redirect_uri
            .as_deref()
            .and_then(Target::parse)
            .map(|target| interner.text(&scrub(&format!("{}{}", target.origin(), target.path.expose())))),
        redirect_uri: redirect_uri.map(|uri| Mark::of(&uri)),
        client_id: own("client_id").map(|id| client_name(&id, interner)),
        client_auth: ClientAuth {
            basic,
            secret: body.has("client_secret") || body.has("SECRET_HASH"),
            assertion: body.has("client_assertion"),
        },
        json: exchange.request.body.essence().is_some_and(|mime| mime.ends_with("json")),
        trades_code: trades_code(grant.as_deref(), body) && &*exchange.request.method == "POST",
        asked,
        answered: Message::default(),
    }
}

/// By the grant, or, for GitHub and its imitators who leave it out, by a code with the client's own credentials.
fn trades_code(grant: Option<&str>, body: &BodyView) -> bool {
    match grant {
        Some(grant) => matches!(grant, "authorization_code" | "pkce"),
        None => {
            body.has("code")
                && body.has("client_id")
                && body.has_any(&["client_secret", "code_verifier", "redirect_uri"])
        }
    }
}

/// The challenge that S256 makes of a verifier (RFC 7636 §4.2).
fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

fn in_location(location: &str, interner: &mut Interner) -> Message {
    let value = |wanted: &str| parameters(location).find(|(name, _)| *name == wanted).map(|(_, value)| decoded(value));
    // OmniAuth names its error `message`; Spring writes `?error` without a value.
    let place = location.split(['?', '#']).next().unwrap_or_default();
    let error = value("error").or_else(|| value("message").filter(|_| place.ends_with("/failure")));
    let error = error.map(|error| if error.is_empty() { Cow::Borrowed("error") } else { error });
    Message {
        part: error.is_some().then(|| interner.text("response.header.location")),
        error: error.map(|error| name(&error, interner)),
        description: value("error_description").map(|text| interner.text(&scrub(&text))),
        state: value("state").map(|v| Mark::of(&v)),
        code: value("code").filter(|code| code.len() >= SHORTEST_CODE).map(|v| Mark::of(&v)),
    }
}

/// `name=value` pairs of a URL's query and fragment.
fn parameters(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = url.split_once(['?', '#']).map_or("", |(_, rest)| rest);
    pairs.split(['&', '#', '?']).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// What the body says: the standard's keys, else what an error page names.
fn in_body(reading: &Reading<'_>, interner: &mut Interner) -> Message {
    let Some(response) = &reading.exchange.response else { return Message::default() };
    let said = |key: &str| reading.response.string(key).map(|v| v.expose().to_owned());
    if let Some(error) = said("error").or_else(|| said("error_code")).or_else(|| said("__type")) {
        let description = ["error_description", "message", "msg", "details", "hint"].iter().find_map(|key| said(key));
        return Message {
            error: Some(name(&error, interner)),
            description: description.map(|text| interner.text(&scrub(&text))),
            part: Some(interner.text("response.body.error")),
            ..Message::default()
        };
    }
    let text = response.body.text().map_or("", |t| t.expose());
    let page = text.trim_start().starts_with('<') || is_html(&response.headers);
    let (error, description) = match page || response.status >= 400 {
        true => error_page::error(text, reading.role),
        false => (None, None),
    };
    Message {
        part: error.is_some().then(|| interner.text("response.body")),
        error: error.map(|error| name(&error, interner)),
        description: description.map(|text| interner.text(&scrub(&text))),
        ..Message::default()
    }
}

fn is_html(headers: &Headers) -> bool {
    headers.get("content-type").is_some_and(|v| v.expose().starts_with("text/html"))
}

/// An error code as it may be shown: a short identifier or a URN's last part; anything else may be a value out of place.
fn name(error: &str, interner: &mut Interner) -> Text {
    let plain = error.len() <= 64 && error.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:# ".contains(&b));
    match plain {
        true => interner.text(&scrub(error)),
        false => interner.text(&scrub(start(error, 120))),
    }
}

/// A client's id as it may be shown: it is public (RFC 6749 §2.2) unless somebody put a secret in its place.
fn client_name(id: &str, interner: &mut Interner) -> Text {
    let kind = classify(SecretStr::new(id), None).kind;
    let secret = is_token_kind(kind) || matches!(kind, TokenKind::ApiKey { publishable: false });
    let plain = id.len() <= 128 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/-".contains(&b));
    if plain && !secret { interner.text(id) } else { interner.text(&scrub(start(id, 128))) }
}

fn decoded(value: &str) -> Cow<'_, str> {
    if !value.contains(['%', '+']) {
        return Cow::Borrowed(value);
    }
    let pair = url::form_urlencoded::parse(value.as_bytes()).next();
    let text = pair.map(|(name, rest)| if rest.is_empty() { name.into_owned() } else { format!("{name}={rest}") });
    Cow::Owned(text.unwrap_or_default())
}
