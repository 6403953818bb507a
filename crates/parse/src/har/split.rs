//! Cuts HAR text of any length into the JSON values that are read: entries, pages, creator and browser.
//!
//! A pure value: text goes in, in chunks of any size, and pieces come out, the same ones however the text was chunked.
//! It follows the container path only down to `log.entries` and skips everything else by counting brackets outside
//! strings. It does not validate: whether a piece is JSON is decided by whoever parses it. Where the text is visibly
//! damaged (a byte outside a string that JSON has no use for), it looks for the next landmark and goes on there.

use super::{
    landmark::Landmark,
    piece::{Ending, Notes, Part, Piece, Pieces},
    scan::{Scan, Stop},
    unescape,
};

/// The most bytes of one entry that are kept: a body of this size is a download, never an authentication exchange.
pub const ENTRY_LIMIT: usize = 64 << 20;

/// Containers that the path may hold: document, array of logs, wrapper object, `log`, `entries`; and one to spare.
const DEEPEST: usize = 6;

/// The streaming splitter.
pub struct Splitter {
    limit: usize,
    levels: Vec<Level>,
    state: State,
    scan: Scan,
    /// What the value that is being scanned will become; `None` skips it.
    part: Option<Part>,
    /// Start of that value, where it began in an earlier chunk.
    carry: Vec<u8>,
    key: Vec<u8>,
    /// In an object: the next string is a value, not a key.
    value_next: bool,
    /// In an array: an element that is neither object nor array was seen.
    stray: bool,
    landmark: Landmark,
    notes: Notes,
}

/// A container on the path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// An array of logs.
    Logs,
    /// An object that may hold `log`, `entries`, `pages`, `creator`, `browser`.
    Holder,
    /// `entries`.
    Entries,
    /// `pages`.
    Pages,
}

/// A chunk of text, and how far it is UTF-8: told once, so that no string in it has to be checked again.
#[derive(Clone, Copy)]
struct Chunk<'t> {
    bytes: &'t [u8],
    sound: &'t str,
}

impl<'t> Chunk<'t> {
    fn new(bytes: &'t [u8]) -> Self {
        let sound = match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => simdutf8::compat::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        Self { bytes, sound }
    }

    /// What is UTF-8 from `at` on, at most `limit` bytes.
    fn sound_from(&self, at: usize, limit: usize) -> Option<&'t str> {
        let end = unescape::boundary(self.sound, at.saturating_add(limit));
        self.sound.get(at..end)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between the tokens of the innermost level.
    Between,
    /// In a key of a holder.
    Key,
    /// In a string that is not read; `true` after a backslash.
    String(bool),
    /// In a value: `scan` knows where.
    Value,
    /// Looking for a landmark after damage.
    Lost,
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new(ENTRY_LIMIT)
    }
}

