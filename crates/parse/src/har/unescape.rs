//! Decodes the start of a JSON string (RFC 8259 §7) without reading the rest of it.

use std::borrow::Cow;

/// The content of the JSON string `raw` (quotes included), at most `limit` bytes, and whether that cut it.
///
/// Escapes that stand for no character (a lone surrogate, an unknown letter) become U+FFFD: a body is evidence even so.
/// `None` where `raw` is not a string.
pub(super) fn prefix(raw: &str, limit: usize) -> Option<(Cow<'_, str>, bool)> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    let Some(first) = memchr::memchr(b'\\', &inner.as_bytes()[..inner.len().min(limit)]) else {
        return Some(cut(inner, limit));
    };
    let bytes = inner.as_bytes();
    let mut text = Vec::with_capacity(inner.len().min(limit));
    text.extend_from_slice(&bytes[..first]);
    let (mut at, mut is_cut) = (first, false);
    while at < bytes.len() {
        let plain = backslash(&bytes[at..]);
        let room = limit - text.len();
        if plain > room {
            text.extend_from_slice(&bytes[at..boundary(inner, at + room)]);
            is_cut = true;
            break;
        }
        text.extend_from_slice(&bytes[at..at + plain]);
        at += plain;
        if at == bytes.len() {
            break;
        }
        let (character, after) = escape(&inner[at..]);
        if text.len() + character.len_utf8() > limit {
            is_cut = true;
            break;
        }
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => text.push(byte),
            _ => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        at = bytes.len() - after.len();
    }
    // Whole characters were put together, so it is UTF-8.
    let text = String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Some((Cow::Owned(text), is_cut))
}

/// Bytes in front of the next escape.
fn backslash(text: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let mut near = 0;
    // Escapes stand close together in JSON within JSON: a vectorised search costs more to start than it saves, and eight
    // bytes at a time are looked at in one word (Mycroft's test for a zero byte).
    while near < NEAR
        && let Some(word) = text.get(near..).and_then(|rest| rest.first_chunk())
    {
        let word = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'\\'));
        let zero = word.wrapping_sub(ONES) & !word & (ONES << 7);
        if zero != 0 {
            return near + zero.trailing_zeros() as usize / 8;
        }
        near += 8;
    }
    near + memchr::memchr(b'\\', &text[near..]).unwrap_or(text.len() - near)
}

/// Bytes that are looked at before a vectorised search begins.
const NEAR: usize = 24;

/// The first `limit` bytes of `text`, and whether that cut it.
pub(super) fn cut(text: &str, limit: usize) -> (Cow<'_, str>, bool) {
    let end = boundary(text, limit);
    (Cow::Borrowed(&text[..end]), end < text.len())
}

/// The most bytes, up to `limit`, that end at a character's end.
pub(super) fn boundary(text: &str, limit: usize) -> usize {
    (0..=limit.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0)
}

/// One escape, from its backslash, and what follows it.
fn escape(text: &str) -> (char, &str) {
    let after = text.get(2..).unwrap_or_default();
    let character = match text.as_bytes().get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => return unicode(after),
        Some(&byte @ (b'"' | b'\\' | b'/')) => byte as char,
        _ => char::REPLACEMENT_CHARACTER,
    };
    (character, after)
}

/// Four hexadecimal digits, or two groups of them that make one surrogate pair.
fn unicode(digits: &str) -> (char, &str) {
    let Some((high, rest)) = unit(digits) else { return (char::REPLACEMENT_CHARACTER, digits) };
    let pair = rest.strip_prefix("\\u").and_then(unit);
    if let Some((low, after)) = pair
        && let Some(Ok(character)) = char::decode_utf16([high, low]).next()
        && character.len_utf16() == 2
    {
        return (character, after);
    }
    (char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER), rest)
}

fn unit(digits: &str) -> Option<(u16, &str)> {
    let (hex, rest) = digits.split_at_checked(4)?;
    Some((u16::from_str_radix(hex, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, limit: usize, expected: Option<(&str, bool)>) {
        let got = prefix(raw, limit);
        assert_eq!(got.as_ref().map(|(text, cut)| (text.as_ref(), *cut)), expected, "{raw} {limit}");
    }

    #[test]
    fn decodes_and_cuts() {
        check(r#""plain""#, 99, Some(("plain", false)));
        check(r#""plain""#, 3, Some(("pla", true)));
        check(r#""""#, 0, Some(("", false)));
        check(r#""a\n\"b\"\u00e9\/""#, 99, Some(("a\n\"b\"é/", false)));
        check(r#""a\nbc""#, 3, Some(("a\nb", true)));
        check(r#""a\u00e9""#, 2, Some(("a", true)));
        check(r#""\ud83d\ude00!""#, 99, Some(("😀!", false)));
        check(r#""\ud83d!""#, 99, Some(("\u{fffd}!", false)));
        check(r#""\ud83d\u0041""#, 99, Some(("\u{fffd}A", false)));
        check(r#""éé""#, 3, Some(("é", true)));
        check("12", 99, None);
    }
}
