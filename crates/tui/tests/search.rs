//! Searching a long list: a slice at a time, given up by Esc, by a newer search and by another list, and never in a key's way.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests write captures and may panic")]

mod support;

use std::fmt::Write as _;

use authtrace_tui::{
    Message, Setup,
    find::{Find, Look},
    keys::Chord,
    message::{Command, What},
    screen::Screen as Name,
    update::update,
};
use ratatui::crossterm::event::KeyCode;
use support::Screen;

/// More rows than a search looks at in one go.
const ROWS: usize = 20_000;

/// A capture of many calls, the last but one of which goes somewhere else.
fn long() -> Screen {
    let mut entries = String::new();
    for number in 0..ROWS {
        let comma = if number > 0 { "," } else { "" };
        let path = if number == ROWS - 2 { "Needle" } else { "hay" };
        write!(
            entries,
            r#"{comma}{{"startedDateTime":"2026-11-21T10:{:02}:{:02}.{:03}Z","time":1,"request":{{"method":"GET","url":"http://localhost:8000/{path}","headers":[]}},"response":{{"status":200,"headers":[],"content":{{"size":0,"mimeType":""}}}}}}"#,
            number / 60_000,
            number / 1000 % 60,
            number % 1000,
        )
        .unwrap();
    }
    let har = format!(r#"{{"log":{{"version":"1.2","creator":{{"name":"t","version":"1"}},"entries":[{entries}]}}}}"#);
    let path = std::env::temp_dir().join(format!(
        "authtrace-tui-long-{}-{:?}.har",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::write(&path, har).unwrap();
    let mut screen = Screen::open(std::slice::from_ref(&path), Setup::default(), 120, 40);
    std::fs::remove_file(&path).unwrap();
    screen.press("2");
    screen
}

/// Presses keys and carries nothing out: what the model asks for, at last.
fn asked(screen: &mut Screen, keys: &str) -> Vec<Command> {
    let press = |key: &str| update(&mut screen.model, Message::Key(Chord::parse(key).unwrap()));
    keys.split_whitespace().map(press).last().unwrap()
}

fn typed(screen: &mut Screen, line: &str) -> Vec<Command> {
    for c in line.chars() {
        update(&mut screen.model, Message::Key(Chord::plain(KeyCode::Char(c))));
    }
    asked(screen, "enter")
}

fn find(commands: Vec<Command>) -> Find {
    match commands.as_slice() {
        [Command::Find(find)] => find.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_long_list_is_searched_slice_by_slice() {
    let mut screen = long();
    screen.press("/").enter("needle");
    assert_eq!(screen.model.cursor().at, ROWS - 2, "{:?}", screen.model.notice);
    screen.press("n");
    assert_eq!(screen.model.cursor().at, ROWS - 2, "the only match is found again, around the end");
    screen.press("/").enter("no such thing").says("not found: no such thing");
}

#[test]
fn no_key_waits_for_a_search() {
    let mut screen = long();
    asked(&mut screen, "/");
    let first = find(typed(&mut screen, "needle"));
    assert_eq!(screen.model.cursor().at, 0, "the key only asks");
    let data = std::sync::Arc::clone(screen.model.data.as_ref().unwrap());
    let next = update(&mut screen.model, Message::Looked(first.number, first.look(&data)));
    let second = find(next);
    assert!(second.done > first.done && second.number == first.number);
    screen.says("searching …").says("of 20000 rows");
    update(&mut screen.model, Message::Key(Chord::parse("j").unwrap()));
    assert_eq!(screen.model.cursor().at, 1, "and one may move on meanwhile");
    // A newer search takes the place of the old one, whose answer means nothing any more.
    let newer = find(asked(&mut screen, "n"));
    let late = Message::Looked(first.number, Look::Found(7));
    assert!(update(&mut screen.model, late).is_empty());
    assert_eq!(screen.model.cursor().at, 1);
    asked(&mut screen, "esc");
    assert!(screen.model.finding.is_none() && screen.model.screen == Name::Timeline);
    assert!(update(&mut screen.model, Message::Looked(newer.number, newer.look(&data))).is_empty());
    // Another list: what would be found is another row.
    asked(&mut screen, "n");
    screen.press("S");
    assert!(screen.model.finding.is_none());
}

#[test]
fn an_export_names_the_list_and_copies_nothing() {
    let mut screen = long();
    asked(&mut screen, "e");
    let asked = asked(&mut screen, "enter");
    let [Command::Export(export)] = asked.as_slice() else { panic!("{asked:?}") };
    let What::Exchanges(list) = &export.what else { panic!("{:?}", export.path) };
    assert_eq!(list.exchanges(screen.model.data.as_ref().unwrap()).count(), ROWS);
}
