//! The text output, as a reader sees it at 80 columns without colour.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use authtrace_analyze::Severity;
use authtrace_report::{
    Focus, Style, View,
    terminal::{Detail, Layout, render},
};

fn text(analysis: &authtrace_analyze::Analysis) -> String {
    render(&View::all(analysis), &Layout::default())
}

/// One entry: method, path, status, request headers as JSON members, body.
fn entry(second: u32, request: &str, status: u16, headers: &str, body: &str) -> String {
    let (method, path) = request.split_once(' ').unwrap();
    format!(
        r#"{{"startedDateTime":"2026-11-21T10:00:{second:02}.000Z","time":20,
            "request":{{"method":"{method}","url":"https://api.example.test{path}","httpVersion":"h2","headers":[{headers}]}},
            "response":{{"status":{status},"headers":[{{"name":"content-type","value":"application/json"}}],
                "content":{{"mimeType":"application/json","size":{},"text":{body:?}}}}}}}"#,
        body.len()
    )
}

const AGENT: &str = r#"{"name":"user-agent","value":"test"},{"name":"accept","value":"*/*"}"#;

#[test]
fn race() {
    insta::assert_snapshot!(text(&support::sample("race.har")));
}

#[test]
fn sanitized() {
    insta::assert_snapshot!(text(&support::sample("sanitized.har")));
}

#[test]
fn healthy() {
    insta::assert_snapshot!(text(&support::sample("healthy.har")));
}

#[test]
fn headlines_are_one_line_each() {
    let analysis = support::sample("race.har");
    let layout = Layout { detail: Detail::Headlines, ..Layout::default() };
    let text = render(&View::all(&analysis), &layout);
    assert_eq!(text, "high[AUTH002]: API called before the token was ready: GET /api/v1/books/\n");
}

#[test]
fn nothing_to_do_with_authentication_is_one_line() {
    let plain = entry(0, "GET /weather", 200, AGENT, "{}");
    let text = text(&support::entries("plain.har", &plain));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("No authentication traffic in 1 exchange"), "{text}");
}

#[test]
fn an_empty_capture_says_so() {
    assert_eq!(
        text(&support::entries("empty.har", "")),
        "No HTTP request could be read from empty.har; record again with the network\npanel open.\n"
    );
}

#[test]
fn everything_shows_no_less() {
    let analysis = support::sample("race.har");
    let all = render(&View::all(&analysis), &Layout { detail: Detail::Everything, ..Layout::default() });
    assert!(!all.contains("with -v"), "{all}");
    assert!(all.len() > text(&analysis).len());
}

#[test]
fn lines_fit_the_width_but_for_words_that_do_not() {
    let analysis = support::sample("race.har");
    for width in [60, 80, 100] {
        let text = render(&View::all(&analysis), &Layout { width, ..Layout::default() });
        let long: Vec<&str> = text.lines().filter(|l| l.chars().count() > width && !l.contains('→')).collect();
        assert!(long.is_empty(), "{width}: {long:#?}");
    }
}

#[test]
fn colour_changes_no_words() {
    let analysis = support::sample("race.har");
    let coloured = render(&View::all(&analysis), &Layout { style: Style::new(true), ..Layout::default() });
    assert!(coloured.contains("\x1b["));
    let mut plain = String::new();
    for (number, piece) in coloured.split("\x1b[").enumerate() {
        plain.push_str(if number == 0 { piece } else { piece.split_once('m').unwrap().1 });
    }
    assert_eq!(plain, text(&analysis));
}

#[test]
fn a_floor_hides_what_is_below_it() {
    let analysis = support::sample("race.har");
    let focus = Focus { min_severity: Some(Severity::Critical), ..Focus::default() };
    let view = View::new(&analysis, focus);
    assert_eq!((view.incidents().len(), view.findings().count()), (0, 0));
}

#[test]
fn a_capture_cannot_drive_the_terminal() {
    let headers = format!(r#"{AGENT},{{"name":"authorization","value":"Bearer undefined"}}"#);
    let hostile = entry(0, "GET /a\\u001b[31mb", 401, &headers, r#"{"detail":"[31mNot authenticated"}"#);
    let analysis = support::entries("x\u{1b}[2J.har", &hostile);
    let view = View::all(&analysis);
    let layout = Layout { detail: Detail::Everything, ..Layout::default() };
    for text in [render(&view, &layout), authtrace_report::exchanges::text(&view, &layout, None)] {
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