impl Splitter {
    /// A splitter that keeps at most `limit` bytes of one value.
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            levels: Vec::with_capacity(DEEPEST),
            state: State::Between,
            scan: Scan::default(),
            part: None,
            carry: Vec::new(),
            key: Vec::new(),
            value_next: false,
            stray: false,
            landmark: Landmark::default(),
            notes: Notes::default(),
        }
    }

    /// Eats the next chunk and hands out every piece that it completes.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn Pieces) {
        let chunk = Chunk::new(bytes);
        let mut at = 0;
        while at < bytes.len() {
            at = match self.state {
                State::Value => self.value(bytes, at, out),
                State::Lost => self.lost(bytes, at),
                _ => self.shallow(chunk, at, out),
            };
        }
    }

    /// Hands out the value that the end of the text cut, if any, and says what the document was like.
    pub fn finish(mut self, out: &mut dyn Pieces) -> Notes {
        self.notes.truncated = !self.levels.is_empty() && self.state != State::Lost;
        if let (State::Value, Some(part)) = (self.state, self.part) {
            out.piece(Piece { part, text: &self.carry, ending: Ending::Cut });
        }
        self.notes
    }

    /// Scans on inside a value; returns where to go on.
    fn value(&mut self, bytes: &[u8], at: usize, out: &mut dyn Pieces) -> usize {
        let room = if self.part.is_some() { self.limit.saturating_sub(self.carry.len()) } else { usize::MAX };
        let end = bytes.len().min(at.saturating_add(room));
        let window = &bytes[at..end];
        match self.scan.run(window) {
            Stop::Closed(len) => {
                self.emit(&window[..len], Ending::Complete, out);
                self.state = State::Between;
                at + len
            }
            Stop::Damaged(len) => {
                self.emit(&window[..len], Ending::Damaged, out);
                self.lose();
                at + len
            }
            Stop::More if window.len() == room => {
                self.emit(window, Ending::Oversized, out);
                self.lose();
                end
            }
            Stop::More => {
                if self.part.is_some() {
                    self.carry.extend_from_slice(window);
                }
                end
            }
        }
    }

    /// Hands out the value that ends with `tail`, without copying it where it lies in one chunk.
    fn emit(&mut self, tail: &[u8], ending: Ending, out: &mut dyn Pieces) {
        let Some(part) = self.part.take() else { return };
        if self.carry.is_empty() {
            self.landmark.learn(tail, part);
            out.piece(Piece { part, text: tail, ending });
            return;
        }
        self.carry.extend_from_slice(tail);
        self.landmark.learn(&self.carry, part);
        out.piece(Piece { part, text: &self.carry, ending });
        self.carry.clear();
    }

    /// Gives up the structure and looks for the next entry.
    fn lose(&mut self) {
        self.state = State::Lost;
        self.landmark.reset();
    }

    /// Looks for a landmark; on finding one, goes on inside that entry.
    fn lost(&mut self, bytes: &[u8], at: usize) -> usize {
        let Some(len) = self.landmark.find(&bytes[at..]) else { return bytes.len() };
        self.carry.clear();
        self.carry.extend_from_slice(self.landmark.matched());
        self.scan = Scan::in_object();
        self.part = Some(Part::Entry);
        self.state = State::Value;
        self.stray = false;
        self.return_to_entries();
        at + len
    }

    /// After damage an entry can only be an element of `entries`, at the depth where an array was last known.
    fn return_to_entries(&mut self) {
        let array = self.levels.iter().position(|level| matches!(level, Level::Entries | Level::Pages));
        self.levels.truncate(array.unwrap_or(DEEPEST - 1));
        self.levels.push(Level::Entries);
    }

    /// Reads one byte at the path's own levels.
    fn shallow(&mut self, chunk: Chunk<'_>, at: usize, out: &mut dyn Pieces) -> usize {
        let byte = chunk.bytes[at];
        match (self.state, self.levels.last()) {
            (State::Key, _) => self.in_key(byte),
            (State::String(true), _) => self.state = State::String(false),
            (State::String(false), _) => match byte {
                b'"' => self.state = State::Between,
                b'\\' => self.state = State::String(true),
                _ => {}
            },
            (_, None) => self.in_document(byte),
            (_, Some(Level::Logs)) => return self.in_logs(byte, at),
            (_, Some(Level::Holder)) => return self.in_holder(byte, at),
            (_, Some(Level::Entries)) => return self.in_array(Part::Entry, chunk, at, out),
            (_, Some(Level::Pages)) => return self.in_array(Part::Page, chunk, at, out),
        }
        at + 1
    }

    /// Outside everything: a byte-order mark's rest, `callback(`, `)]}'`, `;`.
    fn in_document(&mut self, byte: u8) {
        match byte {
            b'{' => self.enter(Level::Holder),
            b'[' => self.enter(Level::Logs),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.notes.wrapped = true,
        }
    }

    fn in_logs(&mut self, byte: u8, at: usize) -> usize {
        match byte {
            b'{' => self.enter(Level::Holder),
            b'[' => return self.begin(None, at),
            b']' => self.leave(),
            b'"' => self.state = State::String(false),
            _ => {}
        }
        at + 1
    }

    fn in_holder(&mut self, byte: u8, at: usize) -> usize {
        match byte {
            b'"' if self.value_next => self.state = State::String(false),
            b'"' => {
                self.key.clear();
                self.state = State::Key;
            }
            b':' => self.value_next = true,
            b',' => self.value_next = false,
            b'}' => self.leave(),
            b'{' | b'[' => return self.open(byte, at),
            _ => {}
        }
        at + 1
    }

    /// A container opens as a value in a holder: step in, keep it, or skip it.
    fn open(&mut self, byte: u8, at: usize) -> usize {
        let deeper = self.levels.len() < DEEPEST;
        match (self.key.as_slice(), byte) {
            (b"log", b'{') if deeper => self.enter(Level::Holder),
            (b"entries", b'[') if deeper => self.enter(Level::Entries),
            (b"pages", b'[') if deeper => self.enter(Level::Pages),
            (b"creator", b'{') => return self.begin(Some(Part::Creator), at),
            (b"browser", b'{') => return self.begin(Some(Part::Browser), at),
            _ => return self.begin(None, at),
        }
        at + 1
    }

    fn in_array(&mut self, part: Part, chunk: Chunk<'_>, at: usize, out: &mut dyn Pieces) -> usize {
        match chunk.bytes[at] {
            b'{' | b'[' => return self.element(part, chunk, at, out),
            b',' => self.end_stray(part, out),
            b']' => {
                self.end_stray(part, out);
                self.leave();
            }
            b'"' => {
                self.stray = true;
                self.state = State::String(false);
            }
            b':' | b'}' => {
                // The element before closed too early: what follows it belongs to it.
                out.piece(Piece { part, text: b"", ending: Ending::Damaged });
                self.lose();
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.stray = true,
        }
        at + 1
    }

    /// An array's element begins: where it lies in this chunk and within the limit, it may be read at once.
    fn element(&mut self, part: Part, chunk: Chunk<'_>, at: usize, out: &mut dyn Pieces) -> usize {
        if part == Part::Entry
            && let Some(window) = chunk.sound_from(at, self.limit)
            && let Some(len) = out.entry(window)
        {
            self.landmark.learn(&window.as_bytes()[..len], part);
            return at + len;
        }
        self.begin(Some(part), at)
    }

    /// An element that is neither object nor array still counts as one.
    fn end_stray(&mut self, part: Part, out: &mut dyn Pieces) {
        if std::mem::take(&mut self.stray) {
            out.piece(Piece { part, text: b"", ending: Ending::Complete });
        }
    }

    /// Collects a key; one longer than any that is read is remembered as a prefix that matches none.
    fn in_key(&mut self, byte: u8) {
        if byte != b'"' {
            if self.key.len() < 16 {
                self.key.push(byte);
            }
            return;
        }
        self.state = State::Between;
        let own: [&[u8]; 5] = [b"version", b"creator", b"browser", b"pages", b"entries"];
        self.notes.recognised |= self.inside_log() && own.contains(&self.key.as_slice());
    }

    /// Whether the innermost holder was entered through a `log` key.
    fn inside_log(&self) -> bool {
        matches!(self.levels.as_slice(), [.., Level::Holder, Level::Holder])
    }

    fn begin(&mut self, part: Option<Part>, at: usize) -> usize {
        self.part = part;
        self.scan = Scan::default();
        self.carry.clear();
        self.state = State::Value;
        at
    }

    fn enter(&mut self, level: Level) {
        self.levels.push(level);
        self.value_next = false;
        self.stray = false;
    }

    fn leave(&mut self) {
        self.levels.pop();
        // Whatever closed was a value of the container around it.
        self.value_next = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entries of `text`, each with why it ends, for every chunk size from 1 to `text`'s length.
    #[track_caller]
    fn check(limit: usize, text: &str, expected: &[(&str, Ending)]) {
        for size in 1..=text.len() {
            let mut splitter = Splitter::new(limit);
            let mut got = Vec::new();
            let mut keep =
                |piece: Piece<'_>| got.push((String::from_utf8_lossy(piece.text).into_owned(), piece.ending));
            text.as_bytes().chunks(size).for_each(|chunk| splitter.push(chunk, &mut keep));
            splitter.finish(&mut keep);
            let got: Vec<_> = got.iter().map(|(text, ending)| (text.as_str(), *ending)).collect();
            assert_eq!(got, expected, "chunks of {size}");
        }
    }

    #[test]
    fn splits() {
        use Ending::{Complete, Cut, Damaged, Oversized};
        check(
            99,
            r#"{"log":{"entries":[{"a":"}\\\"]"},{"b":[1,{}]}]}}"#,
            &[(r#"{"a":"}\\\"]"}"#, Complete), (r#"{"b":[1,{}]}"#, Complete)],
        );
        check(99, r#"{"x":{"entries":[{}]},"entries":[{"a":1}"#, &[(r#"{"a":1}"#, Complete)]);
        check(99, r#"{"entries":[{"a":1"#, &[(r#"{"a":1"#, Cut)]);
        check(
            99,
            r#"{"entries":[{"a":N},{"time":2},{"request":3}]}"#,
            &[(r#"{"a":"#, Damaged), (r#"{"request":3}"#, Complete)],
        );
        check(
            99,
            r#"{"entries":[{"own":1},{"a":N},{"own":2}]}"#,
            &[(r#"{"own":1}"#, Complete), (r#"{"a":"#, Damaged), (r#"{"own":2}"#, Complete)],
        );
        check(
            12,
            r#"{"entries":[{"a":"0123456789"},{"request":3}]}"#,
            &[(r#"{"a":"012345"#, Oversized), (r#"{"request":3"#, Oversized)],
        );
        check(
            13,
            r#"{"entries":[{"a":"0123456789"},{"request":3}]}"#,
            &[(r#"{"a":"0123456"#, Oversized), (r#"{"request":3}"#, Complete)],
        );
    }
}
