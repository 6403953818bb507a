//! Credentials of schemes with a grammar of their own: Basic, Digest, Negotiate, NTLM, AWS and other signed requests.

use authtrace_parse::SecretStr;

use super::{Classified, Defect, base64, entropy, is_placeholder, is_redacted, kind::TokenKind};

/// The kind that `scheme` alone decides; `None` for bearer-like schemes, whose value decides.
pub(super) fn kind_of_scheme(scheme: &str) -> Option<TokenKind> {
    const SCHEMES: [(&str, TokenKind); 17] = [
        ("basic", TokenKind::Basic),
        ("digest", TokenKind::Digest),
        ("negotiate", TokenKind::Negotiate),
        ("ntlm", TokenKind::Ntlm),
        ("aws4-hmac-sha256", TokenKind::SigV4),
        ("aws4-ecdsa-p256-sha256", TokenKind::SigV4),
        ("hawk", TokenKind::SignedRequest),
        ("mac", TokenKind::SignedRequest),
        ("gnap", TokenKind::SignedRequest),
        ("signature", TokenKind::SignedRequest),
        ("oauth", TokenKind::SignedRequest),
        ("hmac", TokenKind::SignedRequest),
        ("hmac-sha256", TokenKind::SignedRequest),
        ("hmac-sha512", TokenKind::SignedRequest),
        ("tc3-hmac-sha256", TokenKind::SignedRequest),
        ("acs3-hmac-sha256", TokenKind::SignedRequest),
        ("eg1-hmac-sha256", TokenKind::SignedRequest),
    ];
    SCHEMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(scheme)).map(|(_, kind)| *kind)
}

/// Classifies the credentials of a scheme that decides the kind.
pub(super) fn classify(raw: SecretStr<'_>, kind: TokenKind) -> Classified {
    let text = raw.expose();
    let value = text.trim();
    let (kind, defects) = if is_redacted(value) {
        (TokenKind::Redacted, Vec::new())
    } else if value.is_empty() {
        (TokenKind::Placeholder, vec![Defect::Empty])
    } else if is_placeholder(value) {
        (TokenKind::Placeholder, Vec::new())
    } else {
        (refine(kind, value), check(kind, value))
    };
    let known = matches!(kind, TokenKind::Placeholder | TokenKind::Redacted);
    Classified {
        kind,
        as_sent: kind,
        vendor: (kind == TokenKind::SigV4).then(|| "AWS".into()),
        defects,
        jose: None,
        cleaned: None,
        entropy_bits: (!known).then(|| entropy::bits(text)),
        length: text.len(),
        issued_at: None,
    }
}

/// NTLM travels under `Negotiate` too (MS-NTHT §2.1).
fn refine(kind: TokenKind, value: &str) -> TokenKind {
    if kind == TokenKind::Negotiate && is_ntlm(value) { TokenKind::Ntlm } else { kind }
}

fn check(kind: TokenKind, value: &str) -> Vec<Defect> {
    match kind {
        TokenKind::Basic if basic_user_length(value).is_none() => vec![Defect::NotB64Token],
        _ => Vec::new(),
    }
}

/// Bytes of the user name in Basic credentials; `None` where they do not decode to `user:password` (RFC 7617 §2).
pub(super) fn basic_user_length(credentials: &str) -> Option<usize> {
    base64::decode(credentials.trim())?.bytes.iter().position(|&b| b == b':')
}

/// The kind of a value that arrived without its scheme, where its start says so.
pub(super) fn kind_without_scheme(value: &str) -> Option<TokenKind> {
    if is_ntlm(value) {
        Some(TokenKind::Ntlm)
    } else if is_spnego(value) {
        Some(TokenKind::Negotiate)
    } else if value.contains("/aws4_request") && value.contains("Credential=") {
        Some(TokenKind::SigV4)
    } else {
        None
    }
}

/// Base64 of `NTLMSSP\0` (MS-NLMP §2.2.1).
fn is_ntlm(value: &str) -> bool {
    value.starts_with("TlRMTVNTUA")
}

/// Base64 of an ASN.1 application tag with a long-form length, then the SPNEGO or Kerberos object identifier (RFC 4178).
fn is_spnego(value: &str) -> bool {
    if !value.starts_with("YII") || value.len() < 64 {
        return false;
    }
    let head = value.get(..32).and_then(base64::decode).map(|d| d.bytes).unwrap_or_default();
    const SPNEGO: &[u8] = &[0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];
    const KERBEROS: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
    [SPNEGO, KERBEROS].iter().any(|oid| head.windows(oid.len()).any(|window| window == *oid))
}
