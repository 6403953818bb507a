//! Cross-origin facts: what the page asked and what the server allowed (Fetch, "CORS protocol").

use authtrace_parse::{Exchange, SecretStr};

use crate::text::{Interner, Text};

/// The `Access-Control-*` conversation of one exchange.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// `Origin` of the request.
    pub origin: Option<Text>,
    /// `Access-Control-Request-Method`.
    pub request_method: Option<Text>,
    /// `Access-Control-Request-Headers`, lower case.
    pub request_headers: Vec<Text>,
    /// `Access-Control-Allow-Origin`.
    pub allow_origin: Option<Text>,
    /// `Access-Control-Allow-Headers`, lower case.
    pub allow_headers: Option<Vec<Text>>,
    /// `Access-Control-Allow-Methods`, upper case.
    pub allow_methods: Option<Vec<Text>>,
    /// `Access-Control-Allow-Credentials: true`, which is case-sensitive.
    pub allow_credentials: bool,
}

impl Cors {
    /// Whether the page that sent the request may read the answer, credentials mode aside.
    pub fn allows_origin(&self) -> bool {
        match (&self.allow_origin, &self.origin) {
            (Some(allowed), Some(origin)) => &**allowed == "*" || allowed == origin,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Whether the preflight asked to send `Authorization` (gate G2).
    pub fn asks_authorization(&self) -> bool {
        self.request_headers.iter().any(|h| &**h == "authorization")
    }

    /// Header names asked for and not allowed. `*` covers everything but `Authorization`
    /// (Fetch, "CORS non-wildcard request-header name").
    pub fn refused_headers(&self) -> Vec<Text> {
        let allowed = self.allow_headers.as_deref().unwrap_or_default();
        let wildcard = allowed.iter().any(|h| &**h == "*");
        let listed = |name: &Text| allowed.contains(name) || (wildcard && &**name != "authorization");
        self.request_headers.iter().filter(|name| !listed(name)).cloned().collect()
    }

    /// Whether the requested method is allowed: listed, or safelisted (`GET`, `HEAD`, `POST`).
    pub fn allows_method(&self) -> bool {
        let Some(method) = &self.request_method else { return true };
        matches!(&**method, "GET" | "HEAD" | "POST")
            || self.allow_methods.iter().flatten().any(|m| m.eq_ignore_ascii_case(method) || &**m == "*")
    }
}

/// The cross-origin facts of `exchange`; `None` where neither side speaks of it.
pub(crate) fn extract(exchange: &Exchange, interner: &mut Interner) -> Option<Box<Cors>> {
    let request = &exchange.request.headers;
    let mut list = |value: Option<SecretStr<'_>>, upper: bool| -> Option<Vec<Text>> {
        let value = value?.expose();
        let one = |item: &str| if upper { item.to_ascii_uppercase() } else { item.to_ascii_lowercase() };
        Some(value.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|s| interner.text(&one(s))).collect())
    };
    let response = exchange.response.as_ref().map(|r| &r.headers);
    let answer = |name: &'static str| response.and_then(|h| h.get(name));
    let mut cors = Cors {
        request_headers: list(request.get("access-control-request-headers"), false).unwrap_or_default(),
        allow_headers: list(answer("access-control-allow-headers"), false),
        allow_methods: list(answer("access-control-allow-methods"), true),
        allow_credentials: answer("access-control-allow-credentials").is_some_and(|v| v.expose() == "true"),
        ..Cors::default()
    };
    let mut text = |value: Option<SecretStr<'_>>| value.map(|v| interner.text(v.expose().trim()));
    cors.origin = text(request.get("origin"));
    cors.request_method = text(request.get("access-control-request-method"));
    cors.allow_origin = text(answer("access-control-allow-origin"));
    let spoken = cors.origin.is_some() || cors.allow_origin.is_some();
    spoken.then(|| Box::new(cors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcard_never_covers_authorization() {
        let names = |list: &[&str]| list.iter().map(|s| Text::from(*s)).collect::<Vec<_>>();
        let cors = Cors {
            request_headers: names(&["authorization", "x-a"]),
            allow_headers: Some(names(&["*"])),
            ..Cors::default()
        };
        assert_eq!(cors.refused_headers(), names(&["authorization"]));
    }
}
