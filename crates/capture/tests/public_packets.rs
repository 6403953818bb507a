//! Reads every public packet capture that the checkout has beside it and compares it with independent readings.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::use_debug,
    reason = "an integration test reads its fixtures from disk and reports"
)]

use std::{collections::BTreeMap, fs, io::Read as _, path::Path, time::Instant};

use authtrace_capture::{PacketReader, PacketSummary, Placed};
use authtrace_parse::{Decoder, LinkType};
use flate2::read::MultiGzDecoder;

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
