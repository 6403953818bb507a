//! What is put in place of a secret: a value of the same length and shape that says nothing of it.
//!
//! A surrogate is drawn from an HMAC of the value, so equal values have equal surrogates wherever they stand, and nobody
//! without the key can test a guess. Character for character it is of the same sort, so framing, routes and escapes stay
//! right; and it is classified as the value was, so that a redacted capture yields the same judgement.

mod jose;
mod scheme;
mod shape;

use std::collections::{HashMap, HashSet};

use authtrace_analyze::{
    dictionary,
    token::{Classified, TokenKind, classify, entropy, is_placeholder, is_redacted},
};
use authtrace_parse::{Secret, SecretStr};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use self::shape::Alphabet;
use crate::encoded::Encoding;

/// Makes surrogates and remembers them.
pub struct Surrogates {
    keyed: Hmac<Sha256>,
    known: HashMap<Secret, Box<str>>,
    /// Short surrogates that are taken: two short values must not become one.
    taken: HashSet<Box<str>>,
    /// Values whose surrogate is classified otherwise than they are.
    misshapen: u64,
}

/// Surrogates up to this many bytes may collide.
const MAY_COLLIDE: usize = 16;
/// Tries for each length of what is kept.
const TRIES: u32 = 8;

impl Surrogates {
    /// Surrogates under `key`.
    pub fn new(key: &[u8]) -> Self {
        // Hashed first, so that any length will do.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        for (to, from) in block.iter_mut().zip(Sha256::digest(key)) {
            *to = from;
        }
        Self { keyed: Hmac::new(&block), known: HashMap::new(), taken: HashSet::new(), misshapen: 0 }
    }

    /// Distinct values that have a surrogate.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Values whose surrogate is not classified as they are.
    pub fn misshapen(&self) -> u64 {
        self.misshapen
    }

    /// From now on `surrogate` stands for `value`: what is computed from a secret must be computed from its surrogate.
    pub(crate) fn learn(&mut self, value: &str, surrogate: &str) {
        self.known.insert(Secret::new(value), surrogate.into());
    }

    /// What stands for `raw`, which may be wrapped in quotes, white space or a stray scheme. Placeholders stay.
    pub fn value(&mut self, raw: &str) -> String {
        if raw.trim().is_empty() || is_placeholder(raw) || is_redacted(raw) {
            return raw.to_owned();
        }
        if let Some(known) = self.known.get(&Secret::new(raw)) {
            return known.to_string();
        }
        let made = self.make(raw);
        if made.len() <= MAY_COLLIDE {
            self.taken.insert(made.as_str().into());
        }
        self.known.insert(Secret::new(raw), made.as_str().into());
        made
    }

    /// What stands for the credentials behind the scheme of an `Authorization` field.
    pub fn credentials(&mut self, scheme: Option<&str>, raw: &str) -> String {
        match scheme.and_then(scheme::known) {
            Some(known) => known.surrogate(self, raw),
            None => self.value(raw),
        }
    }

    fn make(&mut self, raw: &str) -> String {
        let decoded = Encoding::Percent.decode(raw);
        if decoded != raw {
            return Encoding::Percent.edit(raw, |decoded| self.value(decoded));
        }
        let classified = classify(SecretStr::new(raw), None);
        let core = classified.value(SecretStr::new(raw)).expose().to_owned();
        if core != raw && !core.is_empty() {
            return match raw.find(&core) {
                Some(at) => [&raw[..at], &self.value(&core), &raw[at + core.len()..]].concat(),
                None => self.spaced(raw),
            };
        }
        if classified.kind.is_jose()
            && let Some(made) = jose::surrogate(self, raw)
        {
            self.misshapen += u64::from(!same(&classified, &made));
            return made;
        }
        self.shaped(raw, &classified)
    }

    /// A value with white space within it: that stays where it is.
    fn spaced(&mut self, raw: &str) -> String {
        let joined: String = raw.chars().filter(|c| !c.is_whitespace()).collect();
        let made =
            if joined == raw { self.shaped(raw, &classify(SecretStr::new(raw), None)) } else { self.value(&joined) };
        let mut made = made.chars();
        raw.chars().map(|c| if c.is_whitespace() { c } else { made.next().unwrap_or('x') }).collect()
    }

    /// Keeps as little of the start as makes the surrogate what the value is.
    fn shaped(&mut self, raw: &str, classified: &Classified) -> String {
        let alphabet = Alphabet::of(raw, classified);
        let most = most_kept(raw, classified);
        for keep in KEPT.into_iter().chain([most]).filter(|keep| *keep <= most && raw.is_char_boundary(*keep)) {
            for attempt in 0..TRIES {
                let made = shape::draw(&mut self.stream(raw.as_bytes(), attempt), raw, keep, alphabet);
                if !self.is_taken(&made, raw) && same(classified, &made) {
                    return made;
                }
            }
        }
        // Regular text of a token's length: few different characters keep its entropy low.
        let made = shape::draw(&mut self.stream(raw.as_bytes(), TRIES), raw, 0, Alphabet::Few);
        if !same(classified, &made) {
            self.misshapen += 1;
        }
        made
    }

    fn is_taken(&self, made: &str, raw: &str) -> bool {
        let hides = raw.bytes().any(|byte| byte.is_ascii_alphanumeric());
        (hides && made == raw) || (made.len() >= 3 && made.len() <= MAY_COLLIDE && self.taken.contains(made))
    }

    /// Bytes that depend on `value` and the key.
    fn stream(&self, value: &[u8], attempt: u32) -> Stream {
        let mut keyed = self.keyed.clone();
        keyed.update(&attempt.to_be_bytes());
        keyed.update(value);
        Stream { seed: keyed.finalize().into_bytes().into(), block: [0; 32], used: 32, counter: 0 }
    }
}

