//! Reads every public packet capture that the checkout has beside it and compares it with independent readings.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::use_debug,
    reason = "an integration test reads its fixtures from disk and reports"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::Path,
    time::Instant,
};

use authtrace_capture::{PacketReader, PacketSummary, Placed};
use authtrace_parse::{Decoder, LinkType, Packet};
use flate2::read::MultiGzDecoder;
use pcap_parser::{Block, PcapBlockOwned, create_reader, traits::PcapNGPacketBlock as _};

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/captures");

/// Captures whose number of packet records differs from the index, and why that is right.
const JUSTIFIED: &[(&str, u32, &str)] = &[
    ("PcapPlusPlus__Tests__ExamplesTest__pcap_examples__solaris.snoop", 0, "not a format that is read"),
    (
        "PcapPlusPlus__Tests__Fuzzers__RegressionTests__regression_samples__crash-81dba690a3f67ee41a41390a625db732fa1413a1",
        12,
        "the last record is cut: kept as far as it is there",
    ),
    ("gopacket__pcapgo__be__test901.pcapng", 3, "the index stops at an option that it does not know"),
    ("gopacket__pcapgo__le__test901.pcapng", 3, "the index stops at an option that it does not know"),
    ("libpcap__linktype-reserved-field-not-zero.pcap", 0, "a file header and nothing else"),
    ("libpcap__pcap-invalid-version-1.pcap", 1, "one record under a version that the index refuses"),
    ("nDPI__fuzz-2021-10-13.pcap", 0, "the first record claims 524,501 bytes of a frame of 197"),
    ("tcpdump__dsa-high-vid.pcap", 4, "the index knows no link type 284"),
    ("tcpdump__dsa.pcap", 8, "the index knows no link type 284"),
    ("tcpdump__frf16_magic_ie-oobr.pcap", 1, "the index knows no link type 182"),
    ("tcpdump__hoobr_juniper3.pcap", 1, "the index refuses the upper half of its link type"),
    ("tcpdump__kday6.pcap", 1, "the index knows no link type 182"),
];

/// One row of the index of public captures.
struct Row {
    group: String,
    file: String,
    packets: Option<u32>,
}

fn index() -> Vec<Row> {
    let text = fs::read_to_string(Path::new(SHARED).join("public/index.tsv")).unwrap_or_default();
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|column| *column == name).unwrap_or(usize::MAX);
    let (group, file, packets) = (column("group"), column("file"), column("packets"));
    lines
        .filter(|cells| cells.get(file).is_some_and(|file| file.starts_with("public/pcap/")))
        .map(|cells| Row {
            group: cells[group].to_owned(),
            file: cells[file].to_owned(),
            packets: cells[packets].parse().ok(),
        })
        .collect()
}

fn unpacked(row: &Row) -> Vec<u8> {
    let bytes = fs::read(Path::new(SHARED).join(&row.file)).unwrap();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut plain = Vec::new();
    // A packed file that is cut is read as far as it goes.
    let _ = MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain);
    plain
}

/// A frame as the reader or the oracle gave it. What the oracle cannot tell is `None`.
#[derive(PartialEq)]
struct Seen {
    bytes: Vec<u8>,
    original_len: u32,
    link: i32,
    micros: Option<i64>,
}

/// The frames of a capture by number, pushed in pieces of `chunk` bytes.
fn frames(bytes: &[u8], chunk: usize) -> (BTreeMap<u32, Seen>, PacketSummary) {
    let mut reader = PacketReader::new();
    let mut frames = BTreeMap::new();
    let mut each = |placed: Placed<'_>| {
        let frame = placed.frame;
        let seen = Seen {
            bytes: frame.bytes.to_vec(),
            original_len: frame.original_len,
            link: i32::from(frame.link.0),
            micros: frame.time.map(|time| time.nanos().div_euclid(1000)),
        };
        frames.insert(frame.number, seen);
    };
    for chunk in bytes.chunks(chunk) {
        reader.push(chunk, &mut each);
    }
    let summary = reader.finish(&mut each);
    (frames, summary)
}

