//! What a connection said so far, kept while its secrets may still come.

use crate::{
    http1::head::Side,
    shard::Outbox,
    stream::{Mark, Piece},
};

/// A connection's pieces in order.
#[derive(Default)]
pub(super) struct Hold {
    bytes: Vec<u8>,
    pieces: Vec<Held>,
    /// Bytes reserved for it.
    reserved: usize,
}

/// One piece.
struct Held {
    side: Side,
    mark: Mark,
    /// Bytes of the piece, or bytes missing.
    len: u64,
    gap: bool,
}

impl Hold {
    /// Keeps a piece; says whether there was room for it.
    pub(super) fn add(&mut self, side: Side, piece: Piece<'_>, mark: Mark, outbox: &mut Outbox) -> bool {
        let (bytes, len) = match piece {
            Piece::Data(bytes) => (bytes, bytes.len() as u64),
            Piece::Gap(len) => (&[][..], len),
        };
        let needed = bytes.len() + size_of::<Held>();
        if !outbox.reserve(needed) {
            return false;
        }
        self.reserved += needed;
        self.bytes.extend_from_slice(bytes);
        self.pieces.push(Held { side, mark, len, gap: matches!(piece, Piece::Gap(_)) });
        true
    }

    /// Gives its room back.
    pub(super) fn release(&mut self, outbox: &mut Outbox) {
        outbox.release(self.reserved);
        self.reserved = 0;
    }

    /// Hands out the pieces in order.
    pub(super) fn each(&self, mut take: impl FnMut(Side, Piece<'_>, Mark)) {
        let mut rest = self.bytes.as_slice();
        for held in &self.pieces {
            if held.gap {
                take(held.side, Piece::Gap(held.len), held.mark);
                continue;
            }
            let (bytes, behind) = rest.split_at(usize::try_from(held.len).unwrap_or(usize::MAX).min(rest.len()));
            rest = behind;
            take(held.side, Piece::Data(bytes), held.mark);
        }
    }
}
