//! One line of a key log.

use super::{Random, SecretLabel};
use crate::tls::key::Key;

/// What a line says.
pub(super) enum Line {
    /// Blank or a comment.
    Nothing,
    /// A secret that decryption does not need (exporters, QUIC, ECH).
    Unused,
    /// Nothing that a key log may hold.
    Bad,
    /// `CLIENT_RANDOM <random> <master secret>`
    Master(Random, Key),
    /// `<label> <random> <secret>`
    Traffic(SecretLabel, Random, Key),
    /// `RSA <encrypted pre-master secret, first 8 bytes> <pre-master secret>`
    PreMaster([u8; 8], Key),
    /// `RSA Session-ID:<id> Master-Key:<master secret>`
    Session(Box<[u8]>, Key),
}

/// Length of a master secret, and of a pre-master secret under RSA key exchange (RFC 5246 §8.1, §7.4.7.1).
const MASTER: usize = 48;
/// Lengths of traffic secrets: those of SHA-256 and SHA-384.
const TRAFFIC: [usize; 2] = [32, 48];

impl Line {
    /// Reads a line without white space around it.
    pub(super) fn read(line: &[u8]) -> Self {
        if line.is_empty() || line.starts_with(b"#") {
            return Self::Nothing;
        }
        let words: Vec<&[u8]> = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
        let &[label, name, secret] = words.as_slice() else { return Self::Bad };
        match label {
            b"CLIENT_RANDOM" => master(name, secret),
            b"RSA" => session(name, secret).or_else(|| premaster(name, secret)),
            label => traffic(label, name, secret),
        }
        .unwrap_or(Self::Bad)
    }
}

fn master(random: &[u8], secret: &[u8]) -> Option<Line> {
    Some(Line::Master(random_of(random)?, key(secret, &[MASTER])?))
}

fn premaster(encrypted: &[u8], secret: &[u8]) -> Option<Line> {
    Some(Line::PreMaster(hex(encrypted)?.as_slice().try_into().ok()?, key(secret, &[MASTER])?))
}

fn session(id: &[u8], secret: &[u8]) -> Option<Line> {
    let id = id.strip_prefix(b"Session-ID:")?;
    let secret = key(secret.strip_prefix(b"Master-Key:")?, &[MASTER])?;
    // OpenSSL prints an empty id for a session that only a ticket resumes.
    Some(if id.is_empty() { Line::Unused } else { Line::Session(hex(id)?.into(), secret) })
}

fn traffic(label: &[u8], random: &[u8], secret: &[u8]) -> Option<Line> {
    match SecretLabel::ALL.into_iter().find(|known| known.name().as_bytes() == label) {
        Some(label) => Some(Line::Traffic(label, random_of(random)?, key(secret, &TRAFFIC)?)),
        None => {
            let is_label = label.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
            (is_label && hex(random).is_some() && hex(secret).is_some()).then_some(Line::Unused)
        }
    }
}

fn random_of(text: &[u8]) -> Option<Random> {
    hex(text)?.as_slice().try_into().ok()
}

fn key(text: &[u8], lengths: &[usize]) -> Option<Key> {
    let bytes = hex(text)?;
    lengths.contains(&bytes.len()).then(|| Key::new(bytes))
}

/// Bytes written in hexadecimal, of either case.
fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}
