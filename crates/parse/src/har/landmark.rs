//! Recognises the start of an entry in text whose structure is lost.
//!
//! Inside a JSON string a quote is always escaped, so the bytes `{ "startedDateTime"` stand only where an object
//! starts with that key. The keys below open entries in the wild and no object inside an entry.

use memchr::memchr;

use super::piece::Part;

/// Keys that open an entry in the HARs of browsers and tools.
const FIRST_KEYS: [&[u8]; 17] = [
    b"startedDateTime",
    b"pageref",
    b"_connectionId",
    b"_initiator",
    b"_fromCache",
    b"_priority",
    b"_resourceType",
    b"_frameref",
    b"_monotonicTime",
    b"_webSocketMessages",
    b"_id",
    b"_request_id",
    b"request",
    b"cache",
    b"timings",
    b"serverIPAddress",
    b"connection",
];

/// The longest key that is compared.
const LONGEST_KEY: usize = 64;
/// White space allowed between the brace and the key.
const LONGEST_GAP: usize = 512;

/// An incremental matcher: brace, white space, one of the keys.
#[derive(Default)]
pub(super) struct Landmark {
    matched: Vec<u8>,
    key_at: Option<usize>,
    /// The first key of this document's first entry, where it is not in the list.
    learned: Option<Box<[u8]>>,
}

impl Landmark {
    /// Forgets a match in progress.
    pub(super) fn reset(&mut self) {
        self.matched.clear();
        self.key_at = None;
    }

    /// The text of the match: brace to the key's closing quote.
    pub(super) fn matched(&self) -> &[u8] {
        &self.matched
    }

    /// Remembers how entries of this document start, from a whole one.
    pub(super) fn learn(&mut self, entry: &[u8], part: Part) {
        if part == Part::Entry && self.learned.is_none() {
            self.learned = Some(first_key(entry).unwrap_or_default().into());
        }
    }

    /// Reads on; the length behind which a landmark ends, whose text is then [`Self::matched`].
    pub(super) fn find(&mut self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < text.len() {
            if self.matched.is_empty() {
                at += memchr(b'{', &text[at..])?;
            }
            let byte = text[at];
            at += 1;
            if self.step(byte) {
                return Some(at);
            }
        }
        None
    }

    /// Every landmark of a whole text, as the offset of its brace.
    pub(super) fn all(text: &[u8]) -> Vec<usize> {
        let (mut matcher, mut at, mut found) = (Self::default(), 0, Vec::new());
        while let Some(len) = matcher.find(&text[at..]) {
            at += len;
            found.push(at - matcher.matched.len());
            matcher.reset();
        }
        found
    }

    /// One byte; `true` when it completes a landmark.
    fn step(&mut self, byte: u8) -> bool {
        match (byte, self.key_at) {
            (b'"', Some(start)) => {
                if self.opens_entry(&self.matched[start..]) {
                    self.matched.push(byte);
                    return true;
                }
                self.reset();
            }
            (b'{', _) => {
                self.reset();
                self.matched.push(byte);
            }
            (b'"', None) => {
                self.matched.push(byte);
                self.key_at = Some(self.matched.len());
            }
            (b' ' | b'\t' | b'\r' | b'\n', None) if self.matched.len() < LONGEST_GAP => self.matched.push(byte),
            (_, Some(start)) if self.matched.len() - start < LONGEST_KEY => self.matched.push(byte),
            _ => self.reset(),
        }
        false
    }

    fn opens_entry(&self, key: &[u8]) -> bool {
        let learned = self.learned.as_deref().is_some_and(|own| !own.is_empty() && own == key);
        learned || FIRST_KEYS.contains(&key)
    }
}

/// The first key of an object, as written.
fn first_key(object: &[u8]) -> Option<&[u8]> {
    let rest = object.strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let key = &rest[..memchr(b'"', rest)?];
    (key.len() < LONGEST_KEY).then_some(key)
}
