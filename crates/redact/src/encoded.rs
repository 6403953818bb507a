//! Text behind an encoding (percent signs, JSON escapes), character by character, so that what is put in place of a value
//! is encoded as the value was and takes as many bytes.

/// One character and how it stood in the encoded text.
type Unit<'a> = (char, &'a str);

/// An encoding of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `%C3%A9` (RFC 3986 §2.1).
    Percent,
    /// The same, and `+` for a space (application/x-www-form-urlencoded).
    Form,
    /// The inside of a JSON string (RFC 8259 §7).
    Json,
}

impl Encoding {
    /// What `raw` stands for.
    pub(crate) fn decode(self, raw: &str) -> String {
        self.units(raw).iter().map(|(c, _)| *c).collect()
    }

    /// `raw` with what it stands for replaced by `edit`. Where that has as many characters, each keeps its encoding.
    pub(crate) fn edit(self, raw: &str, edit: impl FnOnce(&str) -> String) -> String {
        let units = self.units(raw);
        let decoded: String = units.iter().map(|(c, _)| *c).collect();
        let edited = edit(&decoded);
        if edited == decoded {
            return raw.to_owned();
        }
        if edited.chars().count() != units.len() {
            return self.encode(&edited);
        }
        edited
            .chars()
            .zip(units)
            .map(|(new, (old, raw))| if new == old { raw.into() } else { self.like(new, raw) })
            .collect()
    }

    fn units(self, raw: &str) -> Vec<Unit<'_>> {
        let mut units = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(first) = rest.chars().next() {
            let (c, length) = match (self, first) {
                (Self::Percent | Self::Form, '%') => percent(rest).unwrap_or((first, 1)),
                (Self::Form, '+') => (' ', 1),
                (Self::Json, '\\') => escape(rest).unwrap_or((first, 1)),
                _ => (first, first.len_utf8()),
            };
            let (unit, after) = rest.split_at(length);
            units.push((c, unit));
            rest = after;
        }
        units
    }

    /// `new` as the character before it was encoded.
    fn like(self, new: char, before: &str) -> String {
        match self {
            Self::Percent | Self::Form if before.starts_with('%') => {
                let mut bytes = [0; 4];
                new.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")).collect()
            }
            Self::Json if before.starts_with("\\u") => {
                let mut units = [0; 2];
                new.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
            }
            Self::Json => self.encode(&new.to_string()),
            _ => new.to_string(),
        }
    }

    fn encode(self, text: &str) -> String {
        match self {
            Self::Percent => {
                url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
            }
            Self::Form => url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
            Self::Json => {
                let quoted = serde_json::to_string(text).unwrap_or_default();
                quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
            }
        }
    }
}

/// The character that percent-encoded bytes at the start of `text` stand for, and how long they are; `None` where they
/// are no UTF-8.
fn percent(text: &str) -> Option<(char, usize)> {
    let mut bytes = Vec::new();
    for triple in text.as_bytes().chunks_exact(3).take(4) {
        let hex = str::from_utf8(&triple[1..]).ok().filter(|_| triple[0] == b'%')?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        if let Ok(decoded) = str::from_utf8(&bytes) {
            return decoded.chars().next().map(|c| (c, 3 * bytes.len()));
        }
    }
    None
}

/// The character of a JSON escape at the start of `text`, and how long the escape is.
fn escape(text: &str) -> Option<(char, usize)> {
    let simple = |c| Some((c, 2));
    match text.as_bytes().get(1)? {
        b'n' => simple('\n'),
        b't' => simple('\t'),
        b'r' => simple('\r'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'"' => simple('"'),
        b'\\' => simple('\\'),
        b'/' => simple('/'),
        b'u' => {
            let high = unit(text.get(2..6)?)?;
            if let Some(c) = char::from_u32(u32::from(high)) {
                return Some((c, 6));
            }
            let low = text.get(6..12).and_then(|pair| unit(pair.strip_prefix("\\u")?));
            let pair = low.and_then(|low| char::decode_utf16([high, low]).next()?.ok());
            Some(pair.map_or((char::REPLACEMENT_CHARACTER, 6), |c| (c, 12)))
        }
        _ => None,
    }
}

fn unit(hex: &str) -> Option<u16> {
    u16::from_str_radix(hex, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(encoding: Encoding, raw: &str, decoded: &str, edited: &str) {
        assert_eq!(encoding.decode(raw), decoded);
        assert_eq!(encoding.edit(raw, str::to_owned), raw);
        let shift = |text: &str| text.replace('a', "b").replace('é', "è").replace('😀', "😁");
        assert_eq!(encoding.edit(raw, shift), edited);
    }

    #[test]
    fn each_character_keeps_its_encoding() {
        check(Encoding::Percent, "a%20a+%C3%A9%zz%FF", "a a+é%zz%FF", "b%20b+%C3%A8%zz%FF");
        check(Encoding::Percent, "%61", "a", "%62");
        check(Encoding::Form, "a+%61%", "a a%", "b+%62%");
        check(
            Encoding::Json,
            r#"a\n\"\u0061\u00e9é\ud83d\ude00\ud83d\x"#,
            "a\n\"aéé😀\u{fffd}\\x",
            r#"b\n\"\u0062\u00e8è\ud83d\ude01\ud83d\x"#,
        );
    }

    #[test]
    fn another_length_is_encoded_anew() {
        assert_eq!(Encoding::Json.edit("a", |_| "\"\n".to_owned()), "\\\"\\n");
        assert_eq!(Encoding::Form.edit("a", |_| "& ".to_owned()), "%26+");
    }
}
