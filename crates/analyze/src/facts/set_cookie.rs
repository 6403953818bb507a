//! `Set-Cookie` as a linter needs it: every attribute kept as written, nothing rejected (RFC 6265bis §5.6).

use authtrace_parse::{SecretStr, Timestamp};
use serde::{Deserialize, Serialize};

use crate::text::{Interner, Text};

/// `SameSite` as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SameSite {
    /// `Strict`
    Strict,
    /// `Lax`
    Lax,
    /// `None`
    None,
}

/// One cookie that a response asked the client to keep.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SetCookie {
    /// Name as written, prefix included.
    pub name: Text,
    /// Length of the value in bytes.
    pub value_len: u32,
    /// Length of the longest attribute in bytes.
    pub longest_attribute: u32,
    /// `Domain` without a leading dot, lower case.
    pub domain: Option<Text>,
    /// `Path` as written.
    pub path: Option<Text>,
    /// `Secure`
    pub secure: bool,
    /// `HttpOnly`
    pub http_only: bool,
    /// `SameSite`; `None` where it is absent or unknown.
    pub same_site: Option<SameSite>,
    /// `Max-Age` in seconds.
    pub max_age: Option<i64>,
    /// `Expires`, where it is a date and `Max-Age` does not outrank it (RFC 6265bis §5.6.1).
    pub expires: Option<Timestamp>,
    /// `Partitioned` (CHIPS).
    pub partitioned: bool,
    /// Whether the cookie is deleted: `Max-Age` ≤ 0, or `Expires` in 1970.
    pub deletes: bool,
}

/// Splits one `Set-Cookie` field into the fact and the value, which stays secret; `None` without a name.
pub(crate) fn parse<'a>(field: SecretStr<'a>, interner: &mut Interner) -> Option<(SetCookie, SecretStr<'a>)> {
    let mut parts = field.expose().split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() {
        return None;
    }
    let mut cookie = SetCookie {
        name: interner.text(name),
        value_len: u32::try_from(value.len()).unwrap_or(u32::MAX),
        longest_attribute: 0,
        domain: None,
        path: None,
        secure: false,
        http_only: false,
        same_site: None,
        max_age: None,
        expires: None,
        partitioned: false,
        deletes: false,
    };
    for attribute in parts {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        cookie.longest_attribute = cookie.longest_attribute.max(u32::try_from(value.len()).unwrap_or(u32::MAX));
        match key.as_str() {
            "domain" if !value.is_empty() => {
                cookie.domain = Some(interner.text(&value.trim_start_matches('.').to_ascii_lowercase()));
            }
            "path" if value.starts_with('/') => cookie.path = Some(interner.text(value)),
            "secure" => cookie.secure = true,
            "httponly" => cookie.http_only = true,
            "samesite" => cookie.same_site = same_site(value),
            "max-age" => cookie.max_age = value.parse().ok(),
            "partitioned" => cookie.partitioned = true,
            "expires" => {
                cookie.deletes |= value.contains("1970");
                cookie.expires = date(value);
            }
            _ => {}
        }
    }
    cookie.deletes = cookie.max_age.map_or(cookie.deletes, |age| age <= 0);
    cookie.expires = cookie.expires.filter(|_| cookie.max_age.is_none());
    Some((cookie, SecretStr::new(value)))
}

/// `Wed, 21 Oct 2026 07:28:00 GMT`, and with the hyphens that some servers still write.
fn date(value: &str) -> Option<Timestamp> {
    let spaced = value.replace('-', " ");
    let date = jiff::fmt::rfc2822::parse(&spaced).ok()?;
    Some(Timestamp::from_seconds(date.timestamp().as_second()))
}

fn same_site(value: &str) -> Option<SameSite> {
    [("strict", SameSite::Strict), ("lax", SameSite::Lax), ("none", SameSite::None)]
        .into_iter()
        .find_map(|(name, kind)| value.eq_ignore_ascii_case(name).then_some(kind))
}

/// A cookie name without the parts that do not change what it is: `__Secure-`/`__Host-` prefix, chunk suffix `.0`.
pub fn base_name(name: &str) -> &str {
    let name = ["__Secure-", "__Host-"].iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name);
    match name.rsplit_once('.') {
        Some((base, chunk)) if chunk.len() <= 2 && chunk.bytes().all(|b| b.is_ascii_digit()) => base,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_kept() {
        let field = "sid=abc=; Path=/api; Domain=.X.dev; HttpOnly; Secure; SameSite=lax; Max-Age=60";
        let (cookie, value) = parse(SecretStr::new(field), &mut Interner::default()).unwrap();
        assert_eq!((&*cookie.name, value.expose()), ("sid", "abc="));
        assert_eq!((cookie.domain.as_deref(), cookie.path.as_deref()), (Some("x.dev"), Some("/api")));
        assert!(cookie.http_only && cookie.secure && !cookie.deletes);
        assert_eq!((cookie.same_site, cookie.max_age), (Some(SameSite::Lax), Some(60)));
    }

    #[test]
    fn deletion_is_seen() {
        let mut interner = Interner::default();
        let mut deletes = |field| parse(SecretStr::new(field), &mut interner).unwrap().0.deletes;
        assert!(deletes("sid=; Max-Age=0"));
        assert!(deletes("sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
        assert!(!deletes("sid=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=5"));
        assert!(parse(SecretStr::new("nonsense"), &mut interner).is_none());
    }

    #[test]
    fn base_names_drop_prefix_and_chunk() {
        assert_eq!(base_name("__Secure-authjs.session-token.0"), "authjs.session-token");
        assert_eq!(base_name("sb-x-auth-token.12"), "sb-x-auth-token");
        assert_eq!(base_name("connect.sid"), "connect.sid");
    }
}
