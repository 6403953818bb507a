//! The same TCP segment behind every header that may stand before it.
#![allow(clippy::unwrap_used, reason = "an integration test")]

use authtrace_parse::{Decoder, Frame, LinkType, Packet};
use etherparse::PacketBuilder;

const ETHERNET: u16 = 1;
const PAYLOAD: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

/// IPv4 with TCP.
fn v4() -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(40_000, 80, 7, 1024).ack(9);
    builder.write(&mut bytes, PAYLOAD).unwrap();
    bytes
}

/// IPv6 with TCP.
fn v6() -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv6([1; 16], [2; 16], 64).tcp(40_000, 80, 7, 1024).ack(9);
    builder.write(&mut bytes, PAYLOAD).unwrap();
    bytes
}

/// IPv4 with UDP.
fn in_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64).udp(50_000, port).write(&mut bytes, payload).unwrap();
    bytes
}

/// IPv4 with any protocol.
fn in_ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
    builder.write(&mut bytes, etherparse::IpNumber(protocol), payload).unwrap();
    bytes
}

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind.to_be_bytes(), payload].concat()
}

fn frame(link: u16, bytes: &[u8]) -> Frame<'_> {
    Frame { number: 1, time: None, link: LinkType(link), bytes, original_len: bytes.len() as u32 }
}

/// What a decoder finds in one frame, in words.
fn found(link: u16, bytes: &[u8]) -> String {
    let mut decoder = Decoder::new();
    match decoder.decode(&frame(link, bytes)) {
        Some(Packet::Tcp(s)) => {
            let text = String::from_utf8_lossy(s.payload).into_owned();
            format!("{} {} {} {:?} {text}", s.source, s.destination, s.sequence, s.acknowledgment)
        }
        Some(Packet::Udp(d)) => format!("{} {} udp", d.source, d.destination),
        None => "nothing".to_owned(),
    }
}

#[track_caller]
fn check(link: u16, before: &[u8]) {
    for (packet, addresses) in [
        (v4(), ["10.0.0.1", "10.0.0.2"]),
        (v6(), ["[101:101:101:101:101:101:101:101]", "[202:202:202:202:202:202:202:202]"]),
    ] {
        check_whole(link, &[before, &packet].concat(), addresses);
    }
}

#[track_caller]
fn check_v4(link: u16, bytes: &[u8]) {
    check_whole(link, bytes, ["10.0.0.1", "10.0.0.2"]);
}

#[track_caller]
fn check_whole(link: u16, bytes: &[u8], [source, destination]: [&str; 2]) {
    let text = String::from_utf8_lossy(PAYLOAD);
    assert_eq!(found(link, bytes), format!("{source}:40000 {destination}:80 7 Some(9) {text}"), "link type {link}");
}

#[test]
fn raw_ip_and_loopback() {
    for link in [12, 14, 101, 228, 229] {
        check(link, &[]);
    }
    for link in [0, 108] {
        for family in [2u32, 10, 23, 24, 28, 30] {
            check(link, &family.to_be_bytes());
            check(link, &family.to_le_bytes());
        }
        assert_eq!(found(link, &[&[0, 0, 0, 7][..], &v4()].concat()), "nothing");
    }
    check(8, &[0; 16]);
    check(226, &[0; 24]);
}

#[test]
fn ethernet_with_tags_and_labels() {
    let v4 = v4();
    let tag = |kind: u16, tag: u16, payload: &[u8]| [&tag.to_be_bytes()[..], &kind.to_be_bytes(), payload].concat();
    let tagged = tag(0x0800, 12, &v4);
    check_v4(ETHERNET, &ethernet(0x0800, &v4));
    check_whole(
        ETHERNET,
        &ethernet(0x86dd, &v6()),
        ["[101:101:101:101:101:101:101:101]", "[202:202:202:202:202:202:202:202]"],
    );
    for outer in [0x8100, 0x88a8, 0x9100, 0x9200] {
        check_v4(ETHERNET, &ethernet(outer, &tagged));
        check_v4(ETHERNET, &ethernet(outer, &tag(0x8100, 13, &tagged)));
    }
    // A priority tag names no VLAN.
    check_v4(ETHERNET, &ethernet(0x8100, &tag(0x0800, 0x6000, &v4)));
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &v4].concat();
    check_v4(ETHERNET, &ethernet(snap.len() as u16, &snap));
    check_v4(ETHERNET, &ethernet(0x8870, &snap));
    let labels = |payload: &[u8]| [&[0, 1, 0x10, 64, 0, 2, 0x21, 64][..], payload].concat();
    check_v4(ETHERNET, &ethernet(0x8847, &labels(&v4)));
    check_v4(ETHERNET, &ethernet(0x8847, &labels(&ethernet(0x0800, &v4))));
    check_v4(ETHERNET, &ethernet(0x8848, &labels(&[&[0; 4][..], &ethernet(0x0800, &v4)].concat())));
    check_v4(ETHERNET, &ethernet(0x88e7, &[&[0; 4][..], &ethernet(0x8100, &tagged)].concat()));
    check_v4(ETHERNET, &ethernet(0x8926, &[&[0; 4][..], &[8, 0], &v4].concat()));
    check_v4(ETHERNET, &ethernet(0x8864, &[&[0x11, 0, 0, 1, 0, 60, 0, 0x21][..], &v4].concat()));
}

