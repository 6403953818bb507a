//! Cross-origin facts: what the page asked and what the server allowed (Fetch, "CORS protocol").

use serde::{Deserialize, Serialize};
use std::sync::Arc;

use authtrace_parse::{Exchange, SecretStr, headers::Headers};

use crate::text::{Interner, Memo, Text};

/// The `Access-Control-*` conversation of one exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// The fields that the conversation is read from: of the request, then of the response.
const REQUEST: [&str; 3] = ["origin", "access-control-request-method", "access-control-request-headers"];
const RESPONSE: [&str; 4] = [
    "access-control-allow-origin",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-credentials",
];

/// Conversations by the raw fields, which a capture repeats.
#[derive(Default)]
pub(crate) struct Conversations {
    known: Memo<Arc<Cors>>,
    raw: String,
}

impl Conversations {
    /// The cross-origin facts of `exchange`; `None` where neither side speaks of it.
    pub(crate) fn extract(&mut self, exchange: &Exchange, interner: &mut Interner) -> Option<Arc<Cors>> {
        let no_headers = Headers::new();
        let response = exchange.response.as_ref().map_or(&no_headers, |r| &r.headers);
        let asked = REQUEST.map(|name| exchange.request.headers.get(name).map(SecretStr::expose));
        let answered = RESPONSE.map(|name| response.get(name).map(SecretStr::expose));
        if asked[0].is_none() && answered[0].is_none() {
            return None;
        }
        self.raw.clear();
        for field in asked.iter().chain(&answered) {
            self.raw.push_str(field.unwrap_or("\r"));
            self.raw.push('\n');
        }
        if let Some(known) = self.known.get(self.raw.as_str()) {
            return Some(Arc::clone(known));
        }
        let cors = Arc::new(read(asked, answered, interner));
        self.known.insert(self.raw.as_str().into(), Arc::clone(&cors));
        Some(cors)
    }
}

fn read(asked: [Option<&str>; 3], answered: [Option<&str>; 4], interner: &mut Interner) -> Cors {
    let mut list = |value: &str, upper: bool| -> Vec<Text> {
        let one = |item: &str| if upper { item.to_ascii_uppercase() } else { item.to_ascii_lowercase() };
        value.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|s| interner.text(&one(s))).collect()
    };
    let [origin, request_method, request_headers] = asked;
    let [allow_origin, allow_headers, allow_methods, allow_credentials] = answered;
    let request_headers = request_headers.map_or_else(Vec::new, |value| list(value, false));
    let allow_headers = allow_headers.map(|value| list(value, false));
    let allow_methods = allow_methods.map(|value| list(value, true));
    let mut text = |value: Option<&str>| value.map(|value| interner.text(value.trim()));
    Cors {
        origin: text(origin),
        request_method: text(request_method),
        request_headers,
        allow_origin: text(allow_origin),
        allow_headers,
        allow_methods,
        allow_credentials: allow_credentials == Some("true"),
    }
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
