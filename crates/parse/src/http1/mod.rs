//! HTTP/1.x on a reassembled connection (RFC 9110, RFC 9112): heads, bodies by their framing, pairing.

mod chunked;
mod connection;
mod framing;
pub(crate) mod head;
mod pairing;
mod reader;

pub(crate) use connection::Connection;