#[test]
fn cooked_captures() {
    let v1 = |hardware: u16, protocol: u16| {
        [&[0, 0][..], &hardware.to_be_bytes(), &[0, 6, 1, 2, 3, 4, 5, 6, 0, 0], &protocol.to_be_bytes()].concat()
    };
    let v2 = |hardware: u16, protocol: u16| {
        let middle = [0, 0, 0, 0, 0, 3];
        [&protocol.to_be_bytes()[..], &middle, &hardware.to_be_bytes(), &[0, 6, 1, 2, 3, 4, 5, 6, 0, 0]].concat()
    };
    for (link, header) in [(113, &v1 as &dyn Fn(u16, u16) -> Vec<u8>), (276, &v2)] {
        check_v4(link, &[header(1, 0x0800), v4()].concat());
        check_v4(link, &[header(772, 0x0800), v4()].concat());
        check_v4(link, &[header(1, 0x8100), vec![0, 5, 8, 0], v4()].concat());
        check_v4(link, &[header(1, 4), vec![0xaa, 0xaa, 3, 0, 0, 0, 8, 0], v4()].concat());
        assert_eq!(found(link, &[header(824, 0x0800), v4()].concat()), "nothing");
        assert_eq!(found(link, &[header(1, 0x000c), v4()].concat()), "nothing");
    }
}

#[test]
fn serial_links() {
    for protocol in [&[0x00, 0x21][..], &[0x21], &[0xff, 3, 0, 0x21], &[0xff, 3, 0x21]] {
        for link in [9, 50] {
            check_v4(link, &[protocol, &v4()].concat());
        }
        check_v4(204, &[&[1], protocol, &v4()].concat());
        check_v4(51, &[&[0x11, 0, 0, 1, 0, 60], protocol, &v4()].concat());
    }
    check_v4(9, &[&[0x02, 0x81, 0, 1, 0x11, 64][..], &v4()].concat());
    check_v4(104, &[&[0x0f, 0, 8, 0][..], &v4()].concat());
    check_v4(50, &[&[0x8f, 0, 8, 0][..], &v4()].concat());
    check_v4(107, &[&[0x18, 0x41, 3, 0xcc][..], &v4()].concat());
    check_v4(107, &[&[0x18, 0x40, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0][..], &v4()].concat());
    check_v4(107, &[&[0x18, 0x41, 8, 0][..], &v4()].concat());
    check_v4(100, &[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &v4()].concat());
}

#[test]
fn wireless_frames() {
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    let header = |control: u8, flags: u8, rest: usize| {
        let mut bytes = vec![control, flags];
        bytes.resize(rest, 0);
        bytes
    };
    let data = |control, flags, length| [&header(control, flags, length)[..], &snap, &v4()].concat();
    let plain = data(0x08, 0x01, 24);
    check_v4(105, &plain);
    check_v4(105, &data(0x08, 0x03, 30));
    check_v4(105, &data(0x88, 0x02, 26));
    // Padded to four bytes by the driver; with HT control.
    check_v4(105, &data(0x88, 0x02, 28));
    check_v4(105, &data(0x88, 0x82, 30));
    let mut aggregated = header(0x88, 0x02, 26);
    aggregated[24] = 0x80;
    check_v4(105, &[&aggregated, &[0; 14][..], &snap, &v4()].concat());
    check_v4(127, &[&[0, 0, 12, 0, 0, 0, 0, 0, 9, 9, 9, 9][..], &plain].concat());
    check_v4(119, &[&[0, 0, 0, 0x44, 16, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8][..], &plain].concat());
    check_v4(163, &[&[0x80, 0x21, 0x10, 0x02, 0, 0, 0, 12, 1, 2, 3, 4][..], &plain].concat());
    check_v4(192, &[&[0, 0, 10, 0, 105, 0, 0, 0, 1, 2][..], &plain].concat());
    // Encrypted, without data, part of a fragmented one, not data.
    for (control, flags) in [(0x08, 0x41), (0x48, 0x01), (0x08, 0x05), (0x80, 0x00)] {
        assert_eq!(found(105, &data(control, flags, 24)), "nothing");
    }
}

