//! Session cookies of known frameworks, told by their value and, where that is not enough, by their name.

use super::{base64, kind::Framework};

/// The framework whose cookie has this value, whatever its name. Percent-encoding is undone first.
pub(super) fn by_value(value: &str) -> Option<Framework> {
    let value = percent_decode(value);
    let value = value.as_ref();
    if value.starts_with("CfDJ8") && base64::is_url_alphabet(value) {
        Some(Framework::AspNet)
    } else if value.starts_with("eyJpdiI6") {
        Some(Framework::Laravel)
    } else if is_express(value) {
        Some(Framework::Express)
    } else if is_rails(value) {
        Some(Framework::Rails)
    } else {
        None
    }
}

/// The framework that uses a cookie of this name, where its value fits.
pub(super) fn by_name(name: &str, value: &str) -> Option<Framework> {
    let name = name.trim_start_matches("__Host-").trim_start_matches("__Secure-");
    let length = value.len();
    let all = |allowed: fn(u8) -> bool| value.bytes().all(allowed);
    match name {
        "PHPSESSID"
            if (22..=256).contains(&length) && all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b',')) =>
        {
            Some(Framework::Php)
        }
        "JSESSIONID" if length >= 16 => Some(Framework::Servlet),
        "sessionid" if length == 32 && all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) => Some(Framework::Django),
        "laravel_session" => Some(Framework::Laravel),
        "connect.sid" => Some(Framework::Express),
        _ if name == "_oauth2_proxy" || name.starts_with("_oauth2_proxy_") => Some(Framework::OauthProxy),
        _ if name.starts_with(".AspNetCore.") => Some(Framework::AspNet),
        _ => None,
    }
}

/// `s:` id `.` signature of 43 base64 characters.
fn is_express(value: &str) -> bool {
    let signed = value.strip_prefix("s:").and_then(|rest| rest.rsplit_once('.'));
    signed.is_some_and(|(id, signature)| !id.is_empty() && signature.len() == 43)
}

/// Encrypted `base64--base64--base64`, signed `base64--hex` of 40 (SHA-1) or 64 (SHA-256) digits.
fn is_rails(value: &str) -> bool {
    let parts: Vec<&str> = value.split("--").take(4).collect();
    let is_base64 = |text: &&str| {
        text.len() >= 8
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_'))
    };
    match parts.as_slice() {
        [data, iv, tag] => [data, iv, tag].into_iter().all(is_base64),
        [data, digest] => {
            is_base64(data) && matches!(digest.len(), 40 | 64) && digest.bytes().all(|b| b.is_ascii_hexdigit())
        }
        _ => false,
    }
}

/// Undoes percent-encoding of ASCII; anything else stays as it is.
pub(super) fn percent_decode(value: &str) -> std::borrow::Cow<'_, str> {
    if !value.contains('%') {
        return value.into();
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let byte = rest.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(u8::is_ascii);
        match byte {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &rest[at + 3..];
            }
            None => {
                out.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, value: &str, expected: Option<Framework>) {
        assert_eq!(by_value(value).or_else(|| by_name(name, value)), expected, "{name}={value}");
    }

    #[test]
    fn recognises_framework_cookies() {
        let sig = "a".repeat(43);
        check("connect.sid", &format!("s%3Aabcdef.{sig}"), Some(Framework::Express));
        check("x", &format!("s:abcdef.{sig}"), Some(Framework::Express));
        check("_app_session", "QUJDREVGR0g%3D--SVZJVklWSVY%3D--VEFHVEFHVEFH", Some(Framework::Rails));
        check("_app_session", &format!("QUJDREVGR0g=--{}", "0".repeat(40)), Some(Framework::Rails));
        check("laravel_session", "eyJpdiI6IkFCQyIsInZhbHVlIjoiIn0%3D", Some(Framework::Laravel));
        check(".AspNetCore.Cookies", "CfDJ8AAAAAAAAA", Some(Framework::AspNet));
        check("PHPSESSID", "abcdefghijklmnopqrstuvwxyz", Some(Framework::Php));
        check("JSESSIONID", "0123456789ABCDEF0123456789ABCDEF.node1", Some(Framework::Servlet));
        check("sessionid", "abcdefghijklmnopqrstuvwxyz012345", Some(Framework::Django));
        check("theme", "dark", None);
        check("x", "100%", None);
    }
}
