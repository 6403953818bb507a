//! How a secret is named in output without being told: a keyed hash, and never one of a guessable value.

use authtrace_parse::{Secret, SecretStr};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{Classified, Identifier, TokenKind, Value, entropy};
use crate::text::Text;

/// Names secrets by the first eight hex digits of an HMAC-SHA-256, so that equal values can be seen to be equal.
pub struct Fingerprinter {
    keyed: Hmac<Sha256>,
    /// Whether the last characters of a value may be told.
    tails: bool,
}

impl Fingerprinter {
    /// Hex digits of a fingerprint that has to be unique over many files.
    pub const LONG: usize = 32;

    /// With a key that the user gave: fingerprints are then comparable across inputs.
    pub fn with_key(key: &[u8]) -> Self {
        // Hash the key first: it then has the one length that HMAC takes without a fallible constructor.
        Self { keyed: Hmac::new(&block(&Sha256::digest(key))), tails: true }
    }

    /// With a key derived from the SHA-256 of the input, so that output is the same for the same input.
    pub fn from_input(sha256: &[u8; 32]) -> Self {
        let mut derived = Sha256::new();
        derived.update(b"authtrace fingerprint key\0");
        derived.update(sha256);
        Self { keyed: Hmac::new(&block(&derived.finalize())), tails: true }
    }

    /// With the key that the user gave, else with one from the SHA-256 of every input in order, so that names are the same
    /// for the same files in the same order.
    pub fn of_run(key: Option<&Secret>, digests: &[[u8; 32]]) -> Self {
        match key {
            Some(key) => Self::with_key(key.expose().as_bytes()),
            None => Self::from_input(&Sha256::digest(digests.concat()).into()),
        }
    }

    /// The same for what leaves the house: the last characters are kept back.
    pub fn without_tails(self) -> Self {
        Self { tails: false, ..self }
    }

    /// What tells whether two of these use the same key: the fingerprint of a word that everybody knows.
    pub fn check(&self) -> String {
        self.digits(b"authtrace fingerprint check", Self::LONG)
    }

    /// Eight hex digits for `value`; `None` where it is guessable (under 64 bits estimated): a hash would give it away.
    pub fn h8(&self, value: SecretStr<'_>) -> Option<String> {
        unguessable(value).map(|value| self.digits(value.as_bytes(), SHORT))
    }

    /// The same with [`Self::LONG`] digits, which tell values apart in any number of files.
    pub fn long(&self, value: SecretStr<'_>) -> Option<Text> {
        unguessable(value).map(|value| self.digits(value.as_bytes(), Self::LONG).into())
    }

    /// [`Self::LONG`] hex digits for an identifier whose entropy does not matter (`sub`, `sid`), from its raw bytes.
    ///
    /// Only for values that are no secret by themselves: for a password this would be a leak.
    pub(crate) fn long_identifier(&self, value: SecretStr<'_>) -> Text {
        self.digits(value.expose().as_bytes(), Self::LONG).into()
    }

    /// Eight hex digits for a credential as sent; `None` where it is guessable.
    pub fn of_value(&self, value: &Value) -> Option<String> {
        match value {
            Value::Held(secret) => self.h8(secret.as_secret_str()),
            Value::Told(told) => told.fingerprint.as_deref().map(shortened),
        }
    }

    /// Eight hex digits for an identifier (`sub`, `sid`).
    pub fn of_identifier(&self, identifier: &Identifier) -> String {
        match identifier {
            Identifier::Held(secret) => self.digits(secret.expose().as_bytes(), SHORT),
            Identifier::Told(print) => shortened(print),
        }
    }

    /// One line that names a credential without telling it: kind, length, last four where allowed, fingerprint.
    ///
    /// A guessable value shows not even its length; the tail of an unsigned JWT is payload and is not shown.
    pub fn describe(&self, classified: &Classified, value: &Value) -> String {
        let name = classified.kind.name();
        if matches!(classified.kind, TokenKind::Placeholder | TokenKind::Redacted) {
            return name.to_owned();
        }
        // The value under the wrapping, so that `Bearer x` sent twice over and `x` are seen to be one token.
        let (h8, tail) = match value {
            Value::Held(secret) => {
                let cleaned = classified.value(secret.as_secret_str());
                (self.h8(cleaned), self.tail(classified, cleaned))
            }
            Value::Told(told) => {
                let tail = told.tail.as_deref().filter(|_| self.tails);
                (told.cleaned_fingerprint.as_deref().map(shortened), tail)
            }
        };
        let Some(h8) = h8 else { return format!("<{name}>") };
        let tail = tail.map(|tail| format!("…{tail}")).unwrap_or_default();
        format!("{name}:{}:{tail}#{h8}", classified.length)
    }

