//! A frame: the unit of a packet capture, as its container held it.

use crate::time::Timestamp;

/// Link-layer header type of a frame, by its number in the registry of `LINKTYPE_` values.
///
/// Source: <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// Ethernet, by far the most frequent one.
    pub const ETHERNET: Self = Self(1);
}

/// One captured frame. Bytes beyond the snap length are missing, never padded.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// One-based position in the capture, as tshark counts.
    pub number: u32,
    /// When it was captured; `None` where its block has no time (pcapng Simple Packet Block).
    pub time: Option<Timestamp>,
    /// What the bytes start with.
    pub link: LinkType,
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// Length in bytes on the wire, at least that of `bytes`.
    pub original_len: u32,
}