/// Reads a capture and decodes its frames; returns how many there were.
fn read(bytes: &[u8], decoder: &mut Decoder) -> (u32, PacketSummary) {
    let mut reader = PacketReader::new();
    let mut frames = 0;
    let mut each = |placed: Placed<'_>| {
        frames += 1;
        decoder.decode(&placed.frame);
    };
    for chunk in bytes.chunks(1 << 20) {
        reader.push(chunk, &mut each);
    }
    let summary = reader.finish(&mut each);
    (frames, summary)
}

#[derive(Default)]
struct Group {
    files: u32,
    frames: u64,
    packets: u64,
    unknown_link: u64,
    cut: u64,
    malformed: u64,
    nanos: u128,
}

/// The frames of a capture as pcap-parser reads them; `None` for the kinds of packet blocks that it reads otherwise.
fn oracle(bytes: &[u8]) -> Vec<Option<Seen>> {
    let mut seen = Vec::new();
    let Ok(mut reader) = create_reader(bytes.len() + 65_536, bytes) else { return seen };
    let (mut link, mut unit) = (0, 1);
    let mut interfaces = Vec::new();
    loop {
        let size = match reader.next() {
            Ok((size, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        link = header.network.0 & 0xffff;
                        unit = if header.is_nanosecond_precision() { 1000 } else { 1 };
                    }
                    PcapBlockOwned::Legacy(packet) => seen.push(Some(Seen {
                        bytes: packet.data.to_vec(),
                        original_len: packet.origlen.max(packet.caplen),
                        link,
                        micros: Some(i64::from(packet.ts_sec) * 1_000_000 + i64::from(packet.ts_usec) / unit),
                    })),
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => interfaces.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                        // It does not know resolutions that are powers of two.
                        let resolution = interface.ts_resolution().filter(|_| interface.ts_offset() == 0);
                        interfaces.push((interface.linktype.0, resolution));
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        let (link, resolution) = interfaces[packet.if_id as usize];
                        let units = u128::from(packet.ts_high) << 32 | u128::from(packet.ts_low);
                        let micros = resolution.map(|resolution| units * 1_000_000 / u128::from(resolution));
                        seen.push(Some(Seen {
                            bytes: packet.packet_data().to_vec(),
                            original_len: packet.origlen.max(packet.caplen),
                            link,
                            micros: micros.and_then(|micros| i64::try_from(micros).ok()),
                        }));
                    }
                    PcapBlockOwned::NG(Block::SimplePacket(_)) => seen.push(None),
                    PcapBlockOwned::NG(Block::Unknown(block)) if block.block_type == 2 => seen.push(None),
                    PcapBlockOwned::NG(_) => {}
                }
                size
            }
            // The buffer holds the whole capture: there is nothing to refill it with.
            Err(_) => return seen,
        };
        reader.consume(size);
    }
}

#[test]
fn the_same_frames_as_another_reader_and_in_any_chunks() {
    let rows = index();
    let (mut compared, mut short) = (0, Vec::new());
    for row in &rows {
        let bytes = unpacked(row);
        let (ours, summary) = frames(&bytes, 1 << 20);
        // Single bytes take long.
        for chunk in [if bytes.len() < 50_000 { 1 } else { 101 }, 4093] {
            let (other, other_summary) = frames(&bytes, chunk);
            assert!(ours == other, "{} in chunks of {chunk}", row.file);
            assert_eq!(summary.anomalies, other_summary.anomalies, "{} in chunks of {chunk}", row.file);
        }
        let theirs = oracle(&bytes);
        if theirs.len() < ours.len() {
            short.push(format!("{}: {} of {}", row.file, theirs.len(), ours.len()));
        }
        for (number, seen) in (1..).zip(theirs) {
            let (Some(seen), Some(frame)) = (seen, ours.get(&number)) else { continue };
            let same = (&seen.bytes, seen.original_len, seen.link) == (&frame.bytes, frame.original_len, frame.link)
                && seen.micros.is_none_or(|micros| Some(micros) == frame.micros);
            assert!(same, "{} frame {number}", row.file);
            compared += 1;
        }
    }
    println!("{compared} frames compared; files of which the other reader sees fewer:\n{}", short.join("\n"));
}

