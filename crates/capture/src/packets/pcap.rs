//! Classic pcap: one header, then packets (draft-ietf-opsawg-pcap).

use authtrace_parse::{AnomalyKind, LinkType, Timestamp};

use super::{
    order::Order,
    record::{Container, Held, Step, most_captured},
};

/// Bytes of the file header.
pub(crate) const FILE_HEADER: usize = 24;
/// Bytes of a packet's header.
const HEADER: usize = 16;
/// Bytes of a packet's header in files of the patched libpcap: interface, protocol and type follow.
const MODIFIED_HEADER: usize = 24;

/// Whether a file that starts with these four bytes is a pcap.
pub(super) fn recognises(magic: [u8; 4]) -> bool {
    variant(magic).is_some()
}

/// What a magic number says.
struct Variant {
    order: Order,
    /// Nanoseconds in a unit of the timestamps' fraction.
    unit: u32,
    header: usize,
}

fn variant(magic: [u8; 4]) -> Option<Variant> {
    let big = u32::from_be_bytes(magic);
    let orders = [(Order::Big, big), (Order::Little, big.swap_bytes())];
    orders.into_iter().find_map(|(order, magic)| match magic {
        0xa1b2_c3d4 => Some(Variant { order, unit: 1000, header: HEADER }),
        0xa1b2_3c4d => Some(Variant { order, unit: 1, header: HEADER }),
        0xa1b2_cd34 => Some(Variant { order, unit: 1000, header: MODIFIED_HEADER }),
        _ => None,
    })
}

/// A pcap whose file header was read.
pub(super) struct Pcap {
    order: Order,
    unit: u32,
    header: usize,
    link: LinkType,
    most: u32,
}

impl Pcap {
    /// Reads the file header; `None` where it is none.
    pub(super) fn open(head: &[u8; FILE_HEADER]) -> Option<Self> {
        let &[a, b, c, d, ..] = head;
        let Variant { order, unit, header } = variant([a, b, c, d])?;
        // The upper half says whether and how many bytes of frame check sequence each frame ends with: they lie
        // behind the IP packet and disturb nobody.
        let link = LinkType((order.u32(head, 20) & 0xffff) as u16);
        Some(Self { order, unit, header, link, most: most_captured(order.u32(head, 16)) })
    }

    /// Captured length and frame of the packet whose header is all there.
    #[inline]
    fn packet(&self, head: &[u8; HEADER]) -> (u32, Held) {
        let seconds = self.order.u32(head, 0);
        let fraction = self.order.u32(head, 4);
        let captured = self.order.u32(head, 8);
        // Both fit: 2³² seconds and as many fractions of them are less than 2⁶³ nanoseconds.
        let nanos = i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * i64::from(self.unit);
        let held = Held {
            bytes: self.header..self.header + captured as usize,
            time: Some(Timestamp::from_nanos(nanos)),
            link: self.link,
            original_len: self.order.u32(head, 12),
        };
        (captured, held)
    }
}

impl Container for Pcap {
    #[inline]
    fn step(&mut self, bytes: &[u8]) -> Step {
        let Some(head) = bytes.first_chunk::<HEADER>() else { return Step::Need(self.header) };
        let (captured, held) = self.packet(head);
        if captured > self.most {
            return Step::Stop(AnomalyKind::CorruptRecord);
        }
        let size = held.bytes.end;
        if bytes.len() < size { Step::Need(size) } else { Step::Frame(size, held) }
    }

    fn cut(&self, bytes: &[u8]) -> Option<Held> {
        let (_, held) = self.packet(bytes.first_chunk()?);
        let there = held.bytes.start..bytes.len().min(held.bytes.end);
        (!there.is_empty()).then_some(Held { bytes: there, ..held })
    }
}
