//! One capture in several files: what is read of them is what the whole file says, wherever it was cut.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an integration test makes its files on disk")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use authtrace_capture::{Container, InputPath, InputReport, Plan, expand, join_rotated, read_input};
use authtrace_parse::{AnomalyKind, BodyQuestion, Exchange};
use sha2::{Digest as _, Sha256};

const FILE_HEADER: usize = 24;

/// A sample taken apart: what every file begins with, and its packet records.
struct Taken {
    header: Vec<u8>,
    records: Vec<Vec<u8>>,
}

impl Taken {
    fn pcap(bytes: &[u8]) -> Self {
        let (header, mut rest) = bytes.split_at(FILE_HEADER);
        let mut records = Vec::new();
        while !rest.is_empty() {
            let len = 16 + u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
            records.push(rest[..len].to_vec());
            rest = &rest[len..];
        }
        Self { header: header.to_vec(), records }
    }

    fn pcapng(bytes: &[u8]) -> Self {
        let (mut header, mut records, mut rest) = (Vec::new(), Vec::new(), bytes);
        while !rest.is_empty() {
            let len = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
            let block = rest[..len].to_vec();
            if rest[0] == 6 {
                records.push(block)
            } else {
                header.extend(block)
            }
            rest = &rest[len..];
        }
        Self { header, records }
    }

    fn of(sample: &str) -> Self {
        let bytes = fs::read(samples().join(sample)).unwrap();
        if sample.ends_with("ng") { Self::pcapng(&bytes) } else { Self::pcap(&bytes) }
    }

    /// A classic pcap of the same packets; its interfaces stamp nanoseconds.
    fn into_pcap(self) -> Self {
        let mut header = vec![0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0];
        header.resize(FILE_HEADER, 0);
        header[16..20].copy_from_slice(&0x40000_u32.to_le_bytes());
        // The link type stands in the first interface block, behind the section header.
        let section = u32::from_le_bytes(self.header[4..8].try_into().unwrap()) as usize;
        header[20..22].copy_from_slice(&self.header[section + 8..section + 10]);
        let number = |block: &[u8], at: usize| u32::from_le_bytes(block[at..at + 4].try_into().unwrap());
        let record = |block: Vec<u8>| {
            let nanos = u64::from(number(&block, 12)) << 32 | u64::from(number(&block, 16));
            let (captured, len) = (number(&block, 20), number(&block, 24));
            let fields = [(nanos / 1_000_000_000) as u32, (nanos % 1_000_000_000) as u32, captured, len];
            let mut record: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
            record.extend(&block[28..28 + captured as usize]);
            record
        };
        Self { header, records: self.records.into_iter().map(record).collect() }
    }

    /// Writes files of `each` records.
    fn write(&self, folder: &Path, each: usize, name: impl Fn(usize) -> String) -> Vec<PathBuf> {
        let parts = self.records.chunks(each).enumerate();
        let write = |(number, records): (usize, &[Vec<u8>])| {
            let path = folder.join(name(number));
            fs::write(&path, [self.header.as_slice(), &records.concat()].concat()).unwrap();
            path
        };
        parts.map(write).collect()
    }
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures")
}

fn keep(_: &BodyQuestion<'_>) -> usize {
    4096
}

/// What is read of `input`: a line for each exchange.
fn read(input: &InputPath, threads: usize) -> (Vec<String>, InputReport) {
    let mut lines = Vec::new();
    let report = read_input(input, &Plan { threads, ..Plan::new(&keep) }, &mut |exchange: Exchange| {
        let status = exchange.response.as_ref().map(|response| response.status);
        lines.push(format!(
            "{} {} {} {} {status:?} {:?}",
            exchange.id.0,
            exchange.request.method,
            exchange.request.target.path.expose(),
            exchange.request.headers.len(),
            exchange.source.locator
        ));
    });
    (lines, report.unwrap())
}

fn one(inputs: Vec<PathBuf>) -> InputPath {
    let joined = join_rotated(inputs.into_iter().map(InputPath::File).collect());
    assert_eq!(joined.len(), 1, "{joined:?}");
    joined.into_iter().next().unwrap()
}

const SAMPLES: [&str; 3] = ["race.pcapng", "herd.pcapng", "wrong-token.pcapng"];

