//! Tunnels: frames and packets that travel in GRE or UDP.
//!
//! A port number is a hint and no proof, so a header in UDP must also look right; and where no TCP or UDP is found in
//! it, the datagram around it counts.

use super::{
    ethernet,
    layer::{Layer, Skip, behind, u8_at, u16_at},
    wireless,
};
use crate::packet::Datagram;

/// Generic routing encapsulation, version 0 (RFC 2784, RFC 2890) and 1 (RFC 2637).
pub(super) fn gre(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGMENT: u16 = 0x0080;
    const VERSION: u16 = 0x0007;

    let flags = u16_at(bytes, 0)?;
    if flags & ROUTING != 0 || flags & VERSION > 1 {
        return Err(Skip::Other);
    }
    let optional = CHECKSUM | KEY | SEQUENCE | if flags & VERSION == 1 { ACKNOWLEDGMENT } else { 0 };
    let rest = behind(bytes, 4 + 4 * (flags & optional).count_ones() as usize)?;
    match u16_at(bytes, 2)? {
        // ERSPAN: type I has no header of its own and no sequence number, type II has eight bytes, type III twelve and
        // perhaps eight more.
        0x88be if flags & SEQUENCE == 0 => Ok(Layer::Ethernet(rest)),
        0x88be => behind(rest, 8).map(Layer::Ethernet),
        0x22eb => behind(rest, if u8_at(rest, 11)? & 1 == 0 { 12 } else { 20 }).map(Layer::Ethernet),
        // Web cache redirection: IP at once in its first version, behind four bytes in its second.
        0x883e if matches!(u8_at(rest, 0)?, 0x40..=0x6f) => Ok(Layer::Ip(rest)),
        0x883e => behind(rest, 4).map(Layer::Ip),
        // 802.11 frames that an access point sends to its controller.
        0x8200..=0x83ff => wireless::from_access_point(rest),
        kind => Ok(Layer::EtherType(kind, rest)),
    }
}

/// What a datagram carries if it is a tunnel's.
pub(super) fn in_udp<'a>(datagram: &Datagram<'a>) -> Option<Layer<'a>> {
    let bytes = datagram.payload;
    let inner = match datagram.destination.port() {
        4789 | 8472 => vxlan(bytes),
        4790 => vxlan_gpe(bytes),
        6081 => geneve(bytes),
        2152 => gtp(bytes),
        1701 => l2tp(bytes),
        6635 => ethernet::mpls(bytes),
        3544 => teredo(bytes),
        37008 => sniffer(bytes),
        5247 => capwap(bytes),
        _ if datagram.source.port() == 3544 => teredo(bytes),
        _ if datagram.source.port() == 5247 => capwap(bytes),
        _ => return None,
    };
    inner.ok()
}

/// VXLAN: the I flag must be set, and reserved bits are ignored (RFC 7348 §5).
fn vxlan(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    match bytes {
        [flags, ..] if flags & 0x08 != 0 => behind(bytes, 8).map(Layer::Ethernet),
        _ => Err(Skip::Other),
    }
}

/// VXLAN's generic protocol extension: the fourth byte says what follows.
fn vxlan_gpe(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let rest = behind(bytes, 8)?;
    match bytes[3] {
        1 | 2 => Ok(Layer::Ip(rest)),
        3 => Ok(Layer::Ethernet(rest)),
        _ => Err(Skip::Other),
    }
}

/// Geneve (RFC 8926): version 0, options in four-byte units, EtherType.
fn geneve(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let first = u8_at(bytes, 0)?;
    if first >> 6 != 0 {
        return Err(Skip::Other);
    }
    Ok(Layer::EtherType(u16_at(bytes, 2)?, behind(bytes, 8 + 4 * usize::from(first & 0x3f))?))
}

/// GTP-U version 1 (3GPP TS 29.281 §5.1): only messages of type 255 carry a packet.
fn gtp(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    const OPTIONAL: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    let &[flags, 255, ..] = bytes else { return Err(Skip::Other) };
    if flags >> 4 != 3 {
        return Err(Skip::Other);
    }
    let mut at = if flags & OPTIONAL == 0 { 8 } else { 12 };
    if flags & EXTENSION != 0 {
        // Each extension ends in the type of the next one; the first type ends the header.
        while u8_at(bytes, at - 1)? != 0 {
            let units = usize::from(u8_at(bytes, at)?.max(1));
            at += 4 * units;
        }
    }
    behind(bytes, at).map(Layer::Ip)
}

/// L2TP version 2 (RFC 2661 §3.1), data messages.
fn l2tp(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    let flags = u16_at(bytes, 0)?;
    if flags & CONTROL != 0 || flags & 0x0f != 2 {
        return Err(Skip::Other);
    }
    let mut at = 6;
    at += if flags & LENGTH == 0 { 0 } else { 2 };
    at += if flags & SEQUENCE == 0 { 0 } else { 4 };
    at += if flags & OFFSET == 0 { 0 } else { 2 + usize::from(u16_at(bytes, at)?) };
    behind(bytes, at).map(Layer::Ppp)
}

/// Teredo (RFC 4380 §5.1.1): authentication and origin may stand before the IPv6 packet.
fn teredo(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let mut rest = bytes;
    if let [0, 1, client, authentication, ..] = rest {
        rest = behind(rest, 13 + usize::from(*client) + usize::from(*authentication))?;
    }
    if let [0, 0, ..] = rest {
        rest = behind(rest, 8)?;
    }
    if u8_at(rest, 0)? >> 4 == 6 { Ok(Layer::Ip(rest)) } else { Err(Skip::Other) }
}

/// CAPWAP's data channel (RFC 5415 §4.3), where it is not encrypted: the header's length in four-byte units, then an 802.11
/// frame or an 802.3 one.
fn capwap(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    const NATIVE: u8 = 0x01;
    const FRAGMENT: u8 = 0x80;
    const KEEP_ALIVE: u8 = 0x08;
    let &[0, length, binding, flags, ..] = bytes else { return Err(Skip::Other) };
    let rest = behind(bytes, 4 * usize::from(length >> 3))?;
    if length >> 3 < 2 || flags & (FRAGMENT | KEEP_ALIVE) != 0 {
        return Err(Skip::Other);
    }
    if binding & NATIVE == 0 { Ok(Layer::Ethernet(rest)) } else { wireless::from_access_point(rest) }
}

/// TZSP, in which access points and routers send what they capture: version 1, a packet, its medium, tagged fields.
fn sniffer(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let &[1, 0 | 1, 0, medium, ..] = bytes else { return Err(Skip::Other) };
    let mut at = 4;
    loop {
        at += match u8_at(bytes, at)? {
            // Padding, and the end of the fields.
            0 => 1,
            1 => break,
            _ => 2 + usize::from(u8_at(bytes, at + 1)?),
        };
    }
    let rest = behind(bytes, at + 1)?;
    match medium {
        1 => Ok(Layer::Ethernet(rest)),
        18 => Ok(Layer::Wireless(rest)),
        _ => Err(Skip::Other),
    }
}
