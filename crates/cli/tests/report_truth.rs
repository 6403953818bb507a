//! Reports beside the lab's own record of what happened: every line of the timeline, every quotation and every header
//! that evidence calls absent or present is so in the servers' logs.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read captures and report"
)]

mod support;

use std::{path::Path, process::Command};

use serde_json::Value;

/// Seconds by which a server may write a request down later than the wire had it.
const APART: f64 = 1.0;

fn report(folder: &Path, out: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrace"));
    command.args(["report", "--exit-zero"]).arg(folder.join("capture.pcapng")).arg("-o").arg(out);
    if folder.join("keylog.txt").is_file() {
        command.arg("--keylog").arg(folder.join("keylog.txt"));
    }
    if folder.join("secrets.env").is_file() {
        command.arg("--env-file").arg(folder.join("secrets.env"));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(out.join("report.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["report"].clone()
}

/// Whether a path is what a report shows, where segments that may be secret or are ids stand in braces.
fn same_path(shown: &str, path: &str) -> bool {
    let (shown, path): (Vec<&str>, Vec<&str>) = (shown.split('/').collect(), path.split('/').collect());
    shown.len() == path.len() && shown.iter().zip(&path).all(|(a, b)| a == b || a.starts_with('{') || a.contains('…'))
}

fn seconds(time: &str) -> f64 {
    time.parse::<jiff::Timestamp>().unwrap().as_nanosecond() as f64 / 1e9
}

/// The requests of the truth that may be `METHOD path` at `time`, with this answer where one is stated.
fn matching<'t>(truth: &'t Value, method: &str, path: &str, status: Option<u64>, time: f64) -> Vec<&'t Value> {
    let fits = |r: &&Value| {
        r["method"] == method
            && same_path(path, r["path"].as_str().unwrap_or_default())
            && (status.is_none() || r["status"].as_u64() == status)
            && (r["t"].as_f64().unwrap() - time).abs() < APART
    };
    truth["wire_requests"].as_array().unwrap().iter().filter(fits).collect()
}

fn faults(name: &str, report: &Value, truth: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let timeline = list(&report["appendix"]["timeline"]);
    assert!(timeline.len() > 10, "{name}");
    for row in &timeline {
        let words: Vec<&str> = row["request"].as_str().unwrap().split(' ').collect();
        let [_, method, path] = words[..] else { continue };
        let status = row["answer"].as_str().unwrap().get(..3).and_then(|digits| digits.parse().ok());
        if matching(truth, method, path, status, seconds(row["time"].as_str().unwrap())).is_empty() {
            faults.push(format!("{name}: timeline: {} {} {}", row["time"], row["request"], row["answer"]));
        }
    }
    for incident in list(&report["incidents"]) {
        for evidence in list(&incident["evidence"]) {
            faults.extend(of_evidence(name, &evidence, truth));
        }
        for symptom in list(&incident["symptoms"]) {
            let said = symptom["said"].as_str().unwrap_or_default();
            let bodies = truth["wire_requests"].as_array().unwrap().iter().map(|r| r["resp_body"].to_string());
            let known = said.is_empty() || bodies.into_iter().any(|body| body.replace('\\', "").contains(said));
            if !known && symptom["answer"].as_str().is_some_and(|answer| answer.starts_with(['4', '5'])) {
                faults.push(format!("{name}: symptom {} says {said:?}, which no server said", symptom["id"]));
            }
        }
    }
    faults
}

fn of_evidence(name: &str, evidence: &Value, truth: &Value) -> Vec<String> {
    let request = evidence["request"].as_str().unwrap();
    let (asked, answer) = request.split_once(" → ").unwrap_or((request, ""));
    let (method, path) = asked.split_once(' ').unwrap();
    let status = answer.get(..3).and_then(|digits| digits.parse().ok());
    let found = matching(truth, method, path, status, seconds(evidence["time"].as_str().unwrap()));
    if found.is_empty() {
        return vec![format!("{name}: evidence {} {request} at {} did not happen", evidence["id"], evidence["time"])];
    }
    let facts = evidence["facts"].as_array().unwrap().iter();
    let wrong = facts.filter(|fact| fact["part"] == "request.header.authorization").filter(|fact| {
        let absent = fact["says"].as_str().unwrap().starts_with("absent");
        found.iter().all(|r| r["has_authorization"].as_bool() == Some(absent))
    });
    wrong.map(|fact| format!("{name}: evidence {} {request}: {}", evidence["id"], fact["says"])).collect()
}

#[test]
fn reports_say_nothing_that_did_not_happen() {
    let Some(lab) = support::shared("lab") else { return };
    let out = tempfile::tempdir().unwrap();
    let (mut all, mut count) = (Vec::new(), 0);
    for entry in std::fs::read_dir(lab).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let Ok(truth) = std::fs::read_to_string(folder.join("truth.json")) else { continue };
        let truth: Value = serde_json::from_str(&truth).unwrap();
        all.extend(faults(&name, &report(&folder, &out.path().join(&name)), &truth));
        count += 1;
    }
    println!("{count} reports compared with their truth");
    assert!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
}
