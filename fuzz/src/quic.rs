//! QUIC: datagrams between two ends, of which only what opens may be counted.
//!
//! Input: for each datagram who sends it (one byte), bytes that were not captured (one byte), its length (two bytes), its bytes.

use std::net::SocketAddr;

use authtrace_parse::{Datagram, QuicWatch, stream::Mark};

/// Watches all datagrams in `bytes`.
pub fn run(bytes: &[u8]) {
    let mut watch = QuicWatch::new();
    let (mut rest, mut frame) = (bytes, 0u32);
    while let Some((&[sender, cut, low, high], behind)) = rest.split_first_chunk() {
        let (payload, behind) = behind.split_at(behind.len().min(usize::from(u16::from_le_bytes([low, high]))));
        rest = behind;
        frame += 1;
        let (client, server) = (SocketAddr::from(([10, 0, 0, 1], 50_000)), SocketAddr::from(([10, 0, 0, 2], 443)));
        let (source, destination) = if sender & 1 == 0 { (client, server) } else { (server, client) };
        let datagram = Datagram { source, destination, payload, cut: u32::from(cut) };
        watch.datagram(&datagram, Mark { frame, time: None });
    }
    let summary = watch.finish();
    assert!(summary.count <= u64::from(frame) * 64);
    assert_eq!(summary.connections.len() as u64, summary.count.min(QuicWatch::DESCRIBED as u64));
}

/// Writes a datagram as [`run`] reads it.
pub fn encode(from_server: bool, payload: &[u8], into: &mut Vec<u8>) {
    let payload = &payload[..payload.len().min(usize::from(u16::MAX))];
    into.extend_from_slice(&[u8::from(from_server), 0]);
    into.extend_from_slice(&(payload.len() as u16).to_le_bytes());
    into.extend_from_slice(payload);
}
