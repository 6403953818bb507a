//! The usual frame: a whole TCP segment in IP on Ethernet, decoded without the general walk.
//!
//! Nearly every frame of a capture is one, and the walk spends most of its time on handing packets from header to
//! header. What this finds, the walk finds, too: a test holds them to that.

use std::net::IpAddr;

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice, TcpSlice, ip_number};

use super::transport::segment_of;
use crate::{
    frame::{Frame, LinkType},
    packet::Segment,
};

/// The segment in a frame, or `None` where anything about it is unusual.
#[inline]
pub(super) fn segment<'a>(frame: &Frame<'a>) -> Option<Segment<'a>> {
    if frame.link != LinkType::ETHERNET {
        return None;
    }
    let (kind, bytes) = frame.bytes.get(12..)?.split_first_chunk()?;
    let (source, destination, payload) = match kind {
        [0x08, 0x00] => in_v4(bytes)?,
        [0x86, 0xdd] => in_v6(bytes)?,
        _ => return None,
    };
    Some(segment_of(&TcpSlice::from_slice(payload).ok()?, source, destination, 0))
}

/// Addresses and payload of an IPv4 packet that is all there, unfragmented TCP.
#[inline]
fn in_v4(bytes: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    let header = Ipv4HeaderSlice::from_slice(bytes).ok()?;
    if header.protocol() != ip_number::TCP || header.is_fragmenting_payload() {
        return None;
    }
    let payload = bytes.get(header.slice().len()..usize::from(header.total_len()))?;
    Some((header.source_addr().into(), header.destination_addr().into(), payload))
}

/// Addresses and payload of an IPv6 packet that is all there, TCP without extension headers.
#[inline]
fn in_v6(bytes: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    let header = Ipv6HeaderSlice::from_slice(bytes).ok()?;
    if header.next_header() != ip_number::TCP {
        return None;
    }
    let payload = bytes.get(header.slice().len()..)?.get(..usize::from(header.payload_length()))?;
    Some((header.source_addr().into(), header.destination_addr().into(), payload))
}
