//! The value of a credential: held, or only told of once it has been left behind.
//!
//! Judging needs little of the bytes themselves: how they are named, whether two are the same, a public prefix. [`Told`] is
//! that little, so that facts can be kept in files that hold no secret and be judged there as they would be here.

use authtrace_parse::{Secret, SecretStr};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};

use super::{Classified, Fingerprinter, TokenKind};
use crate::{dictionary::prefixes, text::Text};

/// The value of one credential.
#[derive(Clone)]
pub enum Value {
    /// The bytes as sent.
    Held(Secret),
    /// What may be told of them.
    Told(Told),
}

/// What may be told of a value that is not at hand any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Keyed fingerprint of the bytes as sent, [`Fingerprinter::LONG`] hex digits; `None` where they are guessable.
    pub fingerprint: Option<Text>,
    /// The same of the value under its wrapping.
    pub cleaned_fingerprint: Option<Text>,
    /// The last characters, where they may be shown.
    pub tail: Option<Text>,
    /// The value itself, where it is a placeholder.
    pub literal: Option<Text>,
    /// Whose key or token it is, by its public prefix.
    pub vendor_key: Option<VendorKey>,
    /// The short word before its first `_`.
    pub word: Option<Text>,
}

/// A vendor's key or token, told by its public prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorKey {
    /// Who issues values of this shape.
    pub vendor: Text,
    /// What the value is, in the vendor's words.
    pub what: Text,
    /// Meant to be embedded in pages and apps, so not a secret.
    pub publishable: bool,
}

impl Value {
    /// The bytes as sent, where they are at hand.
    pub fn held(&self) -> Option<SecretStr<'_>> {
        match self {
            Self::Held(secret) => Some(secret.as_secret_str()),
            Self::Told(_) => None,
        }
    }

    /// The placeholder, fit to be shown: it is no secret. `None` for every other kind.
    pub fn literal(&self, classified: &Classified) -> Option<&str> {
        match self {
            Self::Held(secret) => (classified.kind == TokenKind::Placeholder).then(|| secret.expose()),
            Self::Told(told) => told.literal.as_deref(),
        }
    }

    /// Whose key it is by the table of public prefixes, whatever scheme it came with.
    pub fn vendor_key(&self, classified: &Classified) -> Option<VendorKey> {
        let secret = match self {
            Self::Held(secret) => secret.as_secret_str(),
            Self::Told(told) => return told.vendor_key.clone(),
        };
        let row = prefixes().find(classified.value(secret).expose(), None)?;
        Some(VendorKey { vendor: row.vendor().into(), what: row.what().into(), publishable: row.is_publishable() })
    }

    /// The word before its first `_`, where it is short enough to be a name and no part of a random value.
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Held(secret) => secret.expose().split_once('_').map(|(word, _)| word).filter(|word| is_word(word)),
            Self::Told(told) => told.word.as_deref(),
        }
    }

    /// Leaves the bytes behind.
    pub(crate) fn told(&self, classified: &Classified, names: &Fingerprinter) -> Told {
        let secret = match self {
            Self::Held(secret) => secret.as_secret_str(),
            Self::Told(told) => return told.clone(),
        };
        let cleaned = classified.value(secret);
        Told {
            fingerprint: names.long(secret),
            cleaned_fingerprint: names.long(cleaned),
            tail: names.tail(classified, cleaned).map(Text::from),
            literal: self.literal(classified).map(Text::from),
            vendor_key: self.vendor_key(classified),
            word: self.word().map(Text::from),
        }
    }
}

fn is_word(text: &str) -> bool {
    text.len() <= 8 && text.bytes().all(|b| b.is_ascii_lowercase())
}

/// An identifier of a person or a session (`sub`, `sid`, `jti`): compared, and shown only as its fingerprint.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Identifier {
    /// The text itself.
    Held(Secret),
    /// Its keyed fingerprint, [`Fingerprinter::LONG`] hex digits.
    Told(Text),
}

impl Identifier {
    /// Takes the text itself out of `place`, where it is held.
    pub(crate) fn take_held(place: &mut Option<Self>) -> Option<Secret> {
        match place.take() {
            Some(Self::Held(secret)) => Some(secret),
            told => {
                *place = told;
                None
            }
        }
    }

    /// Leaves the text behind.
    pub(crate) fn told(&self, names: &Fingerprinter) -> Self {
        match self {
            Self::Held(secret) => Self::Told(names.long_identifier(secret.as_secret_str())),
            Self::Told(print) => Self::Told(print.clone()),
        }
    }
}

/// Only what may be told is ever written.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Held(_) => Err(S::Error::custom(UNTOLD)),
            Self::Told(told) => told.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Told::deserialize(from).map(Self::Told)
    }
}

/// Only the fingerprint is ever written.
impl Serialize for Identifier {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Held(_) => Err(S::Error::custom(UNTOLD)),
            Self::Told(print) => print.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Text::deserialize(from).map(Self::Told)
    }
}

/// What went wrong where a value was to be written before it was left behind.
const UNTOLD: &str = "a value that is still held cannot be written";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::classify;

    /// What is left of `raw` says the same as `raw` itself.
    #[track_caller]
    fn check(raw: &str) {
        let names = Fingerprinter::with_key(b"key");
        let (held, classified) = (Value::Held(Secret::new(raw)), classify(SecretStr::new(raw), None));
        let told = Value::Told(held.told(&classified, &names));
        assert_eq!(names.describe(&classified, &told), names.describe(&classified, &held));
        assert_eq!(names.of_value(&told), names.of_value(&held));
        assert_eq!(told.literal(&classified), held.literal(&classified));
        assert_eq!(told.word(), held.word());
        assert_eq!(told.vendor_key(&classified), held.vendor_key(&classified));
        assert!(told.held().is_none());
    }

    #[test]
    fn what_is_told_of_a_value_names_it_as_the_value_would() {
        check("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b");
        check("\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b\"");
        check("sess_9f86d081884c7d659a2feaa0c55ad0");
        check("ghp_16C7e42F292c6912E7710c838347Ae178B4a");
        check("undefined");
        check("hunter2");
        check("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.");
    }

    #[test]
    fn an_identifier_stays_comparable() {
        let names = Fingerprinter::with_key(b"key");
        let told = |text: &str| Identifier::Held(Secret::new(text)).told(&names);
        assert!(told("anna") == told("anna") && told("anna") != told("ben"));
        assert_eq!(names.of_identifier(&told("anna")), names.of_identifier(&Identifier::Held(Secret::new("anna"))));
    }
}
