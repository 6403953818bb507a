//! Packets made to fill memory: every table has a bound, says when it was reached, and what was read so far survives.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/wire.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod wire;

use std::net::SocketAddr;

use authtrace_parse::{
    AnomalyKind, BodyQuestion, Exchange, Flags, Reassembler, ReassemblySummary, Segment, stream::Mark,
};
use wire::{Wire, line};

/// Reads the segments that `next` gives until it gives no more.
fn read(segments: impl Iterator<Item = (SocketAddr, Flags, u32, Vec<u8>)>) -> (Vec<Exchange>, ReassemblySummary) {
    let policy = |_: &BodyQuestion<'_>| 0;
    let mut reader = Reassembler::new(0, 0, &policy);
    let mut exchanges = Vec::new();
    let server = SocketAddr::from(([10, 9, 9, 9], 80));
    for (frame, (client, flags, sequence, payload)) in (1..).zip(segments) {
        let segment = Segment {
            source: client,
            destination: server,
            sequence,
            acknowledgment: None,
            flags,
            payload: &payload,
            cut: 0,
        };
        reader.segment(&segment, Mark { frame, time: None }, &mut |exchange| exchanges.push(exchange));
    }
    let summary = reader.finish(&mut |exchange| exchanges.push(exchange));
    (exchanges, summary)
}

/// Address number `n`.
fn client(n: u32) -> SocketAddr {
    let [_, a, b, c] = n.to_be_bytes();
    SocketAddr::from(([10, a, b, c], 40_000))
}

fn met(summary: &ReassemblySummary, kind: AnomalyKind) -> u64 {
    summary.anomalies.get(&kind).copied().unwrap_or(0)
}

#[test]
fn a_flood_of_connections_pushes_out_the_oldest() {
    let syn = Flags { syn: true, ..Flags::default() };
    let request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec();
    let flood = (0..200_000).map(|n| (client(n), syn, 0, Vec::new()));
    // One of the oldest connections speaks at last, as if it were new.
    let (exchanges, summary) = read(flood.chain(std::iter::once((client(0), Flags::default(), 1, request))));
    let pushed_out = met(&summary, AnomalyKind::ConnectionLimit);
    assert!((130_000..200_000).contains(&pushed_out), "{pushed_out}");
    assert_eq!(exchanges.len(), 1);
}

#[test]
fn bytes_that_wait_for_missing_ones_are_bounded() {
    // Every connection sends a megabyte behind one missing byte.
    let parts = (0..300_u32).flat_map(|n| (0..700_u32).map(move |part| (n, part)));
    let segments = parts.map(|(n, part)| {
        let flags = Flags { syn: part == 0, ..Flags::default() };
        let payload = if part == 0 { Vec::new() } else { vec![b'x'; 1400] };
        (client(n), flags, if part == 0 { 0 } else { 2 + 1400 * (part - 1) }, payload)
    });
    let (exchanges, summary) = read(segments);
    assert!(met(&summary, AnomalyKind::ReassemblyLimit) > 0);
    assert!(exchanges.is_empty());
}

#[test]
fn requests_without_an_answer_are_bounded_and_all_delivered() {
    let mut wire = Wire::open();
    for n in 0..5000 {
        wire.client(format!("GET /{n} HTTP/1.1\r\nHost: h\r\n\r\n"));
    }
    let (exchanges, summary) = wire.read();
    assert_eq!(exchanges.len(), 5000);
    assert_eq!(summary.exchanges, 5000);
    assert!(exchanges[0].anomalies.contains(&AnomalyKind::ConnectionLimit));
}

#[test]
fn a_head_of_megabytes_is_cut() {
    let mut wire = Wire::open();
    wire.client(format!("GET /long HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(10 << 20)));
    wire.server("HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n\r\n");
    let (exchanges, _) = wire.read();
    assert_eq!(exchanges.len(), 1);
    assert_eq!(line(&exchanges[0]), "GET http://h/long not captured → 431 [head-cut] [body-cut]");
    let kept: usize = exchanges[0].request.headers.iter().map(|(_, value)| value.expose().len()).sum();
    assert!(kept <= 1 << 20, "{kept}");
}

#[test]
fn a_chunk_extension_without_end_breaks_the_framing_only() {
    let mut wire = Wire::open();
    wire.client("GET /c HTTP/1.1\r\nHost: h\r\n\r\n");
    wire.server(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;{}", "e".repeat(1 << 20)));
    wire.client("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    wire.server("HTTP/1.1 204 No Content\r\n\r\n");
    let (exchanges, _) = wire.read();
    let lines: Vec<String> = exchanges.iter().map(line).collect();
    assert_eq!(lines, ["GET http://h/c → 200 not captured [body-cut]", "GET http://h/next → 204"]);
}
