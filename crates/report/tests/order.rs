//! The order in which exchanges arrive does not show: packets complete them in another order than that of their ids.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read captures and may panic")]

mod support;

use authtrace_analyze::{Analyzer, Settings};
use authtrace_parse::Exchange;
use authtrace_report::{View, json};

fn document(exchanges: &[Exchange], order: impl Iterator<Item = usize>) -> String {
    let mut analyzer = Analyzer::new(Settings::default());
    order.for_each(|index| analyzer.push(&exchanges[index]));
    json::render(&View::all(&analyzer.finish(Vec::new())))
}

#[test]
fn any_order_of_arrival_gives_the_same_document() {
    let mut samples = 0;
    for (name, exchanges) in support::exchanges_of_samples() {
        let count = exchanges.len();
        let expected = document(&exchanges, 0..count);
        // A step that shares no factor with the count visits every exchange once.
        let step = [7, 11, 13].into_iter().find(|step| count % step != 0).unwrap();
        assert_eq!(document(&exchanges, (0..count).rev()), expected, "{name}, backwards");
        assert_eq!(document(&exchanges, (0..count).map(|n| n * step % count)), expected, "{name}, in steps of {step}");
        samples += 1;
    }
    assert!(samples > 5, "only {samples} samples");
}

/// A token whose first sight, by id, names another scheme than the one that arrives first.
#[test]
fn the_first_sight_by_id_decides_how_a_value_is_read() {
    let value = "dXNlcjpwYXNzd29yZA==";
    let exchanges = support::exchanges(&format!(
        r#"{0}"Basic {value}"{1},{0}"Bearer {value}"{1},{0}"Bearer other-9f86d081884c7d659a2feaa0c55ad015"{1}"#,
        r#"{"startedDateTime":"2026-01-01T00:00:00Z","time":5,"request":{"method":"GET","url":"https://api.x.dev/a","headers":[{"name":"host","value":"api.x.dev"},{"name":"authorization","value":"#,
        r#"}]},"response":{"status":401,"headers":[]}}"#
    ));
    assert_eq!(document(&exchanges, [2, 1, 0].into_iter()), document(&exchanges, 0..3));
}
