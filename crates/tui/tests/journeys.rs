//! Journeys key by key: from the incident to its evidence, through filters and searches, to a comparison and a file.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use authtrace_tui::{Message, message::Mouse, screen::Screen as Name};
use support::{Screen, captures};

#[test]
fn from_the_cause_to_its_evidence_and_back() {
    let mut screen = Screen::sample("race.har", 120, 40);
    screen.says("API called before the token was ready").says("ruled out");
    screen.press("enter");
    assert!(screen.model.in_pane, "enter goes to the evidence");
    screen.press("enter").says("GET http://localhost:8000/api/v1/books/").says("request headers");
    assert_eq!(screen.model.screen, Name::Exchange);
    screen.press("esc");
    assert_eq!(screen.model.screen, Name::Incidents);
    screen.press("q");
    assert!(screen.left, "back on the first screen leaves");
}

#[test]
fn a_filter_narrows_and_an_unknown_name_is_pointed_at() {
    let mut screen = Screen::sample("race.har", 120, 40);
    let all = screen.press("2").model.length();
    screen.press("f").enter("statos = 401").says("`statos` is no column").says("vvvvvv");
    screen.press("ctrl-u").enter("status = 401").says("filter: status = 401");
    let refused = screen.model.length();
    assert!(0 < refused && refused < all, "{refused} of {all}");
    let pointed = |screen: &mut Screen, line: &str, why: &str, at: &str| {
        screen.press("f ctrl-u").enter(line);
        let text = screen.says(why).text();
        let rows: Vec<&str> = text.lines().rev().take(2).collect();
        let (signs, start) = (rows[1].find('v').unwrap(), rows[0].find(at).unwrap());
        assert_eq!(signs, start, "{line}:\n{}\n{}", rows[1], rows[0]);
        screen.press("esc");
    };
    pointed(&mut screen, "host = 'a' and status = 'b'", "cannot compare", "status = 'b'");
    pointed(&mut screen, "status = 401 )", "found: )", ")");
    pointed(&mut screen, "path like \"/api\"", "text stands in single quotes", "\"/api");
    pointed(&mut screen, "nonsense(status) = 1", "nonsense", "nonsense");
    pointed(&mut screen, "status", "neither true nor false", "status");
    screen.press("f ctrl-u").enter("status ++ 1 = 'a").says("Unterminated string");
    screen.press("esc");
    assert_eq!(screen.model.length(), refused, "what was there before stays");
    screen.press("F");
    assert_eq!(screen.model.length(), all);
}

#[test]
fn columns_complete_with_tab() {
    let mut screen = Screen::sample("race.har", 120, 40);
    screen.press("f c r e d tab").says("filter: credential").says("credential_kind  credential_method");
}

#[test]
fn searching_goes_round() {
    let mut screen = Screen::sample("race.har", 120, 40);
    screen.press("2 /").enter("books");
    let first = screen.model.cursor().at;
    screen.press("n");
    assert_ne!(screen.model.cursor().at, first);
    screen.press("N");
    assert_eq!(screen.model.cursor().at, first);
    screen.press("/").enter("nowhere to be found").says("not found");
}

#[test]
fn two_marked_exchanges_are_compared_and_exported() {
    let mut screen = Screen::sample("race.har", 140, 40);
    screen.press(":").enter("compare 11 15");
    screen.says("credential in").says("request.header.authorization").says("≠ status");
    screen.press("e ctrl-u").enter("difference.txt").says("wrote difference.txt");
    let written = screen.files.written.lock().unwrap();
    assert!(written[0].1.contains("401") && written[0].1.contains("200"), "{}", written[0].1);
}

#[test]
fn exports_are_what_the_command_line_prints() {
    let mut screen = Screen::sample("race.har", 120, 40);
    screen.press(":").enter("export all.json");
    screen.press("2 f").enter("status = 401");
    screen.press("e ctrl-u").enter("refused.jsonl");
    let written = screen.files.written.lock().unwrap();
    assert!(written[0].1.contains("authtrace.analysis/1"));
    let lines: Vec<&str> = written[1].1.lines().collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("\"status\":401")), "{lines:?}");
}

