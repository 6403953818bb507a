//! A pcapng file (draft-ietf-opsawg-pcapng): one section, an interface for each link type, nanoseconds.

use std::collections::BTreeSet;

use super::flow::Packet;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
/// Options: comment, program that wrote the section, resolution of times.
const COMMENT: u16 = 1;
const PROGRAM: u16 = 4;
const RESOLUTION: u16 = 9;

/// The file.
pub(super) fn file(version: &str, packets: &[Packet]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut section = Vec::new();
    section.extend(0x1a2b_3c4d_u32.to_le_bytes());
    section.extend([1, 0, 0, 0]);
    section.extend(u64::MAX.to_le_bytes());
    options(&mut section, &[(PROGRAM, format!("authtrace {version}").as_bytes())]);
    block(&mut file, SECTION, &section);
    let links: BTreeSet<u16> = packets.iter().map(|packet| packet.link).collect();
    let links: Vec<u16> = links.into_iter().collect();
    for link in &links {
        let mut interface = Vec::new();
        interface.extend(link.to_le_bytes());
        interface.extend([0; 6]);
        options(&mut interface, &[(RESOLUTION, &[9])]);
        block(&mut file, INTERFACE, &interface);
    }
    for packet in packets {
        let interface = links.binary_search(&packet.link).map_or(0, |index| index as u32);
        block(&mut file, PACKET, &enhanced(packet, interface));
    }
    file
}

fn enhanced(packet: &Packet, interface: u32) -> Vec<u8> {
    let at = packet.at as u64;
    let (captured, length) = (packet.bytes.len() as u32, (packet.bytes.len() + packet.cut) as u32);
    let mut body = Vec::with_capacity(packet.bytes.len() + 32);
    for word in [interface, (at >> 32) as u32, at as u32, captured, length] {
        body.extend(word.to_le_bytes());
    }
    body.extend(&packet.bytes);
    pad(&mut body);
    if let Some(remark) = packet.remark {
        options(&mut body, &[(COMMENT, remark.as_bytes())]);
    }
    body
}

fn options(body: &mut Vec<u8>, options: &[(u16, &[u8])]) {
    for (code, value) in options {
        body.extend(code.to_le_bytes());
        body.extend((value.len() as u16).to_le_bytes());
        body.extend(*value);
        pad(body);
    }
    body.extend([0; 4]);
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = (body.len() as u32 + 12).to_le_bytes();
    file.extend(kind.to_le_bytes());
    file.extend(length);
    file.extend(body);
    file.extend(length);
}
