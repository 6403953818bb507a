//! Every screen at three sizes, as text; and the same words whatever the colours and signs.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read and write captures and may panic")]

mod support;

use authtrace_tui::{
    Message, Provisional, Setup, glyphs,
    screen::Screen as Name,
    theme::{Depth, Theme},
};
use ratatui::style::{Color, Modifier};
use support::{Screen, captures};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// A capture in which every screen has something to show, and the way to it.
fn show(name: Name, width: u16, height: u16, setup: Setup) -> Screen {
    let file = if name == Name::Tokens { "secret-mismatch.har" } else { "race.har" };
    let mut screen = Screen::open(&[captures().join(file)], setup, width, height);
    match name {
        Name::Incidents => screen.press("enter"),
        Name::Timeline => screen.press("2 j j m"),
        Name::Tokens => screen.press("3 j"),
        Name::Exchange => screen.press("1 enter enter"),
        Name::Sessions => screen.press("5"),
        Name::Flow => screen.press("6 j"),
        Name::Compare => screen.press(":").enter("compare 11 15"),
        Name::Rules => screen.press("8 j"),
    };
    assert_eq!(screen.model.screen, name);
    screen
}

#[test]
fn every_screen_at_every_size() {
    for name in Name::ALL {
        for (width, height) in SIZES {
            let screen = show(name, width, height, Setup::default());
            insta::assert_snapshot!(format!("{}-{width}x{height}", name.name()), screen.text());
        }
    }
}

/// How the cells of a screen look: a letter a colour, capital where it is bold, `_` underlined, `#` reversed.
fn looks(screen: &Screen) -> String {
    let buffer = screen.buffer();
    let look = |cell: &ratatui::buffer::Cell| {
        let letter = match cell.fg {
            Color::Red => 'r',
            Color::Green => 'g',
            Color::Yellow => 'y',
            Color::Blue => 'b',
            Color::Magenta => 'm',
            Color::Cyan => 'c',
            _ if cell.modifier.contains(Modifier::DIM) => 'd',
            _ => 'p',
        };
        match cell.modifier {
            modifier if modifier.contains(Modifier::REVERSED) => '#',
            modifier if modifier.contains(Modifier::UNDERLINED) => '_',
            modifier if modifier.contains(Modifier::BOLD) => letter.to_ascii_uppercase(),
            _ if cell.symbol() == " " => ' ',
            _ => letter,
        }
    };
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    rows.map(|row| row.iter().map(look).collect::<String>().trim_end().to_owned() + "\n").collect()
}

#[test]
fn every_screen_in_colour_and_plain() {
    for name in Name::ALL {
        let setup = |depth, glyphs| Setup { theme: Theme::new(depth), glyphs, ..Setup::default() };
        let (mut colours, mut plain) = (String::new(), String::new());
        for (width, height) in SIZES {
            colours += &looks(&show(name, width, height, setup(Depth::Sixteen, glyphs::UNICODE)));
            plain += &show(name, width, height, setup(Depth::None, glyphs::PLAIN)).text();
        }
        insta::assert_snapshot!(format!("{}-colours", name.name()), colours);
        insta::assert_snapshot!(format!("{}-plain", name.name()), plain);
    }
}

#[test]
fn colours_and_signs_change_no_words() {
    let letters = |text: String| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    for name in Name::ALL {
        let setup = |depth, glyphs| Setup { theme: Theme::new(depth), glyphs, ..Setup::default() };
        let many = show(name, 120, 40, setup(Depth::True, glyphs::UNICODE));
        let none = show(name, 120, 40, setup(Depth::None, glyphs::UNICODE));
        assert_eq!(many.text(), none.text(), "{name:?}");
        let colours = |screen: &Screen| {
            screen.buffer().content.iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
        };
        assert_eq!(colours(&none), 0, "{name:?}");
        assert!(colours(&many) > 0, "{name:?}");
        let plain = show(name, 120, 40, setup(Depth::None, glyphs::PLAIN));
        let only_ascii_signs = letters(plain.text()).len().abs_diff(letters(many.text()).len());
        assert!(only_ascii_signs < 400, "{name:?}");
    }
}

#[test]
fn no_size_breaks_a_screen() {
    for name in Name::ALL {
        let mut screen = show(name, 80, 24, Setup::default());
        for (width, height) in
            [(0, 0), (1, 1), (39, 8), (40, 8), (41, 9), (60, 10), (80, 3), (79, 24), (300, 12), (500, 200)]
        {
            screen.tell(Message::Resize(width, height));
            let _ = screen.text();
        }
    }
}

#[test]
fn the_help_page_knows_every_action() {
    let mut screen = Screen::sample("race.har", 100, 80);
    screen.press("?");
    for binding in authtrace_tui::keys::BINDINGS {
        screen.says(binding.says);
    }
    screen.press("q").says("incidents");
}

#[test]
fn rows_are_there_before_anything_is_judged() {
    let mut screen = Screen::empty(Setup::default(), 80, 24);
    screen.says("reading");
    screen.tell(Message::Progress { path: "big.har".to_owned(), seen: 1234 });
    let row = Provisional {
        id: authtrace_parse::ExchangeId(7),
        at: None,
        host: "api.example".into(),
        route: "GET /things/{id}".into(),
        status: Some(401),
        outcome: "refused",
    };
    screen.tell(Message::Arrived(vec![row; 30]));
    screen.says("reading big.har: 1234 exchanges, the first 30 below").says("api.example /things/{id}").says("401");
    screen.press("j j G");
    assert_eq!(screen.model.cursor().at, 29);
    screen.tell(Message::Judging { seen: 5000 });
    screen.says("judging 5000 exchanges");
}

#[test]
fn an_empty_capture_says_so_on_every_screen() {
    let directory = std::env::temp_dir().join(format!("authtrace-tui-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("empty.har");
    std::fs::write(&path, r#"{"log":{"version":"1.2","creator":{"name":"t","version":"1"},"entries":[]}}"#).unwrap();
    let mut screen = Screen::open(std::slice::from_ref(&path), Setup::default(), 80, 24);
    for (key, words) in [
        ("2", "No exchange."),
        ("3", "No credential"),
        ("4", "No exchange is selected"),
        ("5", "No session"),
        ("6", "No session."),
        ("7", "Nothing to compare"),
        ("8", "AUTH001"),
    ] {
        screen.press(key).press("j k enter G g").says(words);
        screen.press("esc");
    }
    std::fs::remove_dir_all(&directory).unwrap();
}
