//! TLS captures with their key logs: every version, cipher and turn of a handshake gives the exchanges that were held;
//! what is missing, keys or bytes, is told and invents nothing.
//!
//! `data/tls/README.md` says what each capture shows.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::use_debug, reason = "a test reads captures")]

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use authtrace_capture::{InputPath, InputReport, PacketReader, Plan, read_from, read_input};
use authtrace_parse::{
    AnomalyKind, BodyQuestion, Decoder, Exchange, Flags, KeyLog, Outlook, Packet, Reassembler, ReassemblySummary,
    SecretLabel, Segment, TlsVersion, Unread, stream::Mark,
};
use proptest::prelude::*;

const TALK: [&str; 2] = ["GET https://api.example/one → 200", "GET https://api.example/two → 401"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls")
}

fn keys(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.keys"))).unwrap()
}

fn log(text: &str) -> Arc<KeyLog> {
    let mut log = KeyLog::new();
    log.read(text.as_bytes());
    Arc::new(log)
}

fn line(exchange: &Exchange) -> String {
    let target = &exchange.request.target;
    let status = exchange.response.as_ref().map_or("∅".to_owned(), |response| response.status.to_string());
    format!("{} {}{} → {status}", exchange.request.method, target.origin(), target.path.expose())
}

fn lines(exchanges: &[Exchange]) -> Vec<String> {
    exchanges.iter().map(line).collect()
}

fn keep(_: &BodyQuestion<'_>) -> usize {
    1 << 16
}

/// Reads a capture of the folder.
fn read(name: &str, keys: &str) -> (Vec<Exchange>, InputReport) {
    let path = InputPath::File(folder().join(format!("{name}.pcap")));
    let mut exchanges = Vec::new();
    let plan = Plan { keys: log(keys), ..Plan::new(&keep) };
    let report = read_input(&path, &plan, &mut |exchange| exchanges.push(exchange)).unwrap();
    exchanges.sort_by_key(|exchange| exchange.id);
    (exchanges, report)
}

#[track_caller]
fn check(name: &str, version: TlsVersion, suite: u16) {
    let (exchanges, report) = read(name, &keys(name));
    assert_eq!(lines(&exchanges)[..2], TALK, "{name}");
    assert_eq!(report.opaque, [], "{name}");
    for exchange in &exchanges {
        let security = exchange.security.as_ref().unwrap();
        assert_eq!((security.version, security.suite), (version, suite), "{name}");
        assert_eq!(security.server_name.as_deref(), Some("api.example"), "{name}");
        assert_eq!(security.client_certificate, name.contains("client-certificate"), "{name}");
        assert_eq!(exchange.anomalies, [], "{name}");
        assert!(exchange.request.headers.get("authorization").is_some(), "{name}");
    }
}

#[test]
fn every_protection_is_read() {
    check("tls10-cbc", TlsVersion::TLS_1_0, 0x002f);
    check("tls11-cbc-etm", TlsVersion::TLS_1_1, 0x0035);
    check("tls12-cbc", TlsVersion::TLS_1_2, 0xc024);
    check("tls12-cbc-etm", TlsVersion::TLS_1_2, 0xc023);
    check("tls12-ccm", TlsVersion::TLS_1_2, 0xc0ac);
    check("tls12-ccm8", TlsVersion::TLS_1_2, 0xc0af);
    check("tls12-chacha", TlsVersion::TLS_1_2, 0xcca9);
    check("tls13-ccm", TlsVersion::TLS_1_3, 0x1304);
    check("tls13-ccm8", TlsVersion::TLS_1_3, 0x1305);
}

#[test]
fn every_turn_of_a_handshake_is_read() {
    check("tls12-renegotiation", TlsVersion::TLS_1_2, 0xc02c);
    check("tls12-session-id", TlsVersion::TLS_1_2, 0x009c);
    check("tls12-session-ticket", TlsVersion::TLS_1_2, 0x009c);
    check("tls13-gcm256-client-certificate", TlsVersion::TLS_1_3, 0x1302);
    check("tls13-chacha-retry", TlsVersion::TLS_1_3, 0x1303);
    check("tls13-key-update", TlsVersion::TLS_1_3, 0x1301);
    check("tls13-early-data", TlsVersion::TLS_1_3, 0x1302);
    check("tls13-early-data-refused", TlsVersion::TLS_1_3, 0x1302);
    assert_eq!(lines(&read("tls13-key-update", &keys("tls13-key-update")).0).len(), 3);
    for name in ["tls13-early-data", "tls13-early-data-refused"] {
        assert_eq!(read(name, &keys(name)).0.len(), 2, "{name}: what the server refused was not asked");
    }
}

