//! Which of the keys at hand signed a token: named candidates, tried as given. Nothing is guessed, nothing is searched.

pub mod dotenv;
mod material;
mod signed;

use authtrace_parse::{Secret, SecretStr};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use self::material::can_be_key;
use self::{material::Material, signed::Signed};

/// How a candidate had to be read to be the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyForm {
    /// The bytes as given.
    Raw,
    /// Without surrounding white space.
    Trimmed,
    /// Decoded from base64 (RFC 4648 §4).
    Base64,
    /// Decoded from base64url (RFC 4648 §5).
    Base64Url,
    /// A public or private key in PEM armour.
    Pem,
    /// A JSON Web Key (RFC 7517).
    Jwk,
}

impl KeyForm {
    /// Stable name, as written in machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Trimmed => "trimmed",
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
            Self::Pem => "pem",
            Self::Jwk => "jwk",
        }
    }
}

/// What one candidate says about one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyResult {
    /// The candidate's name.
    pub name: Box<str>,
    /// The form that verified; where none did, the form as given.
    pub form: KeyForm,
    /// The signature verifies with this key.
    pub verified: bool,
    /// Length of the key in `form`, in bytes: of the secret, of the RSA modulus, else of the encoded public key.
    pub key_len_bytes: usize,
    /// The secret is shorter than the hash of the token's algorithm (RFC 7518 §3.2).
    pub short: bool,
    /// `kid` of the key that verified, where it has one.
    pub kid: Option<Box<str>>,
    /// The token's `kid` is among this key set's; `None` where either side names none.
    pub kid_known: Option<bool>,
}

/// Named keys to try. Holds values and shows none: no `Debug`.
#[derive(Default)]
pub struct KeyRing {
    keys: Vec<(Box<str>, Material)>,
}

/// Key sets that the capture itself publishes, by URL.
#[derive(Clone, Default)]
pub(crate) struct PublishedKeys(Vec<Published>);

#[derive(Clone)]
struct Published {
    url: Box<str>,
    /// Sets seen under this URL, each once: keys change while a capture runs.
    seen: Vec<serde_json::Value>,
    material: Vec<Material>,
}

/// Most sets of published keys, by URL and of one URL: a capture has few providers, and they rotate seldom.
const MOST_PUBLISHED: usize = 32;

impl KeyRing {
    /// A ring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Names in the order of addition.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(name, _)| &**name)
    }

    /// Adds a shared secret, byte for byte.
    pub fn add_secret(&mut self, name: &str, secret: Vec<u8>) {
        self.keys.push((name.into(), Material::Secret(Zeroizing::new(secret))));
    }

    /// Adds a public or private key in PEM; false where it cannot be read (SEC 1 and encrypted keys cannot).
    pub fn add_pem(&mut self, name: &str, pem: &Secret) -> bool {
        self.add_some(name, Material::pem(pem.as_secret_str()))
    }

    /// Adds a JWK or JWK Set; false where it holds no key that can be read.
    pub fn add_jwks(&mut self, name: &str, json: &Secret) -> bool {
        self.add_some(name, Material::jwks(json.as_secret_str()))
    }

    /// Adds a configuration value where it [`can_be_key`], as what it looks like; false where it was passed over.
    pub fn add_value(&mut self, name: &str, value: &Secret) -> bool {
        let value = value.as_secret_str();
        self.add_some(name, can_be_key(value).then(|| Material::guess(value)))
    }

    fn add_some(&mut self, name: &str, material: Option<Material>) -> bool {
        let added = material.is_some();
        self.keys.extend(material.map(|material| (name.into(), material)));
        added
    }

    /// Pairs of names whose secrets differ only by surrounding white space: one of the two services has a stray line end.
    pub fn twins(&self) -> Vec<(&str, &str)> {
        let secrets: Vec<_> =
            self.keys.iter().filter_map(|(name, material)| Some((&**name, secret(material)?))).collect();
        let mut pairs = Vec::new();
        for (index, (name, value)) in secrets.iter().enumerate() {
            for (other, its) in &secrets[index + 1..] {
                if value != its && value.trim_ascii() == its.trim_ascii() {
                    pairs.push((*name, *other));
                }
            }
        }
        pairs
    }

    /// Tries every key of the family of the token's algorithm on `token`, a compact JWS without wrapping.
    ///
    /// Claims are not looked at. Empty where no key is of the right family, the token is no three-part JWS, its signature
    /// is not base64, or its algorithm is none that can be verified ([`can_verify`]): then nothing is known.
    pub fn verify(&self, token: SecretStr<'_>) -> Vec<KeyResult> {
        if self.keys.is_empty() {
            return Vec::new();
        }
        let Some(signed) = Signed::read(token.expose()) else { return Vec::new() };
        self.keys.iter().filter_map(|(name, material)| signed.try_key(name, material)).collect()
    }
}

impl PublishedKeys {
    /// Adds a key set that a response published (RFC 7517 §5). Shared secrets in it are left out: whoever publishes one has
    /// another problem, and everybody could sign with it.
    pub(crate) fn add(&mut self, url: &str, set: &serde_json::Value) {
        let at = self.0.iter().position(|published| *published.url == *url).unwrap_or(self.0.len());
        if at == self.0.len() {
            if at == MOST_PUBLISHED {
                return;
            }
            self.0.push(Published { url: url.into(), seen: Vec::new(), material: Vec::new() });
        }
        let published = &mut self.0[at];
        if published.seen.contains(set) || published.seen.len() == MOST_PUBLISHED {
            return;
        }
        published.material.extend(Material::public(set));
        published.seen.push(set.clone());
    }

    /// Adds what `later` responses published.
    pub(crate) fn extend(&mut self, later: Self) {
        let sets = later.0.iter().flat_map(|published| published.seen.iter().map(|set| (&*published.url, set)));
        sets.for_each(|(url, set)| self.add(url, set));
    }

    /// Tries every key that the capture publishes on `token`: one result a URL. A set that did not sign it says something
    /// only where it has the key that the token names.
    pub(crate) fn verify(&self, token: SecretStr<'_>) -> Vec<KeyResult> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let Some(signed) = Signed::read(token.expose()) else { return Vec::new() };
        let results = self.0.iter().filter_map(|published| {
            let results = published.material.iter().filter_map(|material| signed.try_key(&published.url, material));
            // What verified, else what knows the key, else anything.
            results.max_by_key(|result| (result.verified, result.kid_known == Some(true)))
        });
        results.filter(|result| result.verified || result.kid_known == Some(true)).collect()
    }
}

/// Whether tokens of this `alg` can be verified here; ES512, ES256K and Ed448 cannot.
pub fn can_verify(alg: &str) -> bool {
    alg.parse::<Algorithm>().is_ok()
}

fn secret(material: &Material) -> Option<&[u8]> {
    match material {
        Material::Secret(bytes) => Some(bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
