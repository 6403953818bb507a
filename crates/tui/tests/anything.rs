//! Whatever happens, in whatever order: the model stays consistent, every screen can be drawn, and no secret is on it.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read and write captures and may panic")]

mod support;

use std::path::PathBuf;

use authtrace_parse::{ExchangeId, SecretStr};
use authtrace_tui::{
    Message, Provisional, Setup,
    arrange::{Arrangement, arrange},
    find::Look,
    keys::{BINDINGS, Chord},
    message::Mouse,
    model::Data,
    screen::Screen as Name,
};
use proptest::prelude::*;
use ratatui::crossterm::event::KeyCode;
use support::{Screen, captures};

/// Something that may happen.
#[derive(Clone, Debug)]
enum Event {
    Key(&'static str),
    Char(char),
    Click(u16, u16),
    Wheel(bool),
    Resize(u16, u16),
    Paste(String),
    Outside(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let keys: Vec<&'static str> = BINDINGS.iter().flat_map(|binding| binding.keys.iter().copied()).collect();
    prop_oneof![
        6 => proptest::sample::select(keys).prop_map(Event::Key),
        2 => any::<char>().prop_map(Event::Char),
        1 => (0..150u16, 0..60u16).prop_map(|(x, y)| Event::Click(x, y)),
        1 => any::<bool>().prop_map(Event::Wheel),
        1 => (0..200u16, 0..70u16).prop_map(|(width, height)| Event::Resize(width, height)),
        1 => "[a-z0-9 =']{0,12}".prop_map(Event::Paste),
        2 => (0..11u8).prop_map(Event::Outside),
    ]
}

fn message(event: Event, screen: &Screen) -> Message {
    match event {
        Event::Outside(what) => outside(what, screen),
        Event::Key(key) => Message::Key(Chord::parse(key).unwrap()),
        Event::Char(c) => Message::Key(Chord::plain(KeyCode::Char(c))),
        Event::Click(x, y) => Message::Mouse(Mouse::Click(x, y)),
        Event::Wheel(true) => Message::Mouse(Mouse::WheelDown),
        Event::Wheel(false) => Message::Mouse(Mouse::WheelUp),
        Event::Resize(width, height) => Message::Resize(width, height),
        Event::Paste(text) => Message::Paste(text),
    }
}

/// What may come from outside at any time, answers that nobody awaits any more among it.
fn outside(what: u8, screen: &Screen) -> Message {
    let row = Provisional {
        id: ExchangeId(7),
        at: None,
        host: "api.example".into(),
        route: "GET /things/{id}".into(),
        status: None,
        outcome: "unknown",
    };
    let filter = Arrangement { filter: Some("statos = 1".to_owned()), ..Arrangement::default() };
    match what {
        0 => Message::Progress { path: "a.har".to_owned(), seen: 3 },
        1 => Message::Judging { seen: 4 },
        2 => Message::Arrived(vec![row; 3]),
        3 => Message::Complaint("no such file".to_owned()),
        4 => Message::Done("wrote it".to_owned()),
        5 => Message::Trouble("cannot write it".to_owned()),
        6 => Message::Looked(screen.model.searches, Look::Found(usize::MAX)),
        7 => Message::Looked(0, Look::Goes(1, 2)),
        8 => Message::Read(ExchangeId(3), Err("it is gone".to_owned())),
        9 => {
            let analysis = &screen.model.data.as_ref().unwrap().loaded.analysis;
            Message::Arranged(filter.clone(), arrange(analysis, None, &filter))
        }
        _ => {
            let loaded = screen.model.data.as_ref().unwrap().loaded.clone();
            Message::Loaded(Box::new(Data::new(loaded)))
        }
    }
}

/// The raw values that no screen may show.
fn secrets(screen: &Screen) -> Vec<String> {
    let capture = &screen.model.data.as_ref().unwrap().loaded.analysis.capture;
    let secrets = capture.tokens.iter().filter(|(_, token)| token.is_secret()).filter_map(|(_, token)| token.held());
    let long = secrets.map(SecretStr::expose).filter(|secret| secret.len() >= 20);
    // A line may be cut, so the first characters must not be there either; of a JWT, those are the same for many.
    long.map(|secret| secret.chars().skip(8).take(20).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_breaks_it(events in proptest::collection::vec(event(), 1..60)) {
        let mut screen = Screen::sample("issuer.har", 100, 30);
        let secrets = secrets(&screen);
        for event in events {
            let next = message(event, &screen);
            screen.tell(next);
            let model = &screen.model;
            prop_assert!(model.cursor().at <= model.length().saturating_sub(1));
            prop_assert!(model.pane.cursor.at <= model.pane.lines.len().saturating_sub(1));
            let text = screen.text();
            // Unless its reader asked for it, on this screen.
            if model.revealed.is_none() {
                prop_assert!(!secrets.iter().any(|secret| text.contains(secret.as_str())), "{text}");
            }
            prop_assert!(model.revealed.is_none() || model.screen == Name::Tokens);
            let leaked = |texts: &[String]| texts.iter().any(|text| secrets.iter().any(|secret| text.contains(secret)));
            prop_assert!(!leaked(&screen.copied));
            let written: Vec<String> = screen.files.written.lock().unwrap().iter().map(|(_, text)| text.clone()).collect();
            prop_assert!(!leaked(&written));
        }
    }
}

#[test]
fn no_page_of_any_sample_shows_a_secret() {
    let mut samples: Vec<PathBuf> = std::fs::read_dir(captures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    samples.retain(|path| path.extension().is_some_and(|ending| ending == "har" || ending == "pcapng"));
    samples.sort();
    assert!(samples.len() > 10);
    for path in samples {
        let mut screen = Screen::open(std::slice::from_ref(&path), Setup::default(), 160, 50);
        let secrets = secrets(&screen);
        let ids: Vec<u32> =
            screen.model.data.as_ref().unwrap().loaded.analysis.capture.facts.iter().map(|fact| fact.id.0).collect();
        for id in ids {
            screen.press(":").enter(&id.to_string());
            let page = screen.model.pane.all();
            let shown = secrets.iter().find(|secret| page.contains(secret.as_str()));
            assert!(shown.is_none(), "{}: exchange {id}:\n{page}", path.display());
            assert!(!page.contains("cannot be shown"), "{}: exchange {id}:\n{page}", path.display());
        }
    }
}
