//! TCP, UDP and the protocols that carry another packet instead.

use std::net::{IpAddr, SocketAddr};

use etherparse::{IpNumber, Ipv6ExtensionsSlice, TcpSlice, UdpSlice, err::tcp::HeaderSliceError, ip_number};

use super::{
    ethernet,
    layer::{Layer, Next, Skip, Transport, behind},
    tunnel,
};
use crate::packet::{Datagram, Flags, Packet, Segment};

/// Takes the transport header off, or finds the tunnel.
#[inline]
pub(super) fn transport(packet: Transport<'_>) -> Result<Next<'_>, Skip> {
    match IpNumber(packet.protocol) {
        ip_number::TCP => tcp(packet).map(|segment| Next::Packet(Packet::Tcp(segment))),
        ip_number::UDP => udp(packet),
        ip_number::IPV4 | ip_number::IPV6 => Ok(Next::Layer(Layer::Ip(packet.payload))),
        ip_number::GRE => tunnel::gre(packet.payload).map(Next::Layer),
        // EtherIP (RFC 3378): two bytes, then Ethernet.
        ip_number::ETHER_IP => behind(packet.payload, 2).map(|frame| Next::Layer(Layer::Ethernet(frame))),
        ip_number::MPLS_IN_IP => ethernet::mpls(packet.payload).map(Next::Layer),
        ip_number::IPV6_DEST_OPTIONS | ip_number::IPV6_ROUTE | ip_number::AUTH => behind_extensions(packet),
        _ => Err(Skip::Other),
    }
}

#[inline]
fn tcp(packet: Transport<'_>) -> Result<Segment<'_>, Skip> {
    let tcp = TcpSlice::from_slice(packet.payload).map_err(|error| match error {
        HeaderSliceError::Len(_) if packet.cut > 0 => Skip::Cut,
        HeaderSliceError::Len(_) | HeaderSliceError::Content(_) => Skip::Malformed,
    })?;
    Ok(segment_of(&tcp, packet.source, packet.destination, packet.cut))
}

/// The segment behind a TCP header.
#[inline]
pub(super) fn segment_of<'a>(tcp: &TcpSlice<'a>, source: IpAddr, destination: IpAddr, cut: u32) -> Segment<'a> {
    Segment {
        source: SocketAddr::new(source, tcp.source_port()),
        destination: SocketAddr::new(destination, tcp.destination_port()),
        sequence: tcp.sequence_number(),
        acknowledgment: tcp.ack().then(|| tcp.acknowledgment_number()),
        flags: Flags { syn: tcp.syn(), fin: tcp.fin(), rst: tcp.rst() },
        payload: tcp.payload(),
        cut,
    }
}

fn udp(packet: Transport<'_>) -> Result<Next<'_>, Skip> {
    let udp = UdpSlice::from_slice_lax(packet.payload).map_err(|_| match packet.cut {
        0 => Skip::Malformed,
        _ => Skip::Cut,
    })?;
    let datagram = Datagram {
        source: SocketAddr::new(packet.source, udp.source_port()),
        destination: SocketAddr::new(packet.destination, udp.destination_port()),
        payload: udp.payload(),
        cut: packet.cut,
    };
    Ok(match tunnel::in_udp(&datagram) {
        Some(inner) => Next::Tunnel(inner, datagram),
        None => Next::Packet(Packet::Udp(datagram)),
    })
}

/// Extension headers of IPv6 that stood behind the fragment header of what is now whole.
fn behind_extensions(packet: Transport<'_>) -> Result<Next<'_>, Skip> {
    let (extensions, protocol, payload, stopped) =
        Ipv6ExtensionsSlice::from_slice_lax(IpNumber(packet.protocol), packet.payload);
    if stopped.is_some() || extensions.is_empty() || extensions.is_fragmenting_payload() {
        return Err(Skip::Malformed);
    }
    Ok(Next::Layer(Layer::Transport(Transport { protocol: protocol.0, payload, ..packet })))
}
