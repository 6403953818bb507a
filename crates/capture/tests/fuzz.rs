//! The fuzz targets' bodies over their seeds and over a fixed set of mutations: `fuzz/` runs the same without end.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test of shared files"
)]

use std::path::{Path, PathBuf};

#[path = "../../../fuzz/src/containers.rs"]
mod containers;
#[path = "../../../fuzz/src/conversation.rs"]
mod conversation;
#[path = "../../../fuzz/src/har.rs"]
mod har;
#[path = "../../../fuzz/src/link.rs"]
mod link;
#[path = "../../../fuzz/src/mutation.rs"]
mod mutation;
#[path = "../../../fuzz/src/quic.rs"]
mod quic;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/seeds.rs"]
mod seeds;
#[path = "../../../fuzz/src/stream.rs"]
mod stream;

/// Its name, its body, and how many mutations of its seeds are tried.
type Target = (&'static str, fn(&[u8]), usize);

/// Targets with as many mutations as take about a second each where nothing is optimised.
const TARGETS: &[Target] = &[
    ("pcap", containers::pcap, 1000),
    ("pcapng", containers::pcapng, 1000),
    ("link", link::run, 20_000),
    ("quic", quic::run, 5000),
    ("stream", stream::run, 5000),
    ("http1", conversation::http1, 3000),
    ("http2", conversation::http2, 3000),
    ("websocket", conversation::websocket, 3000),
    ("tls", conversation::tls, 3000),
    ("har", har::run, 500),
];

/// A request and its answer behind the preface: SETTINGS, then HEADERS with the block of RFC 7541 C.3.1; `:status: 200`.
fn a_get_in_http2() -> Vec<u8> {
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    let asks = [SETTINGS, &[0, 0, 20, 1, 5, 0, 0, 0, 1], b"\x82\x86\x84\x41\x0fwww.example.com"].concat();
    let answers = [SETTINGS, &[0, 0, 1, 1, 5, 0, 0, 0, 1], b"\x88"].concat();
    said(&asks, &answers)
}

/// A text each way, masked and not, then the close (RFC 6455 §5.7, §5.5.1).
fn a_hello_in_websocket() -> Vec<u8> {
    said(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", b"\x81\x05Hello\x88\x02\x03\xe8")
}

/// What a client says, then what the server says, as the conversation targets read it.
fn said(by_client: &[u8], by_server: &[u8]) -> Vec<u8> {
    let mut seed = Vec::new();
    conversation::encode(false, by_client, &mut seed);
    conversation::encode(true, by_server, &mut seed);
    seed
}

#[test]
fn every_target_survives_its_seeds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = root.join("../shared/captures");
    if !shared.is_dir() {
        println!("{} is not on this machine: the seeds are those of the checkout", shared.display());
    }
    let folders: [PathBuf; 3] = [root.join("captures"), root.join("crates/capture/tests/data"), shared];
    let mut seeds = seeds::collect(&folders);
    // No capture holds steps of the assembler: any bytes are some.
    seeds
        .entry("stream")
        .or_default()
        .extend((0..8u8).map(|seed| (0..=255).map(|n: u8| n.wrapping_mul(seed * 2 + 77)).collect()));
    // The checkout's own captures hold neither of these in the clear, and a target must have a seed wherever the tests run.
    seeds.entry("http2").or_default().insert(a_get_in_http2());
    seeds.entry("websocket").or_default().insert(a_hello_in_websocket());
    for (target, body, mutations) in TARGETS {
        let seeds = seeds.entry(target).or_default();
        assert!(!seeds.is_empty() || *target == "quic", "{target} has no seeds");
        let inputs = replay::replay(target, *body, seeds, &root.join("fuzz"), *mutations);
        println!("{target}: {} seeds, {inputs} inputs", seeds.len());
    }
}
