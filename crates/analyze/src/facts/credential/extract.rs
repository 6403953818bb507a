//! Credentials on every carrier of a request, found by what they are and where they stand (detectors §1).

use authtrace_parse::{Exchange, SecretStr, Target};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Carrier, Credential, UrlCredential};
use crate::{
    facts::{body::BodyView, times::Times},
    text::{Interner, Text},
    token::{Authorization, Defect, TokenKind, classify},
    tokens::TokenStore,
};

/// Headers whose value is a scheme and its credentials (RFC 9110 §11.6.2, §11.7.2).
const AUTHORIZATION_HEADERS: &[&str] = &["authorization", "proxy-authorization"];

/// Headers that carry a credential of their own (detectors §1); CSRF headers are not among them (G13).
const KEY_HEADERS: &[&str] = &[
    "x-api-key",
    "apikey",
    "api-key",
    "x-auth-token",
    "auth-token",
    "access-token",
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

/// How vendors end the names of their own key headers (`DD-API-KEY`, `X-MBX-APIKEY`, `X-Figma-Token`): a header that is
/// called so carries a key, whoever made it up.
const KEY_HEADER_ENDS: &[&str] =
    &["api-key", "apikey", "api-token", "-auth-token", "-access-token", "-session-token", "-user-token"];

/// The lower-case name of a header that carries a key of its own.
fn key_header(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    // Who writes `auth_token` means `auth-token`; some servers make no difference, and nginx drops it.
    let spelt = lower.replace('_', "-");
    let known = KEY_HEADERS.contains(&&*spelt) || KEY_HEADER_ENDS.iter().any(|end| spelt.ends_with(end));
    known.then_some(lower)
}

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
    "signature",
    "sig",
];

/// Body keys that carry a refresh token.
pub(crate) const REFRESH_KEYS: &[&str] = &["refresh_token", "refreshToken", "refresh", "RefreshToken", "REFRESH_TOKEN"];

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
        self.tokens.sent(token, &carrier, self.exchange.id, Times::from(&self.exchange.timing).started());
        let classified = &self.tokens.get(token).classified;
        // The grammar of RFC 6750 §2.1 is that of `Authorization`: a header of its own may hold a colon.
        let own_header = matches!(&carrier, Carrier::Header(name) if !AUTHORIZATION_HEADERS.contains(&&**name));
        let counts = |defect: &&Defect| !(own_header && scheme.is_none() && **defect == Defect::NotB64Token);
        let defects: Box<[Defect]> =
            field_defects.iter().chain(classified.defects.iter().filter(counts)).copied().collect();
        self.credentials.push(Credential {
            carrier,
            scheme: scheme.map(|s| self.interner.text(s)),
            token,
            kind: classified.kind,
            well_formed: defects.is_empty() && classified.kind != TokenKind::Placeholder,
            defects,
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
            } else if let Some(name) = key_header(name) {
                self.add_named(Carrier::Header, &name, value);
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
        for key in REFRESH_KEYS.iter().chain(&[
            "access_token",
            "AccessToken",
            "id_token",
            "token",
            "assertion",
            "subject_token",
        ]) {
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
pub(super) fn may_be_token(value: SecretStr<'_>) -> bool {
    let text = value.expose();
    text.len() >= 20 && TOKEN_STARTS.iter().any(|start| text.starts_with(start))
}