/// Pre-master secrets alone do: the master secret is derived from them, extended or not, and whoever resumes the session
/// has it from the connection that set it up.
#[test]
fn pre_master_secrets_and_sessions_that_go_on() {
    for name in ["tls10-cbc", "tls11-cbc-etm", "tls12-session-id", "tls12-session-ticket"] {
        let keys: String =
            keys(name).lines().filter(|line| line.starts_with("RSA ")).map(|l| format!("{l}\n")).collect();
        let (exchanges, report) = read(name, &keys);
        assert_eq!(lines(&exchanges), TALK, "{name}");
        assert_eq!((report.opaque.len(), report.decrypted_count), (0, if name.contains("session") { 2 } else { 1 }));
    }
}

/// The key log without the lines of one label.
fn without(name: &str, label: &str) -> String {
    keys(name).lines().filter(|line| !line.starts_with(label)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_is_missing_is_told() {
    let tell = |name: &str, keys: &str| {
        let (exchanges, report) = read(name, keys);
        let told: Vec<(Unread, bool)> = report.opaque.iter().map(|tls| (tls.unread, tls.partly)).collect();
        (lines(&exchanges), told)
    };
    let name = "tls13-ccm";
    assert_eq!(tell(name, ""), (vec![], vec![(Unread::NoSecret, false)]));
    assert_eq!(tell(name, &keys("tls13-ccm8")), (vec![], vec![(Unread::NoSecret, false)]));
    // Requests without a word of their answers.
    let (found, told) = tell(name, &without(name, "SERVER_TRAFFIC"));
    assert_eq!(found, ["GET https://api.example/one → ∅", "GET https://api.example/two → ∅"]);
    assert_eq!(told, [(Unread::MissingSecret(SecretLabel::ServerTraffic), true)]);
    // Answers without their questions are no exchanges.
    let (found, told) = tell(name, &without(name, "CLIENT_TRAFFIC"));
    assert_eq!(found, [""; 0]);
    assert_eq!(told, [(Unread::MissingSecret(SecretLabel::ClientTraffic), true)]);
    // The handshake's own secrets are not needed for what comes after it.
    assert_eq!(tell(name, &without(name, "SERVER_HANDSHAKE")), (TALK.map(str::to_owned).to_vec(), vec![]));
    assert_eq!(tell(name, &without(name, "CLIENT_HANDSHAKE")), (TALK.map(str::to_owned).to_vec(), vec![]));
    // A secret that belongs to another connection.
    let (found, told) = tell("tls12-ccm", &keys("tls12-ccm").replace(['1', '2', '3'], "4"));
    assert_eq!((found.len(), told), (0, vec![(Unread::NoSecret, false)]));
    let wrong: String = keys("tls12-ccm")
        .lines()
        .map(|l| format!("{}{}\n", &l[..l.len() - 1], "0123456789abcdef".chars().find(|c| !l.ends_with(*c)).unwrap()))
        .collect();
    let (found, told) = tell("tls12-ccm", &wrong);
    assert_eq!((found.len(), told), (0, vec![(Unread::NotOpened, false)]));
}

/// A pcap as pcapng, with a Decryption Secrets Block in front of the packet number `before`.
fn with_secrets(name: &str, before: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let padded = body.len().next_multiple_of(4);
        let total = u32::try_from(padded + 12).unwrap().to_le_bytes();
        out.extend([&kind.to_le_bytes()[..], &total, body, &vec![0; padded - body.len()], &total].concat());
    };
    let keys = keys(name);
    let secrets = [b"KSLT", &u32::try_from(keys.len()).unwrap().to_le_bytes()[..], keys.as_bytes()].concat();
    block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    block(1, &[1, 0, 0, 0, 0, 0, 4, 0]);
    let mut reader = PacketReader::new();
    let mut number = 0;
    reader.push(&std::fs::read(folder().join(format!("{name}.pcap"))).unwrap(), &mut |placed| {
        if number == before {
            block(10, &secrets);
        }
        number += 1;
        let len = u32::try_from(placed.frame.bytes.len()).unwrap().to_le_bytes();
        block(6, &[&[0; 12][..], &len, &len, placed.frame.bytes].concat());
    });
    if before >= number {
        block(10, &secrets);
    }
    out
}

#[test]
fn secrets_in_the_capture_may_come_late() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for name in ["tls13-key-update", "tls12-session-id", "tls13-early-data"] {
        for before in [0, 5, 12, usize::MAX] {
            let bytes = with_secrets(name, before);
            std::fs::write(file.path(), &bytes).unwrap();
            for threads in [1, 4, 16] {
                let plan = Plan { threads, ..Plan::new(&keep) };
                let mut exchanges = Vec::new();
                let report = read_from(&bytes[..], "-", &plan, &mut |exchange| exchanges.push(exchange)).unwrap();
                assert_eq!(lines(&exchanges)[..2], TALK, "{name}, secrets before {before}, {threads} threads");
                assert_eq!(report.opaque_count, 0);
                exchanges.clear();
                let path = InputPath::File(file.path().to_owned());
                read_input(&path, &plan, &mut |exchange| exchanges.push(exchange)).unwrap();
                assert_eq!(
                    lines(&exchanges)[..2],
                    TALK,
                    "{name} as a file, secrets before {before}, {threads} threads"
                );
            }
        }
    }
}

