//! The usual frame: a whole TCP segment in IPv4 on Ethernet, decoded without the general walk.
//!
//! Nearly every frame of a capture is one, and the walk spends most of its time on handing packets from header to
//! header. What this finds, the walk finds, too: a test holds them to that.

use std::net::SocketAddr;

use etherparse::{Ipv4HeaderSlice, TcpSlice, ip_number};

use crate::{
    frame::{Frame, LinkType},
    packet::{Flags, Segment},
};

/// The segment in a frame, or `None` where anything about it is unusual.
#[inline]
pub(super) fn segment<'a>(frame: &Frame<'a>) -> Option<Segment<'a>> {
    if frame.link != LinkType::ETHERNET || frame.bytes.get(12..14) != Some(&[8, 0]) {
        return None;
    }
    let bytes = &frame.bytes[14..];
    let ip = Ipv4HeaderSlice::from_slice(bytes).ok()?;
    if ip.protocol() != ip_number::TCP || ip.is_fragmenting_payload() {
        return None;
    }
    let tcp = TcpSlice::from_slice(bytes.get(ip.slice().len()..usize::from(ip.total_len()))?).ok()?;
    Some(Segment {
        source: SocketAddr::new(ip.source_addr().into(), tcp.source_port()),
        destination: SocketAddr::new(ip.destination_addr().into(), tcp.destination_port()),
        sequence: tcp.sequence_number(),
        acknowledgment: tcp.ack().then(|| tcp.acknowledgment_number()),
        flags: Flags { syn: tcp.syn(), fin: tcp.fin(), rst: tcp.rst() },
        payload: tcp.payload(),
        cut: 0,
    })
}
