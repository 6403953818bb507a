//! What a header says about the bytes behind it, and the walk from the first header to TCP or UDP.

use std::net::IpAddr;

use super::{defrag::Fragment, ethernet, ip, medium, ppp, transport, wireless};
use crate::{
    frame::LinkType,
    packet::{Datagram, Packet},
};

/// Most headers between the start of a frame and its TCP or UDP: eight tunnels of four headers each.
const MOST_LAYERS: u32 = 32;

/// Bytes whose first header is of a known kind.
#[derive(Clone, Copy)]
pub(super) enum Layer<'a> {
    /// A frame of this link type.
    Link(LinkType, &'a [u8]),
    /// Ethernet II or 802.3, from the destination address on.
    Ethernet(&'a [u8]),
    /// What an EtherType announces.
    EtherType(u16, &'a [u8]),
    /// Logical link control (802.2).
    Llc(&'a [u8]),
    /// PPP (RFC 1661), from the protocol field or the address field of HDLC on.
    Ppp(&'a [u8]),
    /// 802.11 without what radio drivers put before it.
    Wireless(&'a [u8]),
    /// IPv4 or IPv6, as its first four bits say.
    Ip(&'a [u8]),
    /// What an IP packet carries.
    Transport(Transport<'a>),
}

/// The payload of an IP packet.
#[derive(Clone, Copy)]
pub(super) struct Transport<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// IP protocol number.
    pub(super) protocol: u8,
    pub(super) payload: &'a [u8],
    /// Payload bytes on the wire behind `payload` that the snap length cut off.
    pub(super) cut: u32,
}

/// What stands behind a header.
pub(super) enum Next<'a> {
    /// Another header.
    Layer(Layer<'a>),
    /// The end of the walk.
    Packet(Packet<'a>),
    /// A datagram that looks like a tunnel: what is in it counts, if it is TCP or UDP.
    Tunnel(Layer<'a>, Datagram<'a>),
    /// A part of an IP packet.
    Fragment(Fragment<'a>),
}

/// Why a frame gives no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// It carries something else than TCP and UDP, or encrypts it.
    Other,
    /// Nobody reads its link type here.
    UnknownLink(LinkType),
    /// The snap length cut a header.
    Cut,
    /// A header contradicts itself.
    Malformed,
}

/// How a walk ended.
pub(super) enum Found<'a> {
    Packet(Packet<'a>),
    Fragment(Fragment<'a>),
}

/// Walks from `layer` to the innermost TCP or UDP. `beyond` is how many bytes of the frame were not captured.
pub(super) fn walk(layer: Layer<'_>, beyond: u32) -> Result<Found<'_>, Skip> {
    let mut layer = layer;
    let mut around = None;
    for _ in 0..MOST_LAYERS {
        match step(layer, beyond) {
            Ok(Next::Layer(next)) => layer = next,
            Ok(Next::Packet(packet)) => return Ok(Found::Packet(packet)),
            Ok(Next::Fragment(fragment)) => return Ok(Found::Fragment(fragment)),
            Ok(Next::Tunnel(next, datagram)) => {
                layer = next;
                around = Some(Packet::Udp(datagram));
            }
            // Of a frame that is all there, nothing was cut: a header promised more than there is.
            Err(Skip::Cut) if beyond == 0 => return around.map(Found::Packet).ok_or(Skip::Malformed),
            Err(skip) => return around.map(Found::Packet).ok_or(skip),
        }
    }
    around.map(Found::Packet).ok_or(Skip::Malformed)
}

/// Takes one header off.
#[inline]
fn step(layer: Layer<'_>, beyond: u32) -> Result<Next<'_>, Skip> {
    match layer {
        Layer::Link(link, bytes) => medium::link(link, bytes),
        Layer::Ethernet(bytes) => ethernet::ethernet(bytes),
        Layer::EtherType(kind, bytes) => ethernet::ether_type(kind, bytes),
        Layer::Llc(bytes) => ethernet::llc(bytes),
        Layer::Ppp(bytes) => ppp::ppp(bytes),
        Layer::Wireless(bytes) => wireless::wireless(bytes),
        Layer::Ip(bytes) => return ip::ip(bytes, beyond),
        Layer::Transport(payload) => return transport::transport(payload),
    }
    .map(Next::Layer)
}

/// The 16-bit big-endian integer at `at`.
#[inline]
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Skip> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().map(u16::from_be_bytes).ok_or(Skip::Cut)
}

/// The 32-bit big-endian integer at `at`.
#[inline]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Skip> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().map(u32::from_be_bytes).ok_or(Skip::Cut)
}

/// The byte at `at`.
#[inline]
pub(super) fn u8_at(bytes: &[u8], at: usize) -> Result<u8, Skip> {
    bytes.get(at).copied().ok_or(Skip::Cut)
}

/// What stands from `at` on.
#[inline]
pub(super) fn behind(bytes: &[u8], at: usize) -> Result<&[u8], Skip> {
    bytes.get(at..).ok_or(Skip::Cut)
}
