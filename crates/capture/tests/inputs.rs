//! Files, packed files, directories and standard input, each as it should be read or refused.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an integration test makes its files on disk")]

use std::{
    fs,
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
};

use authtrace_capture::{
    Compression, Container, InputError, InputPath, InputReport, Limits, Plan, expand, read_from, read_input,
};
use authtrace_parse::{AnomalyKind, BodyQuestion, Exchange};
use flate2::{
    Compression as Level,
    write::{GzEncoder, ZlibEncoder},
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

fn entry(n: usize) -> String {
    format!(
        r#"{{"startedDateTime":"2026-01-01T00:00:00Z","request":{{"method":"GET","url":"http://x.dev/{n}"}},"response":{{"status":200,"content":{{"size":3,"_file":"body.txt"}}}}}}"#
    )
}

fn har(entries: usize) -> Vec<u8> {
    let entries: Vec<_> = (0..entries).map(entry).collect();
    format!(
        r#"{{"log":{{"version":"1.2","creator":{{"name":"T","version":"1"}},"entries":[{}]}}}}"#,
        entries.join(",\n")
    )
    .into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn keep(_: &BodyQuestion<'_>) -> usize {
    1024
}

fn piped(bytes: &[u8], limits: Limits) -> Result<(Vec<Exchange>, InputReport), InputError> {
    let mut exchanges = Vec::new();
    let report = read_from(bytes, "-", &Plan { first_id: 7, limits, ..Plan::new(&keep) }, &mut |e| exchanges.push(e))?;
    Ok((exchanges, report))
}

fn from_file(path: &Path) -> Result<(Vec<Exchange>, InputReport), InputError> {
    let mut exchanges = Vec::new();
    let report = read_input(&InputPath::File(path.to_owned()), &Plan { first_id: 7, ..Plan::new(&keep) }, &mut |e| {
        exchanges.push(e)
    })?;
    Ok((exchanges, report))
}

/// A folder with one file in it.
fn folder(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[track_caller]
fn refused(bytes: &[u8], message: &str) {
    let error = piped(bytes, Limits::default()).err().unwrap().to_string();
    assert!(error.starts_with("-: ") && error.contains(message) && !error.contains('\n'), "{error}");
}

#[test]
fn reads_plain_and_packed() {
    let plain = har(50);
    for (bytes, compression) in [
        (plain.clone(), Compression::None),
        (gzip(&plain), Compression::Gzip),
        ([gzip(&plain[..900]), gzip(&plain[900..])].concat(), Compression::Gzip),
        (zlib(&plain), Compression::Zlib),
        (zstd(&plain), Compression::Zstd),
        (
            [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &zstd(&plain[..900]), &zstd(&plain[900..])].concat(),
            Compression::Zstd,
        ),
    ] {
        let (_folder, path) = folder("any-name", &bytes);
        let (exchanges, report) = from_file(&path).unwrap();
        assert_eq!(report.format.compression, compression);
        assert_eq!((exchanges.len(), report.exchanges, report.entries, report.next_id), (50, 50, 50, 57));
        assert!(exchanges.iter().zip(7..).all(|(e, n)| e.id.0 == n));
        assert_eq!((report.bytes, report.sha256), (bytes.len() as u64, Sha256::digest(&bytes).into()));
        assert_eq!(report.creator.as_deref(), Some("T 1"));
        assert!(report.anomalies.is_empty() && !report.truncated);
    }
}

#[test]
fn refuses_with_one_line() {
    refused(b"", "is empty");
    refused(&gzip(b""), "is empty");
    refused(b"{\"a\":1}", "not a HAR");
    refused(&gzip(b"{\"a\":1}"), "not a HAR");
    refused(b"snoop\0\0\0\0\0\0\x02", "a Solaris snoop capture (convert it with `editcap -F pcap`)");
    refused(&gzip(b"snoop\0\0\0\0\0\0\x02"), "a Solaris snoop capture");
    refused(b"PK\x03\x04....", "a ZIP archive");
    refused(b"<html>", "HTML or XML");
    refused(b"\x1f\x8b\x08\0garbage garbage", "cannot be unpacked as gzip");
    refused(b"\x28\xb5\x2f\xfd\xff\xff", "cannot be unpacked as zstd");
    refused(&gzip(&har(1))[..9], "cannot be unpacked as gzip");
}

#[test]
fn a_packet_capture_that_is_all_but_lost_is_a_partial_result() {
    let (pcap, pcapng) = (&b"\xd4\xc3\xb2\xa1\x02\0\x04\0"[..], &b"\x0a\x0d\x0d\x0a\0\0\0\0"[..]);
    for (head, container) in [(pcap, Container::Pcap), (pcapng, Container::Pcapng)] {
        for bytes in [head.to_vec(), gzip(head), zstd(head)] {
            let (exchanges, report) = piped(&bytes, Limits::default()).unwrap();
            assert_eq!((exchanges.len(), report.frames, report.truncated), (0, 0, true));
            assert_eq!(report.format.container, container);
            assert!(report.anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::Truncated));
        }
    }
}

#[test]
fn refuses_paths() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(from_file(&folder.path().join("none")), Err(InputError::Missing { .. })));
    assert!(matches!(from_file(folder.path()), Err(InputError::IsDirectory { .. })));
    assert!(matches!(expand(&[folder.path().to_owned()]), Err(InputError::NoCaptures { .. })));
}