    /// A number that stands for `number`, for whoever has the key alone.
    pub(crate) fn keyed(&self, number: u64) -> u64 {
        let mut mac = self.keyed.clone();
        mac.update(&number.to_be_bytes());
        mac.finalize().into_bytes().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }

    /// The last characters of `cleaned`, where they may be told.
    pub(super) fn tail<'a>(&self, classified: &Classified, cleaned: SecretStr<'a>) -> Option<&'a str> {
        last_four(classified, cleaned.expose().trim()).filter(|_| self.tails)
    }

    fn digits(&self, value: &[u8], count: usize) -> String {
        let mut mac = self.keyed.clone();
        mac.update(value);
        mac.finalize().into_bytes().iter().take(count / 2).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether `value` has so few bits that whoever has its hash can find it.
pub fn is_guessable(value: SecretStr<'_>) -> bool {
    entropy::bits(value.expose().trim()) < entropy::GUESSABLE_BITS
}

fn unguessable(value: SecretStr<'_>) -> Option<&str> {
    (!is_guessable(value)).then(|| value.expose().trim())
}

/// Hex digits of a fingerprint that a person reads.
const SHORT: usize = 8;

/// A long fingerprint as a person reads it.
fn shortened(print: &str) -> String {
    print.chars().take(SHORT).collect()
}

/// A SHA-256 block that holds a 32-byte key.
fn block(key: &[u8]) -> hmac::digest::Key<Hmac<Sha256>> {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    block
}

/// Characters below which the end of a value is too much of it.
const SHOW_TAIL_FROM: usize = 24;

fn last_four<'a>(classified: &Classified, raw: &'a str) -> Option<&'a str> {
    let unsigned = classified.jose.as_ref().is_some_and(|jose| jose.signature != super::jose::Signature::Plausible);
    let private = matches!(classified.kind, TokenKind::Basic | TokenKind::Digest | TokenKind::LowEntropy);
    if raw.len() < SHOW_TAIL_FROM || unsigned || private || !raw.is_ascii() {
        return None;
    }
    raw.get(raw.len() - 4..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::classify;

    fn describe(raw: &str) -> String {
        Fingerprinter::from_input(&[7; 32])
            .describe(&classify(SecretStr::new(raw), None), &Value::Held(Secret::new(raw)))
    }

    #[track_caller]
    fn check(raw: &str, shape: &str) {
        let text = describe(raw);
        let masked = text.split_once('#').map_or(text.as_str(), |(before, _)| before);
        assert_eq!(masked, shape);
    }

    #[test]
    fn never_tells_the_value() {
        check("hunter2", "<low-entropy>");
        check("undefined", "placeholder");
        check("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "opaque:40:…4f1b");
        check("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.", "jwt:48:");
    }

    #[test]
    fn what_leaves_the_house_shows_no_tail() {
        let raw = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b";
        let classified = classify(SecretStr::new(raw), None);
        let told =
            Fingerprinter::from_input(&[7; 32]).without_tails().describe(&classified, &Value::Held(Secret::new(raw)));
        assert!(told.starts_with("opaque:40:#"), "{told}");
    }

    #[test]
    fn depends_on_the_key_and_only_on_it() {
        let value = SecretStr::new("9f86d081884c7d659a2feaa0c55ad015");
        let (a, b) = (Fingerprinter::with_key(b"one"), Fingerprinter::with_key(b"two"));
        assert_eq!(a.h8(value), Fingerprinter::with_key(b"one").h8(value));
        assert_ne!(a.h8(value), b.h8(value));
        assert_eq!(a.h8(value).map(|h8| h8.len()), Some(8));
        assert_eq!(a.h8(SecretStr::new("123456")), None);
    }
}
