//! What both containers are to the reader: a row of records, some of which hold a frame.

use std::ops::Range;

use authtrace_parse::{AnomalyKind, LinkType, Timestamp};

use super::DecryptionSecrets;

/// Most captured bytes that a frame may have where its file allows no more: libpcap's own limit.
pub(super) const MOST_CAPTURED: u32 = 256 << 10;
/// Most that a file can allow by its snap length: what libpcap grants D-Bus, its largest frame.
const MOST_ALLOWED: u32 = 128 << 20;

/// The limit for frames under a snap length, which may be zero ("none") or nonsense.
pub(super) fn most_captured(snaplen: u32) -> u32 {
    if snaplen <= MOST_ALLOWED { snaplen.max(MOST_CAPTURED) } else { MOST_CAPTURED }
}

/// A container format: says what the record is that some bytes start with.
pub(super) trait Container {
    /// Looks at the record at the start of `bytes`, which reach to its end or beyond, or say less than it needs.
    fn step(&mut self, bytes: &[u8]) -> Step;

    /// The frame of a record that the end of the input cut, if at least one byte of it is there.
    fn cut(&self, bytes: &[u8]) -> Option<Held>;

    /// The keys met so far.
    fn secrets(&self) -> &[DecryptionSecrets] {
        &[]
    }
}

/// What to do with a record.
pub(super) enum Step {
    /// Come again with this many bytes: always more than there were.
    Need(usize),
    /// The record is this long and holds a frame.
    Frame(usize, Held),
    /// The record is this long and held a frame that cannot be used: counted, not handed out.
    Lost(usize, AnomalyKind),
    /// The record is this long and holds no frame.
    Pass(usize),
    /// The record is this long, perhaps much longer than what is there, and nobody wants it.
    Skip(u64),
    /// No further record can be told from garbage.
    Stop(AnomalyKind),
}

/// A frame within its record.
pub(super) struct Held {
    /// Its bytes, counted from the start of the record.
    pub(super) bytes: Range<usize>,
    /// When it was captured.
    pub(super) time: Option<Timestamp>,
    /// What it starts with.
    pub(super) link: LinkType,
    /// Its length on the wire, as recorded.
    pub(super) original_len: u32,
}
