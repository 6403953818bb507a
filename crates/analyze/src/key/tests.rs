//! Tokens made here, verified with the key that signed them and with others.

use ::base64::{Engine, engine::general_purpose::STANDARD};
use authtrace_parse::Secret;
use jsonwebtoken::{EncodingKey, Header, encode, jwk::Jwk};

use super::{signed::install_provider, *};

const SECRET: &[u8] = b"an-hmac-secret-of-more-than-32-bytes-for-tests";

fn signed(alg: Algorithm, key: &EncodingKey, kid: Option<&str>) -> String {
    install_provider();
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(alg) };
    encode(&header, &serde_json::json!({"sub": "u", "exp": 1}), key).expect("test key signs")
}

fn hs(alg: Algorithm, secret: &[u8]) -> String {
    signed(alg, &EncodingKey::from_secret(secret), None)
}

/// Name, form, outcome and length of each result, as one line.
#[track_caller]
fn check(ring: &KeyRing, token: &str, expected: &str) {
    let results = ring.verify(SecretStr::new(token));
    let lines: Vec<_> = results
        .iter()
        .map(|r| format!("{} {} {} {}", r.name, r.form.name(), if r.verified { "yes" } else { "no" }, r.key_len_bytes))
        .collect();
    assert_eq!(lines.join(", "), expected);
}

fn secrets(values: &[(&str, &[u8])]) -> KeyRing {
    let mut ring = KeyRing::new();
    values.iter().for_each(|(name, value)| ring.add_secret(name, value.to_vec()));
    ring
}

#[test]
fn tries_a_secret_in_every_form() {
    let base64 = STANDARD.encode(SECRET);
    let padded = [b"  ", SECRET, b"\r\n"].concat();
    let forms: [(&str, &[u8]); 4] =
        [("raw", SECRET), ("padded", &padded), ("coded", base64.as_bytes()), ("other", b"another")];
    let ring = secrets(&forms);
    for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let expected = "raw raw yes 46, padded trimmed yes 46, coded base64 yes 46, other raw no 7";
        check(&ring, &hs(alg, SECRET), expected);
    }
    check(&secrets(&[("padded", &padded)]), &hs(Algorithm::HS256, &padded), "padded raw yes 50");
    check(
        &secrets(&[("url", b"-_-_-_-_-_-_")]),
        &hs(Algorithm::HS256, &[0xfb, 0xff, 0xbf, 0xfb, 0xff, 0xbf, 0xfb, 0xff, 0xbf]),
        "url base64url yes 9",
    );
}

