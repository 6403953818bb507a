//! Credentials on every carrier of a request, found by what they are and where they stand (detectors §1).

use std::fmt;

use authtrace_parse::{Exchange, SecretStr, Target};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{body::BodyView, set_cookie};
use crate::{
    text::{Interner, Text},
    token::{Authorization, Classified, Defect, TokenKind, classify, classify_cookie},
    tokens::{TokenId, TokenStore},
};

/// Where in a message a credential stood.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// A request header, by lower-case name.
    Header(Text),
    /// A cookie of the request, by name as written.
    Cookie(Text),
    /// A query parameter.
    Query(Text),
    /// A key of the request body.
    Body(Text),
    /// `Sec-WebSocket-Protocol`.
    Subprotocol,
    /// A WebSocket message.
    WebsocketFrame,
    /// A response header.
    ResponseHeader(Text),
    /// A cookie that a response sets.
    SetCookie(Text),
    /// A key of the response body.
    ResponseBody(Text),
}

impl Carrier {
    /// Whether it is `Authorization` of a request.
    pub fn is_authorization(&self) -> bool {
        matches!(self, Self::Header(name) if &**name == "authorization")
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "request.header.{name}"),
            Self::Cookie(name) => write!(f, "request.cookie.{name}"),
            Self::Query(name) => write!(f, "request.query.{name}"),
            Self::Body(key) => write!(f, "request.body.{key}"),
            Self::Subprotocol => f.write_str("request.subprotocol"),
            Self::WebsocketFrame => f.write_str("websocket.frame"),
            Self::ResponseHeader(name) => write!(f, "response.header.{name}"),
            Self::SetCookie(name) => write!(f, "response.cookie.{name}"),
            Self::ResponseBody(key) => write!(f, "response.body.{key}"),
        }
    }
}

/// One credential of one request.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credential {
    /// Where it stood.
    pub carrier: Carrier,
    /// Authorization scheme as written, where the carrier has one.
    pub scheme: Option<Text>,
    /// The credential itself.
    pub token: TokenId,
    /// What it is.
    pub kind: TokenKind,
    /// Whether it follows its grammar: no defect, no placeholder.
    pub well_formed: bool,
    /// How it departs from its grammar, outermost first.
    pub defects: Box<[Defect]>,
}

impl Credential {
    /// Takes over what the token turned out to be; `before` is how many of the defects were the token's.
    pub(crate) fn reclassified(mut self, classified: &Classified, before: usize) -> Self {
        let of_field = self.defects.len().saturating_sub(before);
        self.kind = classified.kind;
        self.well_formed = of_field == 0 && classified.defects.is_empty() && classified.kind != TokenKind::Placeholder;
        self.defects = self.defects[..of_field].iter().chain(&classified.defects).copied().collect();
        self
    }

    /// Whether it is a usable value of `Authorization`.
    pub fn is_authorization(&self) -> bool {
        self.carrier.is_authorization()
    }

    /// Whether a cookie carries it.
    pub fn is_cookie(&self) -> bool {
        matches!(self.carrier, Carrier::Cookie(_))
    }

    /// The sort of credential that an API accepts or not: the scheme, or the carrier where there is none.
    pub fn method(&self) -> Method {
        match &self.carrier {
            Carrier::Header(name) if &**name == "authorization" => Method::Authorization,
            Carrier::Header(_) => Method::ApiKey,
            Carrier::Cookie(_) => Method::Cookie,
            Carrier::Query(_) => Method::Query,
            Carrier::Body(_) => Method::Body,
            _ => Method::WebSocket,
        }
    }
}

/// How a credential reaches the API, as far as "which kinds work here" is concerned (gate G12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `Authorization`, any scheme.
    Authorization,
    /// A header of its own (`x-api-key`).
    ApiKey,
    /// A session-like cookie.
    Cookie,
    /// A query parameter, a signed URL included.
    Query,
    /// The request body.
    Body,
    /// Subprotocol or first message of a WebSocket.
    WebSocket,
}

impl Method {
    /// Every method.
    const ALL: [Self; 6] = [Self::Authorization, Self::ApiKey, Self::Cookie, Self::Query, Self::Body, Self::WebSocket];