#[test]
fn what_capturing_systems_put_before() {
    let frame = ethernet(0x0800, &v4());
    check_v4(240, &[&[0; 4], &frame[..]].concat());
    check_v4(241, &[&[0; 12], &frame[..]].concat());
    check_v4(274, &[&[0; 8], &frame[..]].concat());
    check_v4(282, &[&[0; 4], &frame[..]].concat());
    for (link, tag) in [(281, 4), (284, 4), (285, 8)] {
        check_v4(link, &[&frame[..12], &vec![0xd0; tag], &frame[12..]].concat());
    }
    let mut tap = vec![0; 108];
    (tap[0], tap[8]) = (108, 1);
    check_v4(258, &[&tap, &frame[..]].concat());
    check_v4(149, &[&tap, &frame[..]].concat());
    check_v4(178, &[&[0x4d, 0x47, 0x43, 0x01], &frame[..]].concat());
    check_v4(178, &[&[0x4d, 0x47, 0x43, 0x81, 0, 3, 1, 2, 3], &frame[..]].concat());
    check_v4(178, &[&[0x4d, 0x47, 0x43, 0x03, 0, 0, 0, 2], &v4()[..]].concat());
    check_v4(239, &[&[2, 0, 0, 0, 5, 0, 1, 0, 9, 0, 0, 0, 100, 0, 9, 0], &v4()[..]].concat());
    check_v4(129, &[&[1, 2, 0, 0, 240], &v4()[..]].concat());
    check_v4(129, &[&[1, 2, 0, 0, 212, 0, 0, 1], &v4()[..]].concat());
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &v4()[..]].concat();
    check_v4(6, &[&[0; 14], &snap[..]].concat());
    check_v4(6, &[&[0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 2, 0], &snap[..]].concat());
    check_v4(10, &[&[0; 13], &snap[..]].concat());
}

#[test]
fn ip_in_ip() {
    let in_v6 = |protocol: u8, payload: &[u8]| {
        let mut bytes = Vec::new();
        let builder = PacketBuilder::ipv6([3; 16], [4; 16], 64);
        builder.write(&mut bytes, etherparse::IpNumber(protocol), payload).unwrap();
        bytes
    };
    let addresses = ["[101:101:101:101:101:101:101:101]", "[202:202:202:202:202:202:202:202]"];
    check_v4(101, &in_ip(4, &v4()));
    check_v4(101, &in_v6(4, &v4()));
    check_whole(101, &in_ip(41, &v6()), addresses);
    check_whole(101, &in_v6(41, &v6()), addresses);
    check_v4(101, &in_v6(4, &in_ip(41, &in_v6(4, &v4()))));
    // Behind an authentication header (RFC 4302), in tunnel mode and in transport mode.
    let authenticated = |next: u8| [next, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    check_v4(101, &in_ip(51, &[&authenticated(4), &v4()[..]].concat()));
    check_v4(101, &in_v6(51, &[&authenticated(4), &v4()[..]].concat()));
    let segment = &v4()[20..];
    let text = String::from_utf8_lossy(PAYLOAD);
    assert_eq!(
        found(101, &in_ip(51, &[&authenticated(6), segment].concat())),
        format!("192.0.2.1:40000 192.0.2.2:80 7 Some(9) {text}")
    );
}

#[test]
fn tunnels_in_ip() {
    let frame = ethernet(0x0800, &v4());
    check_v4(101, &in_ip(41, &v4()));
    check_v4(101, &in_ip(97, &[&[0x30, 0], &frame[..]].concat()));
    check_v4(101, &in_ip(137, &[&[0, 1, 0x11, 64], &v4()[..]].concat()));
    let gre = |header: &[u8], payload: &[u8]| in_ip(47, &[header, payload].concat());
    check_v4(101, &gre(&[0, 0, 8, 0], &v4()));
    check_v4(101, &gre(&[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2], &v4()));
    check_v4(101, &gre(&[0, 0, 0x65, 0x58], &frame));
    check_v4(101, &gre(&[0, 0, 0x88, 0x47, 0, 1, 0x11, 64], &v4()));
    check_v4(101, &gre(&[0x30, 0x81, 0x88, 0x0b, 0, 60, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 3, 0, 0x21], &v4()));
    check_v4(101, &gre(&[0, 0, 0x88, 0xbe], &frame));
    check_v4(101, &gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7], &frame));
    check_v4(101, &gre(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0], &frame));
    check_v4(101, &gre(&[0, 0, 0x88, 0x3e], &v4()));
    check_v4(101, &gre(&[0, 0, 0x88, 0x3e, 0, 0, 0, 0], &v4()));
}

