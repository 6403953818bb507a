//! The JSON document against its published schema, and the keys that programs rely on.

mod support;

use authtrace_report::{View, exchanges, gate, json, sessions, tokens};
use serde_json::Value;

const SCHEMA: &str = include_str!("../schema/authtrace.analysis-1.schema.json");

const SAMPLES: [&str; 6] =
    ["race.har", "healthy.har", "sanitized.har", "secret-mismatch.har", "herd.har", "wrong-token.har"];

#[test]
fn documents_keep_to_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for name in SAMPLES {
        let analysis = support::sample(name);
        let document: Value = serde_json::from_str(&json::render(&View::all(&analysis))).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn the_schema_itself_is_sound() {
    assert!(jsonschema::meta::is_valid(&serde_json::from_str(SCHEMA).unwrap()));
}

#[test]
fn references_resolve() {
    for name in SAMPLES {
        let analysis = support::sample(name);
        let document: Value = serde_json::from_str(&json::render(&View::all(&analysis))).unwrap();
        let ids = |list: &str| -> Vec<&str> {
            document[list].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
        };
        let findings = ids("findings");
        for incident in document["incidents"].as_array().unwrap() {
            assert!(findings.contains(&incident["root"].as_str().unwrap()));
            let members = incident["findings"].as_array().unwrap();
            assert!(members.iter().all(|id| findings.contains(&id.as_str().unwrap())));
        }
        for finding in document["findings"].as_array().unwrap() {
            for (key, list) in [("session", "sessions"), ("token", "tokens"), ("caused_by", "findings")] {
                assert!(finding[key].as_str().is_none_or(|id| ids(list).contains(&id)), "{name}: {key}");
            }
        }
    }
}

#[test]
fn an_exchange_has_exactly_the_promised_keys_and_a_few_more() {
    let analysis = support::sample("race.har");
    let line = exchanges::jsonl(&View::all(&analysis)).lines().nth(11).unwrap().to_owned();
    let row: Value = serde_json::from_str(&line).unwrap();
    for key in [
        "id",
        "time",
        "duration_ns",
        "client",
        "server",
        "connection",
        "protocol",
        "method",
        "scheme",
        "host",
        "port",
        "path",
        "query_keys",
        "status",
        "kind",
        "role",
        "route",
        "credentials",
        "outcome",
        "session",
        "client_key",
        "leg_of",
        "page",
        "initiator",
        "source",
        "anomalies",
    ] {
        assert!(row.get(key).is_some(), "{key}");
    }
    assert_eq!(row["source"], serde_json::json!({"input": 0, "locator": {"entry": 11}}));
    assert_eq!(row["status"], 401);
    assert!(row["client"].is_null());
}

#[test]
fn no_output_of_a_sample_holds_a_secret() {
    for name in SAMPLES {
        let analysis = support::sample(name);
        let view = View::all(&analysis);
        for text in [json::render(&view), exchanges::jsonl(&view), tokens::jsonl(&view), sessions::jsonl(&view)] {
            assert_eq!(gate::leaks(&text, &analysis), None, "{name}");
        }
    }
}

#[test]
fn the_gate_stops_a_secret() {
    let analysis = support::sample("race.har");
    let (id, token) = analysis.capture.tokens.iter().find(|(_, t)| t.classified.kind.is_jose()).unwrap();
    let text = format!("a page that quotes {} in full", token.held().unwrap().expose());
    assert_eq!(gate::leaks(&text, &analysis), Some(id.to_string()));
    assert_eq!(gate::leaks(&text[..text.len() / 2], &analysis), None);
}
