//! Base64 as it is found in the wild: either alphabet, with or without padding, and a note of which it was.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// Bytes decoded from text that is meant to be base64url without padding (RFC 7515 §2).
pub(super) struct Decoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The text used padding or `+` and `/`, which JOSE forbids and many decoders accept.
    pub nonconformant: bool,
}

/// Decodes base64 in either alphabet; `None` where `text` is neither.
pub(super) fn decode(text: &str) -> Option<Decoded> {
    let standard = text.bytes().any(|b| matches!(b, b'+' | b'/'));
    let engine = if standard { STANDARD } else { URL_SAFE };
    let bytes = engine.decode(text).ok()?;
    Some(Decoded { bytes, nonconformant: standard || text.ends_with('=') })
}

/// Whether every byte of `text` belongs to base64url without padding.
pub(super) fn is_url_alphabet(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&[u8], bool)>) {
        let got = decode(text);
        assert_eq!(got.as_ref().map(|d| (d.bytes.as_slice(), d.nonconformant)), expected, "{text}");
    }

    #[test]
    fn decodes_both_alphabets() {
        check("e30", Some((b"{}", false)));
        check("e30=", Some((b"{}", true)));
        check("-_-_", Some((&[0xfb, 0xff, 0xbf], false)));
        check("+/+/", Some((&[0xfb, 0xff, 0xbf], true)));
        check("-_+/", None);
        check("a b", None);
        check("", Some((b"", false)));
    }
}
