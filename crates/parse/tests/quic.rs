//! QUIC connections: which are counted, what is told of them, and what is not taken for one.
#![allow(clippy::unwrap_used, reason = "an integration test")]

use std::net::SocketAddr;

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use aes_gcm::aead::AeadInOut as _;
use authtrace_parse::{Datagram, QuicConnection, QuicSummary, QuicVersion, QuicWatch, stream::Mark};
use hkdf::Hkdf;
use proptest::prelude::*;
use sha2::Sha256;

const CLIENT: &str = "10.0.0.1:50000";
const SERVER: &str = "192.0.2.7:443";
const V1: u32 = 1;
const V2: u32 = 0x6b33_43cf;
const DRAFT_29: u32 = 0xff00_001d;

fn end(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Datagrams, each from whom to whom.
#[derive(Default)]
struct Wire {
    watch: QuicWatch,
    frame: u32,
}

impl Wire {
    fn send(&mut self, source: &str, destination: &str, payload: &[u8], cut: u32) {
        self.frame += 1;
        let datagram = Datagram { source: end(source), destination: end(destination), payload, cut };
        self.watch.datagram(&datagram, Mark { frame: self.frame, time: None });
    }

    fn client(&mut self, payload: &[u8]) {
        self.send(CLIENT, SERVER, payload, 0);
    }

    fn told(self) -> QuicSummary {
        self.watch.finish()
    }
}

/// `login.example h3 QUIC v1`, for every connection.
fn words(summary: &QuicSummary) -> Vec<String> {
    let name = |c: &QuicConnection| c.server_name.as_deref().unwrap_or("-").to_owned();
    summary.connections.iter().map(|c| format!("{} {} {}", name(c), c.alpn.join(","), c.version)).collect()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The other side of what is tested: seals Initial packets of a client.
struct Sealer {
    version: u32,
    destination: Vec<u8>,
    source: Vec<u8>,
    number: u8,
    token: Vec<u8>,
}

impl Sealer {
    fn new(version: u32, destination: &[u8]) -> Self {
        let source = destination.iter().rev().copied().collect();
        Self { version, destination: destination.to_vec(), source, number: 0, token: Vec::new() }
    }

    /// An Initial packet with these frames, padded to `size` bytes.
    fn seal(&mut self, frames: &[u8], size: usize) -> Vec<u8> {
        let (salt, prefix, kind) = match self.version {
            V2 => ("0dede3def700a6db819381be6e269dcbf9bd2ed9", "quicv2", 0xd0),
            DRAFT_29 => ("afbfec289993d24c9e9786f19c6111e04390a899", "quic", 0xc0),
            _ => ("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "quic", 0xc0),
        };
        let initial = Hkdf::<Sha256>::new(Some(&hex(salt)), &self.destination);
        let client = Hkdf::<Sha256>::from_prk(&expand::<32>(&initial, "client in")).unwrap();
        let key: [u8; 16] = expand(&client, &format!("{prefix} key"));
        let mut iv: [u8; 12] = expand(&client, &format!("{prefix} iv"));
        let protection: [u8; 16] = expand(&client, &format!("{prefix} hp"));

        let mut header = vec![kind];
        header.extend_from_slice(&self.version.to_be_bytes());
        for id in [&self.destination, &self.source] {
            header.push(id.len() as u8);
            header.extend_from_slice(id);
        }
        header.push(self.token.len() as u8);
        header.extend_from_slice(&self.token);
        let padding = size.saturating_sub(header.len() + 3 + frames.len() + 16).max(4);
        let length = 1 + frames.len() + padding + 16;
        header.extend_from_slice(&(0x4000 | length as u16).to_be_bytes());
        header.push(self.number);
        iv[11] ^= self.number;
        self.number += 1;

        let mut sealed = [frames, &vec![0; padding]].concat();
        let tag = aes_gcm::Aes128Gcm::new(&key.into())
            .encrypt_inout_detached(&iv.into(), &header, sealed.as_mut_slice().into())
            .unwrap();
        sealed.extend_from_slice(&tag);
        let mut mask = <[u8; 16]>::try_from(&sealed[3..19]).unwrap().into();
        aes::Aes128::new(&protection.into()).encrypt_block(&mut mask);
        header[0] ^= mask[0] & 0x0f;
        *header.last_mut().unwrap() ^= mask[1];
        [header, sealed].concat()
    }
}

fn expand<const LEN: usize>(secret: &Hkdf<Sha256>, label: &str) -> [u8; LEN] {
    let label = format!("tls13 {label}");
    let info = [&(LEN as u16).to_be_bytes()[..], &[label.len() as u8], label.as_bytes(), &[0]].concat();
    let mut out = [0; LEN];
    secret.expand(&info, &mut out).unwrap();
    out
}

/// A ClientHello to `name` that offers `alpn`, padded by an unknown extension.
fn client_hello(name: &str, alpn: &str, padding: usize) -> Vec<u8> {
    let extension =
        |kind: u16, content: &[u8]| [&kind.to_be_bytes()[..], &(content.len() as u16).to_be_bytes(), content].concat();
    let list = |content: &[u8]| [&(content.len() as u16).to_be_bytes()[..], content].concat();
    let host = [&[0][..], &list(name.as_bytes())].concat();
    let protocol = [&[alpn.len() as u8][..], alpn.as_bytes()].concat();
    let extensions =
        [extension(21, &vec![0; padding]), extension(0, &list(&host)), extension(16, &list(&protocol))].concat();
    let body = [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0x13, 1], &[1, 0], &list(&extensions)].concat();
    [&[1][..], &(body.len() as u32).to_be_bytes()[1..], &body].concat()
}

/// A CRYPTO frame.
fn crypto(hello: &[u8], from: usize, to: usize) -> Vec<u8> {
    let number = |n: usize| (0x8000_0000 | n as u32).to_be_bytes();
    [&[6][..], &number(from), &number(to - from), &hello[from..to]].concat()
}

#[test]
fn the_packets_of_the_standards() {
    for (packet, version) in
        [(include_str!("data/rfc9001-a2.hex"), "QUIC v1"), (include_str!("data/rfc9369-a2.hex"), "QUIC v2")]
    {
        let mut wire = Wire::default();
        wire.client(&hex(packet));
        let summary = wire.told();
        assert_eq!(words(&summary), [format!("example.com alpn {version}")]);
        assert!(!summary.connections[0].is_http3());
    }
}

#[test]
fn a_hello_over_several_packets_in_any_order() {
    let hello = client_hello("login.example", "h3", 3000);
    for version in [V1, V2, DRAFT_29] {
        let mut sealer = Sealer::new(version, b"8 random");
        // An acknowledgment and a ping stand between, and the second datagram holds two packets.
        let ack = [2, 1, 0, 1, 0, 0, 0, 1];
        let packets = [
            sealer.seal(&crypto(&hello, 2000, hello.len()), 1200),
            [
                sealer.seal(&crypto(&hello, 700, 1500), 900),
                sealer.seal(&[&ack[..], &crypto(&hello, 0, 10)].concat(), 400),
            ]
            .concat(),
            sealer.seal(&[crypto(&hello, 1400, 2100), crypto(&hello, 5, 800)].concat(), 1200),
        ];
        let mut wire = Wire::default();
        packets.iter().for_each(|packet| wire.client(packet));
        assert_eq!(words(&wire.told()), [format!("login.example h3 {}", QuicVersion(version))]);
    }
}

#[test]
fn a_connection_counts_once() {
    let hello = client_hello("login.example", "h3", 0);
    let mut sealer = Sealer::new(V1, b"8 random");
    let first = sealer.seal(&crypto(&hello, 0, 60), 1200);
    let mut wire = Wire::default();
    wire.client(&first);
    // Captured twice, before and behind a router that translates addresses.
    wire.client(&first);
    wire.send("203.0.113.5:61000", SERVER, &first, 0);
    // The server answers with an id of its own, and asks for a token.
    let mut answer = Sealer::new(V1, b"reversed");
    answer.destination.clone_from(&sealer.source);
    wire.send(SERVER, CLIENT, &answer.seal(&[1], 1200), 0);
    let mut again = Sealer { destination: b"from retry".to_vec(), source: sealer.source, ..Sealer::new(V1, b"") };
    again.token = b"token".to_vec();
    wire.client(&again.seal(&crypto(&hello, 0, hello.len()), 1200));
    // An acknowledgment, to the id that the server chose.
    again.destination = b"the server's".to_vec();
    wire.client(&again.seal(&[2, 0, 0, 0, 0], 1200));
    let summary = wire.told();
    assert_eq!((summary.count, words(&summary)), (1, vec!["login.example h3 QUIC v1".to_owned()]));
    assert!(summary.connections[0].is_http3());
    assert_eq!(summary.connections[0].client, end(CLIENT));
}

#[test]
fn what_does_not_open_is_no_connection() {
    let hello = client_hello("login.example", "h3", 0);
    let packet = Sealer::new(V1, b"8 random").seal(&crypto(&hello, 0, hello.len()), 1200);
    let mut wire = Wire::default();
    for at in [0, 1, 6, 14, 30, 600, 1199] {
        let mut damaged = packet.clone();
        damaged[at] ^= 0x20;
        wire.client(&damaged);
    }
    wire.client(&packet[..1100]);
    // A first id too short, a datagram too short.
    wire.client(&Sealer::new(V1, b"7 bytes").seal(&crypto(&hello, 0, hello.len()), 1200));
    wire.client(&Sealer::new(V1, b"8 random").seal(&crypto(&hello, 0, hello.len()), 1100));
    // DNS, STUN, DTLS, RTP, WireGuard.
    for other in ["c0de0100000100000000000003777777", "000100002112a442", "16fefd0000000000", "80e0", "01000000"] {
        wire.client(&[hex(other), vec![0; 1200]].concat());
    }
    assert_eq!(wire.told(), QuicSummary::default());
}

#[test]
fn of_a_cut_packet_the_name_is_unknown() {
    let hello = client_hello("login.example", "h3", 0);
    let packet = Sealer::new(V1, b"8 random").seal(&crypto(&hello, 0, hello.len()), 1200);
    let mut wire = Wire::default();
    wire.send(CLIENT, SERVER, &packet[..96], 1200 - 96);
    // Its length does not fit the datagram.
    wire.send("10.0.0.1:50001", SERVER, &packet[..96], 1000 - 96);
    assert_eq!(words(&wire.told()), ["-  QUIC v1"]);
}

#[test]
fn connections_are_bounded_and_counted() {
    let mut wire = Wire::default();
    for number in 0..1500u32 {
        let hello = client_hello(&format!("h{number}.example"), "h3", 0);
        let id = [&number.to_be_bytes()[..], b"1234"].concat();
        let client = format!("10.0.0.1:{}", 10_000 + number);
        wire.send(&client, SERVER, &Sealer::new(V1, &id).seal(&crypto(&hello, 0, hello.len()), 1200), 0);
    }
    let summary = wire.told();
    assert_eq!((summary.count, summary.connections.len()), (1500, QuicWatch::DESCRIBED));
    assert_eq!(words(&summary)[1], "h1.example h3 QUIC v1");
}

#[test]
fn a_hello_without_end_is_given_up() {
    let mut sealer = Sealer::new(V1, b"8 random");
    let mut wire = Wire::default();
    let endless = [&[1, 0xff, 0xff, 0xff][..], &[0; 20_000]].concat();
    for from in (0..18_000).step_by(1000) {
        wire.client(&sealer.seal(&crypto(&endless, from, from + 1000), 1200));
    }
    wire.client(&sealer.seal(&[&[6][..], &u64::MAX.to_be_bytes(), &[1, 0]].concat(), 1200));
    assert_eq!(words(&wire.told()), ["-  QUIC v1"]);
}

proptest! {
    #[test]
    fn any_pieces_give_the_hello(
        padding in 0usize..2500,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        overlap in 0usize..40,
        turn in any::<prop::sample::Index>(),
    ) {
        let hello = client_hello("login.example", "h3", padding);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(hello.len())).collect();
        at.extend((0..hello.len()).step_by(1000));
        at.push(hello.len());
        at.sort_unstable();
        at.dedup();
        let mut pieces: Vec<Vec<u8>> =
            at.windows(2).map(|pair| crypto(&hello, pair[0].saturating_sub(overlap), pair[1])).collect();
        let turned = turn.index(pieces.len());
        pieces.rotate_left(turned);
        let mut sealer = Sealer::new(V1, b"8 random");
        let mut wire = Wire::default();
        pieces.iter().for_each(|piece| wire.client(&sealer.seal(piece, 1200)));
        prop_assert_eq!(words(&wire.told()), ["login.example h3 QUIC v1"]);
    }

    #[test]
    fn damaged_datagrams_never_panic(
        frames in prop::collection::vec(any::<u8>(), 0..100),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        kept in any::<prop::sample::Index>(),
        cut in 0u32..2000,
        v2 in any::<bool>(),
    ) {
        let mut packet = Sealer::new(if v2 { V2 } else { V1 }, b"8 random").seal(&frames, 1200);
        let mut wire = Wire::default();
        wire.client(&packet);
        for (at, value) in damage {
            let at = at.index(packet.len());
            packet[at] = value;
        }
        wire.send(CLIENT, SERVER, &packet[..kept.index(packet.len() + 1)], cut);
        wire.told();
    }
}
