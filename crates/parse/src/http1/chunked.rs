//! The chunked transfer coding (RFC 9112 §7.1): sizes, data and trailers, told apart however they are cut into pieces.

use std::ops::Range;

/// Bytes of a size line, extensions included, beyond which the framing is taken for broken.
const MOST_LINE: u32 = 16 * 1024;
/// Bytes of trailers beyond which the framing is taken for broken.
const MOST_TRAILERS: u32 = 64 * 1024;

/// What the next bytes were.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Body bytes at this range.
    Data(Range<usize>),
    /// Nothing but framing.
    Framing,
    /// The end of the message.
    End,
    /// No chunked coding: what follows cannot be framed.
    Broken,
}

/// Position in a chunked body.
#[derive(Default)]
pub(crate) enum Chunked {
    /// In a size line; the value so far, whether it has ended, and the bytes read.
    #[default]
    Begin,
    Size {
        size: u64,
        digits: bool,
        done: bool,
        read: u32,
    },
    /// In data with this many bytes to come.
    Data(u64),
    /// Behind data, before the line's end.
    DataEnd,
    /// In the trailers; bytes of the present line and of all lines.
    Trailers {
        line: u32,
        read: u32,
    },
}

impl Chunked {
    /// Reads from the start of `bytes`: how many were used, at least one, and what they were.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> (usize, Step) {
        if let Self::Data(left) = self {
            let take = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
            *left -= take as u64;
            if *left == 0 {
                *self = Self::DataEnd;
            }
            return (take, Step::Data(0..take));
        }
        for (index, byte) in bytes.iter().enumerate() {
            match self.framing(*byte) {
                Ok(false) if matches!(self, Self::Data(_)) => return (index + 1, Step::Framing),
                Ok(false) => {}
                Ok(true) => return (index + 1, Step::End),
                Err(Broken) => return (bytes.len(), Step::Broken),
            }
        }
        (bytes.len(), Step::Framing)
    }

    /// Steps over `len` bytes that are not in the capture; `false` where they reach beyond the present chunk.
    pub(crate) fn skip(&mut self, len: u64) -> bool {
        match self {
            Self::Data(left) if len <= *left => {
                *left -= len;
                if *left == 0 {
                    *self = Self::DataEnd;
                }
                true
            }
            _ => false,
        }
    }

    /// Takes one byte that is not data; `true` where it ends the message.
    fn framing(&mut self, byte: u8) -> Result<bool, Broken> {
        match self {
            Self::Begin => {
                *self = Self::Size { size: 0, digits: false, done: false, read: 0 };
                return self.framing(byte);
            }
            Self::Size { size, digits, done, read } => {
                *read += 1;
                let value = char::from(byte).to_digit(16).filter(|_| !*done);
                match (byte, value) {
                    (b'\n', _) if *digits => {
                        *self = if *size == 0 { Self::Trailers { line: 0, read: 0 } } else { Self::Data(*size) };
                    }
                    (_, Some(value)) => {
                        // A size that does not fit is no size: nothing that long was captured.
                        *size =
                            size.checked_mul(16).and_then(|size| size.checked_add(u64::from(value))).ok_or(Broken)?;
                        *digits = true;
                    }
                    // Blanks may stand before the digits; behind them comes an extension or the line's end.
                    (b' ' | b'\t', _) if !*digits => {}
                    (b';' | b' ' | b'\t' | b'\r', _) if *digits => *done = true,
                    _ if !*done => return Err(Broken),
                    _ => {}
                }
                if let Self::Size { read, .. } = self
                    && *read > MOST_LINE
                {
                    return Err(Broken);
                }
            }
            Self::DataEnd => match byte {
                b'\r' => {}
                b'\n' => *self = Self::Begin,
                _ => return Err(Broken),
            },
            Self::Trailers { line, read } => {
                *read += 1;
                match byte {
                    b'\n' if *line == 0 => return Ok(true),
                    b'\n' => *line = 0,
                    b'\r' => {}
                    _ => *line += 1,
                }
                if *read > MOST_TRAILERS {
                    return Err(Broken);
                }
            }
            // `read` takes data itself.
            Self::Data(_) => {}
        }
        Ok(false)
    }
}

/// The bytes are no chunked coding.
struct Broken;