    /// Name in the fact table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::ApiKey => "api-key",
            Self::Cookie => "cookie",
            Self::Query => "query",
            Self::Body => "body",
            Self::WebSocket => "websocket",
        }
    }

    /// The method called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// A credential inside a URL that a header field carries: it reaches whoever reads that URL.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UrlCredential {
    /// The field: `Referer` of the request, `Location` of the response.
    pub carrier: Carrier,
    /// Origin of that URL; empty where it is relative.
    pub origin: Text,
    /// Name of the parameter, in the query or the fragment.
    pub parameter: Text,
    /// The credential.
    pub token: TokenId,
}

/// Headers whose value is a scheme and its credentials (RFC 9110 §11.6.2, §11.7.2).
const AUTHORIZATION_HEADERS: &[&str] = &["authorization", "proxy-authorization"];

/// Headers that carry a credential of their own (detectors §1); CSRF headers are not among them (G13).
const KEY_HEADERS: &[&str] = &[
    "x-api-key",
    "apikey",
    "api-key",
    "x-auth-token",
    "x-access-token",
    "x-authorization",
    "private-token",
    "x-session-token",
    "x-user-token",
    "x-vault-token",
    "x-consul-token",
    "x-shopify-access-token",
    "x-auth-key",
    "ocp-apim-subscription-key",
    "x-functions-key",
    "x-rapidapi-key",
    "dpop",
    "cf-access-client-secret",
    "x-serverless-authorization",
];

/// Query parameters that carry a credential (RFC 6750 §2.3) or sign the whole URL (G12).
const KEY_PARAMETERS: &[&str] = &[
    "access_token",
    "id_token",
    "token",
    "jwt",
    "auth_token",
    "api_key",
    "apikey",
    "ticket",
    "x-amz-signature",
    "x-goog-signature",
    "sig",
];

/// Body keys that carry a refresh token.
pub(crate) const REFRESH_KEYS: &[&str] = &["refresh_token", "refreshToken", "refresh"];

/// Every credential of `exchange`'s request, noted in `tokens`.
pub(crate) fn extract(
    exchange: &Exchange,
    body: &BodyView,
    tokens: &mut TokenStore,
    interner: &mut Interner,
) -> Vec<Credential> {
    let mut found = Found { credentials: Vec::new(), tokens, interner, exchange };
    found.headers();
    found.cookies();
    found.query();
    found.body(body);
    found.subprotocol();
    found.first_messages();
    // Stable: of two credentials by one method the first on the wire stays first.
    found.credentials.sort_by_key(Credential::method);
    found.credentials
}

/// Credentials in the URLs of `Referer` and `Location` (RFC 9700 §4.2, §4.3).
pub(crate) fn in_header_urls(
    exchange: &Exchange,
    tokens: &mut TokenStore,
    interner: &mut Interner,
) -> Vec<UrlCredential> {
    let response = exchange.response.as_ref().map(|r| &r.headers);
    let referer = exchange.request.headers.get("referer").map(|v| (false, v));
    let location = response.and_then(|h| h.get("location")).map(|v| (true, v));
    let mut found = Vec::new();
    for (of_response, url) in referer.into_iter().chain(location) {
        let Some((_, parameters)) = url.expose().split_once(['?', '#']) else { continue };
        let origin = interner.text(&Target::parse(url.expose()).map_or_else(String::new, |target| target.origin()));
        for (name, value) in parameters.split(['&', '#', '?']).filter_map(|pair| pair.split_once('=')) {
            let value = SecretStr::new(value);
            if name.len() > 64 || value.expose().is_empty() || !is_url_credential(name, value) {
                continue;
            }
            let carrier = match of_response {
                true => Carrier::ResponseHeader(interner.text("location")),
                false => Carrier::Header(interner.text("referer")),
            };
            found.push(UrlCredential {
                carrier,
                origin: origin.clone(),
                parameter: interner.text(name),
                token: tokens.intern(value, None, exchange.id),
            });
        }
    }
    found
}

/// Whether a parameter is a credential by its name or its value.
fn is_url_credential(name: &str, value: SecretStr<'_>) -> bool {
    KEY_PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name))
        || (may_be_token(value) && is_token_kind(classify(value, None).kind))
}

