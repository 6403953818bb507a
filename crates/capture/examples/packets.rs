//! Speed of reading packets: `cargo run --release -p authtrace-capture --example packets -- FILE...`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::use_debug,
    reason = "a measuring program reads a file and a clock and reports"
)]

use std::{
    error::Error,
    fs::File,
    hint::black_box,
    io::Read as _,
    time::{Duration, Instant},
};

use authtrace_capture::{PacketReader, Placed};
use authtrace_parse::{Decoder, Packet};

/// As large as the chunks of the real pipeline.
const CHUNK: usize = 1 << 20;
/// The fastest of so many passes counts.
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        let mut best = [Duration::MAX; 3];
        let (mut frames, mut payload) = (0, 0);
        let mut counts = None;
        for _ in 0..ROUNDS {
            best[0] = best[0].min(timed(&path, &mut |chunk| {
                black_box(chunk);
            })?);
            let mut reader = PacketReader::new();
            best[1] = best[1].min(timed(&path, &mut |chunk| {
                reader.push(chunk, &mut |placed: Placed<'_>| frames = placed.frame.number);
            })?);
            let (mut reader, mut decoder) = (PacketReader::new(), Decoder::new());
            payload = 0;
            best[2] = best[2].min(timed(&path, &mut |chunk| {
                reader.push(chunk, &mut |placed: Placed<'_>| {
                    payload += match decoder.decode(&placed.frame) {
                        Some(Packet::Tcp(segment)) => segment.payload.len(),
                        Some(Packet::Udp(datagram)) => datagram.payload.len(),
                        None => 0,
                    };
                });
            })?);
            counts = Some(decoder.counts());
        }
        let size = std::fs::metadata(&path)?.len();
        println!("{path}: {size} bytes, {frames} frames, {payload} bytes of payload");
        for (what, time) in ["bytes only", "frames", "packets"].into_iter().zip(best) {
            println!(
                "{what:12} {:6.0} ms {:6.0} MB/s",
                time.as_secs_f64() * 1e3,
                size as f64 / 1e6 / time.as_secs_f64()
            );
        }
        if let Some(counts) = counts {
            println!("{counts:#?}");
        }
    }
    Ok(())
}

/// Reads a file in chunks and tells how long it took.
fn timed(path: &str, each: &mut dyn FnMut(&[u8])) -> Result<Duration, Box<dyn Error>> {
    let started = Instant::now();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(started.elapsed()),
            read => each(&buffer[..read]),
        }
    }
}
