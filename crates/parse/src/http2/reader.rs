//! One direction of an HTTP/2 connection: pieces of a stream become frames.
//!
//! A gap within a payload costs that payload; where it swallows a frame header, the reader looks for the next one at the
//! start of a piece and says that frames were lost. DATA passes through without being held.

use super::frame::{self, FrameHeader, HEADER, Type, flag};
use crate::{
    http::open::Span,
    http1::head::Side,
    stream::{Mark, Piece},
};

/// The client connection preface (RFC 9113 §3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes kept of a payload that no piece held whole. Peers refuse more than 16 KiB unless they ask for it.
const MOST_PAYLOAD: usize = 1 << 20;

/// A frame other than DATA.
pub(super) struct Frame<'a> {
    pub(super) header: FrameHeader,
    pub(super) payload: &'a [u8],
    /// Whether the payload is longer than what is here.
    pub(super) cut: bool,
    pub(super) span: Span,
}

/// What is done with the frames of one direction.
pub(super) trait Frames {
    /// A frame other than DATA.
    fn frame(&mut self, frame: Frame<'_>);
    /// Bytes of a stream, padding removed.
    fn data(&mut self, stream: u32, bytes: &[u8], mark: Mark);
    /// Bytes of a stream that were not captured.
    fn data_gap(&mut self, stream: u32, len: u64, mark: Mark);
    /// A DATA frame has ended.
    fn data_end(&mut self, header: FrameHeader, mark: Mark);
    /// Frames may have been lost here; `broken` where what was captured is no frame.
    fn lost(&mut self, broken: bool, mark: Mark);
    /// Whether a frame of `stream` is to be expected.
    fn knows(&self, stream: u32) -> bool;
}

/// Reads one direction.
pub(super) struct Reader {
    state: State,
    /// Start of a header or payload that no piece held whole.
    held: Vec<u8>,
    /// Where the present frame began.
    first: Option<Mark>,
}

enum State {
    /// In the preface, of which this much was read.
    Preface(usize),
    Header,
    /// In a payload of which this much is to come.
    Payload(FrameHeader, usize),
    /// In DATA: bytes to come, those of the padding among them, which are unknown until the first byte was read.
    Data {
        header: FrameHeader,
        left: u32,
        padding: Option<u32>,
    },
    /// In a payload that is of no use any more, with this many bytes to come.
    Skip(u64),
    /// Out of step: waiting for a piece that begins with a frame.
    Lost,
}

impl Reader {
    /// A reader at the start of what `side` says.
    pub(super) fn new(side: Side) -> Self {
        let state = if side == Side::Client { State::Preface(0) } else { State::Header };
        Self { state, held: Vec::new(), first: None }
    }

    /// A reader of a direction whose start was not captured.
    pub(super) fn midway() -> Self {
        Self { state: State::Lost, held: Vec::new(), first: None }
    }

    /// Takes the next piece.
    pub(super) fn piece(&mut self, piece: Piece<'_>, mark: Mark, out: &mut impl Frames) {
        match piece {
            Piece::Data(bytes) => self.data(bytes, mark, out),
            Piece::Gap(len) => self.gap(len, mark, out),
        }
    }

    fn data(&mut self, mut bytes: &[u8], mark: Mark, out: &mut impl Frames) {
        if matches!(self.state, State::Lost) {
            if !resumes(bytes, out) {
                return;
            }
            self.state = State::Header;
        }
        while !bytes.is_empty() {
            let used = match &mut self.state {
                &mut State::Preface(read) => {
                    let expected = &PREFACE[read..];
                    let shared = expected.len().min(bytes.len());
                    if bytes[..shared] != expected[..shared] {
                        // The preface was not captured, or this is none: whatever begins here is not the start.
                        self.lose(read > 0, mark, out);
                        return self.data(bytes, mark, out);
                    }
                    let whole = shared == expected.len();
                    self.state = if whole { State::Header } else { State::Preface(read + shared) };
                    shared
                }
                State::Header => self.header(bytes, mark, out),
                State::Payload(header, left) => {
                    let (header, take) = (*header, (*left).min(bytes.len()));
                    *left -= take;
                    let whole = *left == 0;
                    let room = MOST_PAYLOAD.saturating_sub(self.held.len());
                    self.held.extend_from_slice(&bytes[..take.min(room)]);
                    if whole {
                        self.whole_payload(header, mark, out);
                    }
                    take
                }
                State::Data { .. } => self.data_payload(bytes, mark, out),
                State::Skip(left) => {
                    let take = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= take as u64;
                    if *left == 0 {
                        self.state = State::Header;
                    }
                    take
                }
                State::Lost => bytes.len(),
            };
            bytes = &bytes[used..];
        }
    }

