//! The first bytes of a HAR: byte-order marks are dropped and UTF-16 becomes UTF-8.

/// How the input is encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { big: bool },
}

/// A streaming converter to UTF-8 that costs nothing where the input is UTF-8 already.
#[derive(Default)]
pub(super) struct Transcoder {
    encoding: Option<Encoding>,
    /// First bytes, until the encoding is known; then a UTF-16 unit or pair that a chunk cut.
    held: Vec<u8>,
    marked: bool,
}

/// Bytes that decide the encoding.
const DECIDING: usize = 3;

impl Transcoder {
    /// Converts the next chunk and hands it on.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
        match self.encoding {
            Some(Encoding::Utf8) => out(bytes),
            Some(Encoding::Utf16 { big }) => self.utf16(bytes, big, out),
            None => {
                self.held.extend_from_slice(bytes);
                if self.held.len() >= DECIDING {
                    self.decide(out);
                }
            }
        }
    }

    /// Hands on what was held back; says whether a byte-order mark was dropped or a conversion was needed.
    pub(super) fn finish(mut self, out: &mut dyn FnMut(&[u8])) -> bool {
        if self.encoding.is_none() {
            self.decide(out);
        }
        self.marked
    }

    fn decide(&mut self, out: &mut dyn FnMut(&[u8])) {
        let held = std::mem::take(&mut self.held);
        let (encoding, mark) = match held.as_slice() {
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            [0xff, 0xfe, ..] => (Encoding::Utf16 { big: false }, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16 { big: true }, 2),
            [b'{' | b'[', 0, ..] => (Encoding::Utf16 { big: false }, 0),
            [0, b'{' | b'[', ..] => (Encoding::Utf16 { big: true }, 0),
            _ => (Encoding::Utf8, 0),
        };
        self.marked = mark > 0 || encoding != Encoding::Utf8;
        self.encoding = Some(encoding);
        self.push(&held[mark..], out);
    }

    fn utf16(&mut self, bytes: &[u8], big: bool, out: &mut dyn FnMut(&[u8])) {
        self.held.extend_from_slice(bytes);
        let unit = |pair: &[u8]| {
            if big { u16::from_be_bytes([pair[0], pair[1]]) } else { u16::from_le_bytes([pair[0], pair[1]]) }
        };
        let mut whole = self.held.len() / 2 * 2;
        // A high surrogate at the end waits for its other half.
        if whole >= 2 && (0xd800..0xdc00).contains(&unit(&self.held[whole - 2..whole])) {
            whole -= 2;
        }
        let units = self.held[..whole].chunks_exact(2).map(unit);
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        out(text.as_bytes());
        self.held.drain(..whole);
    }
}
