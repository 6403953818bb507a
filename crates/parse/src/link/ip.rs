//! IPv4 and IPv6: who sends to whom, and how much of the payload the snap length left.

use etherparse::{Ipv6ExtensionSlice, Ipv6FragmentHeaderSlice, LaxIpSlice, LaxIpv4Slice, LaxIpv6Slice, LenSource};

use super::{
    defrag::{Fragment, Key},
    layer::{Next, Skip, Transport},
    transport::transport,
};

/// Takes the IP header and the extension headers off. `beyond` is how many bytes of the frame were not captured.
///
/// What is behind the packet's own length is Ethernet padding and no payload. A length of zero means "to the end of
/// the frame": the kernel captured a packet that the network card was to cut into pieces.
#[inline]
pub(super) fn ip(bytes: &[u8], beyond: u32) -> Result<Next<'_>, Skip> {
    let (packet, stopped) = LaxIpSlice::from_slice(bytes).map_err(|error| match error {
        etherparse::err::ip::LaxHeaderSliceError::Len(_) => Skip::Cut,
        etherparse::err::ip::LaxHeaderSliceError::Content(_) => Skip::Malformed,
    })?;
    let missing = missing(&packet, bytes, beyond)?;
    if packet.is_fragmenting_payload() {
        return fragment(&packet, bytes, missing).map(Next::Fragment);
    }
    if stopped.is_some() {
        return Err(if missing > 0 { Skip::Cut } else { Skip::Malformed });
    }
    let payload = packet.payload();
    transport(Transport {
        source: packet.source_addr(),
        destination: packet.destination_addr(),
        protocol: payload.ip_number.0,
        payload: payload.payload,
        cut: missing,
    })
}

/// How many bytes of the packet the snap length cut off: what its length says to be missing, but never more than the
/// frame lost, since a length may lie.
#[inline]
fn missing(packet: &LaxIpSlice<'_>, bytes: &[u8], beyond: u32) -> Result<u32, Skip> {
    let stated = match packet {
        LaxIpSlice::Ipv4(packet) => match usize::from(packet.header().total_len()) {
            0 => return Ok(beyond),
            length if length < packet.header().slice().len() => return Err(Skip::Malformed),
            length => length,
        },
        LaxIpSlice::Ipv6(packet) => match usize::from(packet.header().payload_length()) {
            0 if packet.payload().len_source == LenSource::Slice => return Ok(beyond),
            length => packet.header().slice().len() + length,
        },
    };
    Ok(beyond.min(u32::try_from(stated.saturating_sub(bytes.len())).unwrap_or(u32::MAX)))
}

/// The fragment that this packet is.
fn fragment<'a>(packet: &LaxIpSlice<'a>, bytes: &'a [u8], missing: u32) -> Result<Fragment<'a>, Skip> {
    let incomplete = packet.payload().incomplete || missing > 0;
    let fragment = match packet {
        LaxIpSlice::Ipv4(packet) => fragment_v4(packet),
        LaxIpSlice::Ipv6(packet) => fragment_v6(packet, bytes).ok_or(Skip::Malformed)?,
    };
    if incomplete { Err(Skip::Cut) } else { Ok(fragment) }
}

fn fragment_v4<'a>(packet: &LaxIpv4Slice<'a>) -> Fragment<'a> {
    let header = packet.header();
    Fragment {
        key: Key {
            source: header.source_addr().into(),
            destination: header.destination_addr().into(),
            identification: u32::from(header.identification()),
            protocol: header.protocol().0,
        },
        protocol: packet.payload().ip_number,
        offset: header.fragments_offset(),
        more: header.more_fragments(),
        bytes: packet.payload().payload,
    }
}

/// Only the headers in front of the fragment header are the packet's own; those behind it belong to the whole, of which
/// every fragment but the first holds other bytes.
fn fragment_v6<'a>(packet: &LaxIpv6Slice<'a>, bytes: &'a [u8]) -> Option<Fragment<'a>> {
    let header = packet.header();
    let end = bytes.len().min(header.slice().len() + usize::from(header.payload_length()));
    let (at, fragment) = fragment_header(packet)?;
    Some(Fragment {
        key: Key {
            source: header.source_addr().into(),
            destination: header.destination_addr().into(),
            identification: fragment.identification(),
            // Not part of an IPv6 datagram's identity (RFC 8200 §4.5).
            protocol: 0,
        },
        protocol: fragment.next_header(),
        offset: fragment.fragment_offset(),
        more: fragment.more_fragments(),
        bytes: bytes.get(at..end)?,
    })
}

/// The fragment header that splits the payload, and where what it splits begins.
fn fragment_header<'a>(packet: &LaxIpv6Slice<'a>) -> Option<(usize, Ipv6FragmentHeaderSlice<'a>)> {
    let mut at = packet.header().slice().len();
    for extension in packet.extensions().clone() {
        at += match &extension {
            Ipv6ExtensionSlice::HopByHop(slice)
            | Ipv6ExtensionSlice::Routing(slice)
            | Ipv6ExtensionSlice::DestinationOptions(slice) => slice.slice().len(),
            Ipv6ExtensionSlice::Fragment(slice) => slice.slice().len(),
            Ipv6ExtensionSlice::Authentication(slice) => slice.slice().len(),
        };
        if let Ipv6ExtensionSlice::Fragment(slice) = extension
            && slice.is_fragmenting_payload()
        {
            return Some((at, slice));
        }
    }
    None
}