#[test]
fn tunnels_in_udp() {
    let frame = ethernet(0x0800, &v4());
    let udp = |port, header: &[u8], payload: &[u8]| in_udp(port, &[header, payload].concat());
    for port in [4789, 8472] {
        check_v4(101, &udp(port, &[8, 0, 0, 0, 0, 0, 1, 0], &frame));
    }
    check_v4(101, &udp(4790, &[0x0c, 0, 0, 1, 0, 0, 1, 0], &v4()));
    check_v4(101, &udp(4790, &[0x0c, 0, 0, 3, 0, 0, 1, 0], &frame));
    check_v4(101, &udp(6081, &[0, 0, 0x65, 0x58, 0, 0, 1, 0], &frame));
    check_v4(101, &udp(6081, &[1, 0, 8, 0, 0, 0, 1, 0, 1, 2, 3, 4], &v4()));
    check_v4(101, &udp(2152, &[0x30, 255, 0, 60, 0, 0, 0, 1], &v4()));
    check_v4(101, &udp(2152, &[0x34, 255, 0, 60, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0x10, 0, 0], &v4()));
    check_v4(101, &udp(1701, &[0x40, 2, 0, 60, 0, 1, 0, 1, 0xff, 3, 0, 0x21], &v4()));
    check_v4(101, &udp(1701, &[0x0a, 2, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 9, 0, 0x21], &v4()));
    check_v4(101, &udp(6635, &[0, 1, 0x11, 64], &v4()));
    check_v4(101, &udp(37008, &[1, 0, 0, 1, 10, 1, 5, 0, 1], &frame));
    check_v4(101, &udp(5247, &[0, 0x10, 0, 0, 0, 0, 0, 0], &frame));
    for (control, flags) in [(0x08, 0x01), (0x08, 0x41), (0x11, 0x08), (0x41, 0x88)] {
        let header = [&[control, flags][..], &vec![0; if flags == 0x88 { 24 } else { 22 }]].concat();
        let wireless = [&header[..], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &v4()].concat();
        check_v4(101, &udp(5247, &[0, 0x20, 3, 0x20, 0, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0], &wireless));
        check_v4(101, &in_ip(47, &[&[0, 0, 0x82, 0x40], &wireless[..]].concat()));
    }
    // A fragment, and what keeps the channel open.
    for flags in [0x80, 0x08] {
        let bytes = udp(5247, &[0, 0x10, 0, flags, 0, 0, 0, 0], &frame);
        assert_eq!(found(101, &bytes), "192.0.2.1:50000 192.0.2.2:5247 udp");
    }
    let addresses = ["[101:101:101:101:101:101:101:101]", "[202:202:202:202:202:202:202:202]"];
    check_whole(101, &udp(3544, &[], &v6()), addresses);
    check_whole(101, &udp(3544, &[0, 0, 1, 2, 3, 4, 5, 6], &v6()), addresses);
    let authentication = [0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6];
    check_whole(101, &udp(3544, &authentication, &v6()), addresses);
}

#[test]
fn a_port_alone_makes_no_tunnel() {
    for port in [4789, 4790, 6081, 2152, 1701, 6635, 3544, 37008, 5247] {
        for payload in [&b""[..], b"x", b"hello, this is no tunnel at all and long enough to look like one"] {
            assert_eq!(found(101, &in_udp(port, payload)), format!("192.0.2.1:50000 192.0.2.2:{port} udp"));
        }
    }
}

#[test]
fn tunnels_nest_to_a_bound() {
    let nested = |depth| (0..depth).fold(v4(), |inner, _| in_ip(47, &[&[0, 0, 8, 0], &inner[..]].concat()));
    check_v4(ETHERNET, &ethernet(0x0800, &nested(8)));
    assert_eq!(found(ETHERNET, &ethernet(0x0800, &nested(40))), "nothing");
}
