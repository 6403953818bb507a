//! PPP, the serial links that look like it, and PPP over Ethernet.

use super::{
    ethernet,
    layer::{Layer, Skip, behind, u8_at, u16_at},
};

/// PPP: address and control are optional, the protocol takes one byte or two (RFC 1661 §2, RFC 1662 §3).
pub(super) fn ppp(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let bytes = bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes);
    let first = u8_at(bytes, 0)?;
    // Only the last byte of a protocol number is odd.
    let (protocol, rest) = match first & 1 {
        1 => (u16::from(first), behind(bytes, 1)?),
        _ => (u16_at(bytes, 0)?, behind(bytes, 2)?),
    };
    match protocol {
        0x0021 | 0x0057 => Ok(Layer::Ip(rest)),
        0x0281 | 0x0283 => ethernet::mpls(rest),
        // Bridged frames (RFC 3518 §4.2): flags, MAC type 1 is Ethernet.
        0x0031 if rest.get(1) == Some(&1) => behind(rest, 2).map(Layer::Ethernet),
        _ => Err(Skip::Other),
    }
}

/// A PPPoE session (RFC 2516 §4): version and type, code, session, length, then PPP.
pub(super) fn session(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    match bytes {
        [0x11, 0, ..] => behind(bytes, 6).map(Layer::Ppp),
        _ => Err(Skip::Malformed),
    }
}

/// PPP in HDLC or Cisco's HDLC: the address tells them apart (RFC 1547 §4.3).
pub(super) fn hdlc(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    match u8_at(bytes, 0)? {
        // Unicast and multicast of Cisco's: then a control byte and an EtherType.
        0x0f | 0x8f => ethernet::typed(bytes, 2),
        _ => Ok(Layer::Ppp(bytes)),
    }
}

/// Frame Relay (RFC 2427): an address of two to four bytes, then a protocol identifier, or Cisco's EtherType.
pub(super) fn frame_relay(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    // The lowest bit of the address' last byte is set.
    let address = bytes.iter().take(4).position(|byte| byte & 1 == 1).ok_or(Skip::Malformed)? + 1;
    let rest = &bytes[address..];
    match rest {
        [3, 0xcc | 0x8e, ..] => Ok(Layer::Ip(&rest[2..])),
        // With a padding byte before the identifier of SNAP, whose organisation and type follow.
        [3, 0, 0x80, 0, 0, 0, ..] => ethernet::typed(rest, 6),
        [3, 0x80, 0, 0, 0, ..] => ethernet::typed(rest, 5),
        [3, ..] => Err(Skip::Other),
        _ => ethernet::typed(rest, 0),
    }
}
