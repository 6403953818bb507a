//! One direction of a TCP connection: segments in any order go in, ordered bytes and gaps come out.
//!
//! [`Stream`] is a pure value that knows nothing of sockets or protocols. In-order payload passes through without a copy;
//! only what arrives early is held. Of bytes that arrive twice, one copy is delivered.

use std::collections::BTreeMap;

use crate::time::Timestamp;

/// Which frame brought something, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// One-based frame number.
    pub frame: u32,
    /// Capture time of that frame.
    pub time: Option<Timestamp>,
}

/// What a stream delivers, in order and without overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The next bytes.
    Data(&'a [u8]),
    /// This many bytes were on the wire and are not in the capture.
    Gap(u64),
}

/// Receives the pieces of a stream.
pub trait Sink {
    /// Takes the next piece; `mark` tells the frame that brought it, or that showed the gap.
    fn piece(&mut self, piece: Piece<'_>, mark: Mark);
}

impl<F: FnMut(Piece<'_>, Mark)> Sink for F {
    fn piece(&mut self, piece: Piece<'_>, mark: Mark) {
        self(piece, mark);
    }
}

/// A segment's payload, as far as it was captured.
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// Bytes behind them that the snap length cut off.
    pub cut: u32,
    /// What its sender had received of the peer before it sent this, as an offset of the peer's stream.
    pub after: u64,
}

/// The first segment held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstHeld {
    /// The frame that brought it.
    pub frame: u32,
    /// Whether nothing is missing in front of it.
    pub is_next: bool,
    /// See [`Payload::after`].
    pub after: u64,
}

/// A payload that arrived before the bytes in front of it, or before what its sender had seen.
struct Held {
    bytes: Box<[u8]>,
    /// Bytes behind `bytes` that the snap length cut off.
    cut: u32,
    after: u64,
    mark: Mark,
}

impl Held {
    fn len(&self) -> u64 {
        self.bytes.len() as u64 + u64::from(self.cut)
    }
}

/// Reassembly of one direction. Positions are 64-bit offsets from the first byte, so sequence numbers may wrap.
#[derive(Default)]
pub struct Stream {
    /// Sequence number of offset 0, once a segment was seen.
    base: Option<u32>,
    /// Offset of the next byte to deliver.
    next: u64,
    /// Highest offset that the peer acknowledged.
    acknowledged: u64,
    /// Early segments by offset; none begins before `next`.
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    /// Offset behind the last byte, once FIN was seen.
    end: Option<u64>,
}

impl Stream {
    /// Most bytes held for one direction. A receive window is seldom larger; beyond it the hole will not be filled.
    pub const HELD_BYTES: usize = 1 << 20;
    /// Most segments held for one direction.
    pub const HELD_SEGMENTS: usize = 1 << 10;

    /// Notes a SYN: its data begins one behind `sequence` (RFC 9293 §3.4).
    pub fn open(&mut self, sequence: u32) {
        self.base.get_or_insert(sequence.wrapping_add(1));
    }

    /// Whether a first byte is known.
    pub fn is_open(&self) -> bool {
        self.base.is_some()
    }

    /// Whether a SYN with this sequence number opened, or would open, this very stream.
    pub fn opened_by(&self, sequence: u32) -> bool {
        self.base.is_none_or(|base| base == sequence.wrapping_add(1))
    }

    /// Notes that the stream ends behind the byte at `sequence - 1`.
    pub fn close(&mut self, sequence: u32) {
        let end = self.offset(sequence);
        self.end = self.end.or(end);
    }

