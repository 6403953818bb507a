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

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use authtrace_analyze::{Analysis, Finding, Severity, facts::Fact};
use authtrace_parse::ExchangeId;
use serde_json::Value;
use support::normalise;

/// Which rules answer to which kind of incident, the best answer first.
const ANSWERS: &[(&str, &[&str])] = &[
    ("connection_refused_port_drift", &["AUTH074"]),
    ("cors_blocked_request", &["AUTH060"]),
    ("cors_preflight_blocks_authorization", &["AUTH060"]),
    ("cors_wildcard_with_credentials", &["AUTH061"]),
    ("expired_access_token_sent", &["AUTH020"]),
    ("jwt_missing_aud", &["AUTH023"]),
    ("missing_authorization_client_bypass", &["AUTH003", "AUTH004", "AUTH001"]),
    ("missing_authorization_race", &["AUTH002"]),
    ("refresh_storm", &["AUTH042", "AUTH040", "AUTH041"]),
    ("refresh_thundering_herd", &["AUTH043", "AUTH041"]),
    ("refresh_token_reuse", &["AUTH043"]),
    ("signature_mismatch", &["AUTH030", "AUTH033"]),
    ("signature_mismatch_websocket", &["AUTH080", "AUTH030", "AUTH033"]),
    ("token_format_opaque_session", &["AUTH013"]),
    ("token_literal_null", &["AUTH010"]),
    ("token_literal_undefined", &["AUTH010"]),
];

/// Rules that may be right beside the truth, which lists incidents and not hygiene, amplifiers or context.
const BESIDE: &[&str] = &["AUTH001", "AUTH044", "AUTH061", "AUTH062", "AUTH074", "AUTH100", "AUTH101", "AUTH103"];

const FORMS: &[&str] =
    &["devtools.full.har", "devtools.sanitized.har", "playwright.har", "capture.pcapng", "capture-any.pcap"];

/// A folder whose captures speak HTTP/2 over TLS, which is not read.
const HTTP2: &str = "s7-mixed";

/// Whether a form holds packets, which show the wire and not the browser.
fn is_packets(form: &str) -> bool {
    form.contains(".pcap")
}

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

/// One expected finding of a truth file.
struct Expected {
    kind: String,
    severity: String,
    routes: BTreeSet<String>,
    on_browser: bool,
    on_wire: bool,
}

fn answers(kind: &str) -> &'static [&'static str] {
    ANSWERS.iter().find(|(name, _)| *name == kind).map_or(&[], |(_, codes)| codes)
}

fn expected(truth: &Value) -> Vec<Expected> {
    let list = truth["findings_expected"].as_array().unwrap();
    let one = |e: &Value| Expected {
        kind: e["kind"].as_str().unwrap().to_owned(),
        severity: e["severity"].as_str().unwrap().to_owned(),
        routes: e["endpoints"].as_array().unwrap().iter().map(|r| normalise(r.as_str().unwrap())).collect(),
        on_browser: e["requests_browser"].as_array().is_some_and(|r| !r.is_empty()),
        on_wire: e["on"] == "wire" && (e["kind"] != "cors_wildcard_with_credentials" || sends_cookies(truth, e)),
    };
    list.iter().map(one).collect()
}

/// Whether a request of `expected` carried cookies: on the wire nothing else tells that it had credentials.
fn sends_cookies(truth: &Value, expected: &Value) -> bool {
    let requests = truth["wire_requests"].as_array().unwrap();
    let of = |r: &&Value| expected["requests_wire"].as_array().is_some_and(|list| list.contains(&r["seq"]));
    requests.iter().filter(of).any(|r| r["cookies_sent"].as_array().is_some_and(|cookies| !cookies.is_empty()))
}

/// Exchanges that must stay free of findings at medium or above, found by method, URL and time.
fn innocent(truth: &Value, analysis: &Analysis, packets: bool) -> BTreeSet<ExchangeId> {
    let numbers = |list: &Value, key: &str| -> BTreeSet<u64> {
        list.as_array()
            .unwrap()
            .iter()
            .flat_map(|x| x[key].as_array().into_iter().flatten())
            .filter_map(Value::as_u64)
            .collect()
    };
    let mut wire = numbers(&truth["must_not_flag"], "requests_wire");
    for guilty in numbers(&truth["findings_expected"], "requests_wire") {
        wire.remove(&guilty);
    }
    if packets {
        let requests = truth["wire_requests"].as_array().unwrap();
        let chosen = requests.iter().filter(|r| r["seq"].as_u64().is_some_and(|seq| wire.contains(&seq)));
        return chosen.filter_map(|request| find_on_wire(request, analysis)).collect();
    }
    let requests = truth["browser_requests"].as_array().unwrap();
    let chosen = requests.iter().filter(|r| r["wire_seq"].as_u64().is_some_and(|seq| wire.contains(&seq)));
    chosen.filter_map(|request| find(request, analysis)).collect()
}

