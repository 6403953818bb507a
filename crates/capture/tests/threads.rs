//! The number of threads changes nothing: the same exchanges, with the same numbers, in the same order.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::use_debug, reason = "a test reads captures")]

use std::path::{Path, PathBuf};

use authtrace_capture::{InputPath, InputReport, Plan, read_input};
use authtrace_parse::{BodyQuestion, Content, Exchange};

/// The packet captures of the repository.
fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures");
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut captures: Vec<PathBuf> = all.filter(|path| path.to_string_lossy().contains(".pcap")).collect();
    captures.sort();
    captures
}

/// Everything about an exchange that may be compared, in one line.
fn line(exchange: &Exchange) -> String {
    let response = exchange.response.as_ref();
    let length = |content: &Content| match content {
        Content::Text { text, cut } => format!("{} {cut}", text.len()),
        _ => String::new(),
    };
    format!(
        "{:?} {:?} {:?} {:?} {:?} {} {} {} {:?} {} {:?}",
        exchange.id,
        exchange.source.locator,
        exchange.timing,
        exchange.client,
        exchange.connection,
        exchange.request.method,
        exchange.request.target.path.expose(),
        length(&exchange.request.body.content),
        response.map(|response| response.status),
        response.map_or_else(String::new, |response| length(&response.body.content)),
        exchange.anomalies,
    )
}

fn read(path: &Path, threads: usize) -> (Vec<String>, InputReport) {
    let keep = |_: &BodyQuestion<'_>| 1 << 16;
    let plan = Plan { threads, first_id: 5, ..Plan::new(&keep) };
    let mut lines = Vec::new();
    let report =
        read_input(&InputPath::File(path.to_owned()), &plan, &mut |exchange| lines.push(line(&exchange))).unwrap();
    (lines, report)
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let captures = captures();
    assert!(captures.len() > 5, "{captures:?}");
    for path in captures {
        let (alone, report) = read(&path, 1);
        assert!(!alone.is_empty(), "{}", path.display());
        for threads in [2, 4, 5, 32] {
            let (several, other) = read(&path, threads);
            assert_eq!(several, alone, "{} with {threads} threads", path.display());
            assert_eq!((other.exchanges, other.next_id), (report.exchanges, report.next_id));
            assert_eq!(other.sha256, report.sha256);
        }
    }
}
