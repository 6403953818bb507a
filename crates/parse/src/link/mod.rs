//! From a frame to the TCP segment or UDP datagram in it, through whatever stands before: media, tags, labels, IP with
//! its extension headers and fragments, tunnels.
//!
//! Checksums are not looked at: a machine that captures its own traffic sees them before its network card fills them in.

mod decoder;
mod defrag;
mod ethernet;
mod ip;
mod layer;
mod medium;
mod ppp;
mod transport;
mod tunnel;
mod usual;
mod wireless;

pub use decoder::{Decoder, DecoderCounts};
