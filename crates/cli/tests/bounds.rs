//! Captures made to fill memory, read as the program reads them: a counting allocator shows what was held at most, and
//! what the bound cost is said in the result.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

#[path = "support/pcap.rs"]
mod pcap;

use std::{
    io::{self, Read},
    sync::{Mutex, MutexGuard, PoisonError},
};

use authtrace_analyze::{Analysis, Analyzer, BodyNeeds, Settings, coverage::Input};
use authtrace_capture::{Plan, read_from};
use authtrace_parse::AnomalyKind;
use pcap::{ACK, FileOfPackets, Packet, SYN};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// A stream that is made while it is read, so that it holds no memory of its own.
struct Made<I> {
    pieces: I,
    piece: io::Cursor<Vec<u8>>,
}

impl<I: Iterator<Item = Vec<u8>>> Read for Made<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(next) = self.pieces.next() else { return Ok(0) };
            self.piece = io::Cursor::new(next);
        }
    }
}

/// What judging came to.
struct Judged {
    analysis: Analysis,
    /// What is said of the input as a whole.
    anomalies: Vec<AnomalyKind>,
    /// Most bytes at a time, beside what was held before.
    held: usize,
}

impl Judged {
    fn paths(&self) -> Vec<&str> {
        self.analysis.capture.facts.iter().map(|fact| &*fact.path).collect()
    }

    #[track_caller]
    fn held_at_most(&self, most: usize) {
        assert!(self.held <= most, "{} KiB were held, {} are allowed", self.held / 1024, most / 1024);
    }
}

/// One test at a time: the counter counts for the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Judges what `pieces` make.
fn judge<I: Iterator<Item = Vec<u8>> + Send>(pieces: I) -> Judged {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let mut analyzer = Analyzer::new(Settings::default());
    let reader = Made { pieces, piece: io::Cursor::default() };
    let plan = Plan { threads: 1, ..Plan::new(&BodyNeeds) };
    let report = read_from(reader, "made", &plan, &mut |exchange| analyzer.push(&exchange)).unwrap();
    let input = Input { truncated: report.truncated, exchanges: report.exchanges, ..Input::default() };
    let anomalies = report.anomalies.iter().map(|anomaly| anomaly.kind).collect();
    let analysis = analyzer.finish(vec![input]);
    Judged { analysis, anomalies, held: MEMORY.peak_usage().saturating_sub(before) }
}

/// The pieces of a HAR with these entries.
fn har(entries: impl Iterator<Item = String>) -> impl Iterator<Item = Vec<u8>> {
    let head = String::from(r#"{"log":{"version":"1.2","creator":{"name":"bounds","version":"1"},"entries":["#);
    let entries = entries.enumerate().map(|(index, entry)| if index == 0 { entry } else { format!(",{entry}") });
    std::iter::once(head).chain(entries).chain(std::iter::once("]}}".to_owned())).map(String::into_bytes)
}

/// One entry; `request` and `response` are the headers, as a list of objects.
fn entry(second: usize, url: &str, request: &str, status: u16, response: &str) -> String {
    let (hour, minute, second) = (second / 3600 % 24, second / 60 % 60, second % 60);
    format!(
        r#"{{"startedDateTime":"2026-11-21T{hour:02}:{minute:02}:{second:02}Z","time":5,
        "request":{{"method":"GET","url":"{url}","httpVersion":"HTTP/1.1","headers":[{request}]}},
        "response":{{"status":{status},"headers":[{response}],"content":{{"mimeType":"text/plain"}}}}}}"#
    )
}

fn header(name: &str, value: &str) -> String {
    format!(r#"{{"name":"{name}","value":"{value}"}}"#)
}

#[test]
fn entries_cost_their_facts_only() {
    let _alone = alone();
    let of = |count| judge(har((0..count).map(|n| entry(n, "https://x.dev/a", "", 200, ""))));
    let (few, many) = (of(5_000), of(50_000));
    assert_eq!(many.analysis.capture.facts.len(), 50_000);
    let each = many.held.saturating_sub(few.held) / 45_000;
    assert!(each <= 1024, "an entry costs {each} bytes");
}

/// Bytes that are held at most while `count` entries with nothing in common are read and all but a thousand set aside.
fn set_aside(count: usize) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let entries = har((0..count).map(|n| {
        let token = format!("Bearer {:040x}", n as u128 * 0x9e37_79b9_7f4a_7c15_f39c_c060);
        let request = [header("authorization", &token), header("user-agent", &format!("agent/{n}"))].join(",");
        entry(n, &format!("https://x.dev/a/{n}?k{n}=1"), &request, 200, "")
    }));
    let reader = Made { pieces: entries, piece: io::Cursor::default() };
    let plan = Plan { threads: 1, ..Plan::new(&BodyNeeds) };
    let (mut analyzer, mut aside) = (Analyzer::new(Settings::default()), 0);
    let report = read_from(reader, "made", &plan, &mut |exchange| {
        analyzer.push(&exchange);
        if analyzer.known() > 1_500 {
            analyzer.set_aside(1_000, |part| aside += part.facts.len());
        }
    });
    assert_eq!(report.unwrap().exchanges as usize, count);
    assert_eq!(aside + analyzer.known(), count);
    let analysis = analyzer.so_far().judge(Vec::new());
    let counts = analysis.capture.profile.route(&"https://x.dev".into(), &"GET /a/{id}".into());
    assert_eq!(counts.credentialed_ok as usize, count, "what was set aside still counts");
    MEMORY.peak_usage().saturating_sub(before)
}

