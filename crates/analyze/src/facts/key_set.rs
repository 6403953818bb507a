//! Verification keys as their issuer publishes them (RFC 7517 §5): names and kinds, never key material.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::BodyView;
use crate::text::{Interner, Text};

/// Most keys read of one set; issuers publish a handful.
const MOST: usize = 64;

/// One published key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PublishedKey {
    /// `kid`
    pub kid: Option<Text>,
    /// `kty`: `RSA`, `EC`, `OKP`, `oct`.
    pub kty: Text,
    /// `alg`
    pub alg: Option<Text>,
    /// Whether it only encrypts (`use: enc`): no signature is verified with it.
    pub encrypts: bool,
}

/// A JWK Set that a response held.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeySet {
    /// Its keys, in order.
    pub keys: Box<[PublishedKey]>,
}

impl KeySet {
    /// The set in a response body; `None` where there is none.
    pub(crate) fn read(body: &BodyView, interner: &mut Interner) -> Option<Self> {
        let keys = body.document()?.get("keys")?.as_array()?;
        let keys: Box<[_]> = keys.iter().take(MOST).filter_map(|key| read_key(key, interner)).collect();
        (!keys.is_empty()).then_some(Self { keys })
    }

    /// The keys that signatures are verified with.
    pub fn signing(&self) -> impl Iterator<Item = &PublishedKey> {
        self.keys.iter().filter(|key| !key.encrypts)
    }

    /// The signing key called `kid`.
    pub fn key(&self, kid: &str) -> Option<&PublishedKey> {
        self.signing().find(|key| key.kid.as_deref() == Some(kid))
    }

    /// Whether every signing key is of a pair: then no shared secret belongs to it.
    pub fn is_asymmetric(&self) -> bool {
        self.signing().all(|key| &*key.kty != "oct")
    }
}

fn read_key(key: &Value, interner: &mut Interner) -> Option<PublishedKey> {
    let mut text = |name: &str| Some(interner.text(key.get(name)?.as_str()?));
    Some(PublishedKey {
        kty: text("kty")?,
        kid: text("kid"),
        alg: text("alg"),
        encrypts: text("use").is_some_and(|usage| &*usage == "enc"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_and_told_apart() {
        let document = r#"{"keys":[{"kty":"RSA","kid":"a","alg":"RS256","use":"sig","n":"…"},{"kty":"RSA","kid":"b","use":"enc"},{"no":"key"}]}"#;
        let set = KeySet::read(&BodyView::json(document), &mut Interner::default()).unwrap();
        assert_eq!(set.keys.len(), 2);
        assert!(set.key("a").is_some() && set.key("b").is_none() && set.is_asymmetric());
        assert_eq!(set.key("a").and_then(|key| key.alg.as_deref()), Some("RS256"));
        assert_eq!(KeySet::read(&BodyView::json(r#"{"keys":[]}"#), &mut Interner::default()), None);
    }
}
