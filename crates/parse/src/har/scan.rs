//! Finds where a JSON value ends by counting brackets outside strings, over text that comes in chunks.

use memchr::memchr2;

/// Where a scan stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The value's last bracket is the byte before this length.
    Closed(usize),
    /// The byte at this length cannot stand outside a string.
    Damaged(usize),
    /// All was read and the value goes on.
    More,
}

/// Position inside a value: how deep, and whether in a string.
#[derive(Clone, Copy, Default)]
pub(super) struct Scan {
    depth: u64,
    in_string: bool,
    escaped: bool,
}

/// Strings shorter than this are read byte by byte: a vectorised search costs more to start than it saves.
const SHORT: usize = 16;

const PLAIN: u8 = 0;
const QUOTE: u8 = 1;
const OPEN: u8 = 2;
const CLOSE: u8 = 3;
const ILLEGAL: u8 = 4;

/// What each byte means outside a string. Letters are those of `true`, `false`, `null` and exponents.
const CLASS: [u8; 256] = {
    let mut class = [ILLEGAL; 256];
    let plain = b" \t\r\n,:0123456789+-.eEtrufalsn";
    let mut i = 0;
    while i < plain.len() {
        class[plain[i] as usize] = PLAIN;
        i += 1;
    }
    class[b'"' as usize] = QUOTE;
    class[b'{' as usize] = OPEN;
    class[b'[' as usize] = OPEN;
    class[b'}' as usize] = CLOSE;
    class[b']' as usize] = CLOSE;
    class
};

impl Scan {
    /// A scan that has read an object's opening brace and a whole key.
    pub(super) fn in_object() -> Self {
        Self { depth: 1, ..Self::default() }
    }

    /// Reads on; the first byte of a fresh scan is the value's opening bracket.
    pub(super) fn run(&mut self, text: &[u8]) -> Stop {
        let mut at = 0;
        while at < text.len() {
            if self.in_string {
                let Some(after) = self.string(text, at) else { return Stop::More };
                at = after;
                continue;
            }
            let Some(skip) = text[at..].iter().position(|&b| CLASS[b as usize] != PLAIN) else { return Stop::More };
            at += skip;
            match CLASS[text[at] as usize] {
                QUOTE => self.in_string = true,
                OPEN => self.depth += 1,
                CLOSE if self.depth <= 1 => return Stop::Closed(at + 1),
                CLOSE => self.depth -= 1,
                _ => return Stop::Damaged(at),
            }
            at += 1;
        }
        Stop::More
    }

    /// Reads to behind the closing quote; `None` where the text ends first.
    fn string(&mut self, text: &[u8], mut at: usize) -> Option<usize> {
        loop {
            if self.escaped {
                text.get(at)?;
                self.escaped = false;
                at += 1;
            }
            at += quote_or_backslash(text.get(at..)?)?;
            if text[at] == b'"' {
                self.in_string = false;
                return Some(at + 1);
            }
            self.escaped = true;
            at += 1;
        }
    }
}

fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    let near = &text[..text.len().min(SHORT)];
    if let Some(at) = near.iter().position(|&b| b == b'"' || b == b'\\') {
        return Some(at);
    }
    memchr2(b'"', b'\\', &text[near.len()..]).map(|at| at + near.len())
}
