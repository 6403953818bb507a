//! What the name of a cookie says of its use.

use authtrace_parse::SecretStr;

use super::{extract::may_be_token, is_token_kind};
use crate::{
    facts::set_cookie,
    token::{TokenKind, classify_cookie},
};

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
                is_signed_by_tornado(value)
                    || may_be_token(value) && {
                        let kind = classify_cookie(name, value).kind;
                        is_token_kind(kind) || matches!(kind, TokenKind::FrameworkCookie(_))
                    }
            }
        }
    }
}

/// Tornado signs a cookie of any name as `2|1:0|10:…|4:name|…` (tornado.web, "create_signed_value").
fn is_signed_by_tornado(value: SecretStr<'_>) -> bool {
    value.expose().trim_matches('"').starts_with("2|1:0|10:")
}

/// Whether a cookie is session-like: by its name, or because its value is a token.
pub(crate) fn is_session_cookie(name: &str, value: SecretStr<'_>) -> bool {
    CookieName::read(name).is_session(name, value)
}
