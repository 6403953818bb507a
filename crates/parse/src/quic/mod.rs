//! QUIC as far as it can be seen without keys: connections are counted, with the names in their Initial packets.
//!
//! ```text
//! datagram ─► packet (which bytes are an Initial) ─► protection (keys from its own connection id) ─► frames
//!          ─► hello (CRYPTO frames in order) ─► watch (which connection it belongs to)
//! ```
//!
//! Initial packets are encrypted with keys that everyone can derive from the packet itself (RFC 9001 §5.2), so that nothing
//! but QUIC opens: a datagram that carries the authentication tag is proven to be what it claims, and DNS, DTLS, RTP, STUN,
//! WireGuard or garbage on the same port is never taken for it. What follows the handshake is not read.

mod frames;
mod hello;
mod packet;
mod protection;
mod version;
mod watch;

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

pub use self::{version::QuicVersion, watch::QuicWatch};
use crate::time::Timestamp;

/// A QUIC connection. What is asked and answered in it is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuicConnection {
    /// Who called.
    pub client: SocketAddr,
    /// Who was called.
    pub server: SocketAddr,
    /// Host name that the client asked for; with Encrypted Client Hello the public name in front of it.
    pub server_name: Option<Box<str>>,
    /// Application protocols that the client offered; the server's choice is encrypted.
    pub alpn: Box<[Box<str>]>,
    /// Version of the first Initial packet that opened.
    pub version: QuicVersion,
    /// First frame's time.
    pub first: Option<Timestamp>,
}

impl QuicConnection {
    /// Whether the client offered HTTP/3, of any draft (RFC 9114 §3.1), and nothing else.
    pub fn is_http3(&self) -> bool {
        !self.alpn.is_empty() && self.alpn.iter().all(|name| &**name == "h3" || name.starts_with("h3-"))
    }
}

/// What was seen of QUIC in a packet capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuicSummary {
    /// The first connections, in the order of their first frames.
    pub connections: Vec<QuicConnection>,
    /// Connections in all.
    pub count: u64,
}
