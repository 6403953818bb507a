//! The recorded incidents against their truth: every expected finding is there, nothing else is alarmed about.
//!
//! Prints precision and recall of every rule with the confidences that it gave.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read captures and report"
)]

mod support;
#[path = "support/truth.rs"]
mod truth;

use std::{collections::BTreeMap, path::Path};

use authtrace_analyze::{Analysis, Finding, Severity};
use serde_json::Value;
use truth::{Expected, FORMS, HTTP2, Truth, answers, is_packets, touches};

#[derive(Default)]
struct Score {
    right: u32,
    wrong: u32,
    missed: u32,
    confidences: Vec<f64>,
}

#[derive(Default)]
struct Board {
    rules: BTreeMap<&'static str, Score>,
    faults: Vec<String>,
}

fn judge(folder: &Path, form: &str, key_log: Option<&Path>, truth: &Value, board: &mut Board) {
    let name = format!("{}/{form}", folder.file_name().unwrap().to_string_lossy());
    let env = folder.join("secrets.env");
    let analysis = support::analyze_with(&folder.join(form), env.is_file().then_some(env.as_path()), key_log);
    let sanitized = form.contains("sanitized");
    let told = Truth::of(truth, form, &analysis);
    let loud: Vec<&Finding> = analysis.findings.iter().filter(|f| f.severity >= Severity::Medium).collect();
    let says_sanitized = analysis.coverage.iter().any(|c| c.rule.code == "CAP200");

    if sanitized && !says_sanitized {
        board.faults.push(format!("{name}: CAP200 is missing"));
    }
    for want in &told.expected {
        let codes = answers(&want.kind);
        let hit = analysis.findings.iter().find(|f| codes.contains(&f.rule.code) && touches(f, &want.routes));
        match hit {
            Some(finding) => {
                let score = board.rules.entry(finding.rule.code).or_default();
                score.right += 1;
                score.confidences.push(finding.confidence().value());
            }
            None if sanitized => {}
            None => {
                board.rules.entry(codes[0]).or_default().missed += 1;
                board.faults.push(format!("{name}: {} on {:?} is missing", want.kind, want.routes));
            }
        }
    }
    for finding in &loud {
        let wrong_cause = told.is_other_cause(finding) && finding.confidence().value() >= 0.55;
        if told.is_false_alarm(finding) || wrong_cause {
            board.rules.entry(finding.rule.code).or_default().wrong += 1;
            board
                .faults
                .push(format!("{name}: {} on {} is wrong: {}", finding.rule.code, finding.route, finding.message));
        }
    }
    top(&name, &analysis, &told.expected, sanitized, board);
}

/// The first incident is a true one, and of the gravest kind.
fn top(name: &str, analysis: &Analysis, expected: &[Expected], sanitized: bool, board: &mut Board) {
    let root = analysis.incidents.first().and_then(|i| analysis.finding(i.root)).map(|f| f.rule.code);
    let grave: Vec<&Expected> = expected.iter().filter(|e| e.severity != "medium" && e.severity != "low").collect();
    let right = match root {
        None => sanitized || expected.is_empty(),
        Some(code) => {
            grave.iter().any(|e| answers(&e.kind).contains(&code))
                || (sanitized && expected.iter().any(|e| answers(&e.kind).contains(&code)))
        }
    };
    if !right {
        board.faults.push(format!("{name}: the top incident is {root:?}"));
    }
}

#[test]
fn lab_incidents_are_told_from_their_look_alikes() {
    let Some(lab) = support::shared("lab") else { return };
    let mut board = Board::default();
    let mut folders: Vec<_> = std::fs::read_dir(lab).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders.iter().filter(|f| f.join("truth.json").is_file()) {
        let truth: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap();
        for form in FORMS.iter().filter(|form| folder.join(form).is_file()) {
            let key_log = folder.join("keylog.txt");
            if !is_packets(form) || !key_log.is_file() {
                judge(folder, form, None, &truth, &mut board);
                continue;
            }
            encrypted(folder, form, &mut board);
            if !folder.ends_with(HTTP2) {
                judge(folder, form, Some(&key_log), &truth, &mut board);
                judge(folder, "capture-dsb.pcapng", None, &truth, &mut board);
            }
        }
    }
    print(&board);
    assert!(board.faults.is_empty(), "{} faults:\n{}", board.faults.len(), board.faults.join("\n"));
}

/// TLS without its keys: nothing is claimed of what it holds, and who was called is told.
fn encrypted(folder: &Path, form: &str, board: &mut Board) {
    let analysis = support::analyze(&folder.join(form), None);
    let told = analysis.coverage.iter().find(|c| c.rule.code == "CAP201");
    let told = told.is_some_and(|c| ["localhost", "TLS 1.3", "http/1.1"].iter().all(|word| c.says.contains(word)));
    if !told || !analysis.findings.is_empty() || !analysis.capture.facts.is_empty() {
        board.faults.push(format!("{}/{form}: CAP201 does not say what could be seen", folder.display()));
    }
}

fn print(board: &Board) {
    println!("rule      right wrong missed  precision  recall  confidence");
    for (code, s) in &board.rules {
        let ratio = |a: u32, b: u32| if a + b == 0 { 1.0 } else { f64::from(a) / f64::from(a + b) };
        let (low, high) = s.confidences.iter().fold((1.0_f64, 0.0_f64), |(l, h), c| (l.min(*c), h.max(*c)));
        println!(
            "{code:9} {:5} {:5} {:6}  {:9.2}  {:6.2}  {low:.2}–{high:.2}",
            s.right,
            s.wrong,
            s.missed,
            ratio(s.right, s.wrong),
            ratio(s.right, s.missed)
        );
    }
}
