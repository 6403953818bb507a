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
    for (target, body, mutations) in TARGETS {
        let seeds = seeds.entry(target).or_default();
        assert!(!seeds.is_empty() || *target == "quic", "{target} has no seeds");
        let inputs = replay::replay(target, *body, seeds, &root.join("fuzz"), *mutations);
        println!("{target}: {} seeds, {inputs} inputs", seeds.len());
    }
}
