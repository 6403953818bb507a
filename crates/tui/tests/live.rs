//! A capture that is still running: what grows, what stands still, and what stays selected.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read captures and may panic")]

mod support;

use std::sync::Arc;

use authtrace_analyze::{Analysis, Analyzer, BodyNeeds, Settings, coverage::Input};
use authtrace_capture::{InputPath, Plan, read_input};
use authtrace_parse::Exchange;
use authtrace_tui::{Loaded, Message, Setup, message::Counts, model::Data};
use support::{Screen, captures};

/// The exchanges of a sample.
fn exchanges(name: &str) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    read_input(&InputPath::File(captures().join(name)), &Plan::new(&BodyNeeds), &mut |e| exchanges.push(e)).unwrap();
    exchanges
}

/// A look at the first `count` of them.
fn look(exchanges: &[Exchange], count: usize) -> Message {
    let mut analyzer = Analyzer::new(Settings::default());
    exchanges[..count].iter().for_each(|exchange| analyzer.push(exchange));
    let analysis: Analysis = analyzer.finish(vec![Input { path: "lo".to_owned(), ..Input::default() }]);
    Message::Refreshed(Box::new(Data::new(Loaded { analysis: Arc::new(analysis), focus: None })))
}

fn live() -> (Screen, Vec<Exchange>) {
    let setup = Setup { live: Some("lo".to_owned()), ..Setup::default() };
    (Screen::empty(setup, 120, 30), exchanges("race.har"))
}

#[test]
fn the_newest_exchange_stays_selected_until_one_goes_elsewhere() {
    let (mut screen, all) = live();
    screen.says("LIVE, following · lo · 0 exchanges");
    screen.tell(look(&all, 5));
    screen.says("LIVE, following · lo · 5 exchanges").says("5/5");
    screen.tell(look(&all, 9));
    screen.says("9 exchanges").says("9/9");
    screen.press("k k");
    screen.says("LIVE · lo").says("7/9");
    screen.tell(look(&all, 15));
    screen.says("15 exchanges").says("7/15");
    screen.press("L");
    screen.says("LIVE, following").says("15/15");
    screen.tell(look(&all, 21));
    screen.says("21/21");
    screen.press("L").says("the selection stays where it is").says("LIVE · lo");
}

#[test]
fn a_frozen_screen_stands_still_and_catches_up() {
    let (mut screen, all) = live();
    screen.tell(look(&all, 9));
    screen.press("P");
    screen.says("FROZEN").says("9/9");
    screen.tell(look(&all, 15));
    screen.tell(look(&all, 21));
    screen.tell(Message::Captured(Counts { frames: 512, lost: 3 }));
    screen.says("FROZEN").says("9 exchanges").says("512 frames, 3 lost").says("9/9");
    // What is shown can be arranged and searched as ever.
    screen.press("S").says("9 exchanges").says("reversed");
    screen.press("S P");
    screen.says("LIVE, following").says("21 exchanges").says("21/21");
}

#[test]
fn the_selected_incident_is_found_again() {
    let (mut screen, all) = live();
    screen.tell(look(&all, 14));
    screen.press("1");
    let title = |screen: &Screen| screen.model.data.as_ref().unwrap().analysis().incidents[0].title.clone();
    let before = title(&screen);
    screen.says(&before);
    screen.tell(look(&all, 21));
    let data = screen.model.data.clone().unwrap();
    let at = screen.model.cursor().at;
    let fingerprint = data.topics[at].fingerprint(data.analysis());
    assert!(fingerprint.is_some());
    screen.says(&title(&screen));
}

#[test]
fn an_ended_capture_stays_on_the_screen() {
    let (mut screen, all) = live();
    screen.tell(look(&all, 21));
    screen.tell(Message::Ended);
    screen.says("ENDED · lo · 21 exchanges").says("the capture is over");
    assert!(!screen.left);
    screen.press("Q");
    assert!(screen.left);
}

#[test]
fn files_neither_freeze_nor_follow() {
    let mut screen = Screen::sample("race.har", 120, 30);
    screen.press("P").says("nothing is captured here; this is a file");
    screen.press("L").says("nothing is captured here; this is a file");
}

#[test]
fn the_screen_of_a_running_capture() {
    let (mut screen, all) = live();
    screen.tell(look(&all, 15));
    screen.tell(Message::Captured(Counts { frames: 312, lost: 2 }));
    insta::assert_snapshot!("live-120x30", screen.text());
}
