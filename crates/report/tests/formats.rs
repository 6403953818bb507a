//! SARIF, JUnit, CSV and annotations: valid where a schema or parser says so, and inert.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeSet;

use authtrace_analyze::{Analysis, Severity, catalogue::catalogue};
use authtrace_report::{Acceptance, Focus, View, csv, github, junit, sarif};
use quick_junit::{Report, TestCaseStatus};
use serde_json::Value;

/// The schema of the OASIS standard, as published.
const SCHEMA: &str = include_str!("schema/sarif-2.1.0.schema.json");

const SAMPLES: [&str; 7] =
    ["race.har", "healthy.har", "sanitized.har", "secret-mismatch.har", "herd.har", "storm.pcap", "bypass.har"];

fn log(view: &View<'_>) -> Value {
    serde_json::from_str(&sarif::render(view)).unwrap()
}

#[test]
fn sarif_keeps_to_the_standard() {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    // A stray bracket makes this pattern no ECMA 262 regular expression; errata 01 of the standard mends it the same way.
    for object in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][object]["properties"]["language"];
        language["pattern"] = "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$".into();
    }
    let validator = jsonschema::draft7::new(&schema).unwrap();
    for name in SAMPLES {
        let analysis = support::sample(name);
        let log = log(&View::all(&analysis));
        let errors: Vec<String> = validator.iter_errors(&log).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn sarif_says_what_the_findings_say() {
    let analysis = support::sample("storm.har");
    let log = log(&View::all(&analysis));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), catalogue().len());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), analysis.findings.len());
    for (result, finding) in results.iter().zip(&analysis.findings) {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!((&result["ruleId"], &rule["id"]), (&finding.rule.code.into(), &finding.rule.code.into()));
        assert_eq!(result["partialFingerprints"]["authtraceFinding/v1"], finding.fingerprint());
        let place = &result["locations"][0];
        assert_eq!(place["physicalLocation"]["artifactLocation"]["uri"], "captures/storm.har");
        let entry = finding.exchanges[0].0;
        assert_eq!(place["logicalLocations"][0]["fullyQualifiedName"], format!("/log/entries/{entry}"));
    }
    // The chain of a consequence begins with the root cause.
    let consequence = results.iter().find(|r| r["ruleId"] == "AUTH020").unwrap();
    let first = &consequence["codeFlows"][0]["threadFlows"][0]["locations"][0]["location"]["message"]["text"];
    assert!(first.as_str().unwrap().starts_with("AUTH042 "), "{first}");
}

/// A parser reads it back: a case a rule, red where it failed, skipped where the capture is blind.
#[test]
fn junit_has_a_case_for_every_rule() {
    let parsed = |analysis: &Analysis| {
        let text = junit::render(&View::all(analysis), Severity::High);
        Report::deserialize_from_str(&text).unwrap()
    };
    let report = parsed(&support::sample("race.har"));
    let cases = &report.test_suites[0].test_cases;
    let rules = catalogue().filter(|rule| rule.code.starts_with("AUTH"));
    assert_eq!(cases.len(), rules.count());
    let failed: BTreeSet<&str> = cases
        .iter()
        .filter(|case| matches!(case.status, TestCaseStatus::NonSuccess { .. }))
        .filter_map(|case| case.name.as_str().split(' ').next())
        .collect();
    assert_eq!(failed, BTreeSet::from(["AUTH001", "AUTH002"]));
    assert!(cases.iter().any(|case| matches!(case.status, TestCaseStatus::Success { .. })));
    let blind = parsed(&support::sample("sanitized.har"));
    let skipped = |case: &quick_junit::TestCase| matches!(case.status, TestCaseStatus::Skipped { .. });
    assert!(blind.test_suites[0].test_cases.iter().any(skipped), "what CAP200 blinds is not passed");
}

#[test]
fn what_is_accepted_is_shown_and_does_not_count() {
    let analysis = support::sample("race.har");
    let accepted = analysis.findings.iter().filter(|f| f.severity >= Severity::High).map(|f| Acceptance {
        fingerprint: Some(f.fingerprint()),
        reason: "known, mended in 4.2".into(),
        until: Some("2026-12-31".into()),
        ..Acceptance::default()
    });
    let view = View::new(&analysis, Focus { accepted: accepted.collect(), ..Focus::default() });
    assert!(view.worst().is_some_and(|worst| worst < Severity::High));
    let result = &log(&view)["runs"][0]["results"][0];
    assert_eq!(result["suppressions"][0]["justification"], "known, mended in 4.2");
    assert!(!github::annotations(&view).contains("::error"));
    assert!(!junit::render(&view, Severity::High).contains("<failure"));
    let text = authtrace_report::terminal::render(&view, &authtrace_report::terminal::Layout::default());
    assert!(text.contains("accepted   until 2026-12-31: known, mended in 4.2"), "{text}");
}

#[test]
fn a_row_and_an_annotation_for_each() {
    let analysis = support::sample("bypass.har");
    let view = View::all(&analysis);
    let mut reader = ::csv::Reader::from_reader(csv::findings(&view).into_bytes().leak() as &[u8]);
    assert_eq!(reader.records().map(Result::unwrap).count(), analysis.findings.len());
    let annotations = github::annotations(&view);
    assert!(
        annotations.starts_with("::error file=captures/bypass.har,title=AUTH003 Call goes around"),
        "{annotations}"
    );
    assert!(annotations.lines().all(|line| line.starts_with("::")));
}

const HOSTILE: [&str; 6] =
    ["<script>alert(1)</script>", "]]><x/>", "%0A::error::x", "=cmd|' /C calc'!A0", "\u{1b}[31m", "\u{202e}\u{0}"];

#[test]
fn hostile_values_stay_text() {
    for value in HOSTILE {
        let text = |value: &str| serde_json::to_string(value).unwrap();
        let entry = format!(
            r#"{{"startedDateTime":"2026-11-21T10:00:01.000Z","time":20,
            "request":{{"method":{m},"url":{url},"httpVersion":"h2","headers":[{{"name":"user-agent","value":"t"}}]}},
            "response":{{"status":401,"headers":[{{"name":"www-authenticate","value":"Bearer"}}],
                "content":{{"mimeType":"application/json","size":20,"text":{body}}}}}}}"#,
            m = text(value),
            url = text(&format!("https://api.example.test/{value}")),
            body = text(&serde_json::json!({ "detail": value }).to_string()),
        );
        let analysis = support::entries(value, &entry);
        let view = View::all(&analysis);
        let xml = junit::render(&view, Severity::Info);
        Report::deserialize_from_str(&xml).unwrap();
        let rows = [csv::findings(&view), authtrace_report::exchanges::csv(&view)];
        for row in &rows {
            let mut reader = ::csv::Reader::from_reader(row.as_bytes());
            for record in reader.records() {
                let running = record.unwrap().iter().any(|cell| cell.starts_with(['=', '+', '@']));
                assert!(!running, "{value}: {row}");
            }
        }
        let annotations = github::annotations(&view);
        let outputs = [xml, annotations.clone(), sarif::render(&view)];
        for output in outputs.iter().chain(&rows) {
            assert!(!output.contains(|c: char| c != '\n' && authtrace_report::is_hidden(c)), "{value}: {output}");
        }
        assert_eq!(annotations.lines().count(), view.incidents().len(), "{annotations}");
        assert!(annotations.lines().all(|line| line.starts_with("::error file=")), "{annotations}");
    }
}