#[test]
fn groups_fold_and_unfold() {
    let mut screen = Screen::sample("race.har", 120, 40);
    screen.press("2 z").says("grouped by session");
    let folded = screen.model.length();
    screen.press("g l");
    assert!(screen.model.length() > folded);
    screen.press("j h");
    assert_eq!((screen.model.length(), screen.model.cursor().at), (folded, 0), "folding goes to the head");
    screen.press("z").says("grouped by route").says("GET /api/v1/books/");
}

#[test]
fn sorting_keeps_the_selected_exchange() {
    let mut screen = Screen::sample("race.har", 120, 40);
    screen.press("2 j j j");
    let selected = screen.model.selected_fact().map(|fact| fact.id);
    for _ in 0..7 {
        screen.press("s S");
        assert_eq!(screen.model.selected_fact().map(|fact| fact.id), selected, "{:?}", screen.model.how);
    }
}

#[test]
fn a_value_is_shown_level_by_level_after_a_yes_only_and_hidden_when_one_moves_on() {
    let mut screen = Screen::sample("race.har", 120, 40);
    screen.press("3");
    let data = screen.model.data.as_ref().unwrap();
    let token = data.loaded.analysis.capture.tokens.get(data.tokens[0]).held().unwrap();
    let start: String = token.expose().chars().take(12).collect();
    screen.press("p tab G").says("a part of the value").says(&start[..4]);
    assert!(!screen.text().contains(&start));
    screen.press("y");
    screen.press("tab p").says("show the whole value of T1");
    screen.press("n G");
    assert!(screen.model.revealed.is_none());
    screen.press("g p p y tab G");
    screen.says(&start);
    screen.press("y");
    assert!(!screen.copied.iter().any(|text| text.contains(&start)), "a shown value is not copied");
    screen.press("tab j k");
    assert!(screen.model.revealed.is_none() && !screen.text().contains(&start));
}

#[test]
fn a_copy_as_curl_holds_variables() {
    let mut screen = Screen::sample("race.har", 120, 40);
    screen.press(":").enter("15");
    screen.press("c");
    let curl = screen.copied.first().unwrap_or_else(|| panic!("{:?}", screen.model.notice));
    assert!(curl.starts_with("curl -X GET http://localhost:8000/api/v1/books/"), "{curl}");
    assert!(curl.contains("Bearer $T"), "{curl}");
}

#[test]
fn the_mouse_selects_opens_and_turns_pages() {
    let mut screen = Screen::sample("race.har", 120, 40);
    screen.tell(Message::Mouse(Mouse::Click(14, 0)));
    assert_eq!(screen.model.screen, Name::Timeline);
    screen.tell(Message::Mouse(Mouse::Click(20, 6)));
    assert_eq!(screen.model.cursor().at, 3);
    screen.tell(Message::Mouse(Mouse::WheelDown));
    assert_eq!(screen.model.cursor().at, 6);
    screen.tell(Message::Mouse(Mouse::Click(20, 9)));
    assert_eq!(screen.model.screen, Name::Exchange, "a second click opens");
}

#[test]
fn packets_are_read_again_like_entries() {
    let mut screen = Screen::sample("race.pcapng", 120, 60);
    screen.press("2 ] enter").says("request headers");
    assert!(screen.model.pane.all().contains("response body  application/json"), "{}", screen.model.pane.all());
}

#[test]
fn two_captures_are_compared_route_by_route() {
    let paths = [captures().join("race.har"), captures().join("healthy.har")];
    let mut screen = Screen::open(&paths, authtrace_tui::Setup::default(), 120, 40);
    screen.press("7").says("race.har").says("healthy.har").says("refused");
}

#[test]
fn rebound_keys_do_what_they_are_told() {
    let mut setup = authtrace_tui::Setup::default();
    setup.keymap.rebind("timeline", &["T".to_owned()]).unwrap();
    let mut screen = Screen::open(&[captures().join("race.har")], setup, 120, 40);
    screen.press("2");
    assert_eq!(screen.model.screen, Name::Incidents);
    screen.press("T");
    assert_eq!(screen.model.screen, Name::Timeline);
}
