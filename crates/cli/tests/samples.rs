//! Every sample of `captures/` gets the verdict that `captures/expected.toml` states.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read captures and report"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use authtrace_analyze::{Analysis, Severity, Verdict};
use serde::Deserialize;
use support::{normalise, root};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    root: Vec<String>,
    findings: Vec<Wanted>,
    rejected: Vec<String>,
    quiet: Vec<String>,
    exit: u8,
    keys: Option<String>,
    #[serde(default)]
    coverage: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    code: String,
    route: String,
}

/// What is wrong with the judgement of one sample.
fn check(name: &str, expected: &Expected) -> Vec<String> {
    let captures = root().join("captures");
    let keys = expected.keys.as_ref().map(|keys| captures.join(keys));
    let analysis = support::analyze(&captures.join(name), keys.as_deref());
    let mut faults = Vec::new();
    let top = analysis.incidents.first().and_then(|i| analysis.finding(i.root)).map(|f| f.rule.code);
    match top {
        None if !expected.root.is_empty() => faults.push(format!("{name}: no incident, expected {:?}", expected.root)),
        Some(code) if !expected.root.iter().any(|root| root == code) => {
            faults.push(format!("{name}: the root is {code}, expected {:?}", expected.root))
        }
        _ => {}
    }
    for wanted in &expected.findings {
        let path = |r: &str| r.split_once(' ').map(|(_, p)| p.to_owned());
        let there = analysis.findings.iter().any(|f| {
            let same_code = f.rule.code == wanted.code;
            same_code
                && f.routes
                    .iter()
                    .any(|r| **r == *wanted.route || (wanted.code == "AUTH060" && path(r) == path(&wanted.route)))
        });
        if !there {
            faults.push(format!("{name}: {} on {} is missing", wanted.code, wanted.route));
        }
    }
    let quiet: BTreeSet<String> = expected.quiet.iter().map(|r| normalise(r)).collect();
    for finding in
        analysis.findings.iter().filter(|f| f.severity >= Severity::Medium && quiet.contains(&normalise(&f.route)))
    {
        faults
            .push(format!("{name}: {} on {} is a false alarm: {}", finding.rule.code, finding.route, finding.message));
    }
    faults.extend(rejected(name, expected, &analysis));
    for code in &expected.coverage {
        if !analysis.coverage.iter().any(|c| c.rule.code == code) {
            faults.push(format!("{name}: coverage {code} is missing"));
        }
    }
    let fails = analysis.findings.iter().any(|f| f.severity >= Severity::High);
    if u8::from(fails) != expected.exit {
        faults.push(format!("{name}: exit would be {}, expected {}", u8::from(fails), expected.exit));
    }
    faults
}

fn rejected(name: &str, expected: &Expected, analysis: &Analysis) -> Vec<String> {
    let verdicts: BTreeMap<&str, Verdict> =
        analysis.incidents.iter().take(1).flat_map(|i| &i.hypotheses).map(|h| (h.id, h.verdict)).collect();
    let standing = expected.rejected.iter().filter(|id| verdicts.get(id.as_str()) != Some(&Verdict::Rejected));
    standing.map(|id| format!("{name}: hypothesis {id} is {:?}, not rejected", verdicts.get(id.as_str()))).collect()
}

#[test]
fn samples_get_their_verdict() {
    let text = std::fs::read_to_string(root().join("captures/expected.toml")).unwrap();
    let expected: BTreeMap<String, Expected> = toml::from_str(&text).unwrap();
    let faults: Vec<String> = expected.iter().flat_map(|(name, expected)| check(name, expected)).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_sample_is_listed() {
    let text = std::fs::read_to_string(root().join("captures/expected.toml")).unwrap();
    let expected: BTreeMap<String, Expected> = toml::from_str(&text).unwrap();
    let files =
        std::fs::read_dir(root().join("captures")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let is_capture = |name: &String| name.contains(".har") || name.contains(".pcap");
    let unlisted: Vec<String> = files.filter(|f| is_capture(f) && !expected.contains_key(f)).collect();
    assert!(unlisted.is_empty(), "not in expected.toml: {unlisted:?}");
}
