//! Shapes of self-describing tokens that are not JOSE: one recogniser each, tried in order.

use authtrace_parse::Timestamp;

use super::{base64, json::Json, kind::TokenKind};

/// Bytes looked at where a recogniser would otherwise decode a value as a whole.
const PROBE: usize = 4096;

/// A kind and how to recognise it.
type Shape = (TokenKind, fn(&str) -> bool);

/// The first shape that fits `value`.
pub(super) fn recognise(value: &str) -> Option<TokenKind> {
    const SHAPES: [Shape; 9] = [
        (TokenKind::Itsdangerous, is_itsdangerous),
        (TokenKind::SdJwt, is_sd_jwt),
        (TokenKind::Paseto, is_paseto),
        (TokenKind::Biscuit, is_biscuit),
        (TokenKind::Macaroon, is_macaroon),
        (TokenKind::Fernet, |value| fernet_issued_at(value).is_some()),
        (TokenKind::Iron, is_iron),
        (TokenKind::DjangoSigned, is_django_signed),
        (TokenKind::Saml, is_saml),
    ];
    SHAPES.iter().find(|(_, fits)| fits(value)).map(|(kind, _)| *kind)
}

/// `payload.timestamp.signature`: the timestamp has 6–8 characters, the signature 27 (SHA-1), 43 or 86.
/// A leading dot marks a compressed payload. Its first segment may be JSON and so start with `eyJ`, but names no `alg`.
fn is_itsdangerous(value: &str) -> bool {
    let body = value.strip_prefix('.').unwrap_or(value);
    let mut parts = body.split('.');
    let (Some(payload), Some(time), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    !payload.is_empty()
        && (6..=8).contains(&time.len())
        && matches!(signature.len(), 27 | 43 | 86)
        && [payload, time, signature].into_iter().all(base64::is_url_alphabet)
        && !names_alg(payload)
}

/// Whether `segment` is a JOSE header.
fn names_alg(segment: &str) -> bool {
    if segment.len() > PROBE {
        return false;
    }
    base64::decode(segment).and_then(|d| Json::parse(&d.bytes)).is_some_and(|json| json.get("alg").is_some())
}

/// A compact JWS and `~`-separated disclosures (SD-JWT, "compact serialization").
fn is_sd_jwt(value: &str) -> bool {
    value.split_once('~').is_some_and(|(jwt, _)| jwt.starts_with("eyJ") && jwt.split('.').take(4).count() == 3)
}

/// `v1.`–`v4.`, `local` or `public`, payload.
fn is_paseto(value: &str) -> bool {
    let Some(rest) = value.strip_prefix('v').filter(|rest| rest.starts_with(['1', '2', '3', '4'])) else {
        return false;
    };
    let purposes = [".local.", ".public."];
    purposes.iter().any(|purpose| rest[1..].strip_prefix(purpose).is_some_and(|payload| payload.len() >= 32))
}

fn is_biscuit(value: &str) -> bool {
    value.starts_with("biscuit:") || value.starts_with("En0") && value.len() >= 80 && base64::is_url_alphabet(value)
}

/// Base64 of the length-prefixed `location` packet of version 1 (`0014location`…), or of version 2's first bytes.
fn is_macaroon(value: &str) -> bool {
    let starts = ["MDAx", "MDAy", "MDAz", "AgE"];
    let alphabet = |text: &str| base64::is_url_alphabet(text.trim_end_matches('='));
    value.len() >= 60 && starts.iter().any(|start| value.starts_with(start)) && alphabet(value)
}

/// When a Fernet token was made: version byte 0x80, then eight bytes of big-endian seconds. `None` where it is none.
pub(super) fn fernet_issued_at(value: &str) -> Option<Timestamp> {
    // Version, time, IV, one cipher block and the HMAC make at least 73 bytes, 100 characters.
    if !value.starts_with("gAAAAA") || value.len() < 100 || !value.len().is_multiple_of(4) {
        return None;
    }
    if !base64::is_url_alphabet(value.trim_end_matches('=')) {
        return None;
    }
    let head = base64::decode(value.get(..12)?)?.bytes;
    let seconds: [u8; 8] = head.get(1..9)?.try_into().ok()?;
    (head.first() == Some(&0x80)).then(|| Timestamp::from_seconds(i64::from_be_bytes(seconds)))
}

/// `Fe26.2` and eight fields in all, separated by `*`; iron-session appends `~2`.
fn is_iron(value: &str) -> bool {
    value.starts_with("Fe26.2*") && value.split('*').take(9).count() == 8
}

/// `payload:timestamp:signature`: base64url, base62 time of 6 characters, HMAC of 27 or 43.
fn is_django_signed(value: &str) -> bool {
    let mut parts = value.rsplitn(3, ':');
    let (Some(signature), Some(time), Some(payload)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    matches!(signature.len(), 27 | 43)
        && time.len() == 6
        && time.bytes().all(|b| b.is_ascii_alphanumeric())
        && !payload.is_empty()
        && base64::is_url_alphabet(signature)
        && base64::is_url_alphabet(payload.trim_start_matches('.'))
}

/// Base64 of a SAML protocol message, or an artifact (type 0x0004, 44 bytes; SAML Bindings §3.6.4).
///
/// The redirect binding deflates the message first; a raw deflate stream has no mark to go by, so it is not told here.
fn is_saml(value: &str) -> bool {
    if value.starts_with("AAQ") && (58..=60).contains(&value.len()) {
        return base64::decode(value).is_some_and(|d| d.bytes.len() == 44 && d.bytes.starts_with(&[0, 4]));
    }
    // `<?xml`, `<saml`, `<Resp`, `<ns0:` and the like: every XML message starts with `<`, base64 `P`.
    if !value.starts_with('P') || value.len() < 64 {
        return false;
    }
    let head = value.get(..value.len().min(512) / 4 * 4).and_then(base64::decode);
    head.is_some_and(|d| {
        let text = String::from_utf8_lossy(&d.bytes);
        text.starts_with('<')
            && ["urn:oasis:names:tc:SAML:", "saml:", "samlp:", "saml2p:"].iter().any(|m| text.contains(m))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<TokenKind>) {
        assert_eq!(recognise(value), expected, "{value}");
    }

    #[test]
    fn recognises_shapes() {
        let (long, sig27) = ("a".repeat(80), "b".repeat(27));
        check(&format!("eyJ1c2VyIjoiYSJ9.ZmFrZQ.{sig27}"), Some(TokenKind::Itsdangerous));
        check(
            &format!(".eJwVjDEKgDAMAP-SWYpNmzT1M5I2KYqgoHYS_24dDg7uuAfWY7.ZmFrZQ.{sig27}"),
            Some(TokenKind::Itsdangerous),
        );
        check("eyJhbGciOiJFUzI1NiJ9.eyJfc2QiOltdfQ.sig~WyJzYWx0Il0~", Some(TokenKind::SdJwt));
        check(&format!("v4.public.{long}"), Some(TokenKind::Paseto));
        check(&format!("v9.public.{long}"), None);
        check(&format!("En0{long}"), Some(TokenKind::Biscuit));
        check(&format!("MDAxY2xvY2F0aW9u{long}"), Some(TokenKind::Macaroon));
        check(&format!("gAAAAABlU2EA{}", "a".repeat(88)), Some(TokenKind::Fernet));
        check("gAAAAABlU2EA", None);
        check("Fe26.2*1*a*b*c*d*e*f~2", Some(TokenKind::Iron));
        check(&format!("eyJhIjoxfQ:1rXyZ0:{sig27}"), Some(TokenKind::DjangoSigned));
        check(
            "PHNhbWxwOlJlc3BvbnNlIHhtbG5zOnNhbWxwPSJ1cm46b2FzaXM6bmFtZXM6dGM6U0FNTDoyLjA6cHJvdG9jb2wiPg==",
            Some(TokenKind::Saml),
        );
        check("hunter2", None);
    }

    #[test]
    fn reads_the_time_in_fernet() {
        let token = format!("gAAAAABlU2EA{}", "a".repeat(88));
        assert_eq!(fernet_issued_at(&token), Some(Timestamp::from_seconds(0x6553_6100)));
    }
}
