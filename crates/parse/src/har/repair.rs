//! A second chance for an entry that strict JSON refuses: bytes that are not UTF-8, half a surrogate pair, raw
//! control characters in strings.

/// The entry with what JSON or Unicode forbids replaced; `None` where there is nothing of that kind to repair.
pub(super) fn repaired(entry: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(entry);
    let mut bytes = text.into_owned().into_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if lone_surrogate(&bytes[at..]) => {
                bytes[at + 2..at + 6].copy_from_slice(b"fffd");
                at += 6;
            }
            b'\\' if pair(&bytes[at..]) => at += 12,
            b'\\' => at += 2,
            byte => {
                // Between tokens, white space may become white space; in a string, a control character must go.
                if byte < 0x20 {
                    bytes[at] = b' ';
                }
                at += 1;
            }
        }
    }
    (bytes != entry).then_some(bytes)
}

fn unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn pair(text: &[u8]) -> bool {
    let low = text.get(6..).and_then(unit);
    unit(text).is_some_and(|high| (0xd800..0xdc00).contains(&high))
        && low.is_some_and(|low| (0xdc00..0xe000).contains(&low))
}

fn lone_surrogate(text: &[u8]) -> bool {
    unit(text).is_some_and(|unit| (0xd800..0xe000).contains(&unit)) && !pair(text)
}
