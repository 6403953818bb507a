//! Ethernet and what its type field leads to: VLAN tags, MPLS labels, LLC.

use super::{
    layer::{Layer, Skip, behind, u8_at, u16_at, u32_at},
    ppp,
};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// Values of the type field up to this one are a length: LLC follows (IEEE 802.3 §3.2.6).
const MOST_LENGTH: u16 = 1500;

/// Ethernet, from the destination address on.
#[inline]
pub(super) fn ethernet(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    typed(bytes, 12)
}

/// A header of any kind that ends in an EtherType at `at`.
#[inline]
pub(super) fn typed(bytes: &[u8], at: usize) -> Result<Layer<'_>, Skip> {
    match u16_at(bytes, at)? {
        IPV4 | IPV6 => Ok(Layer::Ip(behind(bytes, at + 2)?)),
        kind => Ok(Layer::EtherType(kind, behind(bytes, at + 2)?)),
    }
}

/// What an EtherType announces.
pub(super) fn ether_type(kind: u16, bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    match kind {
        IPV4 | IPV6 => Ok(Layer::Ip(bytes)),
        // VLAN (802.1Q), service VLAN (802.1ad) and the types that switches used for it before.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => typed(bytes, 2),
        0x8847 | 0x8848 => mpls(bytes),
        0x8864 => ppp::session(bytes),
        0x880b => Ok(Layer::Ppp(bytes)),
        // Transparent Ethernet bridging, in tunnels.
        0x6558 => Ok(Layer::Ethernet(bytes)),
        // Provider backbone bridging (802.1ah): service instance, then the customer's frame.
        0x88e7 => behind(bytes, 4).map(Layer::Ethernet),
        // VN-Tag, E-Tag (802.1BR) and Cisco metadata.
        0x8926 => typed(bytes, 4),
        0x893f | 0x8909 => typed(bytes, 6),
        // Jumbo frames of LLC.
        0x8870 | 0..=MOST_LENGTH => Ok(Layer::Llc(bytes)),
        _ => Err(Skip::Other),
    }
}

/// A stack of MPLS labels (RFC 3032), then IP, or an Ethernet pseudowire with or without control word (RFC 4448).
pub(super) fn mpls(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    let mut rest = bytes;
    loop {
        let label = u32_at(rest, 0)?;
        rest = behind(rest, 4)?;
        if label & 0x100 != 0 {
            break;
        }
    }
    match u8_at(rest, 0)? >> 4 {
        4 | 6 => Ok(Layer::Ip(rest)),
        0 if u16_at(rest, 4 + 12).is_ok_and(is_usual) => Ok(Layer::Ethernet(&rest[4..])),
        _ if u16_at(rest, 12).is_ok_and(is_usual) => Ok(Layer::Ethernet(rest)),
        _ => Err(Skip::Other),
    }
}

/// Whether a frame in a pseudowire is likely to have this type: nothing but the value itself tells.
fn is_usual(kind: u16) -> bool {
    matches!(kind, IPV4 | IPV6 | 0x8100 | 0x88a8 | 0x8847 | 0x8848 | 0x8864)
}

/// Logical link control, with the subnetwork access protocol (RFC 1042) or without.
pub(super) fn llc(bytes: &[u8]) -> Result<Layer<'_>, Skip> {
    match bytes {
        // Unknown organisations keep their own numbers; these two mean EtherTypes.
        [0xaa, 0xaa, 3, 0, 0, 0 | 0xf8, ..] => typed(bytes, 6),
        // A bridged Ethernet frame, with or without frame check sequence (RFC 2684 §5.2).
        [0xaa, 0xaa, 3, 0x00, 0x80, 0xc2, 0, 1 | 7, ..] => behind(bytes, 10).map(Layer::Ethernet),
        [6, 6, 3, ..] => Ok(Layer::Ip(&bytes[3..])),
        // Network layer protocol identifier of ISO 9577.
        [0xfe, 0xfe, 3, 0xcc | 0x8e, ..] => Ok(Layer::Ip(&bytes[4..])),
        _ => Err(Skip::Other),
    }
}
