//! Surrogates: what they keep of a value, and what they never do.

use super::*;

/// A token that is made of nothing.
fn jwt(header: &str, payload: &str) -> String {
    let part = |text: &str| jose::encode_like("", text.as_bytes());
    format!("{}.{}.{}", part(header), part(payload), "dGhlIHNpZ25hdHVyZSBvZiBub2JvZHkgYXQgYWxsLi4")
}

#[track_caller]
fn check(raw: &str) -> String {
    let mut surrogates = Surrogates::new(b"key");
    let made = surrogates.value(raw);
    assert_eq!(made.len(), raw.len(), "{made}");
    assert_ne!(made, raw);
    assert_eq!(made, surrogates.value(raw), "equal values have equal surrogates");
    let kind = |text: &str| {
        let classified = classify(SecretStr::new(text), None);
        (classified.kind, classified.defects, classified.vendor)
    };
    assert_eq!(kind(&made), kind(raw), "{made}");
    assert_eq!(surrogates.misshapen(), 0, "{made}");
    made
}

#[test]
fn a_surrogate_is_what_the_value_is() {
    check("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b");
    check("3f2b8c1e-9d47-4a6b-8e21-5c0d7f9a1b34");
    check("sess_2abcDEF34567890ghijKLmn");
    check(&["sk_", "live_", "4eC39HqLyjWDarjtT1zdp7dc"].concat());
    check("hunter2");
    check("correct horse battery staple");
    check("Bearer 9f86d081884c7d659a2feaa0c55ad015");
    check("\"9f86d081884c7d659a2feaa0c55ad015\"");
    check("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    check("s:abcdefghijklmnop.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ");
    check(
        "gAAAAABl8Yc0ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi==",
    );
}

#[test]
fn a_token_keeps_what_names_nobody() {
    let raw = jwt(
        r#"{"alg":"HS256","typ":"JWT","kid":"dev"}"#,
        r#"{"iss":"https://issuer.dev","sub":"user_2ABC","email":"ann@x.dev","exp":1795000000,"aud":"api","plan":"gold"}"#,
    );
    let made = check(&raw);
    let payload = |token: &str| String::from_utf8(jose::decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(made.split('.').next(), raw.split('.').next(), "the header stays");
    assert_ne!(made.split('.').next_back(), raw.split('.').next_back(), "the signature is dead");
    let claims = payload(&made);
    for kept in
        ["\"iss\":\"https://issuer.dev\"", "\"exp\":1795000000", "\"aud\":\"api\"", "\"sub\":\"", "\"email\":\""]
    {
        assert!(claims.contains(kept), "{claims}");
    }
    for gone in ["user_2ABC", "ann@", "gold"] {
        assert!(!claims.contains(gone), "{claims}");
    }
}

#[test]
fn broken_tokens_stay_as_broken() {
    let whole = jwt(r#"{"alg":"HS256"}"#, r#"{"sub":"u1","exp":1795000000}"#);
    let (unsigned, _) = whole.rsplit_once('.').unwrap();
    check(unsigned);
    check(&format!("{unsigned}."));
    check(&whole[..whole.len() - 7]);
    check(&format!("{}\n{}", &whole[..30], &whole[30..]));
    check(&format!("Bearer Bearer {whole}"));
}

#[test]
fn what_is_no_secret_stays() {
    let mut surrogates = Surrogates::new(b"key");
    for text in ["", " ", "undefined", "null", "[object Object]", "[REDACTED]", "***"] {
        assert_eq!(surrogates.value(text), text);
    }
}

#[test]
fn two_short_values_never_become_one() {
    let mut surrogates = Surrogates::new(b"key");
    let made: HashSet<String> = (0..900).map(|n| surrogates.value(&format!("u{n:03}"))).collect();
    assert_eq!(made.len(), 900);
}

#[test]
fn schemes_keep_their_grammar() {
    let mut surrogates = Surrogates::new(b"key");
    let basic = surrogates.credentials(Some("Basic"), "YW5uOmh1bnRlcjI=");
    let text = String::from_utf8(jose::decode(&basic).unwrap()).unwrap();
    assert!(
        basic.len() == 16 && text.find(':') == Some(3) && !text.contains("ann") && !text.contains("hunter2"),
        "{text}"
    );
    let digest = surrogates.credentials(
        Some("Digest"),
        r#"username="ann", realm="r", nonce="dcd98b7102dd2f0e", uri="/a?token=x1", qop=auth, nc=00000001, response="6629fae49393a053""#,
    );
    assert!(
        digest.contains(r#"realm="r""#) && digest.contains("qop=auth, nc=00000001") && digest.contains(r#"uri="/a?"#),
        "{digest}"
    );
    for gone in ["ann", "dcd98b71", "6629fae4", "x1"] {
        assert!(!digest.contains(gone), "{digest}");
    }
}

#[test]
fn the_key_decides() {
    let value = "9f86d081884c7d659a2feaa0c55ad015";
    assert_ne!(Surrogates::new(b"one").value(value), Surrogates::new(b"two").value(value));
}