#[test]
fn wherever_a_capture_was_cut_it_says_the_same() {
    for sample in SAMPLES {
        let (whole, _) = read(&InputPath::File(samples().join(sample)), 1);
        let taken = [Taken::of(sample), Taken::of(sample).into_pcap()];
        for (taken, ending) in taken.iter().zip(["pcapng", "pcap"]) {
            for each in [1, 7, 40] {
                let folder = tempfile::tempdir().unwrap();
                let name = |n: usize| format!("ring_{:05}_202611270512{:02}.{ending}", n % 100, n % 60);
                let mut files = taken.write(folder.path(), each.max(taken.records.len() / 50), name);
                files.reverse();
                let input = one(files.clone());
                for threads in [1, 2, 4] {
                    let (lines, report) = read(&input, threads);
                    assert_eq!(lines, whole, "{sample} as {ending} in pieces of {each}, {threads} threads");
                    assert_eq!(report.frames as usize, taken.records.len());
                    assert!(!report.truncated);
                    files.sort();
                    let all: Vec<u8> = files.iter().flat_map(|file| fs::read(file).unwrap()).collect();
                    assert_eq!(report.sha256, <[u8; 32]>::from(Sha256::digest(&all)));
                    assert_eq!(report.bytes, all.len() as u64);
                }
            }
        }
    }
}

#[test]
fn a_file_that_ends_in_the_middle_costs_no_other() {
    let taken = Taken::of("race.pcapng").into_pcap();
    let folder = tempfile::tempdir().unwrap();
    let name = |n: usize| if n == 0 { "trace.pcap".to_owned() } else { format!("trace.pcap{n}") };
    let files = taken.write(folder.path(), taken.records.len() / 3, name);
    let first = fs::read(&files[0]).unwrap();
    fs::write(&files[0], &first[..first.len() - 5]).unwrap();
    let (lines, report) = read(&one(files.clone()), 2);
    assert!(report.truncated);
    assert_eq!(report.frames as usize, taken.records.len(), "the cut packet counts");
    let (whole, _) = read(&InputPath::File(samples().join("race.pcapng")), 1);
    assert!(lines.len() + 1 >= whole.len(), "{} of {}", lines.len(), whole.len());

    fs::remove_file(&files[1]).unwrap();
    let gone = InputPath::Rotated(files);
    let (_, report) = read(&gone, 2);
    assert!(report.anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::ReadFailed));
    assert_eq!(report.format.container, Container::Pcap);
}

#[test]
fn only_the_files_of_one_capture_are_put_together() {
    let folder = tempfile::tempdir().unwrap();
    let race = Taken::of("race.pcapng");
    let ring = race.write(folder.path(), 30, |n| format!("eth0-20261127-0512{n:02}.pcapng"));
    let other = Taken::of("herd.pcapng").into_pcap().write(folder.path(), 30, |n| format!("trace.pcap{n}"));
    fs::copy(&ring[0], folder.path().join("pod-1.pcapng")).unwrap();
    fs::copy(&ring[0], folder.path().join("pod-2.pcapng")).unwrap();
    let inputs = join_rotated(expand(&[folder.path().to_owned()]).unwrap());
    let alone = ["pod-1.pcapng", "pod-2.pcapng"].map(|name| InputPath::File(folder.path().join(name)));
    assert_eq!(inputs[0], InputPath::Rotated(ring.clone()));
    assert_eq!(inputs[1..3], alone);
    assert_eq!(inputs[3..], [InputPath::Rotated(other)]);
    assert!(inputs[0].display().ends_with(&format!("eth0-20261127-051200.pcapng and {} more", ring.len() - 1)));

    // Copies of one file, other link layers, and a HAR that is called alike.
    let copies = tempfile::tempdir().unwrap();
    let at = |name: &str| copies.path().join(name);
    fs::copy(&ring[0], at("x.pcap")).unwrap();
    fs::copy(&ring[0], at("x.pcap1")).unwrap();
    fs::copy(&ring[0], at("y.pcap")).unwrap();
    fs::copy(samples().join("race.har"), at("y.pcap1")).unwrap();
    let mut raw = fs::read(folder.path().join("trace.pcap0")).unwrap();
    fs::write(at("z.pcap"), &raw).unwrap();
    raw[20] ^= 100;
    fs::write(at("z.pcap1"), &raw).unwrap();
    assert_eq!(join_rotated(expand(&[copies.path().to_owned()]).unwrap()).len(), 6);
}
