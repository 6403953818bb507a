//! The classifier as a whole: each kind by an example, each trap by its counter-example, and that nothing panics.

use ::base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

fn jwt(header: &str, payload: &str, signature: &str) -> String {
    format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

/// Kind, vendor and defects of `raw`, as one line.
#[track_caller]
fn check(raw: &str, scheme: Option<&str>, expected: &str) {
    let c = classify(SecretStr::new(raw), scheme);
    let defects: Vec<_> = c.defects.iter().map(|d| d.name()).collect();
    let line = format!("{} {} {}", c.kind.name(), c.vendor.as_deref().unwrap_or("-"), defects.join(","));
    assert_eq!(line.trim_end(), expected, "{raw:?}");
}

const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

#[test]
fn classifies_every_kind() {
    let (long, sig) = ("a1B2c3D4e5F6g7H8i9J0".repeat(4), "a".repeat(43));
    check("[REDACTED]", None, "redacted -");
    check("undefined", Some("Bearer"), "placeholder -");
    check(&jwt(HS256, r#"{"sub":"u"}"#, &sig), Some("Bearer"), "jwt -");
    check(&jwt(HS256, "plain text", &sig), None, "jws -");
    check("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aaaa.bbbb.cccc", None, "jwe -");
    check(&format!("v2.local.{long}"), None, "paseto -");
    check(&format!("gAAAAABlU2EA{}", "a".repeat(88)), None, "fernet -");
    check("Fe26.2*1*a*b*c*d*e*f~2", None, "iron -");
    check(&format!("s%3Aabcdef.{sig}"), None, "cookie express");
    check(&format!("ghp_{}", "0".repeat(36)), Some("token"), "api-key GitHub");
    check("pk_live_0000000000000", None, "api-key Stripe or Clerk");
    check(&format!("pypi-AgE{long}"), None, "api-key PyPI");
    check("sess_2abcdefghij0123456789", Some("Bearer"), "identifier Clerk");
    check("017f22e2-79b0-7cc3-98c4-dc0c0c07398f", Some("Bearer"), "uuid-opaque -");
    check("dXNlcjpwYXNz", Some("Basic"), "basic -");
    check(r#"username="a", response="b""#, Some("Digest"), "digest -");
    check("TlRMTVNTUAABAAAA", None, "ntlm -");
    check("Credential=A/20260101/r/s/aws4_request", Some("AWS4-HMAC-SHA256"), "sigv4 AWS");
    check("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", Some("Token"), "opaque -");
    check("hunter2", None, "low-entropy -");
}

#[test]
fn keeps_the_traps_apart() {
    let sig27 = "aBcDeFgHiJkLmNoPqRsTuVwXyZ0";
    check(&format!("eyJ1c2VyIjoiYSJ9.ZmFrZQ.{sig27}"), None, "itsdangerous -");
    check(&format!("eyJhIjoxfQ:1rXyZ0:{sig27}"), None, "django-signed -");
    check(&jwt(r#"{"alg":"none"}"#, r#"{"sub":"u"}"#, ""), Some("Bearer"), "jwt -");
    check(&jwt(r#"{"alg":"NONE"}"#, r#"{"sub":"u"}"#, ""), Some("Bearer"), "jwt -");
    check("v1.public.short", Some("Bearer"), "low-entropy -");
    check("skipping-the-queue", None, "low-entropy -");
}

#[test]
fn reports_the_defect_and_the_value_under_it() {
    let (whole, sig) = (jwt(HS256, r#"{"sub":"u"}"#, ""), "a".repeat(43));
    let token = format!("{whole}{sig}");
    let bearer = Some("Bearer");
    check(&format!("Bearer {token}"), bearer, "jwt - doubled-scheme");
    check(&format!("Token {token}"), bearer, "jwt - scheme-inside-value");
    check(&format!("\"{token}\""), bearer, "jwt - quoted");
    check(&format!("{token}\\n"), bearer, "jwt - escaped-newline");
    check(&format!("{token}\n"), bearer, "jwt - trailing-newline");
    check(&format!("\u{feff}{token}"), bearer, "jwt - invisible-character");
    check(&format!("{token}%20"), bearer, "jwt - percent-space");
    check(&format!("{token},"), bearer, "jwt - comma");
    check(&token.replacen('.', ".\n ", 1), bearer, "jwt - inner-whitespace");
    check(&format!("{whole}{}", "a".repeat(20)), bearer, "jwt - signature-length");
    check(whole.trim_end_matches('.'), bearer, "jwt - segment-count");
    check(&format!("{token}.extra"), bearer, "jwt - segment-count");
    check("\"null\"", bearer, "placeholder - quoted");
    check("", bearer, "placeholder - empty");
    check("pässword", bearer, "low-entropy - not-b64token");
    let quoted = classify(SecretStr::new("\"null\""), bearer);
    assert_eq!((quoted.as_sent, quoted.kind), (TokenKind::LowEntropy, TokenKind::Placeholder));
    let doubled = format!("Bearer {token}");
    let raw = SecretStr::new(&doubled);
    let doubled = classify(raw, bearer);
    assert_eq!(doubled.as_sent, TokenKind::Opaque);
    assert!(doubled.value(raw).expose() == token, "the wrapping is off");
}

#[test]
fn names_the_issuer_of_a_jwt() {
    let sig = "a".repeat(342);
    let rs256 = r#"{"alg":"RS256","kid":"k"}"#;
    check(&jwt(rs256, r#"{"iss":"https://x.clerk.accounts.dev","azp":"a"}"#, &sig), None, "jwt Clerk");
    check(&jwt(rs256, r#"{"iss":"https://securetoken.google.com/p"}"#, &sig), None, "jwt Firebase");
    check(&jwt(HS256, r#"{"token_type":"access","user_id":1,"jti":"x"}"#, &"a".repeat(43)), None, "jwt simplejwt");
}

#[test]
fn cookies_are_told_by_name_where_the_value_is_not_enough() {
    let kind = |name: &str, value: &str| classify_cookie(name, SecretStr::new(value)).kind;
    assert_eq!(kind("PHPSESSID", "abcdefghijklmnopqrstuvwxyz"), TokenKind::FrameworkCookie(Framework::Php));
    assert_eq!(kind("theme", "dark"), TokenKind::LowEntropy);
}

proptest! {
    #[test]
    fn never_panics(raw in ".*", scheme in proptest::option::of("[A-Za-z]{0,8}")) {
        let c = classify(SecretStr::new(&raw), scheme.as_deref());
        prop_assert_eq!(c.length, raw.len());
        Authorization::read(SecretStr::new(&raw)).classify();
        classify_cookie("x", SecretStr::new(&raw));
    }

    #[test]
    fn never_panics_near_the_grammar(raw in "(Bearer |\"|%20|\\\\n)?(eyJ|v4\\.|s:|MDAx|gAAAAA|P|00)?[A-Za-z0-9_.~:*%=-]{0,200}") {
        Authorization::read(SecretStr::new(&raw)).classify();
    }

    #[test]
    fn describe_never_tells_a_short_value(raw in "[!-~]{4,23}") {
        let raw = SecretStr::new(&raw);
        let c = classify(raw, None);
        prop_assume!(c.kind != TokenKind::Placeholder && c.kind != TokenKind::Redacted);
        let text = Fingerprinter::from_input(&[0; 32]).describe(&c, &Value::Held(raw.to_secret()));
        prop_assert!(!text.contains(raw.expose()));
    }
}

/// A step that is quadratic in the length would not come back from these in a test's lifetime.
#[test]
fn long_values_are_read_to_their_end() {
    for unit in
        ["a", "eyJ", ".", "\"", "%20", "Bearer ", "[object ", "\u{feff}", "eyJhbGciOiJIUzI1NiJ9.", "a=b, ", "AA--", "{"]
    {
        let raw = unit.repeat(4_000_000 / unit.len());
        let classified = Authorization::read(SecretStr::new(&raw)).classify();
        assert!(classified.length <= raw.len());
    }
}
