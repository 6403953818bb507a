//! One direction of an HTTP/1 connection: pieces of a stream become heads, body bytes and ends of messages.
//!
//! A gap is stepped over by framing: inside a body of known length nothing is lost but the bytes themselves. Where a gap
//! swallows the end of a message, the reader looks for the next head at the start of a piece and says that it did.

use super::{
    chunked::{Chunked, Step},
    head::{self, Head, Reading, Side},
};
use crate::{
    http::open::Span,
    stream::{Mark, Piece},
};

/// How a message's body is framed (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// This many bytes, none included.
    Length(u64),
    /// The chunked transfer coding.
    Chunked,
    /// Everything until the connection closes.
    UntilClose,
    /// No HTTP follows in this direction: an upgrade or a tunnel.
    Tunnel,
}

/// What is done with the messages of one direction.
pub(crate) trait Messages {
    /// A head was read, whole or (`cut`) as far as it was captured; says how the body is framed.
    fn head(&mut self, head: Head<'_>, cut: bool, span: Span) -> Framing;
    /// The next body bytes, transfer coding removed.
    fn body(&mut self, bytes: &[u8]);
    /// Body bytes that were not captured.
    fn body_gap(&mut self, len: u64);
    /// The message ended; `whole` unless its end was not captured.
    fn end(&mut self, whole: bool, mark: Mark);
    /// Messages may have been lost here.
    fn lost(&mut self);
    /// Bytes of whatever follows HTTP.
    fn tunnel(&mut self, piece: Piece<'_>, mark: Mark);
    /// Whether this direction may begin a new message although the present one runs until the connection closes.
    fn expects_more(&self) -> bool;
}

/// The largest head that is read; what is longer is cut there. Servers refuse more than 8 to 64 KiB.
const MOST_HEAD: usize = 1 << 20;

/// Reads one direction.
pub(crate) struct Reader {
    side: Side,
    state: State,
    /// Start of a head that no piece held whole.
    held: Vec<u8>,
    /// Where the present message began.
    first: Option<Mark>,
}

enum State {
    /// Between messages.
    Start,
    /// In a body with this many bytes to come.
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    /// Out of step: waiting for a piece that begins with a head.
    Lost,
    Tunnel,
}

impl Reader {
    pub(crate) fn new(side: Side) -> Self {
        Self { side, state: State::Start, held: Vec::new(), first: None }
    }

    /// Takes the next piece.
    pub(crate) fn piece(&mut self, piece: Piece<'_>, mark: Mark, out: &mut impl Messages) {
        match piece {
            Piece::Data(bytes) => self.data(bytes, mark, out),
            Piece::Gap(len) => self.gap(len, mark, out),
        }
    }

    /// The stream ended.
    pub(crate) fn finish(&mut self, mark: Mark, out: &mut impl Messages) {
        match std::mem::replace(&mut self.state, State::Lost) {
            State::Start => self.cut_head(mark, out),
            State::Length(_) | State::Chunked(_) => out.end(false, mark),
            State::UntilClose => out.end(true, mark),
            State::Lost => {}
            State::Tunnel => self.state = State::Tunnel,
        }
    }

    /// What follows on this side is not HTTP: the other side has agreed to speak something else.
    pub(crate) fn become_tunnel(&mut self) {
        self.state = State::Tunnel;
        self.held.clear();
    }

    fn data(&mut self, mut bytes: &[u8], mark: Mark, out: &mut impl Messages) {
        if self.out_of_step(bytes, mark, out) {
            return;
        }
        while !bytes.is_empty() {
            let used = match &mut self.state {
                State::Start => self.start(bytes, mark, out),
                State::Length(left) => {
                    let take = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    out.body(&bytes[..take]);
                    *left -= take as u64;
                    if *left == 0 {
                        self.end(true, mark, out);
                    }
                    take
                }
                State::Chunked(chunked) => {
                    let (used, step) = chunked.read(bytes);
                    match step {
                        Step::Data(range) => out.body(&bytes[range]),
                        Step::Framing => {}
                        Step::End => self.end(true, mark, out),
                        Step::Broken => self.lose(mark, out),
                    }
                    used
                }
                State::UntilClose => {
                    out.body(bytes);
                    bytes.len()
                }
                State::Lost => bytes.len(),
                State::Tunnel => {
                    out.tunnel(Piece::Data(bytes), mark);
                    bytes.len()
                }
            };
            bytes = &bytes[used..];
        }
    }

    /// Finds the next message where this one has no end, or its end was lost; says whether the piece is of no use.
    fn out_of_step(&mut self, bytes: &[u8], mark: Mark, out: &mut impl Messages) -> bool {
        match self.state {
            State::Lost => {
                if head::resumes(self.side, bytes) {
                    self.state = State::Start;
                    return false;
                }
                true
            }
            State::UntilClose => {
                if self.side == Side::Server && out.expects_more() && head::resumes(self.side, bytes) {
                    self.end(false, mark, out);
                }
                false
            }
            _ => false,
        }
    }

    /// Reads a head at the start of `bytes`; says how many bytes it used.
    fn start(&mut self, bytes: &[u8], mark: Mark, out: &mut impl Messages) -> usize {
        if self.held.is_empty() {
            // Empty lines before a message are ignored (RFC 9112 §2.2).
            let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if blank > 0 {
                return blank;
            }
            self.first = Some(mark);
            return match head::read(self.side, bytes) {
                Reading::Whole(head) => {
                    let len = head.len;
                    self.begin(head, false, mark, out);
                    len
                }
                Reading::Partial => {
                    self.held.extend_from_slice(bytes);
                    bytes.len()
                }
                Reading::Other => {
                    self.lose(mark, out);
                    bytes.len()
                }
            };
        }
        self.continue_head(bytes, mark, out)
    }

    /// Goes on with a head that began in an earlier piece. It is read anew only when its end may be there.
    fn continue_head(&mut self, bytes: &[u8], mark: Mark, out: &mut impl Messages) -> usize {
        let before = self.held.len();
        let room = bytes.len().min(MOST_HEAD.saturating_sub(before));
        self.held.extend_from_slice(&bytes[..room]);
        let held = std::mem::take(&mut self.held);
        if room == 0 {
            self.too_long(&held, mark, out);
            return 0;
        }
        let recent = &held[before.saturating_sub(3)..];
        if !recent.windows(2).any(|pair| pair == b"\n\n") && !recent.windows(3).any(|three| three == b"\n\r\n") {
            self.held = held;
            return room;
        }
        match head::read(self.side, &held) {
            Reading::Whole(head) => {
                let used = head.len.saturating_sub(before);
                self.begin(head, false, mark, out);
                used
            }
            Reading::Partial => {
                self.held = held;
                room
            }
            Reading::Other => {
                self.lose(mark, out);
                bytes.len()
            }
        }
    }

    /// A head beyond [`MOST_HEAD`]: what was read of it counts as cut.
    fn too_long(&mut self, held: &[u8], mark: Mark, out: &mut impl Messages) {
        if let Some(head) = head::read_cut(self.side, held) {
            self.begin(head, true, mark, out);
        } else {
            self.lose(mark, out);
        }
    }

    fn begin(&mut self, head: Head<'_>, cut: bool, mark: Mark, out: &mut impl Messages) {
        let span = Span { first: self.first.unwrap_or(mark), last: mark };
        let framing = out.head(head, cut, span);
        if cut {
            // Where the body begins is unknown, so where the next message begins is, too.
            out.end(false, mark);
            out.lost();
            self.state = State::Lost;
            return;
        }
        self.state = match framing {
            Framing::Length(0) => return self.end(true, mark, out),
            Framing::Length(len) => State::Length(len),
            Framing::Chunked => State::Chunked(Chunked::default()),
            Framing::UntilClose => State::UntilClose,
            Framing::Tunnel => {
                out.end(true, mark);
                State::Tunnel
            }
        };
    }

    fn end(&mut self, whole: bool, mark: Mark, out: &mut impl Messages) {
        self.state = State::Start;
        out.end(whole, mark);
    }

    /// The present message, if any, ends here without its end, and what follows is unknown.
    fn lose(&mut self, mark: Mark, out: &mut impl Messages) {
        if !matches!(self.state, State::Start | State::Lost) {
            out.end(false, mark);
        }
        self.held.clear();
        self.state = State::Lost;
        out.lost();
    }

    /// A head whose rest is not in the capture.
    fn cut_head(&mut self, mark: Mark, out: &mut impl Messages) {
        let held = std::mem::take(&mut self.held);
        if let Some(head) = head::read_cut(self.side, &held) {
            self.begin(head, true, mark, out);
        }
    }

    fn gap(&mut self, len: u64, mark: Mark, out: &mut impl Messages) {
        match &mut self.state {
            State::Start => {
                self.cut_head(mark, out);
                // Whole messages may be missing, too.
                self.lose(mark, out);
            }
            State::Length(left) if len <= *left => {
                *left -= len;
                out.body_gap(len);
                if *left == 0 {
                    self.end(true, mark, out);
                }
            }
            State::Length(_) => {
                out.body_gap(len);
                self.lose(mark, out);
            }
            State::Chunked(chunked) => {
                let in_step = chunked.skip(len);
                out.body_gap(len);
                if !in_step {
                    self.lose(mark, out);
                }
            }
            State::UntilClose => out.body_gap(len),
            State::Lost => {}
            State::Tunnel => out.tunnel(Piece::Gap(len), mark),
        }
    }
}
