//! What fuzzing starts from: the small captures of the checkout, and those beside it, taken apart for each target.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use authtrace_capture::{PacketFormat, PacketReader, Placed};
use authtrace_parse::{Decoder, Packet};

use crate::{conversation, link, quic};

/// Largest file that is taken as it is.
const MOST_BYTES: usize = 64 << 10;
/// Largest conversation.
const MOST_SAID: usize = 32 << 10;
/// Frames of one capture and link type.
const MOST_FRAMES: usize = 12;
/// Seeds of one capture and target.
const MOST_OF_ONE: usize = 4;

/// Seeds by target.
pub type Seeds = BTreeMap<&'static str, BTreeSet<Vec<u8>>>;

/// The seeds of all small captures below `folders`.
pub fn collect(folders: &[PathBuf]) -> Seeds {
    let mut seeds = Seeds::new();
    for file in folders.iter().flat_map(|folder| files(folder)) {
        let Ok(bytes) = std::fs::read(&file) else { continue };
        if bytes.len() > MOST_BYTES {
            continue;
        }
        if bytes.first() == Some(&b'{') {
            tokens(&bytes, &mut seeds);
            seeds.entry("har").or_default().insert(bytes);
        } else {
            packets(bytes, &mut seeds);
        }
    }
    seeds
}

/// All files below `folder`, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let (folders, mut files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| self::files(folder)));
    files.sort();
    files
}

/// A connection's ends, the smaller first, and what was said, each with who spoke.
type Said = BTreeMap<[SocketAddr; 2], Vec<(SocketAddr, Vec<u8>)>>;

/// A packet capture: itself, some of its frames, what its connections said.
fn packets(bytes: Vec<u8>, seeds: &mut Seeds) {
    let (mut reader, mut decoder) = (PacketReader::new(), Decoder::new());
    let mut frames: BTreeMap<u16, (usize, Vec<u8>)> = BTreeMap::new();
    let (mut tcp, mut udp) = (Said::new(), Said::new());
    let mut each = |placed: Placed<'_>| {
        let (count, kept) = frames.entry(placed.frame.link.0).or_default();
        *count += 1;
        if *count <= MOST_FRAMES {
            link::encode(placed.frame.link.0, placed.frame.bytes, kept);
        }
        let (said, source, destination, payload) = match decoder.decode(&placed.frame) {
            Some(Packet::Tcp(segment)) => (&mut tcp, segment.source, segment.destination, segment.payload),
            Some(Packet::Udp(datagram)) => (&mut udp, datagram.source, datagram.destination, datagram.payload),
            None => return,
        };
        if !payload.is_empty() {
            let ends = [source.min(destination), source.max(destination)];
            said.entry(ends).or_default().push((source, payload.to_vec()));
        }
    };
    reader.push(&bytes, &mut each);
    let summary = reader.finish(&mut each);
    let name = match summary.format {
        Some(PacketFormat::Pcap) => "pcap",
        Some(PacketFormat::Pcapng) => "pcapng",
        None => return,
    };
    seeds.entry("link").or_default().extend(frames.into_values().map(|(_, frames)| frames));
    for turns in tcp.values().take(MOST_OF_ONE) {
        conversation(turns, seeds);
    }
    for datagrams in udp.values().filter(|datagrams| datagrams[0].1[0] & 0xc0 == 0xc0).take(MOST_OF_ONE) {
        let mut seed = Vec::new();
        datagrams
            .iter()
            .take(4)
            .for_each(|(source, payload)| quic::encode(*source != datagrams[0].0, payload, &mut seed));
        seeds.entry("quic").or_default().insert(seed);
    }
    seeds.entry(name).or_default().insert(bytes);
}

/// What was said on a connection, for the target that reads it.
fn conversation(turns: &[(SocketAddr, Vec<u8>)], seeds: &mut Seeds) {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let client = turns[0].0;
    let (target, skip) = match turns[0].1.as_slice() {
        [22, 3, ..] => ("tls", 0),
        first if first.starts_with(PREFACE) => ("http2", PREFACE.len()),
        first if first.first().is_some_and(u8::is_ascii_uppercase) => ("http1", 0),
        _ => return,
    };
    let mut seed = Vec::new();
    for (index, (source, payload)) in turns.iter().enumerate() {
        let payload = if index == 0 { &payload[skip..] } else { payload };
        if seed.len() + payload.len() < MOST_SAID {
            conversation::encode(*source != client, payload, &mut seed);
        }
    }
    if let Some(frames) = frames_after_upgrade(turns) {
        seeds.entry("websocket").or_default().insert(frames);
    }
    seeds.entry(target).or_default().insert(seed);
}

/// What both ends say once the server switched to WebSocket.
fn frames_after_upgrade(turns: &[(SocketAddr, Vec<u8>)]) -> Option<Vec<u8>> {
    let switched = turns.iter().position(|(_, payload)| payload.starts_with(b"HTTP/1.1 101"))?;
    let mut seed = Vec::new();
    for (source, payload) in turns[switched + 1..].iter().take(40) {
        conversation::encode(*source != turns[0].0, payload, &mut seed);
    }
    (!seed.is_empty() && seed.len() < MOST_SAID).then_some(seed)
}

/// Words of a HAR that look like a token.
fn tokens(har: &[u8], seeds: &mut Seeds) {
    let words = har.split(|byte| !(byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(byte)));
    let long = words.filter(|word| word.len() >= 20 && (word.starts_with(b"eyJ") || word.len() < 80));
    seeds.entry("jose").or_default().extend(long.take(MOST_OF_ONE * 4).map(<[u8]>::to_vec));
}
