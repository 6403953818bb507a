//! The lab's packet captures against the servers' own logs: every request is there with its status, however the capture
//! was cut, shuffled, doubled or packed.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read captures and report"
)]

mod support;

use std::{collections::BTreeMap, path::Path};

use authtrace_analyze::{Analysis, Severity};
use authtrace_parse::HeaderView;
use serde_json::Value;

/// Method, path and status, with how often.
type Calls = BTreeMap<(String, String, Option<u64>), usize>;

/// A path without session identifiers: where one was also sent as a credential, the program shows none of it.
fn shown(path: &str) -> String {
    let hidden = |segment: &str| segment.starts_with("sess_") || segment == "{token}";
    path.split('/').map(|segment| if hidden(segment) { "{id}" } else { segment }).collect::<Vec<_>>().join("/")
}

fn truth(folder: &Path) -> Calls {
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap();
    let mut calls = Calls::new();
    for request in truth["wire_requests"].as_array().unwrap() {
        let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
        *calls.entry((text("method"), shown(&text("path")), request["status"].as_u64())).or_default() += 1;
    }
    calls
}

fn calls(analysis: &Analysis) -> Calls {
    let mut calls = Calls::new();
    for fact in &analysis.capture.facts {
        *calls.entry((fact.method.to_string(), shown(&fact.path), fact.status.map(u64::from))).or_default() += 1;
    }
    calls
}

/// What differs between two lists of calls, a line each.
fn difference(found: &Calls, expected: &Calls) -> Vec<String> {
    let keys: std::collections::BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let count = |calls: &Calls, key| calls.get(key).copied().unwrap_or(0);
    let differing = keys.into_iter().filter(|key| count(found, key) != count(expected, key));
    differing.map(|key| format!("{key:?}: {} found, {} expected", count(found, key), count(expected, key))).collect()
}

#[track_caller]
fn check(capture: &Path, key_log: Option<&Path>, expected: &Calls) {
    let found = calls(&support::analyze_with(capture, None, key_log));
    println!("{}: {} requests", capture.display(), found.values().sum::<usize>());
    let differing = difference(&found, expected);
    assert!(differing.is_empty(), "{}:\n{}", capture.display(), differing.join("\n"));
}

#[test]
fn every_request_of_the_servers_logs_is_found() {
    let Some(lab) = support::shared("lab") else { return };
    for entry in std::fs::read_dir(lab).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("truth.json").is_file() || folder.join("keylog.txt").is_file() {
            continue;
        }
        let expected = truth(&folder);
        for form in ["capture.pcapng", "capture-any.pcap"] {
            if folder.join(form).is_file() {
                check(&folder.join(form), None, &expected);
            }
        }
    }
}

/// With a key log beside the capture, or with the secrets in it.
#[test]
fn every_request_over_tls_is_found() {
    let Some(lab) = support::shared("lab") else { return };
    // HTTP/1.1 inside, and HTTP/2.
    for name in ["s7-mixed-h1", "s7-mixed"] {
        let folder = lab.join(name);
        let expected = truth(&folder);
        check(&folder.join("capture.pcapng"), Some(&folder.join("keylog.txt")), &expected);
        check(&folder.join("capture-dsb.pcapng"), None, &expected);
    }
}

/// A connection without keys, or without its beginning, is told and claims nothing.
#[test]
fn connections_that_stay_hidden_are_told() {
    let Some(lab) = support::shared("lab") else { return };
    let told = |capture: &str, key_log: &str, expected: &[&str]| {
        let analysis = support::analyze_with(&lab.join(capture), None, Some(&lab.join(key_log)));
        let says = analysis.coverage.iter().find(|coverage| coverage.rule.code == "CAP201").map(|c| c.says.clone());
        let says = says.unwrap_or_default();
        assert!(expected.iter().all(|part| says.contains(part)), "{capture} with {key_log}: {says}");
    };
    told(
        "s7-mixed/capture.pcapng",
        "derived/keylog-partial.txt",
        &["1 TLS connection", "no key is at hand", "4 others"],
    );
    told(
        "derived/tls-late-start.pcapng",
        "derived/tls-late-start.keylog.txt",
        &["3 TLS connections", "begun before the capture: 3", "1 other was decrypted"],
    );
}

#[test]
fn derived_captures_show_what_their_source_shows() {
    let Some(lab) = support::shared("lab") else { return };
    let derived = lab.join("derived");
    let race = truth(&lab.join("s1-race"));
    for name in ["classic-us.pcap", "classic-ns.pcap", "capture.pcapng.gz"] {
        check(&derived.join(name), None, &race);
    }
    check(&derived.join("reordered-dups.pcap"), None, &truth(&lab.join("s1-race-multi")));
    check(&derived.join("two-interfaces.pcapng"), None, &truth(&lab.join("s3-secret")));
}

#[test]
fn a_cut_file_gives_what_stands_before_the_cut() {
    let Some(lab) = support::shared("lab") else { return };
    let analysis = support::analyze(&lab.join("derived/cut-file.pcapng"), None);
    let (found, whole) = (calls(&analysis), truth(&lab.join("s1-race")));
    assert!(found.iter().all(|(key, count)| key.2.is_none() || whole.get(key) >= Some(count)), "{found:?}");
    assert!(found.values().sum::<usize>() >= 23);
    assert!(analysis.coverage.iter().any(|c| c.rule.code == "CAP202"));
}

/// Heads that the snap length cut prove no absence.
#[test]
fn cut_heads_do_not_lack_what_was_cut_off() {
    let Some(lab) = support::shared("lab") else { return };
    let analysis = support::analyze(&lab.join("derived/snaplen220.pcapng"), None);
    let cut = analysis.capture.facts.iter().filter(|fact| fact.view == HeaderView::Partial).count();
    println!("snaplen220: {} requests, {cut} with a cut head", analysis.capture.facts.len());
    assert!(analysis.capture.facts.len() >= 27 && cut > 20);
    for finding in analysis.findings.iter().filter(|finding| finding.severity >= Severity::Medium) {
        for id in &finding.exchanges {
            let fact = analysis.capture.fact(*id).unwrap();
            assert!(fact.view == HeaderView::Full, "{} on {}: {}", finding.rule.code, finding.route, finding.message);
        }
    }
    assert!(analysis.coverage.iter().any(|c| c.rule.code == "CAP202"), "a cut capture says so");
}
