//! What the first bytes of a connection are the start of.

use std::net::SocketAddr;

use super::{proxy_header, socks};
use crate::{
    http1::head::{self, Side},
    http2,
    stream::Piece,
    tls,
};

/// The first bytes of a connection, until they tell its protocol.
#[derive(Default)]
pub(super) struct Undecided {
    /// By presumed side: bytes that may still become the start of something.
    pub(super) held: [Vec<u8>; 2],
    /// By presumed side: whether bytes of it were given up, so that what is held is not its start.
    begun: [bool; 2],
    /// Pieces that were nothing.
    strange: u16,
    /// Whether the start was not captured: then any later piece may begin a message.
    pub(super) mid_stream: bool,
    /// Client that a load balancer states in front of the first bytes.
    pub(super) stated_client: Option<SocketAddr>,
}

/// Bytes held of one side while its protocol is open: longer than any request line that servers accept.
const MOST_UNDECIDED: usize = 16 * 1024;
/// Strange pieces after which a connection that was seen from its start is not looked at any more.
const MOST_STRANGE: u16 = 8;

/// What the start of one side is.
pub(super) enum Guess {
    /// A message of this side.
    Http1(Side),
    /// The start of HTTP/2, from its client.
    Http2,
    /// A later part of HTTP/2, from this side.
    Http2Midway(Side),
    /// TLS, and who began it where that shows.
    Tls(Option<Side>),
    /// The greeting of a client to a SOCKS server.
    Socks,
    /// More bytes will tell.
    Open,
    Other,
}

impl Undecided {
    /// The first bytes of a connection, or of what the capture shows of it.
    pub(super) fn new(mid_stream: bool) -> Self {
        Self { mid_stream, ..Self::default() }
    }

    /// What comes after a handshake that was none: nothing is held against it.
    pub(super) fn again(mid_stream: bool) -> Self {
        Self { begun: [true; 2], mid_stream, ..Self::default() }
    }

    /// Takes a piece; answers once the protocol is told, or given up.
    pub(super) fn piece(&mut self, side: Side, piece: Piece<'_>) -> Option<Guess> {
        let held = &mut self.held[side as usize];
        let Piece::Data(bytes) = piece else {
            held.clear();
            self.mid_stream = true;
            return None;
        };
        held.extend_from_slice(bytes);
        if !self.begun[side as usize] && !self.mid_stream {
            // What stands in front of everything else.
            match proxy_header::read(held) {
                proxy_header::Reading::Whole(header) => {
                    held.drain(..header.length);
                    self.stated_client = header.client;
                    if held.is_empty() {
                        return None;
                    }
                }
                proxy_header::Reading::Partial => return None,
                proxy_header::Reading::Other => {}
            }
            match socks::begins(held) {
                Some(true) => return Some(Guess::Socks),
                None => return None,
                Some(false) => {}
            }
        }
        if self.mid_stream && tls::continues(held) {
            return Some(Guess::Tls(None));
        }
        let guess = guess(side, held);
        if self.mid_stream
            && matches!(guess, Guess::Open | Guess::Other)
            && let Some(sender) = http2::midway(held)
        {
            return Some(Guess::Http2Midway(sender));
        }
        match guess {
            Guess::Open if held.len() < MOST_UNDECIDED => None,
            Guess::Open | Guess::Other => {
                held.clear();
                self.begun[side as usize] = true;
                self.strange = self.strange.saturating_add(1);
                (self.strange > MOST_STRANGE && !self.mid_stream).then_some(Guess::Other)
            }
            told => Some(told),
        }
    }
}

fn guess(side: Side, bytes: &[u8]) -> Guess {
    // Empty lines before a request are ignored (RFC 9112 §2.2).
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let bytes = &bytes[blank..];
    if bytes.starts_with(http2::PREFACE) {
        return Guess::Http2;
    }
    if http2::PREFACE.starts_with(bytes) {
        return Guess::Open;
    }
    match tls::begins(bytes) {
        Some(true) => return Guess::Tls(Some(tls::begun_by(bytes))),
        None => return Guess::Open,
        Some(false) => {}
    }
    for sender in [Side::Client, Side::Server] {
        if head::begins(sender, bytes) {
            return Guess::Http1(sender);
        }
        if head::may_begin(sender, bytes) && memchr::memchr(b'\n', bytes).is_none() {
            return Guess::Open;
        }
    }
    // The server may speak first, and its client's preface tells.
    if side == Side::Server && http2::may_be_settings(bytes) { Guess::Open } else { Guess::Other }
}