#[cfg(unix)]
#[test]
fn refuses_unreadable_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, path) = folder("a.har", &har(1));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        println!("SKIPPED: this user may read everything");
        return;
    }
    assert!(matches!(from_file(&path), Err(InputError::PermissionDenied { .. })));
}

#[test]
fn half_a_packed_file_is_a_partial_result() {
    let plain = har(20_000);
    for (packed, kinds) in [
        (gzip(&plain), &[AnomalyKind::Truncated][..]),
        (zlib(&plain), &[AnomalyKind::Truncated]),
        (zstd(&plain), &[AnomalyKind::Truncated, AnomalyKind::DamagedCompression]),
    ] {
        let half = &packed[..packed.len() / 2];
        let (exchanges, report) = piped(half, Limits::default()).unwrap();
        assert!(exchanges.len() > 1000 && report.truncated);
        assert!(report.anomalies.iter().all(|a| kinds.contains(&a.kind)), "{:?}", report.anomalies);
        assert_eq!(report.sha256, <[u8; 32]>::from(Sha256::digest(half)));
    }
}

/// A short recording is one block for most packers; several blocks give what lies before the damage.
#[test]
fn a_short_packed_file_gives_what_lies_before_the_damage() {
    let plain = har(3000);
    for (name, packed) in [("gzip", gzip(&plain)), ("zlib", zlib(&plain)), ("zstd", zstd(&plain))] {
        let cut = piped(&packed[..packed.len() * 9 / 10], Limits::default());
        let (exchanges, report) = cut.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(exchanges.len() > 1000 && report.truncated, "{name}: {} of a cut file", exchanges.len());
        assert!(exchanges.iter().zip(0..).all(|(e, n)| e.request.target.path.expose() == format!("/{n}").as_str()));

        let mut damaged = packed.clone();
        let at = damaged.len() * 9 / 10;
        damaged[at..at + 40].fill(0xff);
        let (exchanges, report) = piped(&damaged, Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(exchanges.len() > 1000, "{name}: {} of a damaged file", exchanges.len());
        // Deflate may take damage for data for a while and then miss its end; zstd without a checksum may never notice,
        // and then it shows in what was unpacked.
        let kinds = [AnomalyKind::DamagedCompression, AnomalyKind::Truncated, AnomalyKind::UnreadableEntry];
        let named = report.anomalies.iter().any(|a| kinds.contains(&a.kind));
        assert!(named && (report.truncated || name == "zstd"), "{name}: {:?}", report.anomalies);
    }
}

/// Wherever a file is cut or a bit is flipped: a result or one line, no panic.
#[test]
fn every_cut_and_every_flip_is_a_result_or_one_line() {
    let plain = har(400);
    for whole in [plain.clone(), gzip(&plain), zlib(&plain), zstd(&plain)] {
        for step in 1..200 {
            let at = whole.len() * step / 200;
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (step % 8);
            for bytes in [&whole[..at], &flipped] {
                match piped(bytes, Limits::default()) {
                    Ok((exchanges, report)) => assert_eq!(exchanges.len(), report.exchanges as usize),
                    Err(error) => {
                        let line = error.to_string();
                        assert!(line.starts_with("-: ") && line.contains("; ") && !line.contains('\n'), "{line}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_bomb_is_stopped_and_what_came_before_is_kept() {
    let mut plain = har(10);
    plain.truncate(plain.len() - 3);
    plain.extend(std::iter::repeat_n(b' ', 8 << 20));
    for limits in
        [Limits { total: 2 << 20, ..Limits::default() }, Limits { ratio: 100, free: 1 << 20, ..Limits::default() }]
    {
        let packed = gzip(&plain);
        let (exchanges, report) = piped(&packed, limits).unwrap();
        assert_eq!(exchanges.len(), 10);
        assert!(report.truncated && report.anomalies.iter().any(|a| a.kind == AnomalyKind::DecompressionLimit));
        assert_eq!(report.bytes, packed.len() as u64);
    }
}

#[test]
fn a_failing_pipe_is_a_partial_result() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let whole = har(100);
    let reader = whole[..whole.len() / 2].chain(Failing);
    let mut count = 0;
    let report = read_from(reader, "-", &Plan::new(&keep), &mut |_| count += 1).unwrap();
    assert!(count > 40 && report.truncated);
    assert!(report.anomalies.iter().any(|a| a.kind == AnomalyKind::ReadFailed));
}

#[test]
fn directories_stand_for_their_captures() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir_all(at("sub/deeper")).unwrap();
    for (name, bytes) in [
        ("b.har", har(1)),
        ("a.har.gz", gzip(&har(1))),
        ("sub/c", har(1)),
        ("sub/traffic.pcap", b"\xd4\xc3\xb2\xa1....".to_vec()),
        ("sub/deeper/d.har", har(1)),
        ("notes.txt", b"hello".to_vec()),
        ("truth.json", b"{\"expected\":[]}".to_vec()),
    ] {
        fs::write(at(name), bytes).unwrap();
    }
    let inputs = expand(&["-".into(), root.path().to_owned(), at("missing")]).unwrap();
    let expected = ["a.har.gz", "b.har", "sub/c", "sub/traffic.pcap", "missing"].map(|name| InputPath::File(at(name)));
    assert_eq!(inputs[0], InputPath::Stdin);
    assert_eq!(inputs[1..], expected);
}

#[test]
fn side_files_only_from_the_same_folder() {
    let root = tempfile::tempdir().unwrap();
    let inner = root.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(root.path().join("outside.txt"), "out").unwrap();
    fs::write(inner.join("body.txt"), "in!").unwrap();
    let outside = root.path().join("outside.txt");
    for (name, text) in
        [("body.txt", Some("in!")), ("../outside.txt", None), (outside.to_str().unwrap(), None), ("none", None)]
    {
        let path = inner.join("a.har");
        fs::write(&path, String::from_utf8(har(1)).unwrap().replace("body.txt", name)).unwrap();
        let (exchanges, _) = from_file(&path).unwrap();
        let body = &exchanges[0].response.as_ref().unwrap().body;
        assert_eq!(body.text().map(|t| t.expose()), text, "{name}");
        assert_eq!(exchanges[0].anomalies.contains(&AnomalyKind::BodyInSideFile), text.is_none());
    }
}