fn find(request: &Value, analysis: &Analysis) -> Option<ExchangeId> {
    let at = (request["t"].as_f64()? * 1e9) as i64;
    let (method, url) = (request["method"].as_str()?, request["url"].as_str()?);
    let target = authtrace_parse::Target::parse(url)?;
    nearest(analysis, at, |f| &*f.method == method && *f.origin == target.origin() && *f.path == *target.path.expose())
}

fn find_on_wire(request: &Value, analysis: &Analysis) -> Option<ExchangeId> {
    let at = (request["t"].as_f64()? * 1e9) as i64;
    let (method, path) = (request["method"].as_str()?, request["path"].as_str()?);
    let host = request["host"].as_str()?;
    nearest(analysis, at, |f| {
        &*f.method == method && &*f.path == path && (host == format!("{}:{}", f.host, f.port) || *f.host == *host)
    })
}

/// The exchange that `is` right and nearest to `at`.
fn nearest(analysis: &Analysis, at: i64, is: impl Fn(&Fact) -> bool) -> Option<ExchangeId> {
    let near = analysis.capture.facts.iter().filter(|f| is(f)).map(|f| (f.id, (f.started_nanos() - at).abs()));
    near.filter(|(_, d)| *d < 200_000_000).min_by_key(|(_, d)| *d).map(|(id, _)| id)
}

fn judge(folder: &Path, form: &str, key_log: Option<&Path>, truth: &Value, board: &mut Board) {
    let name = format!("{}/{form}", folder.file_name().unwrap().to_string_lossy());
    let env = folder.join("secrets.env");
    let analysis = support::analyze_with(&folder.join(form), env.is_file().then_some(env.as_path()), key_log);
    let sanitized = form.contains("sanitized");
    let all = expected(truth);
    let true_codes: BTreeSet<&str> = all.iter().flat_map(|e| answers(&e.kind)).copied().collect();
    let expected: Vec<Expected> = all
        .into_iter()
        .filter(|e| if is_packets(form) { e.on_wire } else { e.on_browser })
        // A Playwright HAR holds no preflights.
        .filter(|e| !(form == "playwright.har" && e.kind.starts_with("cors_")))
        .collect();
    let loud: Vec<&Finding> = analysis.findings.iter().filter(|f| f.severity >= Severity::Medium).collect();
    let says_sanitized = analysis.coverage.iter().any(|c| c.rule.code == "CAP200");

    if sanitized && !says_sanitized {
        board.faults.push(format!("{name}: CAP200 is missing"));
    }
    for want in &expected {
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
    let innocent = innocent(truth, &analysis, is_packets(form));
    for finding in &loud {
        let lying = !finding.exchanges.is_empty() && finding.exchanges.iter().all(|id| innocent.contains(id));
        let wrong_cause = !true_codes.contains(finding.rule.code)
            && !BESIDE.contains(&finding.rule.code)
            && finding.confidence().value() >= 0.55;
        let hygiene = matches!(finding.rule.code, "AUTH100" | "AUTH101" | "AUTH103");
        if (lying && !hygiene) || wrong_cause || truth["healthy"] == true {
            board.rules.entry(finding.rule.code).or_default().wrong += 1;
            board
                .faults
                .push(format!("{name}: {} on {} is wrong: {}", finding.rule.code, finding.route, finding.message));
        }
    }
    top(&name, &analysis, &expected, sanitized, board);
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

fn touches(finding: &Finding, routes: &BTreeSet<String>) -> bool {
    let path = |r: &str| r.split_once(' ').map_or_else(String::new, |(_, p)| p.to_owned());
    finding
        .routes
        .iter()
        .any(|r| routes.contains(&normalise(r)) || routes.iter().any(|want| path(want) == path(&normalise(r))))
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