/// A segment that owns its bytes.
#[derive(Clone)]
struct Owned {
    segment: Segment<'static>,
    payload: Vec<u8>,
}

fn segments(name: &str) -> Vec<Owned> {
    let mut all = Vec::new();
    let mut decoder = Decoder::new();
    PacketReader::new().push(&std::fs::read(folder().join(format!("{name}.pcap"))).unwrap(), &mut |placed| {
        if let Some(Packet::Tcp(segment)) = decoder.decode(&placed.frame) {
            all.push(Owned { payload: segment.payload.to_vec(), segment: Segment { payload: &[], ..segment } });
        }
    });
    all
}

fn reassemble(segments: &[Owned], keys: &str) -> (Vec<Exchange>, ReassemblySummary) {
    let mut reader = Reassembler::with_keys(0, 0, &keep, log(keys));
    let mut exchanges = Vec::new();
    for (frame, owned) in (1..).zip(segments) {
        let segment = Segment { payload: &owned.payload, ..owned.segment };
        reader.segment(&segment, Mark { frame, time: None }, &mut |exchange| exchanges.push(exchange));
    }
    let summary = reader.finish(&mut |exchange| exchanges.push(exchange));
    exchanges.sort_by_key(|exchange| exchange.id);
    (exchanges, summary)
}

/// The same connection in segments of at most `most` bytes.
fn cut(segments: &[Owned], most: usize) -> Vec<Owned> {
    let mut all = Vec::new();
    for owned in segments {
        if owned.payload.is_empty() {
            all.push(owned.clone());
            continue;
        }
        let mut offset = u32::from(owned.segment.flags.syn);
        for payload in owned.payload.chunks(most) {
            let sequence = owned.segment.sequence.wrapping_add(offset);
            let flags = Flags { fin: false, ..owned.segment.flags };
            all.push(Owned { segment: Segment { sequence, flags, ..owned.segment }, payload: payload.to_vec() });
            offset += u32::try_from(payload.len()).unwrap();
        }
        if owned.segment.flags.fin {
            let sequence = owned.segment.sequence.wrapping_add(offset);
            all.push(Owned { segment: Segment { sequence, ..owned.segment }, payload: Vec::new() });
        }
    }
    all
}

const ALL: [&str; 9] = [
    "tls10-cbc",
    "tls11-cbc-etm",
    "tls12-cbc",
    "tls12-ccm8",
    "tls12-chacha",
    "tls12-renegotiation",
    "tls13-chacha-retry",
    "tls13-key-update",
    "tls13-early-data",
];

#[test]
fn segmentation_does_not_matter() {
    for name in ALL {
        let (keys, segments) = (keys(name), segments(name));
        let whole = lines(&reassemble(&segments, &keys).0);
        for most in [1, 2, 5, 6, 7, 64, 536] {
            assert_eq!(lines(&reassemble(&cut(&segments, most), &keys).0), whole, "{name} in segments of {most} bytes");
        }
    }
}

