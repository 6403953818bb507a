//! `diff`: incidents by what they are, routes by how they are treated, steps by their order.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use authtrace_analyze::{Analysis, Severity};
use authtrace_report::{View, diff::Diff};
use serde_json::Value;

fn compare(before: &Analysis, after: &Analysis) -> (Diff, Value) {
    let diff = Diff::new(&View::all(before), &View::all(after));
    let json = serde_json::from_str(&diff.json()).unwrap();
    (diff, json)
}

#[test]
fn a_capture_does_not_differ_from_itself() {
    for name in ["race.har", "storm.har", "healthy.har"] {
        let (diff, json) = compare(&support::sample(name), &support::sample(name));
        for list in ["appeared", "disappeared", "routes", "order"] {
            assert_eq!(json[list].as_array().unwrap().len(), 0, "{name}: {json}");
        }
        assert_eq!(diff.worst_new(), None);
    }
}

#[test]
fn a_break_appears_and_its_mending_disappears() {
    let (rejected, mended) = (support::sample("secret-mismatch.har"), support::sample("websocket-403.har"));
    let (_, json) = compare(&rejected, &mended);
    let codes = |json: &Value, list: &str| -> Vec<String> {
        json[list].as_array().unwrap().iter().map(|i| i["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&json, "disappeared"), ["AUTH030"], "{json}");
    let threads = json["routes"].as_array().unwrap().iter().find(|r| r["route"] == "GET /api/v1/threads/").unwrap();
    assert!(threads["before"]["refused"].as_u64() > Some(0) && threads["after"]["refused"] == 0, "{threads}");
    let (diff, json) = compare(&mended, &rejected);
    assert_eq!(codes(&json, "appeared"), ["AUTH030"], "{json}");
    assert_eq!(diff.worst_new(), Some(Severity::Critical));
}

fn capture(order: [&str; 3]) -> Analysis {
    let entry = |(second, path): (usize, &&str)| {
        format!(
            r#"{{"startedDateTime":"2026-11-21T10:00:{second:02}.000Z","time":20,
            "request":{{"method":"POST","url":"https://api.example.test{path}","httpVersion":"h2","headers":[]}},
            "response":{{"status":401,"headers":[{{"name":"www-authenticate","value":"Bearer"}}],"content":{{"size":0}}}}}}"#
        )
    };
    let entries: Vec<String> = order.iter().enumerate().map(entry).collect();
    support::entries("order.har", &entries.join(","))
}

#[test]
fn the_same_steps_in_another_order_have_moved() {
    let (_, json) = compare(&capture(["/v1/a", "/v1/b", "/v1/c"]), &capture(["/v1/a", "/v1/c", "/v1/b"]));
    let order = json["order"].as_array().unwrap();
    assert_eq!(order.len(), 1, "{json}");
    assert_eq!(order[0]["change"], "moved");
}