    /// Reads a frame header, and its payload if it is all there; says how many bytes that took.
    fn header(&mut self, bytes: &[u8], mark: Mark, out: &mut impl Frames) -> usize {
        let before = self.held.len();
        let (header, used) = if before == 0 {
            self.first = Some(mark);
            match FrameHeader::at(bytes) {
                Some(header) => (header, HEADER),
                None => {
                    self.held.extend_from_slice(bytes);
                    return bytes.len();
                }
            }
        } else {
            let used = (HEADER - before).min(bytes.len());
            self.held.extend_from_slice(&bytes[..used]);
            let Some(header) = FrameHeader::at(&self.held) else { return used };
            self.held.clear();
            (header, used)
        };
        if !header.keeps_rules() {
            self.lose(true, mark, out);
            return bytes.len();
        }
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        if header.kind == Type::Data {
            let padding = (!header.has(flag::PADDED)).then_some(0);
            self.state = State::Data { header, left: header.length, padding };
            if length == 0 {
                self.end_data(header, mark, out);
            }
            return used;
        }
        if let Some(payload) = bytes.get(used..used + length) {
            out.frame(Frame { header, payload, cut: false, span: self.span(mark) });
            return used + length;
        }
        self.state = State::Payload(header, length);
        used
    }

    fn whole_payload(&mut self, header: FrameHeader, mark: Mark, out: &mut impl Frames) {
        self.state = State::Header;
        self.held_payload(header, mark, out);
    }

    /// Hands on what is held of a payload.
    fn held_payload(&mut self, header: FrameHeader, mark: Mark, out: &mut impl Frames) {
        let payload = std::mem::take(&mut self.held);
        let cut = payload.len() as u64 != u64::from(header.length);
        out.frame(Frame { header, payload: &payload, cut, span: self.span(mark) });
    }

    fn data_payload(&mut self, bytes: &[u8], mark: Mark, out: &mut impl Frames) -> usize {
        let State::Data { header, left, padding } = &mut self.state else { return 0 };
        let header = *header;
        let used = if let Some(padding) = *padding {
            let take = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
            let content = usize::try_from(left.saturating_sub(padding)).unwrap_or(usize::MAX).min(take);
            *left = left.saturating_sub(u32::try_from(take).unwrap_or(u32::MAX));
            if content > 0 {
                out.data(header.stream, &bytes[..content], mark);
            }
            take
        } else {
            *left -= 1;
            *padding = Some(u32::from(bytes[0]));
            1
        };
        if matches!(self.state, State::Data { left: 0, .. }) {
            self.end_data(header, mark, out);
        }
        used
    }

    fn end_data(&mut self, header: FrameHeader, mark: Mark, out: &mut impl Frames) {
        self.state = State::Header;
        out.data_end(header, mark);
    }

    fn gap(&mut self, len: u64, mark: Mark, out: &mut impl Frames) {
        match &mut self.state {
            State::Lost => {}
            State::Preface(_) | State::Header => self.lose(false, mark, out),
            State::Payload(header, left) => {
                let (header, left) = (*header, *left as u64);
                self.held_payload(header, mark, out);
                self.skip(left, len, mark, out);
            }
            State::Skip(left) => {
                let left = *left;
                self.skip(left, len, mark, out);
            }
            State::Data { header, left, padding } => {
                let header = *header;
                let within = u64::from(*left).min(len);
                let content = u64::from(left.saturating_sub(padding.unwrap_or(0))).min(within);
                padding.get_or_insert(0);
                *left -= u32::try_from(within).unwrap_or(*left);
                let over = *left == 0;
                out.data_gap(header.stream, content, mark);
                if over {
                    self.end_data(header, mark, out);
                }
                if len > within {
                    self.lose(false, mark, out);
                }
            }
        }
    }

    /// Steps over a gap of `len` bytes where `left` bytes of the payload are to come.
    fn skip(&mut self, left: u64, len: u64, mark: Mark, out: &mut impl Frames) {
        self.state = match left.checked_sub(len) {
            Some(0) => State::Header,
            Some(left) => State::Skip(left),
            None => return self.lose(false, mark, out),
        };
    }

    fn lose(&mut self, broken: bool, mark: Mark, out: &mut impl Frames) {
        self.held.clear();
        self.state = State::Lost;
        out.lost(broken, mark);
    }

    fn span(&self, mark: Mark) -> Span {
        Span { first: self.first.unwrap_or(mark), last: mark }
    }
}

/// Whether a piece begins with a frame: two of them in a row, one that ends where the piece ends, or one of a stream that
/// is open.
fn resumes(bytes: &[u8], out: &impl Frames) -> bool {
    let mut expected = false;
    let run = frame::run(bytes, |header, _| expected |= header.stream != 0 && out.knows(header.stream));
    run.is_some_and(|run| run.exact || run.count >= 2 || expected)
}