#[test]
fn says_nothing_where_it_cannot_know() {
    let ring = secrets(&[("s", SECRET)]);
    let token = hs(Algorithm::HS256, SECRET);
    check(&ring, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0.", "");
    check(&ring, "opaque", "");
    check(&ring, &token[..token.len() - 50], "");
    check(&ring, &token[..token.len() - 4], "s raw no 46");
    check(&ring, &format!("{token}~disclosure"), "s raw yes 46");
    check(&KeyRing::new(), &token, "");
    assert!(can_verify("HS256") && !can_verify("none") && !can_verify("ES512"));
}

#[test]
fn flags_short_secrets() {
    let results = secrets(&[("s", b"12345678")]).verify(SecretStr::new(&hs(Algorithm::HS256, b"12345678")));
    assert!(results[0].verified && results[0].short);
}

struct Pair {
    algorithms: &'static [Algorithm],
    private: &'static str,
    public: &'static str,
    key: fn(&[u8]) -> jsonwebtoken::errors::Result<EncodingKey>,
}

const PAIRS: [Pair; 3] = [
    Pair {
        algorithms: &[Algorithm::RS256, Algorithm::RS512, Algorithm::PS256],
        private: include_str!("testdata/rsa.pem"),
        public: include_str!("testdata/rsa.pub.pem"),
        key: EncodingKey::from_rsa_pem,
    },
    Pair {
        algorithms: &[Algorithm::ES256],
        private: include_str!("testdata/ec.pem"),
        public: include_str!("testdata/ec.pub.pem"),
        key: EncodingKey::from_ec_pem,
    },
    Pair {
        algorithms: &[Algorithm::EdDSA],
        private: include_str!("testdata/ed.pem"),
        public: include_str!("testdata/ed.pub.pem"),
        key: EncodingKey::from_ed_pem,
    },
];

#[test]
fn verifies_with_pem_and_jwk() {
    for pair in &PAIRS {
        let key = (pair.key)(pair.private.as_bytes()).expect("test key reads");
        for &alg in pair.algorithms {
            let mut jwk = Jwk::from_encoding_key(&key, alg).expect("test key has a public half");
            jwk.common.key_id = Some("k1".into());
            let jwks = serde_json::json!({"keys": [{"kty": "unheard-of"}, jwk]}).to_string();
            let mut ring = secrets(&[("hmac", SECRET)]);
            assert!(ring.add_pem("public", &Secret::new(pair.public)));
            assert!(ring.add_pem("private", &Secret::new(pair.private)));
            assert!(ring.add_pem("escaped", &Secret::new(pair.public.replace('\n', "\\n"))));
            assert!(ring.add_jwks("set", &Secret::new(jwks)));
            let results = ring.verify(SecretStr::new(&signed(alg, &key, Some("k1"))));
            assert_eq!(results.iter().filter(|r| r.verified).count(), 4, "{alg:?}: {results:?}");
            assert_eq!(results.last().and_then(|r| r.kid_known), Some(true));
            let unknown = ring.verify(SecretStr::new(&signed(alg, &key, Some("k2"))));
            assert_eq!(unknown.last().and_then(|r| r.kid_known), Some(false));
        }
    }
}

#[test]
fn rejects_another_pair_of_the_family() {
    let other = (PAIRS[1].key)(PAIRS[1].private.as_bytes()).expect("test key reads");
    let mut ring = KeyRing::new();
    ring.add_pem("rsa", &Secret::new(PAIRS[0].public));
    assert!(ring.verify(SecretStr::new(&signed(Algorithm::ES256, &other, None))).is_empty());
    let token = signed(Algorithm::ES256, &other, None);
    ring.add_pem("ec", &Secret::new(PAIRS[1].public));
    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    assert_eq!(ring.verify(SecretStr::new(&forged)).iter().map(|r| r.verified).collect::<Vec<_>>(), [false]);
}

#[test]
fn a_short_edwards_key_is_refused_and_not_read_past_its_end() {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#;
    assert!(!KeyRing::new().add_jwks("k", &Secret::new(jwk)));
}

#[test]
fn keys_that_a_capture_publishes_are_tried_and_named_by_their_url() {
    const URL: &str = "https://id.x.dev/jwks";
    let pair = |pem: &str| EncodingKey::from_rsa_pem(pem.as_bytes()).expect("test key");
    let rsa = pair(include_str!("testdata/rsa.pem"));
    let mut jwk = Jwk::from_encoding_key(&rsa, Algorithm::RS256).expect("public half");
    jwk.common.key_id = Some("a".to_owned());
    let shared = serde_json::json!({"kty": "oct", "kid": "s", "k": "YW4taG1hYy1zZWNyZXQtb2YtbW9yZS10aGFuLTMyLWJ5dGVzLWZvci10ZXN0cw"});
    let set = serde_json::json!({"keys": [jwk, shared]});
    let (mut published, mut later) = (PublishedKeys::default(), PublishedKeys::default());
    (0..100).for_each(|_| later.add(URL, &set));
    published.extend(later);
    let verdicts = |token: &str| {
        let results = published.verify(SecretStr::new(token));
        results.into_iter().map(|r| (r.name.to_string(), r.verified, r.kid_known)).collect::<Vec<_>>()
    };
    let url = || URL.to_owned();
    assert_eq!(verdicts(&signed(Algorithm::RS256, &rsa, Some("a"))), [(url(), true, Some(true))]);
    assert_eq!(verdicts(&signed(Algorithm::PS256, &rsa, None)), [(url(), true, None)]);
    let token = signed(Algorithm::RS256, &rsa, Some("a"));
    let (message, _) = token.rsplit_once('.').expect("a token");
    let forged = format!("{message}.{}", "A".repeat(342));
    assert_eq!(verdicts(&forged), [(url(), false, Some(true))], "the key that it names did not sign it");
    let other = signed(Algorithm::RS256, &rsa, Some("b"));
    let (message, _) = other.rsplit_once('.').expect("a token");
    assert_eq!(verdicts(&format!("{message}.{}", "A".repeat(342))), [], "another issuer's token");
    assert_eq!(verdicts(&hs(Algorithm::HS256, SECRET)), [], "a published secret is no key");
}

#[test]
fn tells_twins() {
    let ring =
        secrets(&[("a", b"same-secret"), ("b", b"same-secret\n"), ("c", b"other-secret"), ("d", b"same-secret")]);
    assert_eq!(ring.twins(), [("a", "b"), ("b", "d")]);
}

#[test]
fn takes_configuration_values_for_what_they_look_like() {
    let mut ring = KeyRing::new();
    assert!(ring.add_value("SECRET", &Secret::new("a-long-enough-secret")));
    assert!(ring.add_value("PEM", &Secret::new(PAIRS[0].public)));
    assert!(!ring.add_value("PORT", &Secret::new("8000")));
    assert!(!ring.add_value("URL", &Secret::new("https://x.dev/y")));
    assert_eq!(ring.names().collect::<Vec<_>>(), ["SECRET", "PEM"]);
}

/// The recorded secret mismatch: the token verifies with the development secret and not with the staging one.
#[test]
#[allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "reads a recorded capture, and says so where it is absent"
)]
fn tells_the_keys_of_a_recorded_mismatch() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/captures/lab/s3-secret");
    let read = |name: &str| std::fs::read(format!("{folder}/{name}")).map(|b| String::from_utf8_lossy(&b).into_owned());
    // Plain HTTP: tokens stand in the packets as they are.
    let (Ok(env), Ok(packets)) = (read("secrets.env"), read("capture-any.pcap")) else {
        eprintln!("skipped: no recorded capture in this checkout");
        return;
    };
    let mut ring = KeyRing::new();
    for (name, value) in dotenv::parse(&env) {
        assert!(ring.add_value(&name, &value));
    }
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let tokens: std::collections::BTreeSet<&str> = packets
        .match_indices("eyJhbGci")
        .filter_map(|(at, _)| packets[at..].split(|c: char| !is_token(c)).next())
        .collect();
    let verdicts: std::collections::BTreeSet<(bool, bool)> = tokens
        .into_iter()
        .map(|token| ring.verify(SecretStr::new(token)))
        .filter(|results| results.len() == 2)
        .map(|results| (results[0].verified, results[1].verified))
        .collect();
    assert!(verdicts.contains(&(true, false)), "{verdicts:?}");
    assert!(verdicts.contains(&(false, true)), "{verdicts:?}");
    assert!(!verdicts.contains(&(true, true)));
}
