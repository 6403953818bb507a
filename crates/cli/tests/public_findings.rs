//! Every finding at high or above on the public captures was looked at by a person: `public_findings.toml` says of each what
//! the capture shows, and nothing else is found.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read captures and report"
)]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use authtrace_analyze::Severity;
use serde::Deserialize;

const LIST: &str = include_str!("public_findings.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    finding: Vec<Row>,
}

/// One judgement of a judgement.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    file: String,
    code: String,
    verdict: Verdict,
    why: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Right,
    Undecidable,
    Wrong,
}

/// File, code and what the program says.
type Found = BTreeMap<(String, String), String>;

#[test]
fn every_grave_finding_on_public_captures_was_reviewed() {
    let list: List = toml::from_str(LIST).unwrap();
    let rows: BTreeMap<_, _> = list.finding.iter().map(|row| ((row.file.clone(), row.code.clone()), row)).collect();
    assert_eq!(rows.len(), list.finding.len(), "a finding is listed twice");
    assert!(list.finding.iter().all(|row| row.why.split_whitespace().count() > 4), "a reason is missing");
    let Some(public) = support::shared("public") else { return };
    let (files, found) = graves(&public);
    println!("{files} captures, {} findings at high or above", found.len());
    assert!(files > 1000, "only {files} captures were read");
    let allowed = |key: &_| rows.get(key).is_some_and(|row| row.verdict != Verdict::Wrong);
    let unreviewed: Vec<_> = found.iter().filter(|(key, _)| !allowed(key)).collect();
    assert!(unreviewed.is_empty(), "not reviewed, or reviewed as wrong:\n{unreviewed:#?}");
    let present: BTreeSet<_> = found.keys().collect();
    let lost: Vec<_> =
        rows.iter().filter(|(key, row)| row.verdict == Verdict::Right && !present.contains(key)).collect();
    let lost: Vec<_> = lost.iter().map(|((file, code), _)| format!("{code} {file}")).collect();
    assert!(lost.is_empty(), "reviewed as right and no longer found:\n{lost:#?}");
}

/// The number of captures that could be read, and all their findings at high or above; two at a time.
fn graves(public: &Path) -> (usize, Found) {
    let mut paths = Vec::new();
    for side in ["har", "pcap"] {
        captures(&public.join(side), &mut paths);
    }
    let next = AtomicUsize::new(0);
    let read = || {
        let (mut files, mut found) = (0, Found::new());
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            files += usize::from(judge(public, path, &mut found));
        }
        (files, found)
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(read);
        let (files, mut found) = read();
        let (others, more) = other.join().unwrap();
        found.extend(more);
        (files + others, found)
    })
}

/// Judges one capture, with its key log where there is one; `false` where it is no capture at all.
fn judge(public: &Path, path: &Path, found: &mut Found) -> bool {
    let keys = ["keys", "derived.keys"].map(|end| PathBuf::from(format!("{}.{end}", path.display())));
    let keys = keys.iter().find(|keys| keys.is_file());
    let Some(analysis) = support::try_analyze(path, keys.map(PathBuf::as_path)) else {
        return false;
    };
    let file = path.strip_prefix(public).unwrap().display().to_string();
    for finding in analysis.findings.iter().filter(|f| f.severity >= Severity::High) {
        found.insert((file.clone(), finding.rule.code.to_owned()), finding.message.clone());
    }
    true
}

fn captures(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => captures(&path, into),
            false if path.extension().is_none_or(|end| end != "keys") => into.push(path),
            false => {}
        }
    }
    into.sort();
}
