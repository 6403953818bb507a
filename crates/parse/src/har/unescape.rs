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
    let mut text = String::with_capacity(inner.len().min(limit));
    text.push_str(&inner[..first]);
    let mut rest = &inner[first..];
    while !rest.is_empty() {
        let plain = backslash(rest.as_bytes());
        let room = limit - text.len();
        if plain > room {
            text.push_str(&rest[..boundary(rest, room)]);
            return Some((Cow::Owned(text), true));
        }
        text.push_str(&rest[..plain]);
        rest = &rest[plain..];
        if rest.is_empty() {
            break;
        }
        let (character, after) = escape(rest);
        if text.len() + character.len_utf8() > limit {
            return Some((Cow::Owned(text), true));
        }
        text.push(character);
        rest = after;
    }
    Some((Cow::Owned(text), false))
}

/// Bytes in front of the next escape.
fn backslash(text: &[u8]) -> usize {
    let near = &text[..text.len().min(NEAR)];
    let found = near.iter().position(|byte| *byte == b'\\');
    found.or_else(|| Some(NEAR + memchr::memchr(b'\\', text.get(NEAR..)?)?)).unwrap_or(text.len())
}

/// Escapes stand close together in JSON within JSON: a vectorised search costs more to start than it saves.
const NEAR: usize = 16;

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