/// ICMP errors that quote the beginning of a request: tshark takes the quotation for traffic.
const QUOTATIONS: &str = "public/pcap/tunnel-vlan/suricata-verify__filestore-5408.pcap";

/// The frames in which tshark saw an HTTP message end, over TCP or QUIC.
fn message_ends(row: &Row) -> BTreeSet<u32> {
    let expected = Path::new(SHARED).join("expected").join(row.file.replace("/pcap/", "/")).display().to_string();
    let text = fs::read_to_string(expected + ".http.tsv").unwrap_or_default();
    let frames = text.lines().skip(1).flat_map(|line| line.split('\t').enumerate());
    frames.filter(|(column, _)| [1, 11].contains(column)).filter_map(|(_, cell)| cell.parse().ok()).collect()
}

#[test]
fn frames_that_end_messages_give_packets() {
    let (mut ends, mut missing) = (0, Vec::new());
    for row in &index() {
        let expected = message_ends(row);
        let mut decoder = Decoder::new();
        let mut reader = PacketReader::new();
        let mut each = |placed: Placed<'_>| {
            let (number, payload) = (
                placed.frame.number,
                match decoder.decode(&placed.frame) {
                    Some(Packet::Tcp(segment)) => Some(segment.payload.len()),
                    Some(Packet::Udp(datagram)) => Some(datagram.payload.len()),
                    None => None,
                },
            );
            if expected.contains(&number) {
                ends += 1;
                if payload.is_none() {
                    missing.push(format!("{} frame {number}", row.file));
                }
            }
        };
        reader.push(&unpacked(row), &mut each);
        reader.finish(&mut each);
    }
    println!("{ends} frames that end a message");
    missing.retain(|frame: &String| !frame.starts_with(QUOTATIONS));
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn as_many_packets_as_the_index_says() {
    let rows = index();
    if rows.is_empty() {
        println!("SKIPPED: no public captures at {SHARED}");
        return;
    }
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    let mut links: BTreeMap<LinkType, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in &rows {
        let bytes = unpacked(row);
        let started = Instant::now();
        let mut decoder = Decoder::new();
        let (frames, summary) = read(&bytes, &mut decoder);
        let group = groups.entry(&row.group).or_default();
        group.nanos += started.elapsed().as_nanos();
        let counts = decoder.counts();
        group.files += 1;
        group.frames += u64::from(frames);
        group.packets += counts.segments + counts.datagrams;
        group.unknown_link += counts.unknown_link;
        group.cut += counts.cut;
        group.malformed += counts.malformed;
        if let Some(link) = counts.first_unknown_link {
            *links.entry(link).or_default() += counts.unknown_link;
        }
        assert_eq!(counts.frames, u64::from(frames));
        let name = row.file.rsplit('/').next().unwrap_or_default();
        let justified = JUSTIFIED.iter().find(|(file, ..)| *file == name).map(|(_, frames, _)| *frames);
        let Some(expected) = justified.or(row.packets) else { continue };
        if summary.frames != expected || frames + summary.lost != expected {
            wrong.push(format!("{name}: {frames} frames and {} lost, expected {expected}", summary.lost));
        }
    }
    println!("group                files  frames packets unknown link    cut malformed       ms");
    for (name, g) in groups {
        println!(
            "{name:20} {:5} {:7} {:7} {:12} {:6} {:9} {:8.2}",
            g.files,
            g.frames,
            g.packets,
            g.unknown_link,
            g.cut,
            g.malformed,
            g.nanos as f64 / 1e6
        );
    }
    println!("frames of link types that are not read: {links:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
