//! What a frame carries once its link and network headers are off: a TCP segment or a UDP datagram.

use std::net::SocketAddr;

/// One transport-layer unit.
#[derive(Clone, Copy)]
pub enum Packet<'a> {
    /// TCP (RFC 9293).
    Tcp(Segment<'a>),
    /// UDP (RFC 768).
    Udp(Datagram<'a>),
}

/// One TCP segment.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// Who it is for.
    pub destination: SocketAddr,
    /// Sequence number of the first payload byte, or of SYN.
    pub sequence: u32,
    /// Next byte that the sender expects; `None` without the ACK flag.
    pub acknowledgment: Option<u32>,
    /// Connection flags.
    pub flags: Flags,
    /// Captured payload.
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire behind `payload` and that the snap length cut off.
    pub cut: u32,
}

/// The TCP flags that begin and end a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Opens a direction.
    pub syn: bool,
    /// Closes a direction.
    pub fin: bool,
    /// Ends the connection at once.
    pub rst: bool,
}

/// One UDP datagram.
#[derive(Clone, Copy)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// Who it is for.
    pub destination: SocketAddr,
    /// Captured payload.
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire behind `payload` and that the snap length cut off.
    pub cut: u32,
}
