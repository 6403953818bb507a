//! Endpoint roles: what a request is for, inferred from evidence of several kinds (detectors §7).
//!
//! Every piece of evidence has a weight; a role's score is their noisy-OR. A path suggests and never decides:
//! `POST /api/v1/sessions` may create a work session as well as log somebody in.

use authtrace_parse::{Content, Exchange, Kind};

pub use crate::role::Role;

use super::{Delivery, body::BodyView, set_cookie::SetCookie};
use crate::{
    dictionary::{Route, providers},
    tokens::Purpose,
};

/// A role and whether something other than the path speaks for it.
pub(crate) struct Inferred {
    pub(crate) role: Role,
    pub(crate) proven: bool,
    /// Whether the request holds a password or code that a person typed, whatever the endpoint is for.
    pub(crate) typed_secret: bool,
}

const GRANT: f64 = 0.9;
const SHAPE: f64 = 0.8;
const PROVIDER: f64 = 0.8;
const KEYS: f64 = 0.6;
const PATH: f64 = 0.4;
const METHOD: f64 = 0.2;

/// What the role is inferred from.
pub(crate) struct Evidence<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) request: &'a BodyView,
    pub(crate) response: &'a BodyView,
    pub(crate) delivered: &'a [Delivery],
    pub(crate) set_cookies: &'a [SetCookie],
    /// Whether the request carried a session-like cookie.
    pub(crate) has_cookie: bool,
    /// Whether one of them is named after a refresh token.
    pub(crate) has_refresh_cookie: bool,
}

/// The role of an exchange.
pub(crate) fn infer(evidence: &Evidence<'_>) -> Inferred {
    if evidence.exchange.kind == Kind::Preflight {
        return Inferred { role: Role::Preflight, proven: true, typed_secret: false };
    }
    if is_static(evidence.exchange) {
        return Inferred { role: Role::Static, proven: true, typed_secret: false };
    }
    let mut scores = Scores::default();
    request_body(evidence, &mut scores);
    query(evidence, &mut scores);
    response_shape(evidence, &mut scores);
    provider(evidence, &mut scores);
    let proven = scores;
    path(evidence, &mut scores);
    let (role, score) = scores.best();
    let typed_secret = has_password(evidence.request) || has_confirmation(evidence.request);
    if score < 0.5 {
        return Inferred { role: Role::Other, proven: false, typed_secret };
    }
    Inferred { role, proven: proven.of(role) >= 0.5, typed_secret }
}

#[derive(Clone, Copy, Default)]
struct Scores([f64; Role::SCORED.len()]);

impl Scores {
    fn add(&mut self, role: Role, weight: f64) {
        if let Some(index) = Role::SCORED.iter().position(|r| *r == role) {
            self.0[index] = 1.0 - (1.0 - self.0[index]) * (1.0 - weight);
        }
    }

    fn of(&self, role: Role) -> f64 {
        Role::SCORED.iter().position(|r| *r == role).map_or(0.0, |index| self.0[index])
    }

    fn best(&self) -> (Role, f64) {
        let best = Role::SCORED.into_iter().zip(self.0).rev().max_by(|a, b| a.1.total_cmp(&b.1));
        best.unwrap_or((Role::Other, 0.0))
    }
}

const PASSWORD_KEYS: &[&str] = &["password", "pass", "passwd", "otp", "totp", "passcode"];
const USER_KEYS: &[&str] = &["username", "email", "login", "identifier", "user", "user_name"];

/// Whether a request body holds a password or one-time code.
pub(crate) fn has_password(body: &BodyView) -> bool {
    body.has_any(PASSWORD_KEYS) || (body.has("code") && body.has_any(USER_KEYS))
}

/// Keys of what a signed-in person types once more: the old password at a change, the code of a second factor.
const CONFIRMATION_KEYS: &[&str] = &[
    "current_password",
    "currentPassword",
    "old_password",
    "oldPassword",
    "otp_code",
    "otpCode",
    "totp_code",
    "totpCode",
    "mfa_code",
    "mfaCode",
    "verification_code",
    "verificationCode",
    "pin",
];
/// What names the pending second factor beside a bare `code`.
const FACTOR_KEYS: &[&str] = &[
    "mfa_token",
    "mfaToken",
    "challenge_id",
    "challengeId",
    "factor_id",
    "factorId",
    "mfa_pending_token",
    "state_token",
];

