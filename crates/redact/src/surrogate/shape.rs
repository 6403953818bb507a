//! Characters of the same sort: letters for letters, digits for digits, the rest as it is.

use authtrace_analyze::token::{Classified, TokenKind, entropy};

use super::Stream;

/// Which characters stand for letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// Lower-case letters for lower-case ones, and so on.
    Classes,
    /// Hexadecimal digits of the value's letter case.
    Hex { upper: bool },
    /// Lower-case letters and digits, whatever stood there: how a password is spelled helps to guess it.
    Plain,
    /// Digits.
    Digits,
    /// Few different characters.
    Few,
}

impl Alphabet {
    /// The alphabet of `raw`.
    pub(super) fn of(raw: &str, classified: &Classified) -> Self {
        let letters = || raw.bytes().filter(u8::is_ascii_alphanumeric);
        let hex = |upper: bool| {
            letters().all(|b| b.is_ascii_hexdigit() && !(b.is_ascii_alphabetic() && b.is_ascii_uppercase() != upper))
        };
        if letters().all(|byte| byte.is_ascii_digit()) {
            return Self::Digits;
        }
        if letters().count() >= 8 && letters().any(|byte| byte.is_ascii_digit()) {
            if hex(false) {
                return Self::Hex { upper: false };
            }
            if hex(true) {
                return Self::Hex { upper: true };
            }
        }
        let guessable = classified.entropy_bits.is_some_and(|bits| bits < entropy::GUESSABLE_BITS);
        if classified.kind == TokenKind::LowEntropy && guessable { Self::Plain } else { Self::Classes }
    }

    fn draw(self, stream: &mut Stream, c: char) -> char {
        let of = |stream: &mut Stream, set: &[u8]| char::from(set[stream.below(set.len() as u32) as usize]);
        match (self, c) {
            (Self::Hex { upper: false }, _) => of(stream, b"0123456789abcdef"),
            (Self::Hex { upper: true }, _) => of(stream, b"0123456789ABCDEF"),
            (Self::Plain, _) => of(stream, b"abcdefghijkmnpqrstuvwxyz23456789"),
            (Self::Few, _) => of(stream, b"abc"),
            (_, '0'..='9') => of(stream, b"0123456789"),
            (_, 'A'..='Z') => of(stream, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            _ => of(stream, b"abcdefghijklmnopqrstuvwxyz"),
        }
    }
}

/// Places of a UUID's version and variant (RFC 9562 §4).
const UUID_FIXED: [usize; 2] = [14, 19];

/// `raw` with every letter and digit from byte `keep` on drawn anew; punctuation and white space stay.
pub(super) fn draw(stream: &mut Stream, raw: &str, keep: usize, alphabet: Alphabet) -> String {
    let uuid = raw.len() == 36 && [8, 13, 18, 23].iter().all(|at| raw.as_bytes().get(*at) == Some(&b'-'));
    let mut first = true;
    raw.char_indices()
        .map(|(at, c)| {
            if at < keep || (uuid && UUID_FIXED.contains(&at)) {
                return c;
            }
            let leading = std::mem::take(&mut first);
            match c {
                // A number must not begin with a zero, or with another sign of its length.
                '1'..='9' if leading && alphabet == Alphabet::Digits => char::from(b'1' + stream.below(9) as u8),
                c if c.is_ascii_alphanumeric() => alphabet.draw(stream, c),
                c if c.is_alphanumeric() => letter_of(stream, c),
                c => c,
            }
        })
        .collect()
}

/// A letter that takes as many bytes.
fn letter_of(stream: &mut Stream, c: char) -> char {
    let (first, count) = match c.len_utf8() {
        2 => (0xe0, 22),
        3 => (0x4e00, 0x5000),
        _ => (0x2_0000, 0xa000),
    };
    char::from_u32(first + stream.below(count)).unwrap_or(c)
}
