//! A TCP connection in the making: what both ends say becomes segments in IP packets with right lengths and checksums.

use std::net::{IpAddr, SocketAddr};

use authtrace_parse::TcpConnection;

/// A frame to be written.
pub(super) struct Packet {
    /// When, in nanoseconds since 1970.
    pub(super) at: i64,
    /// Link type: what its bytes begin with.
    pub(super) link: u16,
    pub(super) bytes: Vec<u8>,
    /// Bytes that were on the wire and are not here.
    pub(super) cut: usize,
    pub(super) remark: Option<&'static str>,
}

/// LINKTYPE_RAW: an IP packet without anything in front of it.
const RAW: u16 = 101;
/// Bytes of one segment: an IPv4 packet holds 65 535.
const SEGMENT: usize = 32 * 1024;

/// How far apart the sequence numbers of two parts of a connection begin.
const PART: u32 = 0x0200_0000;

const FIN: u8 = 0b1;
const SYN: u8 = 0b10;
const PSH_ACK: u8 = 0b1_1000;
const ACK: u8 = 0b1_0000;

/// One connection.
pub(super) struct Flow {
    ends: [SocketAddr; 2],
    /// Next sequence number of client and server.
    next: [u32; 2],
    now: i64,
    packets: Vec<Packet>,
}

impl Flow {
    /// Opens part number `number` of a connection between `ends` (client and server) just before `at`. The first part has
    /// the initial sequence numbers of the connection, so that one that was captured twice is seen to be one.
    pub(super) fn new(
        (client, server): (SocketAddr, SocketAddr),
        connection: TcpConnection,
        at: i64,
        remark: Option<&'static str>,
        number: u32,
    ) -> Self {
        let opening = connection.opening.map_or(u64::from(connection.first_frame), std::num::NonZeroU64::get);
        let other = number.wrapping_mul(PART);
        let (small, large) = (((opening >> 32) as u32).wrapping_add(other), (opening as u32).wrapping_add(other));
        let mut flow = Self { ends: [client, server], next: [small, large], now: at - 3, packets: Vec::new() };
        flow.segment(true, SYN, b"", 0);
        flow.segment(false, SYN | ACK, b"", 0);
        flow.segment(true, ACK, b"", 0);
        if let Some(first) = flow.packets.first_mut() {
            first.remark = remark;
        }
        flow
    }

    /// One end says `bytes` at `at`, or as soon as what was said before allows.
    pub(super) fn say(&mut self, from_client: bool, at: i64, bytes: &[u8]) {
        self.now = self.now.max(at);
        for chunk in bytes.chunks(SEGMENT) {
            self.segment(from_client, PSH_ACK, chunk, 0);
        }
    }

    /// The same, and `cut` bytes more that were not captured.
    pub(super) fn say_cut(&mut self, from_client: bool, at: i64, bytes: &[u8], cut: usize) {
        self.now = self.now.max(at);
        let (head, last) = bytes.split_at(bytes.len().saturating_sub(1) / SEGMENT * SEGMENT);
        self.say(from_client, at, head);
        self.segment(from_client, PSH_ACK, last, cut);
    }

    /// Closes the connection.
    pub(super) fn finish(mut self) -> Vec<Packet> {
        self.segment(true, FIN | ACK, b"", 0);
        self.segment(false, FIN | ACK, b"", 0);
        self.packets
    }

    fn segment(&mut self, from_client: bool, flags: u8, bytes: &[u8], cut: usize) {
        let own = usize::from(!from_client);
        let (from, to) = (self.ends[own], self.ends[1 - own]);
        let mut segment = Vec::with_capacity(20 + bytes.len());
        segment.extend(from.port().to_be_bytes());
        segment.extend(to.port().to_be_bytes());
        segment.extend(self.next[own].to_be_bytes());
        let acknowledged = if flags & ACK == 0 { 0 } else { self.next[1 - own] };
        segment.extend(acknowledged.to_be_bytes());
        segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(bytes);
        if cut == 0 {
            let sum = checksum(&pseudo(from.ip(), to.ip(), segment.len()), &segment);
            segment[16..18].copy_from_slice(&sum.to_be_bytes());
        }
        let said = (bytes.len() + cut) as u32 + u32::from(flags & (SYN | FIN) != 0);
        self.next[own] = self.next[own].wrapping_add(said);
        let packet =
            Packet { at: self.now, link: RAW, bytes: ip(from.ip(), to.ip(), &segment, cut), cut, remark: None };
        self.packets.push(packet);
        self.now += 1;
    }
}

/// What a TCP checksum covers beside the segment (RFC 9293 §3.1).
pub(super) fn pseudo(from: IpAddr, to: IpAddr, length: usize) -> Vec<u8> {
    let mut pseudo = Vec::new();
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            pseudo.extend(from.octets());
            pseudo.extend(to.octets());
            pseudo.extend([0, 6]);
            pseudo.extend((length as u16).to_be_bytes());
        }
        (from, to) => {
            pseudo.extend(v6(from));
            pseudo.extend(v6(to));
            pseudo.extend((length as u32).to_be_bytes());
            pseudo.extend([0, 0, 0, 6]);
        }
    }
    pseudo
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The segment in an IP packet that is `cut` bytes longer on the wire (RFC 791, RFC 8200).
fn ip(from: IpAddr, to: IpAddr, segment: &[u8], cut: usize) -> Vec<u8> {
    let mut packet = Vec::with_capacity(40 + segment.len());
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let length = (20 + segment.len() + cut) as u16;
            packet.extend([0x45, 0]);
            packet.extend(length.to_be_bytes());
            packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
            packet.extend(from.octets());
            packet.extend(to.octets());
            let sum = checksum(&packet, &[]);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        (from, to) => {
            packet.extend([0x60, 0, 0, 0]);
            packet.extend(((segment.len() + cut) as u16).to_be_bytes());
            packet.extend([6, 64]);
            packet.extend(v6(from));
            packet.extend(v6(to));
        }
    }
    packet.extend(segment);
    packet
}

/// The Internet checksum of two runs of bytes, the first of an even number (RFC 1071).
pub(super) fn checksum(first: &[u8], second: &[u8]) -> u16 {
    let words = |bytes: &[u8]| {
        bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]))).sum::<u32>()
    };
    let mut sum = words(first) + words(second);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
