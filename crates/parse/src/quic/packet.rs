//! Long headers: which bytes of a datagram are an Initial packet (RFC 8999 §5.1, RFC 9000 §17.2).

use super::version::{Dialect, QuicVersion};

/// Longest connection id of the versions that are read (RFC 9000 §17.2).
const MOST_ID: usize = 20;
/// Shortest datagram in which a client may send an Initial packet (RFC 9000 §14.1).
const SHORTEST_DATAGRAM: usize = 1200;

/// A connection id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Id {
    bytes: [u8; MOST_ID],
    len: u8,
}

impl Id {
    fn new(id: &[u8]) -> Option<Self> {
        let mut bytes = [0; MOST_ID];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        Some(Self { bytes, len: u8::try_from(id.len()).ok()? })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// An Initial packet, protected.
pub(super) struct Initial<'a> {
    pub(super) version: QuicVersion,
    pub(super) dialect: Dialect,
    pub(super) destination: Id,
    pub(super) source: Id,
    /// The whole packet, as far as it was captured.
    pub(super) bytes: &'a [u8],
    /// Where its protected packet number begins.
    pub(super) number_at: usize,
    /// Whether all of it was captured.
    pub(super) whole: bool,
}

/// The Initial packets of a datagram, which may hold several packets of several types (RFC 9000 §12.2). `cut` is how
/// many bytes of it were not captured.
pub(super) fn initials(datagram: &[u8], cut: u32) -> impl Iterator<Item = Initial<'_>> {
    let mut rest = datagram;
    let cut = cut as usize;
    std::iter::from_fn(move || {
        loop {
            let (initial, size) = packet(rest, cut)?;
            rest = rest.get(size..).unwrap_or_default();
            if initial.is_some() {
                return initial;
            }
        }
    })
}

/// The packet at the start of `bytes`, if it is an Initial, and its size; `None` where no further packet can be told.
#[inline]
fn packet(bytes: &[u8], cut: usize) -> Option<(Option<Initial<'_>>, usize)> {
    let mut reader = Reader { bytes, at: 0 };
    let first = reader.u8()?;
    // A long header, and the fixed bit that tells QUIC from DTLS, RTP and STUN (RFC 9443).
    if first & 0xc0 != 0xc0 {
        return None;
    }
    let version = QuicVersion(u32::from_be_bytes(*reader.take(4)?.first_chunk()?));
    let dialect = version.dialect()?;
    let destination = Id::new(reader.short()?)?;
    let source = Id::new(reader.short()?)?;
    let kind = first >> 4 & 3;
    if kind == dialect.retry {
        return None;
    }
    if kind == dialect.initial {
        let token = usize::try_from(reader.varint()?).ok()?;
        reader.take(token)?;
    }
    let length = usize::try_from(reader.varint()?).ok()?;
    let number_at = reader.at;
    let size = number_at.checked_add(length)?;
    if size > bytes.len() + cut {
        return None;
    }
    let held = &bytes[..size.min(bytes.len())];
    let initial = Initial { version, dialect, destination, source, bytes: held, number_at, whole: held.len() == size };
    Some(((kind == initial.dialect.initial).then_some(initial), size))
}

/// Whether a datagram of this size may hold the first packet of a connection.
pub(super) fn may_begin(captured: usize, cut: u32) -> bool {
    captured + cut as usize >= SHORTEST_DATAGRAM
}

/// Bytes read from the front; every read is `None` at the end.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// Bytes behind a length of one byte.
    fn short(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(usize::from(len))
    }

    /// An integer of one, two, four or eight bytes, as its first two bits say (RFC 9000 §16).
    pub(super) fn varint(&mut self) -> Option<u64> {
        let first = self.u8()?;
        let rest = self.take((1 << (first >> 6)) - 1)?;
        Some(rest.iter().fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte)))
    }
}