/// Whichever segment is missing: what is told is true, and what comes behind the hole is read again.
#[test]
fn a_hole_invents_nothing_and_costs_what_it_must() {
    for name in ALL {
        let (keys, segments) = (keys(name), segments(name));
        let whole = lines(&reassemble(&segments, &keys).0);
        let paths: Vec<&str> = whole.iter().filter_map(|line| line.split(' ').nth(1)).collect();
        let mut found = 0;
        let with_payload = (0..segments.len()).filter(|at| !segments[*at].payload.is_empty());
        for at in with_payload {
            let mut fewer = segments.clone();
            let server: SocketAddr = fewer[at].segment.source;
            fewer.remove(at);
            let (exchanges, _) = reassemble(&fewer, &keys);
            for line in lines(&exchanges) {
                let answered = whole.contains(&line);
                let unanswered = paths.iter().any(|path| line == format!("GET {path} → ∅"));
                assert!(answered || unanswered, "{name} without segment {at} of {server}: {line}");
            }
            found += lines(&exchanges).iter().filter(|line| whole.contains(line)).count();
        }
        assert!(found > 0, "{name}");
    }
}

/// Of a long talk, one lost segment costs one exchange, where the cipher can be picked up again.
#[test]
fn reading_goes_on_behind_a_hole() {
    for name in ["tls11-cbc-etm", "tls12-cbc", "tls12-ccm8", "tls12-chacha", "tls13-chacha-retry", "tls13-key-update"] {
        let (keys, mut segments) = (keys(name), segments(name));
        // The request for /one is the first application data of the client behind the handshake.
        let (exchanges, _) = reassemble(&segments, &keys);
        let authtrace_parse::Locator::Frames { request: Some(frame), .. } = exchanges[0].source.locator else {
            panic!()
        };
        segments.remove(frame as usize - 1);
        let (exchanges, summary) = reassemble(&segments, &keys);
        assert!(lines(&exchanges).contains(&TALK[1].to_owned()), "{name}: {:?}", lines(&exchanges));
        assert!(!lines(&exchanges).iter().any(|line| line.contains("/one")), "{name}");
        assert_eq!(summary.opaque, [], "{name}: bytes are missing, not keys");
    }
}

/// The same connection through a proxy that the client asked to CONNECT.
fn through_proxy(segments: &[Owned]) -> Vec<Owned> {
    let opener = segments[0].segment.source;
    let mut next = [1_u32, 1];
    let mut all: Vec<Owned> = segments[..3].iter().filter(|owned| owned.segment.flags.syn).cloned().collect();
    for owned in &mut all {
        owned.segment =
            Segment { sequence: 0, acknowledgment: owned.segment.acknowledgment.map(|_| 1), ..owned.segment };
    }
    let connect = Owned { payload: b"CONNECT api.example:443 HTTP/1.1\r\n\r\n".to_vec(), ..all[0].clone() };
    let established = Owned { payload: b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec(), ..all[1].clone() };
    let inside = segments.iter().filter(|owned| !owned.payload.is_empty());
    for owned in [&connect, &established].into_iter().chain(inside) {
        let side = usize::from(owned.segment.source != opener);
        let (sequence, acknowledgment) = (next[side], Some(next[1 - side]));
        let segment = Segment { sequence, acknowledgment, flags: Flags::default(), ..owned.segment };
        all.push(Owned { segment, payload: owned.payload.clone() });
        next[side] += u32::try_from(owned.payload.len()).unwrap();
    }
    all
}

#[test]
fn tls_through_a_proxy_is_read() {
    for name in ["tls12-ccm8", "tls13-key-update"] {
        let (exchanges, summary) = reassemble(&through_proxy(&segments(name)), &keys(name));
        let lines = lines(&exchanges);
        assert!(lines.iter().any(|line| line.starts_with("CONNECT ") && line.ends_with(" 200")), "{name}: {lines:?}");
        assert!(TALK.iter().all(|line| lines.iter().any(|found| found == line)), "{name}: {lines:?}");
        assert_eq!((summary.opaque.len(), summary.decrypted_count), (0, 1), "{name}");
    }
}

