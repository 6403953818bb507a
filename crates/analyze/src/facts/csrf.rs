//! Anti-forgery facts: which of the usual carriers of a CSRF token an exchange has, by name, and whether they agree.
//!
//! Such a token is no credential (gate G13); its value is compared here and goes nowhere.

use authtrace_parse::{Exchange, SecretStr};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::{body::BodyView, set_cookie::SetCookie};
use crate::text::{Interner, Text};

/// What an exchange shows of a defence against forged requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Csrf {
    /// The request header that carried a token, in lower case.
    pub header: Option<Text>,
    /// The body field or query parameter that carried a token.
    pub field: Option<Text>,
    /// The cookie of the request that holds a token.
    pub cookie: Option<Text>,
    /// How header and cookie compare, where both are there.
    pub compared: Option<Compared>,
    /// The cookie with a token that the response set.
    pub sets: Option<Text>,
    /// Whether the response says that it wants one: a redirect back to the form with `csrf=true` (Auth.js).
    pub asks: bool,
}

/// How the header's token compares with the cookie's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Compared {
    /// The header is the cookie's value, decoded where it was encoded.
    Same,
    /// The header is the cookie's value as it stands, percent-encoding included.
    NotDecoded,
    /// They differ.
    Differ,
}

impl Csrf {
    /// What `exchange` shows; `None` where it shows nothing.
    pub(crate) fn read(
        exchange: &Exchange,
        request: &BodyView,
        response: &BodyView,
        set_cookies: &[SetCookie],
        interner: &mut Interner,
    ) -> Option<Self> {
        let headers = &exchange.request.headers;
        let header = headers.iter().find(|(name, value)| names_token(name) && !value.expose().is_empty());
        let cookie = cookies(exchange).find(|(name, _)| names_token(name));
        let in_query = || exchange.request.target.query_pairs().map(|(name, _)| name).find(|name| is_field(name));
        let field = request.keys().find(|name| is_field(name)).or_else(in_query);
        let csrf = Self {
            header: header.map(|(name, _)| interner.text(&name.to_ascii_lowercase())),
            field: field.map(|name| interner.text(name)),
            cookie: cookie.map(|(name, _)| interner.text(name)),
            compared: header.zip(cookie).map(|((_, header), (_, cookie))| compare(header, cookie)),
            sets: set_cookies.iter().find(|c| !c.deletes && names_token(&c.name)).map(|c| c.name.clone()),
            asks: asks(exchange, response),
        };
        (csrf != Self::default()).then_some(csrf)
    }

    /// Whether the request carried a token where a cookie alone does not put it.
    pub fn is_sent(&self) -> bool {
        self.header.is_some() || self.field.is_some()
    }
}

fn cookies(exchange: &Exchange) -> impl Iterator<Item = (&str, SecretStr<'_>)> {
    let fields = exchange.request.headers.get_all("cookie");
    let pairs = fields.flat_map(|field| field.expose().split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).map(|(name, value)| (name, SecretStr::new(value)))
}

/// `X-XSRF-TOKEN`, `X-CSRFToken`, `csrftoken`, `__Host-authjs.csrf-token`, `.AspNetCore.Antiforgery`, `RequestVerificationToken`…
pub(crate) fn names_token(name: &str) -> bool {
    let bytes = name.as_bytes();
    let at = |start: usize, word: &str| {
        bytes.get(start..start + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    };
    // Every name of every block passes here: one look at each letter tells which word may start there.
    bytes.iter().enumerate().any(|(start, letter)| match letter.to_ascii_lowercase() {
        b'c' => at(start, "csrf"),
        b'x' => at(start, "xsrf"),
        b'a' => at(start, "antiforgery"),
        b'r' => at(start, "requestverificationtoken"),
        _ => false,
    })
}

fn is_field(name: &str) -> bool {
    names_token(name) || matches!(name, "_token" | "authenticity_token")
}

fn compare(header: SecretStr<'_>, cookie: SecretStr<'_>) -> Compared {
    let decoded = percent_decode_str(cookie.expose()).decode_utf8_lossy();
    match header.expose() {
        header if header == decoded => Compared::Same,
        header if header == cookie.expose() => Compared::NotDecoded,
        _ => Compared::Differ,
    }
}

/// Auth.js sends whoever lacks the token back to its form and says so in the address.
fn asks(exchange: &Exchange, response: &BodyView) -> bool {
    let location = exchange.response.as_ref().and_then(|r| r.headers.get("location"));
    let in_body = response.string("url");
    location.into_iter().chain(in_body).any(|url| {
        let query = url.expose().split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|pair| pair == "csrf=true")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_frameworks() {
        for name in ["X-XSRF-TOKEN", "csrftoken", "__Host-authjs.csrf-token", ".AspNetCore.Antiforgery.x9"] {
            assert!(names_token(name), "{name}");
        }
        assert!(is_field("authenticity_token") && is_field("csrfmiddlewaretoken") && !is_field("token"));
    }

    #[test]
    fn a_cookie_is_compared_decoded() {
        let check = |header, cookie, expected| {
            assert_eq!(compare(SecretStr::new(header), SecretStr::new(cookie)), expected, "{header} {cookie}");
        };
        check("abc=", "abc%3D", Compared::Same);
        check("abc%3D", "abc%3D", Compared::NotDecoded);
        check("a+b/c=", "a+b%2Fc%3D", Compared::Same);
        check("a+b", "a+b", Compared::Same);
        check("abc", "abd", Compared::Differ);
    }
}