struct Found<'a> {
    credentials: Vec<Credential>,
    tokens: &'a mut TokenStore,
    interner: &'a mut Interner,
    exchange: &'a Exchange,
}

impl Found<'_> {
    fn add(&mut self, carrier: Carrier, scheme: Option<&str>, value: SecretStr<'_>) {
        self.add_with(carrier, scheme, value, &[]);
    }

    fn add_named(&mut self, carrier: fn(Text) -> Carrier, name: &str, value: SecretStr<'_>) {
        let name = self.interner.text(name);
        self.add(carrier(name), None, value);
    }

    fn add_with(&mut self, carrier: Carrier, scheme: Option<&str>, value: SecretStr<'_>, field_defects: &[Defect]) {
        let token = self.tokens.intern(value, scheme, self.exchange.id);
        self.tokens.sent(token, &carrier, self.exchange.id, self.exchange.timing.started);
        let classified = &self.tokens.get(token).classified;
        self.credentials.push(Credential {
            carrier,
            scheme: scheme.map(|s| self.interner.text(s)),
            token,
            kind: classified.kind,
            well_formed: field_defects.is_empty()
                && classified.defects.is_empty()
                && classified.kind != TokenKind::Placeholder,
            defects: field_defects.iter().chain(&classified.defects).copied().collect(),
        });
    }

    fn headers(&mut self) {
        let exchange = self.exchange;
        for (name, value) in exchange.request.headers.iter() {
            let is = |known: &&&str| name.eq_ignore_ascii_case(known);
            if let Some(known) = AUTHORIZATION_HEADERS.iter().find(is) {
                let field = Authorization::read(value);
                let carrier = Carrier::Header(self.interner.text(known));
                self.add_with(carrier, field.scheme, field.credentials, &field.defects);
            } else if let Some(known) = KEY_HEADERS.iter().find(is) {
                self.add_named(Carrier::Header, known, value);
            }
        }
    }

    fn cookies(&mut self) {
        let exchange = self.exchange;
        for field in exchange.request.headers.get_all("cookie") {
            for pair in field.expose().split(';') {
                let Some((name, value)) = pair.trim().split_once('=') else { continue };
                let value = SecretStr::new(value.trim());
                if self.interner.is_session_cookie(name, value) {
                    self.add_named(Carrier::Cookie, name, value);
                }
            }
        }
    }

    fn query(&mut self) {
        let exchange = self.exchange;
        for (name, value) in exchange.request.target.query_pairs() {
            if !value.expose().is_empty() && is_url_credential(name, value) {
                self.add_named(Carrier::Query, name, value);
            }
        }
    }

    fn body(&mut self, body: &BodyView) {
        for key in REFRESH_KEYS.iter().chain(&["access_token", "id_token", "token", "assertion", "subject_token"]) {
            if let Some(value) = body.string(key).filter(|v| !v.expose().is_empty()) {
                self.add_named(Carrier::Body, key, value);
            }
        }
    }

    fn subprotocol(&mut self) {
        let exchange = self.exchange;
        for field in exchange.request.headers.get_all("sec-websocket-protocol") {
            for item in field.expose().split(',') {
                let item = item.trim();
                // `base64url.bearer.authorization.k8s.io.<token>`: the token is the last label.
                let value = item.rsplit_once("k8s.io.").map_or(item, |(_, token)| token);
                if let Some(token) = encoded_token(item) {
                    self.add(Carrier::Subprotocol, None, SecretStr::new(&token));
                    continue;
                }
                let kind = classify(SecretStr::new(value), None).kind;
                if is_token_kind(kind) || (kind == TokenKind::Opaque && value.len() >= 24) {
                    self.add(Carrier::Subprotocol, None, SecretStr::new(value));
                }
            }
        }
    }

    /// A token in one of the first client messages is first-message authentication (AUTH081's trap).
    fn first_messages(&mut self) {
        let exchange = self.exchange;
        let Some(websocket) = &exchange.websocket else { return };
        for message in websocket.messages.iter().filter(|m| m.from_client).take(3) {
            let Some(text) = &message.text else { continue };
            let view = BodyView::json(text.expose());
            for key in ["token", "access_token", "accessToken", "jwt", "authorization", "Authorization"] {
                if let Some(value) = view.string(key).filter(|v| !v.expose().is_empty()) {
                    self.add(Carrier::WebsocketFrame, None, Authorization::read(value).credentials);
                }
            }
        }
    }
}

