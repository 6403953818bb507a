//! A redacted capture says what the original says, and holds none of its secrets.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read and write files, and report"
)]

mod support;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use authtrace_analyze::Analysis;
use authtrace_redact::Sweep;
use support::{root, shared};

/// What is judged, and nothing that names a value.
fn judgement(analysis: &Analysis) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for incident in &analysis.incidents {
        let root = analysis.finding(incident.root).unwrap();
        let verdicts: BTreeMap<_, _> = incident.hypotheses.iter().map(|h| (h.id, format!("{:?}", h.verdict))).collect();
        lines.push(format!("incident {} {:?} {verdicts:?}", root.rule.code, incident.exchanges));
    }
    for finding in &analysis.findings {
        let (code, route, sure) = (finding.rule.code, &finding.route, finding.confidence().value());
        lines.push(format!("finding {code} {route} {:?} {sure:.3} {:?}", finding.severity, finding.exchanges));
    }
    lines.extend(analysis.coverage.iter().map(|coverage| format!("coverage {}", coverage.rule.code)));
    lines
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_authtrace")).args(args).output().unwrap()
}

/// Runs a verb that writes a capture; gives its path and the receipt's text.
#[track_caller]
fn make(verb: &[&str], capture: &Path, out: &Path) -> String {
    let mut args = verb.to_vec();
    args.extend([capture.to_str().unwrap(), "-o", out.to_str().unwrap()]);
    let output = run(&args);
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{args:?}: {text}");
    text
}

fn captures(folder: &Path, is: fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(captures(&path, is));
        } else if is(path.file_name().unwrap().to_str().unwrap()) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What differs between the judgement of `capture` and that of its redacted copy, and secrets that are left.
fn faults(capture: &Path, keylog: Option<&Path>, out: &Path) -> Vec<String> {
    let key = root().join("Cargo.toml");
    let key = format!("@{}", key.to_str().unwrap());
    let mut verb = vec!["redact", "--fingerprint-key", &key];
    if let Some(keylog) = keylog {
        verb.extend(["--keylog", keylog.to_str().unwrap()]);
    }
    let receipt = make(&verb, capture, out);
    let before = support::analyze_with(capture, None, keylog);
    let after = support::analyze(out, None);
    let (expected, found) = (judgement(&before), judgement(&after));
    let mut faults: Vec<String> = Vec::new();
    // What packets did not show is told by the receipt: the copy is whole and in the clear.
    let told = |line: &str| line.strip_prefix("coverage ").is_some_and(|code| receipt.contains(code));
    let lost = expected.iter().filter(|line| !found.contains(line) && !told(line));
    faults.extend(lost.map(|line| format!("  lost: {line}")));
    faults.extend(found.iter().filter(|line| !expected.contains(line)).map(|line| format!("  new:  {line}")));
    let calls = |analysis: &Analysis| analysis.capture.facts.len();
    if calls(&before) != calls(&after) {
        faults.push(format!("  {} exchanges became {}", calls(&before), calls(&after)));
    }
    let secrets = Sweep::certain(&before);
    if secrets.finds(&std::fs::read(out).unwrap()) || secrets.finds(receipt.as_bytes()) {
        faults.push("  a secret is left".to_owned());
    }
    if !faults.is_empty() {
        faults.insert(0, format!("{}:", capture.display()));
    }
    faults
}

#[track_caller]
fn check(captures: &[PathBuf], name: &str) {
    assert!(!captures.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let mut faulty = Vec::new();
    for (index, capture) in captures.iter().enumerate() {
        let keylog = capture.parent().unwrap().join("keylog.txt");
        let keylog = keylog.is_file().then_some(keylog.as_path());
        faulty.extend(faults(capture, keylog, &folder.path().join(format!("{index}.{name}"))));
    }
    println!("{} captures redacted", captures.len());
    assert!(faulty.is_empty(), "{}", faulty.join("\n"));
}

fn is_har(name: &str) -> bool {
    name.ends_with(".har")
}

fn is_packets(name: &str) -> bool {
    name.contains(".pcap")
}

#[test]
fn redacted_samples_are_judged_alike() {
    check(&captures(&root().join("captures"), is_har), "har");
}

#[test]
fn redacted_sample_packets_are_judged_alike() {
    check(&captures(&root().join("captures"), is_packets), "pcapng");
}

#[test]
fn redacted_lab_packets_are_judged_alike() {
    let Some(lab) = shared("lab") else { return };
    check(&captures(&lab, is_packets), "pcapng");
}

#[test]
fn redacted_lab_hars_are_judged_alike() {
    for folder in ["lab", "classes"] {
        let Some(folder) = shared(folder) else { return };
        check(&captures(&folder, is_har), "har");
    }
}

/// Time, length on the wire and length in the file of every frame.
fn frames(path: &Path) -> Vec<(Option<i64>, u32, usize)> {
    let mut frames = Vec::new();
    let mut add = |placed: authtrace_capture::Placed<'_>| {
        let frame = placed.frame;
        frames.push((frame.time.map(|time| time.nanos()), frame.original_len, frame.bytes.len()));
    };
    let mut reader = authtrace_capture::PacketReader::new();
    reader.push(&std::fs::read(path).unwrap(), &mut add);
    reader.finish(&mut add);
    frames
}

#[test]
fn frames_of_plain_http1_stay_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (capture, out) = (root().join("captures/race.pcapng"), folder.path().join("out"));
    make(&["redact"], &capture, &out);
    assert_eq!(frames(&capture), frames(&out));
    assert_ne!(std::fs::read(&capture).unwrap(), std::fs::read(&out).unwrap());
}

