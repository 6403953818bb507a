//! The incident report: complete for each class of incident, the same in every run, inert whatever a capture says.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;

use authtrace_analyze::Analysis;
use authtrace_report::{
    View,
    incident_report::{About, IncidentReport},
    is_hidden,
};
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;

struct Written {
    markdown: String,
    html: String,
    json: Value,
}

fn write(analysis: &Analysis) -> Written {
    let view = View::all(analysis);
    let report = IncidentReport::new(&view, &About::default());
    Written {
        markdown: report.markdown(&BTreeMap::new()).unwrap(),
        html: report.html().unwrap(),
        json: serde_json::from_str(&report.json()).unwrap(),
    }
}

/// One sample of each class: its name, and what a reader must find.
const CLASSES: [(&str, &[&str]); 6] = [
    (
        "race.har",
        &[
            "2 calls of GET /api/v1/books/ and POST /api/v1/books/ answered 401",
            "806 ms",
            "10 other explanations ruled out",
        ],
    ),
    ("bypass.har", &["startSession (js/session-panel.js:3)", "0 of 2 | 5 of 5", "left with cookies only"]),
    (
        "secret-mismatch.har",
        &[
            "`JWT validation failed: Signature verification failed`",
            "3 handshakes refused",
            "6 of 6 calls that need a credential failed",
        ],
    ),
    ("wrong-token.har", &["`Not enough segments`", "a session id", "`lab-api`"]),
    ("storm.har", &["12 refreshes sent within", "all 12 refused", "refresh-token-expired"]),
    ("herd.har", &["one succeeded, 5 refused", "6 refreshes sent within 38 ms"]),
];

#[test]
fn each_class_says_what_happened() {
    for (name, phrases) in CLASSES {
        let written = write(&support::sample(name));
        for phrase in phrases {
            assert!(written.markdown.contains(phrase), "{name}: no `{phrase}` in\n{}", written.markdown);
        }
    }
}

#[test]
fn every_section_is_there() {
    const SECTIONS: [&str; 19] = [
        "## 1. Executive summary",
        "## 2. Context",
        "## 3. Impact",
        "## I1: ",
        "### Observed symptoms",
        "### Expected and actual flow",
        "```mermaid\nsequenceDiagram\n",
        "### Evidence chain",
        "*Does not prove:*",
        "### Hypotheses",
        "### Root cause and whys",
        "*(needs code or configuration)*",
        "### Why other calls work",
        "### Causal tree",
        "### Fix options",
        "### Verification plan",
        "### Prevention",
        "## Limits and open questions",
        "### Redaction",
    ];
    for (name, _) in CLASSES {
        let written = write(&support::sample(name));
        let missing: Vec<&&str> = SECTIONS.iter().filter(|section| !written.markdown.contains(**section)).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");
    }
}

/// What is proved is proved by exchanges that are in the capture.
#[test]
fn every_reference_resolves() {
    for (name, _) in CLASSES {
        let analysis = support::sample(name);
        let written = write(&analysis);
        let exists = |id: &Value| analysis.fact(authtrace_parse::ExchangeId(id.as_u64().unwrap() as u32)).is_some();
        for incident in written.json["report"]["incidents"].as_array().unwrap() {
            for (list, key) in [("evidence", "exchange"), ("symptoms", "first"), ("flow", "exchange")] {
                for item in incident[list].as_array().unwrap() {
                    assert!(item[key].is_null() || exists(&item[key]), "{name}: {list} {item}");
                }
            }
            assert!(incident["evidence"].as_array().unwrap().iter().any(|e| e["primary"] == true), "{name}: no proof");
            assert!(incident["options"].as_array().unwrap().iter().filter(|o| o["recommended"] == true).count() == 1);
        }
    }
}

/// The assertions of a report are false of the capture that it is about: otherwise they would check nothing.
#[test]
fn assertions_fail_on_the_broken_capture() {
    for (name, _) in CLASSES {
        let analysis = support::sample(name);
        let written = write(&analysis);
        for incident in written.json["report"]["incidents"].as_array().unwrap() {
            let checks = incident["checks"].as_array().unwrap();
            let broken = checks.iter().filter(|check| {
                let number = analysis.capture.matching(check["filter"].as_str().unwrap()).unwrap().len() as u64;
                check["at_most"].as_u64().is_some_and(|most| number > most)
                    || check["at_least"].as_u64().is_some_and(|least| number < least)
            });
            assert!(broken.count() > 0, "{name} {}: {checks:#?}", incident["id"]);
        }
    }
}

#[test]
fn the_same_capture_gives_the_same_bytes() {
    let (first, second) = (write(&support::sample("herd.har")), write(&support::sample("herd.har")));
    assert_eq!((first.markdown, first.html, first.json), (second.markdown, second.html, second.json));
}