/// The token that the last label of a subprotocol holds in base64url, as Kubernetes and its imitators send it: subprotocol
/// names may not hold every character. Decoded, it is the same credential as in `Authorization`.
fn encoded_token(item: &str) -> Option<String> {
    let label = item.rsplit('.').next()?;
    let bytes = URL_SAFE_NO_PAD.decode(label.trim_end_matches('=')).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    is_token_kind(classify(SecretStr::new(&text), None).kind).then_some(text)
}

/// Kinds that are tokens wherever they stand.
pub(crate) fn is_token_kind(kind: TokenKind) -> bool {
    use TokenKind as K;
    matches!(kind, K::Jwt | K::Jws | K::Jwe | K::SdJwt | K::Paseto | K::Macaroon | K::Fernet | K::Iron)
}

/// How the kinds of [`is_token_kind`] and the framework cookies start, percent-encoding included.
const TOKEN_STARTS: &[&str] =
    &["ey", "v1.", "v2.", "v3.", "v4.", "gAAAA", "Fe26.", "MDA", "AgE", "pypi-", "CfDJ8", "s%3A", "s%3a", "s:", ".ey"];

/// Whether a value is worth classifying: most parameters and cookies are not, and there are many of them.
fn may_be_token(value: SecretStr<'_>) -> bool {
    let text = value.expose();
    text.len() >= 20 && TOKEN_STARTS.iter().any(|start| text.starts_with(start))
}

/// Cookies of analytics, consent, load balancers and CSRF defence: never a session (G13).
const NOT_A_SESSION: &[&str] = &[
    "_ga",
    "_gid",
    "_gat",
    "_fbp",
    "_gcl",
    "_hj",
    "_pk_",
    "amplitude",
    "ajs_",
    "mp_",
    "optimizely",
    "intercom",
    "__cf",
    "cf_",
    "awsalb",
    "bigip",
    "csrf",
    "xsrf",
    "_csrf",
    "consent",
    "cookieconsent",
    "theme",
    "locale",
    "lang",
    "i18n",
    "tz",
    "timezone",
    "__utm",
    "visitor",
    "dtcookie",
    "rxv",
    "ak_bmsc",
    "bm_",
    "incap_",
    "visid_",
    "nlbi_",
    "datadome",
    "_dd_s",
    "sentry",
];

/// Words in the names of cookies that hold a session or a token.
const SESSION_WORDS: &[&str] = &[
    "sess", "sid", "auth", "token", "jwt", "login", "remember", "identity", "__client", "refresh", "bearer", "sso",
    "account",
];

/// What the name of a cookie says of its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieName {
    /// It holds a session or a token.
    Session,
    /// It holds something else, whatever its value looks like.
    Other,
    /// Its value decides.
    Open,
}

impl CookieName {
    /// Reads `name`; a capture repeats few names, so remember what it said.
    pub(crate) fn read(name: &str) -> Self {
        let lower = set_cookie::base_name(name).to_ascii_lowercase();
        let other = lower.contains("csrf")
            || lower.contains("xsrf")
            || lower.contains("antiforgery")
            || NOT_A_SESSION.iter().any(|prefix| lower.starts_with(prefix));
        let named = || SESSION_WORDS.iter().any(|word| lower.contains(word)) && !lower.ends_with("_uat");
        if other {
            Self::Other
        } else if named() {
            Self::Session
        } else {
            Self::Open
        }
    }

    /// Whether the cookie called `name` is session-like: by its name, or because its value is a token.
    pub(crate) fn is_session(self, name: &str, value: SecretStr<'_>) -> bool {
        match self {
            _ if value.expose().is_empty() => false,
            Self::Session => true,
            Self::Other => false,
            Self::Open => {
                may_be_token(value) && {
                    let kind = classify_cookie(name, value).kind;
                    is_token_kind(kind) || matches!(kind, TokenKind::FrameworkCookie(_))
                }
            }
        }
    }
}

/// Whether a cookie is session-like: by its name, or because its value is a token.
pub(crate) fn is_session_cookie(name: &str, value: SecretStr<'_>) -> bool {
    CookieName::read(name).is_session(name, value)
}