#[test]
fn without_a_key_every_copy_differs() {
    let folder = tempfile::tempdir().unwrap();
    let capture = root().join("captures/race.har");
    let copy = |name: &str, verb: &[&str]| {
        let out = folder.path().join(name);
        make(verb, &capture, &out);
        std::fs::read(out).unwrap()
    };
    let key = format!("@{}", root().join("Cargo.toml").to_str().unwrap());
    assert_ne!(copy("a", &["redact"]), copy("b", &["redact"]));
    let given = ["redact", "--fingerprint-key", &key];
    assert_eq!(copy("c", &given), copy("d", &given));
}

#[test]
fn a_pattern_replaces_what_would_stay() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.har");
    let capture = root().join("captures/race.har");
    assert!(std::fs::read_to_string(&capture).unwrap().contains("auth-sdk"));
    let receipt = make(&["redact", "--pattern", "SDK=auth-[a-z]+"], &capture, &out);
    assert!(!std::fs::read_to_string(&out).unwrap().contains("auth-sdk"));
    assert!(receipt.contains("pattern SDK"), "{receipt}");
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let (capture, out) = (root().join("captures/race.har"), folder.path().join("out"));
    let (capture, out) = (capture.to_str().unwrap(), out.to_str().unwrap());
    for (args, says) in [
        (vec!["convert", capture, "-o", out, "--with-secrets"], "--yes"),
        (vec!["redact", "-", "-o", out], "read twice"),
        (vec!["redact", capture, "-o", capture], "the capture itself"),
        (vec!["redact", capture, "-o", out, "--pattern", "x=("], "no regular expression"),
        (vec!["redact", "no-such.har", "-o", out], "no such file"),
    ] {
        let output = run(&args);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains(says) && text.lines().count() == 1, "{args:?}: {text}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

/// What an exchange is, as far as HAR has a place for it.
fn exchange(exchange: &authtrace_parse::Exchange) -> String {
    use authtrace_parse::Headers;
    let headers = |headers: &Headers| headers.iter().map(|(n, v)| format!("{n}: {}", v.expose())).collect::<Vec<_>>();
    let (request, response) = (&exchange.request, exchange.response.as_ref());
    let body = |body: &authtrace_parse::Body| (body.text().map(|text| text.expose().to_owned()), body.mime.clone());
    let messages = |s: &authtrace_parse::websocket::WebSocket| {
        let all = s.messages.iter().map(|m| (m.from_client, m.text.as_ref().map(|t| t.expose().to_owned())));
        (all.collect::<Vec<_>>(), s.close_code, s.refused_with)
    };
    format!(
        "{:?} {} {} {:?} {:?} {:?} | {:?} {:?} | {:?} {:?} {:?} {:?} | {:?} {:?} {:?} {:?} {:?} {:?}",
        exchange.kind,
        request.method,
        request.target.origin(),
        request.target.path.expose(),
        request.target.query.as_ref().map(|query| query.expose()),
        request.view,
        headers(&request.headers),
        body(&request.body),
        response.map(|r| (r.status, r.view)),
        response.map(|r| headers(&r.headers)),
        response.map(|r| headers(&r.trailers)),
        response.map(|r| body(&r.body)),
        exchange.failure,
        exchange.protocol,
        exchange.client,
        exchange.server.map(|server| server.ip()),
        exchange.timing.started,
        exchange.websocket.as_ref().map(messages),
    )
}

fn exchanges(path: &Path, keylog: Option<&Path>) -> Vec<String> {
    use authtrace_capture::{InputPath, Plan, read_input};
    let mut log = authtrace_parse::KeyLog::new();
    if let Some(path) = keylog {
        log.read(&std::fs::read(path).unwrap());
    }
    let policy = authtrace_redact::convert::TextBodies;
    let plan = Plan { keys: std::sync::Arc::new(log), ..Plan::new(&policy) };
    let mut all = Vec::new();
    read_input(&InputPath::File(path.to_owned()), &plan, &mut |e| all.push((e.id.0, exchange(&e)))).unwrap();
    all.sort();
    all.into_iter().map(|(_, text)| text).collect()
}

#[track_caller]
fn converts(captures: &[PathBuf]) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("converted.har");
    for capture in captures {
        let keylog = capture.parent().unwrap().join("keylog.txt");
        let keylog = keylog.is_file().then_some(keylog.as_path());
        let mut verb = vec!["convert", "--with-secrets", "--yes"];
        verb.extend(keylog.iter().flat_map(|path| ["--keylog", path.to_str().unwrap()]));
        make(&verb, capture, &out);
        let (expected, found) = (exchanges(capture, keylog), exchanges(&out, None));
        assert_eq!(expected.len(), found.len(), "{}", capture.display());
        for (expected, found) in expected.iter().zip(&found) {
            assert_eq!(expected, found, "{}", capture.display());
        }
        let (before, after) = (support::analyze_with(capture, None, keylog), support::analyze(&out, None));
        let codes = |analysis: &Analysis| -> Vec<String> {
            analysis.incidents.iter().map(|i| analysis.finding(i.root).unwrap().rule.code.to_owned()).collect()
        };
        assert_eq!(codes(&before), codes(&after), "{}", capture.display());
    }
    println!("{} captures converted", captures.len());
}

fn is_capture(name: &str) -> bool {
    name.ends_with(".har") || name.contains(".pcap")
}

#[test]
fn converted_samples_load_back_with_the_same_exchanges() {
    converts(&captures(&root().join("captures"), is_capture));
}

#[test]
fn converted_lab_captures_load_back_with_the_same_exchanges() {
    let Some(lab) = shared("lab") else { return };
    converts(&captures(&lab, is_capture));
}
