//! Link layers, tunnels and fragments: several frames of any link type, through one decoder.
//!
//! Input: for each frame the link type (two bytes), bytes that were not captured (one byte), its length (two bytes), its bytes.

use authtrace_parse::{Decoder, Frame, LinkType, Packet};

/// Decodes all frames in `bytes`.
pub fn run(bytes: &[u8]) {
    let mut decoder = Decoder::new();
    let (mut rest, mut frames) = (bytes, 0u32);
    while let Some((&[kind, network, beyond, low, high], behind)) = rest.split_first_chunk() {
        let (held, behind) = behind.split_at(behind.len().min(usize::from(u16::from_le_bytes([low, high]))));
        rest = behind;
        frames += 1;
        let original_len = held.len() as u32 + u32::from(beyond);
        let link = LinkType(u16::from_le_bytes([kind, network]));
        match decoder.decode(&Frame { number: frames, time: None, link, bytes: held, original_len }) {
            Some(Packet::Tcp(segment)) => assert!(segment.cut <= u32::from(beyond)),
            Some(Packet::Udp(datagram)) => assert!(datagram.cut <= u32::from(beyond)),
            None => {}
        }
    }
    let counts = decoder.counts();
    let told = counts.segments + counts.datagrams + counts.other + counts.unknown_link + counts.cut + counts.malformed;
    assert_eq!(counts.frames, u64::from(frames));
    assert!(told + counts.fragments >= counts.frames, "{counts:?}");
}

/// Writes a frame as [`run`] reads it.
pub fn encode(link: u16, bytes: &[u8], into: &mut Vec<u8>) {
    let bytes = &bytes[..bytes.len().min(usize::from(u16::MAX))];
    into.extend_from_slice(&link.to_le_bytes());
    into.push(0);
    into.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
    into.extend_from_slice(bytes);
}
