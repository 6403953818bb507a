//! Credentials of schemes with a grammar of their own: Basic, and those that are lists of parameters.

use super::{Surrogates, jose};

/// A scheme whose credentials have parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Base64 of `user:password` (RFC 7617).
    Basic,
    /// `name="value", …` (RFC 7616, AWS Signature Version 4, RFC 5849, Hawk…).
    Parameters,
}

/// The scheme called `name`, where its credentials have parts.
pub(super) fn known(name: &str) -> Option<Known> {
    const PARAMETERS: [&str; 9] =
        ["digest", "aws4-hmac-sha256", "aws4-ecdsa-p256-sha256", "hawk", "mac", "gnap", "signature", "oauth", "hmac"];
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("token") {
        // Rails writes `Token token="…"`; elsewhere the scheme takes a bare value, which has no name.
        return Some(Known::Parameters);
    }
    if is("basic") {
        Some(Known::Basic)
    } else if PARAMETERS.into_iter().any(is) {
        Some(Known::Parameters)
    } else {
        None
    }
}

impl Known {
    /// What stands for `raw`.
    pub(super) fn surrogate(self, surrogates: &mut Surrogates, raw: &str) -> String {
        match self {
            Self::Basic => basic(surrogates, raw).unwrap_or_else(|| surrogates.value(raw)),
            Self::Parameters if raw.contains('=') => parameters(surrogates, raw),
            Self::Parameters => surrogates.value(raw),
        }
    }
}

/// User and password apart, so that the same user is seen to be the same.
fn basic(surrogates: &mut Surrogates, raw: &str) -> Option<String> {
    let text = String::from_utf8(jose::decode(raw.trim())?).ok()?;
    let (user, password) = text.split_once(':')?;
    let made = format!("{}:{}", surrogates.value(user), surrogates.value(password));
    Some(raw.replace(raw.trim(), &jose::encode_like(raw.trim(), made.as_bytes())))
}

/// Parameters that say how a request was signed, not by whom.
const SHOWN: [&str; 11] = [
    "realm",
    "algorithm",
    "qop",
    "nc",
    "stale",
    "charset",
    "userhash",
    "signedheaders",
    "headers",
    "oauth_version",
    "oauth_signature_method",
];

/// Every parameter's value, but for those that hold no secret; what is no parameter is a value itself.
fn parameters(surrogates: &mut Surrogates, raw: &str) -> String {
    raw.split(',').map(|part| parameter(surrogates, part)).collect::<Vec<_>>().join(",")
}

fn parameter(surrogates: &mut Surrogates, part: &str) -> String {
    let Some((name, value)) =
        part.split_once('=').filter(|(name, value)| is_name(name) && !value.is_empty() && !value.starts_with('='))
    else {
        return surrogates.value(part);
    };
    let key = name.trim().to_ascii_lowercase();
    let bare = value.trim().trim_matches('"');
    let time = ["ts", "created", "expires", "oauth_timestamp"].contains(&key.as_str());
    let made = match key.as_str() {
        _ if time || bare.is_empty() || SHOWN.contains(&key.as_str()) => return part.to_owned(),
        // Who signed stands in front of date, region and service.
        "credential" => match bare.split_once('/') {
            Some((who, scope)) => format!("{}/{scope}", surrogates.value(who)),
            None => surrogates.value(bare),
        },
        "uri" => match bare.split_once('?') {
            Some((path, query)) => format!("{path}?{}", surrogates.value(query)),
            None => return part.to_owned(),
        },
        _ => surrogates.value(bare),
    };
    format!("{name}={}", value.replacen(bare, &made, 1))
}

/// Whether what stands before a `=` names a parameter and is not base64 before its padding.
fn is_name(name: &str) -> bool {
    let name = name.trim();
    (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-'))
}
