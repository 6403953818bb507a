//! Deterministic tokens for transcripts: `{jwt:ann exp=-60 key=other}` and `{opaque:name}`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The moment that `@0ms` stands for, in seconds since the epoch: 2026-01-01T12:00:00Z.
pub(crate) const T0: i64 = 1_767_268_800;

/// The secret that `{jwt:…}` signs with unless `key=` says otherwise.
pub(crate) const SECRET: &str = "transcript-secret-0123456789abcdef";

/// Replaces every `{jwt:…}`, `{opaque:…}` and `{sess:…}` in `text`.
pub(crate) fn expand(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = ["{jwt:", "{opaque:", "{sess:"].iter().filter_map(|m| rest.find(m)).min() {
        let Some(len) = closing_brace(&rest[start..]) else { break };
        out.push_str(&rest[..start]);
        out.push_str(&make(&rest[start + 1..start + len]));
        rest = &rest[start + len + 1..];
    }
    out + rest
}

/// Where the brace that opens `text` closes; a claim may be a JSON object.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, c)| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        (c == '}' && depth == 0).then_some(at)
    })
}

fn make(macro_text: &str) -> String {
    let (kind, arguments) = macro_text.split_once(':').unwrap();
    match kind {
        "jwt" => jwt(arguments),
        "opaque" => URL_SAFE_NO_PAD.encode(Sha256::digest(arguments)),
        _ => format!("sess_{}", &hex(&Sha256::digest(arguments))[..27]),
    }
}

/// `NAME key=value…`: `exp`, `iat`, `nbf` are seconds from T0 (`exp=none` leaves it out); `alg`, `kid`, `typ` and
/// `jwk` (JSON) go to the header, `key` is the secret, everything else is a claim. Numbers and JSON are kept, other values become strings.
fn jwt(arguments: &str) -> String {
    let mut words = arguments.split_whitespace();
    let subject = words.next().unwrap();
    let mut header = serde_json::json!({"alg": "HS256", "typ": "JWT"});
    let mut claims = serde_json::json!({"sub": subject, "iat": T0 - 60, "exp": T0 + 3600});
    let mut secret = SECRET.to_owned();
    for word in words {
        let (key, value) = word.split_once('=').unwrap();
        match key {
            "alg" | "kid" | "typ" => header[key] = value.into(),
            "jwk" => header[key] = serde_json::from_str(value).unwrap(),
            "key" => secret = value.to_owned(),
            "exp" | "iat" | "nbf" if value == "none" => {
                claims.as_object_mut().unwrap().remove(key);
            }
            "exp" | "iat" | "nbf" => claims[key] = (T0 + value.parse::<i64>().unwrap()).into(),
            _ => claims[key] = serde_json::from_str(value).unwrap_or_else(|_| value.into()),
        }
    }
    let signed =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let signature = match header["alg"].as_str() {
        Some("none") => Vec::new(),
        // No key of a pair is at hand; the bytes only have the length that the algorithm makes.
        Some(alg) => mac.finalize().into_bytes().into_iter().cycle().take(signature_bytes(alg)).collect(),
        None => mac.finalize().into_bytes().to_vec(),
    };
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Length of a signature (RFC 7518 §3.2–3.4, RFC 8037 §3.1), of RSA with the usual modulus.
fn signature_bytes(alg: &str) -> usize {
    match alg {
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => 256,
        "ES256" | "EdDSA" => 64,
        _ => 32,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
