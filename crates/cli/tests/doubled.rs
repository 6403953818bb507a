//! A connection that was captured twice is one connection: on two interfaces, inside a tunnel and outside, on both sides of
//! a router, in two files.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read and write captures"
)]

mod support;

use std::path::PathBuf;

use authtrace_analyze::Analysis;
use authtrace_capture::{PacketReader, Placed};

/// Ports of the servers in the sample.
const SERVERS: [u16; 2] = [3000, 8000];
/// Length of the header that Linux puts before what it captures on all interfaces.
const COOKED: usize = 20;
const CLIENT: [u8; 4] = [10, 0, 0, 5];
const TRANSLATED: [u8; 4] = [198, 51, 100, 1];
const SERVER: [u8; 4] = [203, 0, 113, 80];

/// Time in nanoseconds and bytes of an Ethernet frame.
type Frame = (i64, Vec<u8>);

/// The frames of the sample, moved from the loopback, where they have another header, to two machines on an Ethernet.
fn sample() -> Vec<Frame> {
    let bytes = std::fs::read(support::root().join("captures/storm.pcap")).unwrap();
    let mut reader = PacketReader::new();
    let mut frames = Vec::new();
    reader.push(&bytes, &mut |placed: Placed<'_>| {
        let frame = [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0], &placed.frame.bytes[COOKED..]].concat();
        frames.push((placed.frame.time.unwrap().nanos(), with_client(&frame, CLIENT)));
    });
    assert!(frames.len() > 100);
    frames
}

/// The frame with `client` as the client's address: where the port is not a server's.
fn with_client(frame: &[u8], client: [u8; 4]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let to_server = SERVERS.contains(&u16::from_be_bytes([frame[36], frame[37]]));
    let (source, destination) = if to_server { (client, SERVER) } else { (SERVER, client) };
    frame[26..30].copy_from_slice(&source);
    frame[30..34].copy_from_slice(&destination);
    frame
}

fn tagged(frame: &[u8]) -> Vec<u8> {
    [&frame[..12], &[0x81, 0, 0, 42], &frame[12..]].concat()
}

fn in_vxlan(frame: &[u8]) -> Vec<u8> {
    let udp = [&[0xc0, 0, 0x12, 0xb5][..], &(frame.len() as u16 + 16).to_be_bytes(), &[0, 0]].concat();
    let ip = [
        &[0x45, 0][..],
        &(frame.len() as u16 + 36).to_be_bytes(),
        &[0, 0, 0, 0, 64, 17, 0, 0],
        &[172, 16, 0, 1, 172, 16, 0, 2],
    ];
    [&frame[..14], &ip.concat(), &udp, &[8, 0, 0, 0, 0, 0, 7, 0], frame].concat()
}

/// A pcap with resolution of nanoseconds.
fn pcap<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> Vec<u8> {
    let integers = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = integers(&[0xa1b2_3c4d, 0x0004_0002, 0, 0, 262_144, 1]);
    for (time, bytes) in frames {
        let (seconds, rest) = (time / 1_000_000_000, time % 1_000_000_000);
        file.extend(integers(&[seconds as u32, rest as u32, bytes.len() as u32, bytes.len() as u32]));
        file.extend_from_slice(bytes);
    }
    file
}

fn analyze(files: &[Vec<u8>]) -> Analysis {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = (0..files.len()).map(|number| folder.path().join(format!("{number}.pcap"))).collect();
    for (path, file) in paths.iter().zip(files) {
        std::fs::write(path, file).unwrap();
    }
    support::analyze_all(&paths, None)
}

/// Calls that count, and every finding with its route and how many exchanges it names.
fn told(analysis: &Analysis) -> (usize, Vec<String>) {
    let calls = analysis.capture.facts.iter().filter(|fact| fact.leg_of().is_none()).count();
    let mut findings: Vec<String> =
        analysis.findings.iter().map(|f| format!("{} {} {}", f.rule.code, f.route, f.exchanges.len())).collect();
    findings.sort();
    (calls, findings)
}

#[track_caller]
fn check(what: &str, files: &[Vec<u8>]) {
    let alone = told(&analyze(&[pcap(&sample())]));
    assert!(!alone.1.is_empty());
    assert_eq!(told(&analyze(files)), alone, "{what}");
}

/// Every frame, and right behind it what `copy` makes of it.
fn beside(copy: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let frames = sample();
    let both: Vec<Frame> =
        frames.iter().flat_map(|(time, bytes)| [(*time, bytes.clone()), (time + 20_000, copy(bytes))]).collect();
    pcap(&both)
}

#[test]
fn two_views_in_one_capture() {
    check("the same interface twice", &[beside(<[u8]>::to_vec)]);
    check("with a VLAN tag", &[beside(tagged)]);
    check("in a tunnel", &[beside(in_vxlan)]);
    check("both sides of a router that translates addresses", &[beside(|frame| with_client(frame, TRANSLATED))]);
    let frames = sample();
    check("one after the other", &[pcap(frames.iter().chain(&frames))]);
}

#[test]
fn two_files_of_one_connection() {
    let frames = sample();
    let whole = pcap(&frames);
    check("equal files", &[whole.clone(), whole.clone()]);
    let later: Vec<Frame> = frames.iter().map(|(time, bytes)| (time + 700_000_000, bytes.clone())).collect();
    check("another clock", &[whole.clone(), pcap(&later)]);
    let translated: Vec<Frame> =
        frames.iter().map(|(time, bytes)| (time + 3_000_000_000, with_client(bytes, TRANSLATED))).collect();
    check("another clock behind a router", &[whole.clone(), pcap(&translated)]);
    check(
        "tagged",
        &[pcap(&frames.iter().map(|(time, bytes)| (*time, tagged(bytes))).collect::<Vec<_>>()), whole.clone()],
    );
    // Of connections that were open before, the handshake is missing.
    check("begun later", &[whole, pcap(&frames[frames.len() / 3..])]);
}
