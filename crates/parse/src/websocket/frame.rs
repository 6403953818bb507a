//! Frames of WebSocket (RFC 6455 §5): their headers and masks, however they are cut into pieces.

use crate::stream::Piece;

/// Bytes of the longest header: two, eight of the length, four of the mask.
const MOST_HEADER: usize = 14;

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Whether it is the last frame of its message.
    pub(super) last: bool,
    /// Whether its message is compressed (RSV1, RFC 7692 §6).
    pub(super) compressed: bool,
    pub(super) opcode: u8,
    mask: [u8; 4],
    length: u64,
}

impl Header {
    /// Whether it controls the connection and belongs to no message.
    pub(super) fn is_control(&self) -> bool {
        self.opcode >= 8
    }

    /// Reads the header at the start of `bytes`, and how long it is: `Ok(None)` where bytes are missing, an error where it
    /// is none.
    fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, Broken> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        let opcode = first & 0x0f;
        // RSV2 and RSV3 mean nothing; opcodes 3 to 7 and 11 to 15 are reserved (RFC 6455 §5.2).
        if first & 0x30 != 0 || !matches!(opcode, 0..=2 | 8..=10) {
            return Err(Broken);
        }
        let (length, taken) = match (second & 0x7f, rest) {
            (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
            (127, long) if long.len() >= 8 => (u64::from_be_bytes(*long.first_chunk().ok_or(Broken)?), 8),
            (126 | 127, _) => return Ok(None),
            (short, _) => (u64::from(short), 0),
        };
        let masked = second & 0x80 != 0;
        let mask = match (masked, rest[taken..].first_chunk()) {
            (true, Some(mask)) => *mask,
            (true, None) => return Ok(None),
            (false, _) => [0; 4],
        };
        let header = Self { last: first & 0x80 != 0, compressed: first & 0x40 != 0, opcode, mask, length };
        // Control frames are short and whole (RFC 6455 §5.5); the highest bit of a length is never set.
        if (header.is_control() && (length > 125 || !header.last)) || length >> 63 != 0 {
            return Err(Broken);
        }
        Ok(Some((header, 2 + taken + if masked { 4 } else { 0 })))
    }
}

/// The bytes are no frame header.
struct Broken;

/// What is done with the frames of one direction.
pub(super) trait Frames {
    /// A frame begins.
    fn begin(&mut self, header: &Header);
    /// The next bytes of a payload, mask removed.
    fn payload(&mut self, header: &Header, bytes: &[u8]);
    /// Bytes of a payload that were not captured.
    fn payload_gap(&mut self, header: &Header);
    /// A frame has ended.
    fn end(&mut self, header: &Header);
    /// Frames were lost: nothing more is read of this direction until one stands at the start of a piece.
    fn lost(&mut self);
}

/// Reads one direction.
#[derive(Default)]
pub(super) struct Reader {
    state: State,
    /// Start of a header that no piece held whole.
    held: Vec<u8>,
}

#[derive(Default)]
enum State {
    #[default]
    Header,
    /// In a payload, of which this much was read.
    Payload(Header, u64),
    Lost,
}

/// Bytes that are unmasked at a time.
const CHUNK: usize = 1024;

impl Reader {
    /// Takes the next piece.
    pub(super) fn piece(&mut self, piece: Piece<'_>, out: &mut impl Frames) {
        match piece {
            Piece::Data(bytes) => self.data(bytes, out),
            Piece::Gap(len) => self.gap(len, out),
        }
    }

    fn data(&mut self, mut bytes: &[u8], out: &mut impl Frames) {
        if matches!(self.state, State::Lost) {
            if !resumes(bytes) {
                return;
            }
            self.state = State::Header;
        }
        while !bytes.is_empty() {
            let used = match &mut self.state {
                State::Header => {
                    let before = self.held.len();
                    let take = (MOST_HEADER - before).min(bytes.len());
                    self.held.extend_from_slice(&bytes[..take]);
                    match Header::read(&self.held) {
                        Ok(Some((header, length))) => {
                            self.held.clear();
                            self.state = State::Payload(header, 0);
                            out.begin(&header);
                            self.end_if_whole(out);
                            length - before
                        }
                        Ok(None) => take,
                        Err(Broken) => {
                            self.lose(out);
                            return;
                        }
                    }
                }
                State::Payload(header, read) => {
                    let left = usize::try_from(header.length - *read).unwrap_or(usize::MAX);
                    let take = left.min(bytes.len());
                    unmask(header, *read, &bytes[..take], out);
                    *read += take as u64;
                    self.end_if_whole(out);
                    take
                }
                State::Lost => return,
            };
            bytes = &bytes[used..];
        }
    }

    fn end_if_whole(&mut self, out: &mut impl Frames) {
        if let State::Payload(header, read) = self.state
            && read == header.length
        {
            self.state = State::Header;
            out.end(&header);
        }
    }

    fn gap(&mut self, len: u64, out: &mut impl Frames) {
        match &mut self.state {
            State::Payload(header, read) if len <= header.length - *read => {
                *read += len;
                out.payload_gap(header);
                self.end_if_whole(out);
            }
            State::Lost => {}
            State::Header | State::Payload(..) => self.lose(out),
        }
    }

    fn lose(&mut self, out: &mut impl Frames) {
        self.held.clear();
        self.state = State::Lost;
        out.lost();
    }
}

/// Whether a piece is frames from its start to its very end: weak headers need strong company.
fn resumes(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Ok(Some((header, length))) = Header::read(rest) {
        let Some(after) = usize::try_from(header.length).ok().and_then(|payload| rest.get(length + payload..)) else {
            return false;
        };
        if after.is_empty() {
            return true;
        }
        rest = after;
    }
    false
}

/// Hands on payload bytes that stand at `offset` of their frame.
fn unmask(header: &Header, offset: u64, bytes: &[u8], out: &mut impl Frames) {
    if header.mask == [0; 4] {
        out.payload(header, bytes);
        return;
    }
    let mut clear = [0; CHUNK];
    let mut place = (offset % 4) as usize;
    for part in bytes.chunks(CHUNK) {
        for (clear, byte) in clear.iter_mut().zip(part) {
            *clear = byte ^ header.mask[place];
            place = (place + 1) % 4;
        }
        out.payload(header, &clear[..part.len()]);
    }
}