/// Bytes that wait for secrets which never come are bounded, and every connection is told in the end.
#[test]
fn what_waits_for_secrets_is_bounded() {
    const CONNECTIONS: u16 = 300;
    let segments = segments("tls13-ccm");
    let handshake = segments
        .iter()
        .position(|owned| owned.segment.source != segments[0].segment.source && !owned.payload.is_empty());
    let mut reader = Reassembler::with_keys(0, 0, &keep, Arc::new(KeyLog::new().with_outlook(Outlook::Secrets)));
    let record = [&[23, 3, 3, 64, 0][..], &[7; 16384]].concat();
    let mut frame = 0;
    for port in 0..CONNECTIONS {
        let mut next = 0;
        let mut send = |owned: &Owned, sequence: u32, payload: &[u8]| {
            let from_client = owned.segment.source == segments[0].segment.source;
            let client = SocketAddr::from(([10, 1, 1, 1], 10_000 + port));
            let server = SocketAddr::from(([10, 2, 2, 2], 443));
            let (source, destination) = if from_client { (client, server) } else { (server, client) };
            frame += 1;
            let segment = Segment { source, destination, sequence, acknowledgment: None, payload, ..owned.segment };
            reader.segment(&segment, Mark { frame, time: None }, &mut |_| panic!("nothing can be read"));
        };
        for owned in &segments[..=handshake.unwrap()] {
            send(owned, owned.segment.sequence, &owned.payload);
            if owned.segment.source != segments[0].segment.source {
                next = owned.segment.sequence.wrapping_add(u32::try_from(owned.payload.len()).unwrap());
            }
        }
        for _ in 0..64 {
            send(&segments[handshake.unwrap()], next, &record);
            next = next.wrapping_add(u32::try_from(record.len()).unwrap());
        }
    }
    let summary = reader.finish(&mut |_| panic!("nothing can be read"));
    assert!(summary.anomalies.get(&AnomalyKind::UndecryptedLimit).is_some_and(|times| *times > 100));
    assert_eq!(summary.opaque.len(), usize::from(CONNECTIONS));
    assert!(summary.opaque.iter().all(|tls| tls.unread == Unread::NoSecret && tls.received > 1 << 20));
}

/// Without the ClientHello nothing says which secrets belong to a connection.
#[test]
fn a_late_start_claims_nothing() {
    for name in ["tls12-ccm", "tls13-ccm"] {
        let segments = segments(name);
        let keys = keys(name);
        let (exchanges, _) = reassemble(&segments, &keys);
        let authtrace_parse::Locator::Frames { request: Some(frame), .. } = exchanges[0].source.locator else {
            panic!()
        };
        let (exchanges, summary) = reassemble(&segments[frame as usize - 1..], &keys);
        assert_eq!(lines(&exchanges), [""; 0], "{name}");
        let told: Vec<Unread> = summary.opaque.iter().map(|tls| tls.unread).collect();
        assert_eq!(told, [Unread::NoBeginning], "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Bytes that were changed on the way never panic, and a record that was changed is never shown. (Where both a request
    /// and the answer to another one are lost, HTTP/1 itself does not tell which is which: one direction is changed.)
    #[test]
    fn hostile_bytes_are_survived(
        name in proptest::sample::select(&ALL[..]),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..12),
        client in any::<bool>(),
        most in 1_usize..2000,
    ) {
        let keys = keys(name);
        let mut segments = segments(name);
        segments.retain(|owned| !owned.payload.is_empty() || owned.segment.flags.syn);
        let opener = segments[0].segment.source;
        let sent = |owned: &&mut Owned| (owned.segment.source == opener) == client && !owned.payload.is_empty();
        let mut own: Vec<&mut Owned> = segments.iter_mut().filter(sent).collect();
        for (segment, byte, value) in changes {
            let owned = segment.index(own.len());
            let byte = byte.index(own[owned].payload.len());
            own[owned].payload[byte] = value;
        }
        let (exchanges, _) = reassemble(&cut(&segments, most), &keys);
        for line in lines(&exchanges) {
            let true_ones = ["/one → 200", "/two → 401", "/three → 403", "→ ∅"];
            prop_assert!(true_ones.iter().any(|end| line.ends_with(end)), "{name}: {line}");
        }
    }
}