#[test]
fn what_was_set_aside_takes_no_memory() {
    let _alone = alone();
    let (few, many) = (set_aside(5_000), set_aside(50_000));
    let each = many.saturating_sub(few) / 45_000;
    // The hash of its credential, which must not be shown where a path repeats it.
    assert!(each <= 64, "{each} bytes for each exchange: {few} for 5,000, {many} for 50,000");
}

#[test]
fn an_entry_without_end_is_given_up_and_the_next_one_read() {
    let _alone = alone();
    // Half a gigabyte within one string.
    let body = std::iter::repeat_n(vec![b'x'; MIB], 512);
    let before = r#"{"log":{"version":"1.2","entries":[{"startedDateTime":"2026-11-21T10:00:00Z","time":5,
        "request":{"method":"GET","url":"https://x.dev/big","headers":[]},
        "response":{"status":200,"headers":[],"content":{"mimeType":"application/octet-stream","text":""#;
    let after = format!(r#""}}}}}},{}]}}}}"#, entry(1, "https://x.dev/next", "", 200, ""));
    let pieces = std::iter::once(before.into()).chain(body).chain(std::iter::once(after.into_bytes()));
    let judged = judge(pieces);
    assert_eq!(judged.paths(), ["/next"]);
    assert_eq!(judged.anomalies, [AnomalyKind::OversizedEntry]);
    judged.held_at_most(256 * MIB);
}

#[test]
fn a_hundred_thousand_cookies_are_one_request() {
    let _alone = alone();
    let cookies: String = (0..100_000).map(|n| format!("cookie{n}=0123456789abcdef{n};")).collect();
    let carried = entry(0, "https://x.dev/a", &header("Cookie", &cookies), 401, "");
    let set = entry(
        1,
        "https://x.dev/a",
        "",
        200,
        &(0..100_000).map(|n| header("Set-Cookie", &format!("c{n}=v{n}"))).collect::<Vec<_>>().join(","),
    );
    let judged = judge(har([carried, set].into_iter()));
    assert_eq!(judged.analysis.capture.facts.len(), 2);
    judged.held_at_most(64 * MIB);
}

#[test]
fn a_token_of_megabytes_is_kept_once() {
    let _alone = alone();
    let claims = "QUFB".repeat(10 * MIB / 4);
    let token = header("Authorization", &format!("Bearer eyJhbGciOiJIUzI1NiJ9.{claims}.AAAA"));
    let judged = judge(har((0..5).map(|n| entry(n, "https://x.dev/a", &token, 401, ""))));
    assert_eq!(judged.analysis.capture.facts.len(), 5);
    judged.held_at_most(128 * MIB);
}

#[test]
fn redirects_in_a_circle_are_one_incident() {
    let _alone = alone();
    let around = (0..20_000).map(|n| {
        let to = header("Location", &format!("https://x.dev/{}", (n + 1) % 3));
        entry(n / 100, &format!("https://x.dev/{}", n % 3), "", 302, &to)
    });
    let judged = judge(har(around));
    assert!(judged.analysis.incidents.len() <= 3, "{} incidents", judged.analysis.incidents.len());
    judged.held_at_most(32 * MIB);
}

#[test]
fn a_million_connections_that_never_speak_are_bounded() {
    let _alone = alone();
    let mut file = FileOfPackets::new();
    let head = std::iter::once(file.head());
    let flood = (0..1_000_000_u32)
        .map(move |n| file.packet(&Packet { client: n, sequence: 7, flags: SYN, ..Packet::default() }));
    let judged = judge(head.chain(flood));
    assert_eq!(judged.analysis.capture.facts.len(), 0);
    judged.held_at_most(16 * MIB);
}

#[test]
fn a_request_byte_by_byte_is_one_request() {
    let _alone = alone();
    let mut file = FileOfPackets::new();
    let head = file.head();
    let text = format!("GET /slow HTTP/1.1\r\nHost: h\r\nX-Long: {}\r\n\r\n", "x".repeat(60_000));
    let bytes = text.into_bytes();
    let open = file.packet(&Packet { sequence: 0, flags: SYN, ..Packet::default() });
    let slow = (1..).zip(bytes).map(move |(sequence, byte)| {
        let payload = [byte];
        file.packet(&Packet { sequence, flags: ACK, payload: &payload, ..Packet::default() })
    });
    let judged = judge([head, open].into_iter().chain(slow));
    assert_eq!(judged.analysis.capture.facts.len(), 1);
    judged.held_at_most(4 * MIB);
}

/// Whoever sends a byte range twice, with other content, hides nothing: the first content is read, and the second said.
#[test]
fn overlaps_with_other_content_do_not_change_what_was_read() {
    let _alone = alone();
    let mut file = FileOfPackets::new();
    let pieces = [
        file.head(),
        file.packet(&Packet { sequence: 0, flags: SYN, ..Packet::default() }),
        file.packet(&Packet { sequence: 1, flags: ACK, payload: b"GET /true HTTP/1.1\r\nHo", ..Packet::default() }),
        file.packet(&Packet { sequence: 5, flags: ACK, payload: b"/evil HTTP/1.1\r\nHo", ..Packet::default() }),
        file.packet(&Packet { sequence: 23, flags: ACK, payload: b"st: h\r\n\r\n", ..Packet::default() }),
    ];
    assert_eq!(judge(pieces.into_iter()).paths(), ["/true"]);
}
