//! The DPoP proof of a request against the request that it came with (RFC 9449 §4.3).

use authtrace_parse::{Exchange, Target};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{credential::Credential, mark::Mark};
use crate::tokens::TokenStore;

/// How a proof's `htu` compares with the URL of its request.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UrlMatch {
    /// The same scheme, host, port and path.
    Same,
    /// The same path at another scheme, host or port: what a proxy in between makes of it.
    OtherOrigin,
    /// Another path.
    Other,
    /// There is no `htu`.
    Absent,
}

/// What a proof says, compared with its request.
#[derive(Clone, Serialize, Deserialize)]
pub struct Proof {
    /// Whether it is one JWT with a key, `typ` `dpop+jwt` and the claims that it must have.
    pub well_formed: bool,
    /// Whether `htm` is the request's method.
    pub method: bool,
    /// `htu`
    pub url: UrlMatch,
    /// `iat` in nanoseconds.
    pub issued: Option<i64>,
    /// `jti`
    pub id: Option<Mark>,
    /// Whether `ath` is the hash of the access token; `None` where there is none.
    pub token: Option<bool>,
    /// Whether its key is the one that the access token is bound to (`cnf.jkt`); `None` where the token does not say.
    pub key: Option<bool>,
    /// Whether it has a `nonce`.
    pub nonce: bool,
}

/// The proof of `exchange`'s request, whose credentials are `credentials`; `None` where there is none.
pub(crate) fn extract(exchange: &Exchange, credentials: &[Credential], tokens: &TokenStore) -> Option<Proof> {
    let field = exchange.request.headers.get("dpop")?.expose().trim();
    let mut segments = field.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let mut json = || serde_json::from_slice::<Value>(&segments.next()??).ok();
    let (header, claims) = (json().unwrap_or_default(), json().unwrap_or_default());
    let presented = credentials.iter().find(|c| c.is_authorization()).map(|c| tokens.get(c.token));
    let value = presented.and_then(|token| token.cleaned());
    let bound = presented.and_then(|t| t.claims()?.jkt.clone());
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let typ = header.get("typ").and_then(Value::as_str).unwrap_or_default();
    let one = exchange.request.headers.get_all("dpop").count() == 1 && field.split('.').count() == 3;
    Some(Proof {
        well_formed: one && typ.eq_ignore_ascii_case("dpop+jwt") && header.get("jwk").is_some_and(Value::is_object),
        method: text("htm") == Some(&*exchange.request.method),
        url: text("htu").map_or(UrlMatch::Absent, |url| compare(url, &exchange.request.target)),
        issued: claims.get("iat").and_then(Value::as_f64).map(|s| (s * 1e9) as i64),
        id: text("jti").map(Mark::of),
        token: value.and_then(|value| Some(text("ath")? == hash(value.expose().as_bytes()))),
        key: bound.and_then(|bound| Some(thumbprint(header.get("jwk")?)? == *bound)),
        nonce: text("nonce").is_some(),
    })
}

fn hash(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

/// Query and fragment do not count; letter case of scheme and host does not either (RFC 9449 §4.3, RFC 3986 §6.2.2).
fn compare(url: &str, target: &Target) -> UrlMatch {
    let Some(stated) = Target::parse(url) else { return UrlMatch::Other };
    match (stated.origin() == target.origin(), stated.path.expose() == target.path.expose()) {
        (true, true) => UrlMatch::Same,
        (false, true) => UrlMatch::OtherOrigin,
        _ => UrlMatch::Other,
    }
}

/// The thumbprint of a key: its required members in order (RFC 7638 §3, RFC 8037 §2).
fn thumbprint(jwk: &Value) -> Option<String> {
    let members: &[&str] = match jwk.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "RSA" => &["e", "kty", "n"],
        "OKP" => &["crv", "kty", "x"],
        _ => return None,
    };
    let members: Option<Vec<String>> =
        members.iter().map(|name| Some(format!("\"{name}\":{}", jwk.get(name)?))).collect();
    Some(hash(format!("{{{}}}", members?.join(",")).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprint_of_the_standard() {
        // RFC 7638 §3.1.
        let key = serde_json::json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        assert_eq!(thumbprint(&key).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }

    #[test]
    fn urls_compare_without_query() {
        let target = Target::parse("https://api.x.dev/v1/a?b=c").unwrap();
        let check = |url: &str, expected| assert!(compare(url, &target) == expected, "{url}");
        check("https://API.x.dev:443/v1/a", UrlMatch::Same);
        check("http://api:8080/v1/a", UrlMatch::OtherOrigin);
        check("https://api.x.dev/v1/b", UrlMatch::Other);
    }
}
