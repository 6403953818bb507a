//! Link types: what a captured frame starts with, by its number in the registry of `LINKTYPE_` values.

use super::{
    ethernet,
    layer::{Layer, Skip, behind, u8_at, u16_at, u32_at},
    ppp, wireless,
};
use crate::frame::LinkType;

/// Takes off what stands before the first header that more than one medium has.
pub(super) fn link(link: LinkType, bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    match link.0 {
        1 => ethernet::ethernet(bytes),
        // Raw IP, by the names of several systems.
        12 | 14 | 101 | 228 | 229 => Ok(Layer::Ip(bytes)),
        0 | 108 => loopback(bytes),
        113 => cooked(u16_at(bytes, 2)?, u16_at(bytes, 14)?, behind(bytes, 16)?),
        276 => cooked(u16_at(bytes, 8)?, u16_at(bytes, 0)?, behind(bytes, 20)?),
        105 => Ok(Layer::Wireless(bytes)),
        119 | 163 => wireless::prism(bytes),
        127 => wireless::radiotap(bytes),
        192 => per_packet(bytes),
        9 | 50 | 104 => ppp::hdlc(bytes),
        51 => ppp::session(bytes),
        107 => ppp::frame_relay(bytes),
        // PPP behind a byte that says who sent it.
        204 => behind(bytes, 1).map(Layer::Ppp),
        100 => Ok(Layer::Llc(bytes)),
        6 => token_ring(bytes),
        // FDDI: frame control and two addresses.
        10 => behind(bytes, 13).map(Layer::Llc),
        129 => arcnet(bytes),
        // SLIP and Solaris IPNET: headers that say nothing about the packet.
        8 => behind(bytes, 16).map(Layer::Ip),
        226 => behind(bytes, 24).map(Layer::Ip),
        149 | 258 => packet_tap(bytes),
        178 => juniper(bytes),
        239 => netfilter(bytes),
        // Ethernet behind what the tap adds, and with a switch's tag in front of its type.
        240 => behind(bytes, 4).map(Layer::Ethernet),
        241 => behind(bytes, 12).map(Layer::Ethernet),
        274 => behind(bytes, 8).map(Layer::Ethernet),
        282 => behind(bytes, 4).map(Layer::Ethernet),
        281 | 284 => ethernet::typed(bytes, 16),
        285 => ethernet::typed(bytes, 20),
        _ => Err(Skip::UnknownLink(link)),
    }
}

/// BSD loopback: an address family in the byte order of whoever captured, or of the network.
fn loopback(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let family = u32_at(bytes, 0)?;
    match family.min(family.swap_bytes()) {
        // IPv4, and IPv6 as Linux, the BSDs, macOS and Windows number it.
        2 | 10 | 23 | 24 | 28 | 30 => Ok(Layer::Ip(&bytes[4..])),
        _ => Err(Skip::Other),
    }
}

/// Linux cooked capture of either version: hardware type, protocol, payload.
fn cooked(hardware: u16, protocol: u16, payload: &[u8]) -> Result<Layer<'_>, Skip> {
    match (hardware, protocol) {
        // Monitor mode and netlink give the protocol another meaning.
        (803, _) => wireless::radiotap(payload),
        (824, _) => Err(Skip::Other),
        (_, 4) => Ok(Layer::Llc(payload)),
        // Linux' own numbers, and no lengths as in Ethernet.
        (_, 0..=1500) => Err(Skip::Other),
        (_, kind) => Ok(Layer::EtherType(kind, payload)),
    }
}

/// Per-Packet Information: little-endian length and link type of what follows.
fn per_packet(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let kind = u32_at(bytes, 4)?.swap_bytes();
    inner_link(kind, behind(bytes, usize::from(u16_at(bytes, 2)?.swap_bytes()))?)
}

/// macOS' PKTAP: little-endian length and link type of what follows.
fn packet_tap(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    /// Length of the header's first version: what is shorter is another user of the same number.
    const SHORTEST: u32 = 108;
    match u32_at(bytes, 0)?.swap_bytes() {
        0..SHORTEST => Err(Skip::Malformed),
        length => inner_link(u32_at(bytes, 8)?.swap_bytes(), behind(bytes, length as usize)?),
    }
}

fn inner_link(kind: u32, bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    u16::try_from(kind).map(|kind| Layer::Link(LinkType(kind), bytes)).map_err(|_| Skip::Malformed)
}

/// Token ring: routing information follows where the source address says so.
fn token_ring(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let routing = if u8_at(bytes, 8)? & 0x80 == 0 { 0 } else { usize::from(u8_at(bytes, 14)? & 0x1f) };
    behind(bytes, 14 + routing).map(Layer::Llc)
}

/// ARCNET as Linux captures it: two addresses, an offset, a type; RFC 1051 puts IP behind it, RFC 1201 a header first.
fn arcnet(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    match (u8_at(bytes, 4)?, bytes.get(5)) {
        (240, _) => Ok(Layer::Ip(&bytes[5..])),
        (212, Some(0)) => behind(bytes, 8).map(Layer::Ip),
        _ => Err(Skip::Other),
    }
}

/// Juniper's capture header on an Ethernet interface: magic, flags, perhaps extensions.
fn juniper(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    const WITHOUT_ETHERNET: u8 = 0x02;
    const EXTENDED: u8 = 0x80;
    let &[0x4d, 0x47, 0x43, flags, ..] = bytes else { return Err(Skip::Malformed) };
    let header = if flags & EXTENDED == 0 { 4 } else { 6 + usize::from(u16_at(bytes, 4)?) };
    match flags & WITHOUT_ETHERNET {
        0 => behind(bytes, header).map(Layer::Ethernet),
        // The address family stands between.
        _ => behind(bytes, header + 4).map(Layer::Ip),
    }
}

/// Linux netfilter log: attributes, of which one is the packet. Lengths are in the capturing machine's byte order,
/// which is little-endian wherever this is used.
fn netfilter(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    const PAYLOAD: u16 = 9;
    let mut rest = behind(bytes, 4)?;
    loop {
        let length = usize::from(u16_at(rest, 0)?.swap_bytes());
        if u16_at(rest, 2)?.swap_bytes() == PAYLOAD {
            return behind(rest, 4).map(Layer::Ip);
        }
        rest = behind(rest, length.max(4).next_multiple_of(4))?;
    }
}
