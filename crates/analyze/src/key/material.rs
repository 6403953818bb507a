//! Key material in the forms that people keep it: secret bytes, PEM text, JSON Web Keys.

use authtrace_parse::SecretStr;
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey,
    jwk::{Jwk, JwkSet},
};
use zeroize::Zeroizing;

/// What one candidate holds.
#[derive(Clone)]
pub(super) enum Material {
    /// A shared secret, as kept: it may need trimming or decoding before it is the key.
    Secret(Zeroizing<Vec<u8>>),
    /// Keys of one PEM text.
    Pem(Vec<DecodingKey>),
    /// Keys of a JWK or JWK Set (RFC 7517).
    Jwks(Vec<(Option<Box<str>>, DecodingKey)>),
}

impl Material {
    /// What `text` holds, by its look: PEM armour, a JSON key (set), else a secret.
    pub(super) fn guess(text: SecretStr<'_>) -> Self {
        let raw = text.expose();
        Self::pem(text)
            .or_else(|| Self::jwks(text))
            .unwrap_or_else(|| Self::Secret(Zeroizing::new(raw.as_bytes().to_vec())))
    }

    /// Keys of PEM text; `None` where there is none that can be read. Escaped line ends (`\n` as two characters) are undone.
    pub(super) fn pem(text: SecretStr<'_>) -> Option<Self> {
        if !text.expose().contains("-----BEGIN ") {
            return None;
        }
        let unescaped = Zeroizing::new(text.expose().replace("\\r", "").replace("\\n", "\n"));
        let bytes = unescaped.trim().as_bytes();
        let keys = if unescaped.contains("PRIVATE KEY-----") { private_keys(bytes) } else { public_keys(bytes) };
        (!keys.is_empty()).then_some(Self::Pem(keys))
    }

    /// Keys of a JWK or JWK Set; `None` where the text is neither or holds no key of a known type.
    pub(super) fn jwks(text: SecretStr<'_>) -> Option<Self> {
        let raw = text.expose().trim();
        if !raw.starts_with('{') {
            return None;
        }
        Self::of_set(serde_json::from_str(raw).ok()?)
    }

    /// The public keys of a set.
    pub(super) fn public(set: &serde_json::Value) -> Option<Self> {
        const MOST: usize = 64;
        let keys = set.get("keys")?.as_array()?.iter().take(MOST);
        let public = keys.filter(|key| key.get("kty").is_some_and(|kty| kty != "oct")).cloned();
        Self::of_set(serde_json::json!({ "keys": public.collect::<Vec<_>>() }))
    }

    fn of_set(set: serde_json::Value) -> Option<Self> {
        // One key that cannot be read must not hide the others, so they are read one by one.
        let list = match set.get("keys").and_then(|keys| keys.as_array()) {
            Some(keys) => keys.clone(),
            None => vec![set],
        };
        let jwks: Vec<Jwk> = list.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        let keys: Vec<_> = JwkSet { keys: jwks }.keys.iter().filter_map(read_jwk).collect();
        (!keys.is_empty()).then_some(Self::Jwks(keys))
    }
}

fn read_jwk(jwk: &Jwk) -> Option<(Option<Box<str>>, DecodingKey)> {
    let key = DecodingKey::from_jwk(jwk).ok().filter(is_usable)?;
    Some((jwk.common.key_id.as_deref().map(Into::into), key))
}

fn public_keys(pem: &[u8]) -> Vec<DecodingKey> {
    let read = [DecodingKey::from_rsa_pem(pem), DecodingKey::from_ec_pem(pem), DecodingKey::from_ed_pem(pem)];
    read.into_iter().flatten().filter(is_usable).collect()
}

/// The public halves of a private key: whoever signs with it is verified with them.
fn private_keys(pem: &[u8]) -> Vec<DecodingKey> {
    let read = [
        (EncodingKey::from_rsa_pem(pem), Algorithm::RS256),
        (EncodingKey::from_ec_pem(pem), Algorithm::ES256),
        (EncodingKey::from_ec_pem(pem), Algorithm::ES384),
        (EncodingKey::from_ed_pem(pem), Algorithm::EdDSA),
    ];
    let public = |(key, alg): (Result<EncodingKey, _>, Algorithm)| {
        let jwk = Jwk::from_encoding_key(&key.ok()?, alg).ok()?;
        DecodingKey::from_jwk(&jwk).ok()
    };
    read.into_iter().filter_map(public).filter(is_usable).collect()
}

/// The back end takes the first 32 bytes of an Ed25519 key without looking whether they are there.
fn is_usable(key: &DecodingKey) -> bool {
    key.family() != AlgorithmFamily::Ed || key.try_get_as_bytes().is_ok_and(|bytes| bytes.len() == 32)
}

/// Length of a key in bytes: of the secret, of the RSA modulus, else of the encoded public key.
pub(super) fn key_len(key: &DecodingKey) -> usize {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => n.len(),
        DecodingKeyKind::SecretOrDer(bytes) => bytes.len(),
    }
}

/// Shortest value that is taken for a key, in bytes: anything shorter is guessed in no time.
const MIN_KEY: usize = 8;

/// Whether a configuration value can be a key: at least eight bytes, and no URL, number, boolean or path.
pub fn can_be_key(value: SecretStr<'_>) -> bool {
    let value = value.expose().trim();
    if value.contains("-----BEGIN ") {
        return true;
    }
    let is_number = value.parse::<f64>().is_ok() && value.len() < 20;
    let is_boolean = ["true", "false", "enabled", "disabled"].iter().any(|word| value.eq_ignore_ascii_case(word));
    value.len() >= MIN_KEY && !is_number && !is_boolean && !value.contains("://") && !is_path(value)
}

/// A Unix or Windows path. Base64 may hold slashes and may start with one, so a path has to look like one.
fn is_path(value: &str) -> bool {
    let relative = ["./", "../", "~/", "~\\"].iter().any(|start| value.starts_with(start));
    let bytes = value.as_bytes();
    let drive =
        bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && matches!(bytes[2], b'\\' | b'/');
    let absolute = value.starts_with('/') && !value.contains(['+', '=']) && value.matches('/').count() >= 2;
    relative || drive || absolute
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: bool) {
        assert_eq!(can_be_key(SecretStr::new(value)), expected, "{value}");
    }

    #[test]
    fn tells_keys_from_other_settings() {
        check("correct-horse-battery", true);
        check("9f86d081884c7d65", true);
        check("12345678901234567890", true);
        check("/Zm9vYmFyYmF6/cXV4+w==", true);
        check("short", false);
        check("15432000", false);
        check("disabled", false);
        check("postgres://u:p@db/x", false);
        check("/var/run/secrets/token", false);
        check("./config/local.yml", false);
        check(r"C:\keys\jwt.pem", false);
        check("-----BEGIN PUBLIC KEY-----", true);
    }
}