#[test]
fn nothing_to_report_is_a_report_too() {
    let healthy = write(&support::sample("healthy.har"));
    assert!(healthy.markdown.contains("# No authentication incident"), "{}", healthy.markdown);
    let empty = write(&support::entries("empty.har", ""));
    assert!(empty.html.contains("No authentication incident"));
}

const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "a|b|c",
    "`` ` ```",
    "[x](javascript:alert(1))",
    "\u{1b}[31mred",
    "\u{202e}gnp.exe",
    "=cmd|' /C calc'!A0",
];

/// A call refused without credentials, with `hostile` wherever a capture can say something.
fn hostile(hostile: &str) -> Analysis {
    let text = |value: &str| serde_json::to_string(value).unwrap();
    let body = text(&serde_json::json!({ "detail": format!("Not authenticated {hostile}") }).to_string());
    let path = text(&format!("https://api.example.test/v1/{hostile}/items"));
    let entry = |second: u32, status: u16, authorization: &str| {
        format!(
            r#"{{"startedDateTime":"2026-11-21T10:00:{second:02}.000Z","time":20,
            "_initiator":{{"type":"script","stack":{{"callFrames":[{{"functionName":{0},"url":{0},"lineNumber":1,"columnNumber":1}}]}}}},
            "request":{{"method":"GET","url":{path},"httpVersion":"h2","headers":[{authorization}{{"name":"user-agent","value":{0}}}]}},
            "response":{{"status":{status},"headers":[{{"name":"server","value":{0}}},{{"name":"content-type","value":"application/json"}}],
                "content":{{"mimeType":"application/json","size":20,"text":{body}}}}}}}"#,
            text(hostile)
        )
    };
    let token = r#"{"name":"authorization","value":"Bearer 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"},"#;
    support::entries(hostile, &[entry(1, 401, ""), entry(2, 401, ""), entry(3, 200, token)].join(","))
}

#[test]
fn hostile_values_stay_text() {
    for value in HOSTILE {
        let analysis = hostile(value);
        let written = write(&analysis);
        for text in [&written.markdown, &written.html] {
            assert!(!text.contains(|c: char| c != '\n' && is_hidden(c) && c != '\u{fe0f}'), "{value}");
        }
        let html = written.html.to_ascii_lowercase();
        assert!(
            !html.contains("<script") && !html.contains("<img") && !html.contains("javascript:alert(1)\""),
            "{value}"
        );
        for (number, event) in Parser::new_ext(&written.markdown, Options::all()).enumerate() {
            let active = matches!(
                event,
                Event::Html(_)
                    | Event::InlineHtml(_)
                    | Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::HtmlBlock)
            );
            assert!(!active, "{value}: {event:?} at {number}");
        }
        assert_eq!(shape(&written.markdown), shape(&write(&hostile("plain")).markdown), "{value}");
    }
}

/// How many rows each table has and how many cells each row: a value must not change it.
fn shape(markdown: &str) -> Vec<usize> {
    let mut cells = Vec::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::TableRow | Tag::TableHead | Tag::CodeBlock(_)) => cells.push(0),
            Event::Start(Tag::TableCell) => *cells.last_mut().unwrap() += 1,
            _ => {}
        }
    }
    cells
}

#[test]
fn the_page_loads_nothing() {
    let html = write(&support::sample("race.har")).html;
    assert!(html.contains("default-src 'none'; style-src 'sha256-"));
    for loading in ["<script", " src=", "url(", "@import", "http-equiv=\"refresh\"", " style=", " onload="] {
        assert!(!html.contains(loading), "{loading}");
    }
    let links: Vec<&str> = html.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.iter().all(|link| link.starts_with('#') || *link == "data:,"), "{links:?}");
}

#[test]
fn pictures_have_words() {
    let html = write(&support::sample("storm.har")).html;
    let pictures: Vec<&str> = html.split("<svg ").skip(1).collect();
    assert_eq!(pictures.len(), 4, "lifelines, refresh rate, waterfall, tree");
    for picture in pictures {
        assert!(picture.starts_with("class=\"picture\"") && picture.contains("role=\"img\""));
        assert!(picture.contains("<title id=") && picture.contains("<desc id="));
    }
}

#[test]
fn a_team_brings_its_own_template() {
    let analysis = support::sample("race.har");
    let view = View::all(&analysis);
    let report = IncidentReport::new(&view, &About { analyst: Some("Ann".into()), ..About::default() });
    let render = |source: &str| report.markdown(&BTreeMap::from([("report.md".to_owned(), source.to_owned())]));
    let own =
        "{% extends 'builtin/report.md' %}\n{% block summary %}Ours: {{ report.incidents[0].code }}{% endblock %}";
    let text = render(own).unwrap();
    assert!(
        text.contains("Ours: AUTH002") && !text.contains("**Blast radius:**") && text.contains("for Ann"),
        "{text}"
    );
    let wrong = render("{{ report.nothing.there }}").unwrap_err().to_string();
    assert!(wrong.contains("report.md, line 1") && wrong.lines().count() == 1, "{wrong}");
}
