//! Puts the ClientHello together that CRYPTO frames bring, in whatever pieces and order: clients shuffle them on purpose.

use super::frames::Crypto;
use crate::{
    stream::{Mark, Payload, Piece, Stream},
    tls::hello::{self, Hello, Reading},
};

/// Longest ClientHello that is waited for: those with post-quantum key shares and tickets have some 4 KiB.
const MOST_HELLO: usize = 16 << 10;

/// A ClientHello under way.
pub(super) struct Assembly {
    stream: Stream,
    /// What came in order.
    bytes: Vec<u8>,
}

/// What a client's handshake is, so far.
pub(super) enum Progress {
    /// Not all there.
    Partial,
    /// Read.
    Hello(Box<Hello>),
    /// Nothing that will become one.
    Unreadable,
}

impl Assembly {
    pub(super) fn new() -> Self {
        let mut stream = Stream::default();
        // So that offset 0 is sequence number 0.
        stream.open(u32::MAX);
        Self { stream, bytes: Vec::new() }
    }

    /// Takes a piece that came with `mark`.
    pub(super) fn push(&mut self, piece: &Crypto<'_>, mark: Mark) -> Progress {
        let end = piece.offset.saturating_add(piece.bytes.len() as u64);
        let Some(offset) = u32::try_from(piece.offset).ok().filter(|_| end <= MOST_HELLO as u64) else {
            return Progress::Unreadable;
        };
        let Self { stream, bytes } = self;
        let mut sink = |piece: Piece<'_>, _: Mark| {
            if let Piece::Data(data) = piece {
                bytes.extend_from_slice(data);
            }
        };
        stream.push(offset, Payload { bytes: piece.bytes, cut: 0, after: 0 }, mark, 0, &mut sink);
        while stream.first_held().is_some_and(|held| held.is_next) {
            stream.deliver_held(&mut sink);
        }
        // Pieces that overlap on purpose could hold more than there is to hold.
        if stream.held_bytes() > MOST_HELLO {
            return Progress::Unreadable;
        }
        match hello::read(&self.bytes) {
            Reading::Partial => Progress::Partial,
            Reading::Hello(hello) => Progress::Hello(hello),
            Reading::Other => Progress::Unreadable,
        }
    }
}