    /// Whether the last byte was delivered.
    pub fn is_complete(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end)
    }

    /// Whether FIN was seen.
    pub fn is_closed(&self) -> bool {
        self.end.is_some()
    }

    /// Offset of the next byte to deliver.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Notes the peer's acknowledgment number and gives it as an offset; 0 where it means nothing here.
    pub fn acknowledge(&mut self, acknowledgment: u32) -> u64 {
        let Some(offset) = self.offset(acknowledgment).filter(|offset| *offset <= self.next + MOST_AHEAD) else {
            return 0;
        };
        // FIN takes one number of its own.
        let offset = self.end.map_or(offset, |end| offset.min(end));
        self.acknowledged = self.acknowledged.max(offset);
        offset
    }

    /// Whether bytes are missing that the peer received: they will not be sent again, so only a capture that shows
    /// frames out of order could still bring them.
    pub fn misses_acknowledged(&self) -> bool {
        self.acknowledged > self.next
    }

    /// Takes the payload of a segment. What is next in order is delivered at once, if the `peer` has been delivered as far
    /// as the sender had received it; the rest is held.
    pub fn push(
        &mut self,
        sequence: u32,
        payload: Payload<'_>,
        mark: Mark,
        peer: u64,
        sink: &mut (impl Sink + ?Sized),
    ) {
        self.base.get_or_insert(sequence);
        let Payload { bytes, cut, after } = payload;
        let Some(offset) = self.offset(sequence) else {
            return self.push_before_start(sequence, payload, mark, peer, sink);
        };
        let end = offset + bytes.len() as u64 + u64::from(cut);
        if end <= self.next || offset > self.next + MOST_AHEAD {
            return;
        }
        let known = usize::try_from(self.next.saturating_sub(offset)).unwrap_or(usize::MAX);
        let fresh = bytes.get(known..).unwrap_or_default();
        let offset = self.next.max(offset);
        let cut = u32::try_from(end - offset - fresh.len() as u64).unwrap_or(u32::MAX);
        if after <= peer && offset == self.next {
            self.deliver(fresh, cut, mark, sink);
        } else {
            self.hold(offset, Held { bytes: fresh.into(), cut, after, mark });
        }
    }

    /// The first segment held.
    pub fn first_held(&self) -> Option<FirstHeld> {
        let (offset, held) = self.held.first_key_value()?;
        Some(FirstHeld { frame: held.mark.frame, is_next: *offset <= self.next, after: held.after })
    }

    /// Bytes held.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Whether more is held than a receiver could have waiting: the hole in front will not be filled.
    pub fn is_overfull(&self) -> bool {
        self.held_bytes > Self::HELD_BYTES || self.held.len() > Self::HELD_SEGMENTS
    }

    /// Delivers the first segment held, if it is its turn.
    pub fn deliver_held(&mut self, sink: &mut (impl Sink + ?Sized)) {
        let Some(entry) = self.held.first_entry().filter(|entry| *entry.key() <= self.next) else { return };
        let (offset, held) = entry.remove_entry();
        self.held_bytes -= held.bytes.len();
        let known = self.next - offset;
        if held.len() <= known {
            return;
        }
        let bytes = usize::try_from(known).ok().and_then(|known| held.bytes.get(known..)).unwrap_or_default();
        let cut = held.len() - known - bytes.len() as u64;
        self.deliver(bytes, u32::try_from(cut).unwrap_or(u32::MAX), held.mark, sink);
    }

    /// Gives up the hole in front, as far as the peer acknowledged it, or as it can be told by what is held behind it.
    /// Says whether there was one.
    pub fn skip_hole(&mut self, mark: Mark, sink: &mut (impl Sink + ?Sized)) -> bool {
        let held = self.held.first_key_value().map(|(offset, held)| (*offset, held.mark));
        let (until, mark) = match held {
            Some((offset, held)) if offset <= self.acknowledged || !self.misses_acknowledged() => (offset, held),
            _ => (self.acknowledged, mark),
        };
        self.skip_to(until, mark, sink)
    }

    /// Gives up what is missing before the end, now that nothing more will come.
    pub fn skip_to_end(&mut self, mark: Mark, sink: &mut (impl Sink + ?Sized)) {
        if let Some(end) = self.end.filter(|end| *end <= self.next + MOST_AHEAD) {
            self.skip_to(end, mark, sink);
        }
    }

    fn skip_to(&mut self, until: u64, mark: Mark, sink: &mut (impl Sink + ?Sized)) -> bool {
        let hole = until.saturating_sub(self.next);
        if hole > 0 {
            self.next = until;
            sink.piece(Piece::Gap(hole), mark);
        }
        hole > 0
    }

    /// Offset of `sequence`: the one nearest to what comes next. `None` before the first byte or without one.
    fn offset(&self, sequence: u32) -> Option<u64> {
        // The low 32 bits of where the stream stands, then the signed distance from there (RFC 9293 §3.4 arithmetic).
        let here = self.base?.wrapping_add(self.next as u32);
        let distance = i64::from(sequence.wrapping_sub(here).cast_signed());
        self.next.checked_add_signed(distance)
    }

    /// A segment that begins before the first one seen: a capture that starts in the middle shows it late. Nothing of it
    /// can be put in order any more, but the part behind the start still counts.
    fn push_before_start(
        &mut self,
        sequence: u32,
        payload: Payload<'_>,
        mark: Mark,
        peer: u64,
        sink: &mut (impl Sink + ?Sized),
    ) {
        let Some(base) = self.base else { return };
        let before = base.wrapping_sub(sequence) as usize;
        if let Some(bytes) = payload.bytes.get(before..).filter(|rest| !rest.is_empty()) {
            self.push(base, Payload { bytes, ..payload }, mark, peer, sink);
        }
    }

    /// Keeps a segment, except for bytes that are held already. A longer segment at one offset replaces the shorter.
    fn hold(&mut self, offset: u64, segment: Held) {
        if segment.len() == 0 || self.held.get(&offset).is_some_and(|known| known.len() >= segment.len()) {
            return;
        }
        self.held_bytes += segment.bytes.len();
        if let Some(shorter) = self.held.insert(offset, segment) {
            self.held_bytes -= shorter.bytes.len();
        }
    }

    fn deliver(&mut self, bytes: &[u8], cut: u32, mark: Mark, sink: &mut (impl Sink + ?Sized)) {
        self.next += bytes.len() as u64 + u64::from(cut);
        if !bytes.is_empty() {
            sink.piece(Piece::Data(bytes), mark);
        }
        if cut > 0 {
            sink.piece(Piece::Gap(u64::from(cut)), mark);
        }
    }
}

/// The farthest that a sequence number may be ahead of the bytes seen, the largest window that TCP can have (RFC 7323
/// §2.3); what is farther belongs to another connection of the same ports.
const MOST_AHEAD: u64 = 1 << 30;

#[cfg(test)]
mod tests;