/// Whether a request body holds what confirms the person rather than starts a session.
fn has_confirmation(body: &BodyView) -> bool {
    body.has_any(CONFIRMATION_KEYS)
        || body.string("code").is_some_and(|code| is_one_time(code.expose()) || body.has_any(FACTOR_KEYS))
}

/// Whether it is a code that a person reads off a device: authorization codes are longer, and no digits alone.
fn is_one_time(code: &str) -> bool {
    (4..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit())
}

fn request_body(e: &Evidence<'_>, scores: &mut Scores) {
    if let Some(grant) = e.request.string("grant_type").or_else(|| query_value(e.exchange, "grant_type")) {
        let role = match grant.expose() {
            "refresh_token" => Role::Refresh,
            "password" => Role::Login,
            _ => Role::Token,
        };
        scores.add(role, GRANT);
    }
    match e.request.string("AuthFlow").map(|flow| flow.expose()) {
        Some("REFRESH_TOKEN" | "REFRESH_TOKEN_AUTH") => scores.add(Role::Refresh, GRANT),
        Some(_) => scores.add(Role::Login, GRANT),
        None => {}
    }
    if has_password(e.request) && matches!(&*e.exchange.request.method, "POST" | "PUT") {
        scores.add(Role::Login, KEYS);
    } else if e.request.has_any(super::credential::REFRESH_KEYS) {
        scores.add(Role::Refresh, KEYS);
    }
    if e.request.has("SAMLResponse") {
        scores.add(Role::Callback, SHAPE);
    }
}

fn query(e: &Evidence<'_>, scores: &mut Scores) {
    let has = |name| query_value(e.exchange, name).is_some();
    if has("response_type") && has("client_id") || has("SAMLRequest") {
        scores.add(Role::Authorize, SHAPE);
    }
    if has("state") && (has("code") || has("error")) {
        scores.add(Role::Callback, SHAPE);
    }
}

fn response_shape(e: &Evidence<'_>, scores: &mut Scores) {
    let ok = e.exchange.response.as_ref().is_some_and(|r| (200..400).contains(&r.status));
    if !ok {
        return;
    }
    if let Some(document) = e.response.document() {
        if document.get("keys").and_then(|k| k.get(0)).is_some_and(|k| k.get("kty").is_some()) {
            scores.add(Role::Jwks, SHAPE);
        }
        if document.get("issuer").is_some() && document.get("token_endpoint").is_some() {
            scores.add(Role::Discovery, SHAPE);
        }
        if document.get("active").is_some_and(serde_json::Value::is_boolean) && e.request.has("token") {
            scores.add(Role::Introspect, SHAPE);
        }
    }
    delivered_tokens(e, scores);
    if &*e.exchange.request.method != "GET" && e.set_cookies.iter().any(|c| c.deletes && is_session_name(&c.name)) {
        scores.add(Role::Logout, SHAPE);
    }
}

/// A response that hands out tokens is a login, a refresh or a mint, depending on what was presented.
fn delivered_tokens(e: &Evidence<'_>, scores: &mut Scores) {
    let tokens = e.delivered.iter().any(|d| matches!(d.purpose, Purpose::Access | Purpose::Id | Purpose::Refresh));
    let session = e.delivered.iter().any(|d| d.purpose == Purpose::Session);
    let post = &*e.exchange.request.method == "POST";
    if has_password(e.request) && (tokens || session) {
        scores.add(Role::Login, SHAPE);
    } else if tokens && (e.request.has_any(super::credential::REFRESH_KEYS) || post && e.has_refresh_cookie) {
        scores.add(Role::Refresh, SHAPE);
    } else if tokens && post && e.has_cookie {
        scores.add(Role::Mint, SHAPE);
    } else if tokens && post {
        scores.add(Role::Token, SHAPE);
    }
}

fn provider(e: &Evidence<'_>, scores: &mut Scores) {
    if let Some(role) = provider_role(e.exchange) {
        scores.add(role, PROVIDER);
    }
}

/// The role that the provider table gives: by the provider's own host, or by a path that no one else has.
fn provider_role(exchange: &Exchange) -> Option<Role> {
    let target = &exchange.request.target;
    let hit = providers().endpoint(&Route {
        host: &target.host,
        method: &exchange.request.method,
        path: target.path.expose(),
        query: target.query.as_ref().map_or("", |q| q.expose()),
        operation: exchange.request.headers.get("x-amz-target").map_or("", |v| v.expose()),
    })?;
    Some(hit.role)
}