/// How much of the start of a value may be kept to say what it is, in bytes.
const KEPT: [usize; 8] = [0, 3, 4, 5, 6, 8, 10, 12];

/// The most that may be kept: a public prefix whole, else a quarter of the value; of formats with a time in front, that.
fn most_kept(raw: &str, classified: &Classified) -> usize {
    let prefix = dictionary::prefixes().find(raw, None).map_or(0, |prefix| prefix.prefix().len());
    match classified.kind {
        TokenKind::LowEntropy | TokenKind::Opaque => 0,
        // Version and time (Fernet), message type (NTLM), object identifiers (SPNEGO).
        TokenKind::Fernet | TokenKind::Ntlm => 16,
        TokenKind::Negotiate => 32,
        _ => prefix.max(raw.len() / 4).min(32),
    }
}

/// Whether `made` is classified as the value that it stands for.
fn same(classified: &Classified, made: &str) -> bool {
    let other = classify(SecretStr::new(made), None);
    let guessable = |c: &Classified| c.entropy_bits.is_some_and(|bits| bits < entropy::GUESSABLE_BITS);
    // How a password is spelled is not to be seen in what stands for it: only that it is one.
    let alike = guessable(classified) && classified.kind == TokenKind::LowEntropy
        || (other.as_sent, &other.vendor, other.issued_at)
            == (classified.as_sent, &classified.vendor, classified.issued_at);
    let claims = |c: &Classified| c.jose.as_ref().map(|jose| (jose.form, jose.signature, jose.segments.len()));
    alike
        && other.kind == classified.kind
        && other.defects == classified.defects
        && claims(&other) == claims(classified)
}

/// Bytes without an end, drawn from a seed.
pub(crate) struct Stream {
    seed: [u8; 32],
    block: [u8; 32],
    used: usize,
    counter: u64,
}

impl Stream {
    /// The next byte.
    pub(crate) fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            let digest = Sha256::new().chain_update(self.seed).chain_update(self.counter.to_be_bytes());
            self.block = digest.finalize().into();
            (self.used, self.counter) = (0, self.counter + 1);
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        let number = u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()]);
        number % end.max(1)
    }

    /// The next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }
}

#[cfg(test)]
mod tests;