/// Path words, whole segments only; the last segment counts most, so only the last two are looked at.
const PATH_WORDS: &[(Role, &[&str])] = &[
    (Role::Login, &["login", "log-in", "signin", "sign-in", "sign_in", "sessions", "session", "authenticate", "authn"]),
    (Role::Token, &["token", "tokens"]),
    (Role::Refresh, &["refresh", "renew", "refresh-token", "refresh_token", "token-refresh", "touch"]),
    (Role::Logout, &["logout", "log-out", "signout", "sign-out", "sign_out", "revoke", "end_session", "endsession"]),
    (Role::Userinfo, &["userinfo", "me", "whoami", "profile", "session", "account", "client", "user"]),
    (Role::Jwks, &["jwks", "jwks.json", "certs", "keys"]),
    (Role::Discovery, &["openid-configuration", "oauth-authorization-server", "oauth-protected-resource"]),
    (Role::Authorize, &["authorize", "auth"]),
    (Role::Callback, &["callback", "redirect", "sso-callback", "acs", "signin-oidc"]),
    (Role::Introspect, &["introspect"]),
];

/// GraphQL operations that ask who the caller is; one endpoint serves every operation, so the name is all there is.
const WHO_AM_I: &[&str] =
    &["me", "viewer", "whoami", "currentuser", "loggedinuser", "session", "myaccount", "myprofile"];

fn asks_who_am_i(operation: &str) -> bool {
    let lower = operation.to_ascii_lowercase().replace('_', "");
    let bare = ["get", "fetch", "query"].iter().find_map(|verb| lower.strip_prefix(verb)).unwrap_or(&lower);
    let bare = bare.strip_suffix("query").unwrap_or(bare);
    WHO_AM_I.contains(&bare)
}

fn path(e: &Evidence<'_>, scores: &mut Scores) {
    if let Some(operation) = e.request.graphql_operation() {
        if asks_who_am_i(operation) {
            scores.add(Role::Userinfo, PATH);
            scores.add(Role::Userinfo, METHOD);
        }
        return;
    }
    let path = e.exchange.request.target.path.expose();
    let mut segments = path.trim_end_matches('/').rsplit('/').map(str::to_ascii_lowercase);
    let Some(last) = segments.next() else { return };
    let method = &*e.exchange.request.method;
    for (role, words) in PATH_WORDS {
        if !words.contains(&last.as_str()) {
            continue;
        }
        scores.add(*role, PATH);
        // For these roles the usual method makes the path's suggestion strong enough to act on.
        let usual = match role {
            Role::Refresh | Role::Logout => method == "POST",
            // Without the body nothing else can speak for a login, and its refusal must not count against tokens (G5).
            Role::Login => method == "POST" && last != "sessions" && body_is_lost(e.exchange),
            Role::Userinfo | Role::Jwks | Role::Discovery => method == "GET",
            _ => false,
        };
        if usual {
            scores.add(*role, METHOD);
        }
    }
}

fn body_is_lost(exchange: &Exchange) -> bool {
    matches!(exchange.request.body.content, Content::NotCaptured | Content::Unknown)
}

fn query_value<'a>(exchange: &'a Exchange, name: &str) -> Option<authtrace_parse::SecretStr<'a>> {
    exchange.request.target.query_pairs().find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn is_session_name(name: &str) -> bool {
    super::credential::is_session_cookie(name, authtrace_parse::SecretStr::new("x"))
}

const STATIC_TYPES: &[&str] = &["stylesheet", "script", "image", "font", "media", "manifest", "texttrack", "imageset"];
const STATIC_EXTENSIONS: &[&str] = &[
    "js", "mjs", "css", "map", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "woff", "woff2", "ttf",
    "otf", "mp4", "webm", "mp3", "wasm",
];

/// Whether the request fetched a file for everybody: by resource type, by extension, by media type.
fn is_static(exchange: &Exchange) -> bool {
    if !matches!(&*exchange.request.method, "GET" | "HEAD") {
        return false;
    }
    if exchange.browser.resource_type.as_deref().is_some_and(|kind| STATIC_TYPES.contains(&kind)) {
        return true;
    }
    let path = exchange.request.target.path.expose();
    let extension = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, e)| e.to_ascii_lowercase());
    extension.is_some_and(|e| STATIC_EXTENSIONS.contains(&e.as_str()))
}
