//! The line at the foot on which one types: editing, history, completion.

use std::ops::Range;

use authtrace_analyze::table::SCHEMA;
use ratatui::crossterm::event::KeyCode;

use crate::{
    arrange::{Fold, Sort},
    keys::Chord,
    screen::Screen,
};

/// What is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What to search for.
    Search,
    /// A filter.
    Filter,
    /// A command.
    Command,
    /// A file to write to.
    Export,
}

impl Kind {
    /// What stands before the line.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Search => "/",
            Self::Filter => "filter: ",
            Self::Command => ":",
            Self::Export => "write to: ",
        }
    }

    /// What the line may go on with where the word before the cursor is `word`, which begins at `at`.
    fn candidates(self, line: &str, at: usize) -> Vec<&'static str> {
        let columns = || SCHEMA.iter().map(|column| column.name).collect();
        match self {
            Self::Search | Self::Export => Vec::new(),
            Self::Filter => columns(),
            Self::Command if at == 0 => COMMANDS.iter().map(|(name, _)| *name).collect(),
            Self::Command => match line.split_whitespace().next() {
                Some("filter") => columns(),
                Some("sort") => Sort::ALL.iter().map(|sort| sort.name()).collect(),
                Some("fold") => Fold::ALL.iter().map(|fold| fold.name()).collect(),
                Some("time") => vec!["utc", "relative", "delta", "epoch"],
                Some("mouse") => vec!["on", "off"],
                _ => Vec::new(),
            },
        }
    }
}

/// Commands of the command line with what they do.
pub const COMMANDS: &[(&str, &str)] = &[
    (Screen::Incidents.name(), "the screen"),
    (Screen::Timeline.name(), "the screen"),
    (Screen::Tokens.name(), "the screen"),
    (Screen::Exchange.name(), "the screen; with a number, that exchange"),
    (Screen::Sessions.name(), "the screen"),
    (Screen::Flow.name(), "the screen; with a session (S1), its flow"),
    (Screen::Compare.name(), "the screen; with two numbers, those exchanges"),
    (Screen::Rules.name(), "the screen; with a code, that rule"),
    ("filter", "filter the timeline by an SQL expression; without one, take the filter away"),
    ("sort", "order of the timeline"),
    ("fold", "groups of the timeline"),
    ("time", "how times are shown"),
    ("export", "write what is shown to a file"),
    ("mouse", "use the mouse or not"),
    ("help", "keys and commands"),
    ("quit", "leave"),
];

/// Lines kept of each kind.
const KEPT: usize = 100;

/// What was typed before.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<(Kind, String)>);

impl History {
    /// Remembers a line, unless it is the one before.
    pub fn add(&mut self, kind: Kind, line: &str) {
        if line.is_empty() || self.of(kind).last() == Some(line) {
            return;
        }
        self.0.push((kind, line.to_owned()));
        if self.0.len() > 4 * KEPT {
            self.0.remove(0);
        }
    }

    fn of(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| *known == kind).map(|(_, line)| line.as_str())
    }
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The line changed, or did not.
    Going,
    /// It is done.
    Entered,
    /// It is given up.
    Left,
}

/// A line under construction.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What is typed.
    pub kind: Kind,
    /// What stands there.
    pub line: String,
    /// Byte before which the next character goes.
    pub cursor: usize,
    /// Why the line was not accepted, and which part of it is to blame.
    pub fault: Option<(String, Option<Range<usize>>)>,
    /// What a completion could have gone on with.
    pub candidates: Vec<&'static str>,
    /// How far back in the history.
    back: usize,
}

impl Prompt {
    /// A line that starts with `line`.
    pub fn new(kind: Kind, line: impl Into<String>) -> Self {
        let line = line.into();
        Self { kind, cursor: line.len(), line, fault: None, candidates: Vec::new(), back: 0 }
    }

    /// Takes a key.
    pub fn key(&mut self, chord: Chord, history: &History) -> Typed {
        self.candidates.clear();
        match (chord.code, chord.control) {
            (KeyCode::Enter, _) => return Typed::Entered,
            (KeyCode::Esc, _) | (KeyCode::Char('c'), true) => return Typed::Left,
            (KeyCode::Backspace, _) if self.line.is_empty() => return Typed::Left,
            (KeyCode::Char('u'), true) => drop(self.line.drain(..std::mem::take(&mut self.cursor))),
            (KeyCode::Char('w'), true) => self.erase_word(),
            (KeyCode::Char('a'), true) | (KeyCode::Home, _) => self.cursor = 0,
            (KeyCode::Char('e'), true) | (KeyCode::End, _) => self.cursor = self.line.len(),
            (KeyCode::Char('p'), true) | (KeyCode::Up, _) => self.recall(history, 1),
            (KeyCode::Char('n'), true) | (KeyCode::Down, _) => self.recall(history, -1),
            (KeyCode::Char(c), false) if !chord.alt => self.insert(c),
            (KeyCode::Backspace, _) => self.erase_before(),
            (KeyCode::Delete, _) if self.cursor < self.line.len() => drop(self.line.remove(self.cursor)),
            (KeyCode::Left, _) => self.cursor = self.before().unwrap_or(0),
            (KeyCode::Right, _) => self.cursor += self.line[self.cursor..].chars().next().map_or(0, char::len_utf8),
            (KeyCode::Tab, _) => self.complete(),
            _ => {}
        }
        Typed::Going
    }

    /// Takes pasted text: one line of it.
    pub fn paste(&mut self, text: &str) {
        text.chars().filter(|c| !c.is_control()).take(4096).for_each(|c| self.insert(c));
    }

    fn insert(&mut self, c: char) {
        self.fault = None;
        self.line.insert(self.cursor, c);
        self.cursor += c.len_utf8();
    }

    fn before(&self) -> Option<usize> {
        self.line[..self.cursor].char_indices().next_back().map(|(at, _)| at)
    }

    fn erase_before(&mut self) {
        if let Some(at) = self.before() {
            self.line.remove(at);
            self.cursor = at;
            self.fault = None;
        }
    }

    fn erase_word(&mut self) {
        let kept = self.line[..self.cursor].trim_end();
        let start = kept.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        self.line.drain(start..self.cursor);
        self.cursor = start;
    }

    fn recall(&mut self, history: &History, by: isize) {
        let back = self.back.saturating_add_signed(by);
        match back.checked_sub(1).map(|back| history.of(self.kind).rev().nth(back)) {
            None => self.set(back, ""),
            Some(Some(line)) => self.set(back, line),
            Some(None) => {}
        }
    }

    fn set(&mut self, back: usize, line: &str) {
        (self.back, self.line, self.fault) = (back, line.to_owned(), None);
        self.cursor = self.line.len();
    }

    /// Completes the word before the cursor as far as it is certain, and lists how it could go on.
    fn complete(&mut self) {
        let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let before = &self.line[..self.cursor];
        let start =
            before.char_indices().rev().take_while(|(_, c)| in_word(*c)).last().map_or(self.cursor, |(at, _)| at);
        let word = before[start..].to_owned();
        let fitting = self.kind.candidates(&self.line, start).into_iter().filter(|name| name.starts_with(&word));
        let fitting: Vec<&'static str> = fitting.collect();
        let Some(first) = fitting.first() else { return };
        let common = fitting.iter().fold(*first, |common, name| shared(common, name));
        let ending = if fitting.len() == 1 { " " } else { "" };
        let more = format!("{}{ending}", &common[word.len()..]);
        self.line.insert_str(self.cursor, &more);
        self.cursor += more.len();
        if fitting.len() > 1 {
            self.candidates = fitting;
        }
    }
}

/// What two names begin with.
fn shared<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    &a[..same]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(prompt: &mut Prompt, keys: &[&str]) {
        for key in keys {
            prompt.key(Chord::parse(key).unwrap(), &History::default());
        }
    }

    #[test]
    fn lines_are_edited() {
        let mut prompt = Prompt::new(Kind::Filter, "");
        typed(&mut prompt, &["a", "é", "c", "left", "backspace", "ctrl-e", "d"]);
        assert_eq!((prompt.line.as_str(), prompt.cursor), ("acd", 3));
        typed(&mut prompt, &["space", "x", "ctrl-w"]);
        assert_eq!(prompt.line, "acd ");
        typed(&mut prompt, &["ctrl-u"]);
        assert_eq!((prompt.line.as_str(), prompt.cursor), ("", 0));
    }

    #[test]
    fn columns_and_commands_are_completed() {
        let mut prompt = Prompt::new(Kind::Filter, "stat");
        typed(&mut prompt, &["tab"]);
        assert_eq!(prompt.line, "status ");
        let mut prompt = Prompt::new(Kind::Filter, "credential");
        typed(&mut prompt, &["tab"]);
        assert_eq!(prompt.candidates, ["credential", "credential_kind", "credential_method"]);
        let mut prompt = Prompt::new(Kind::Command, "so");
        typed(&mut prompt, &["tab", "p", "tab"]);
        assert_eq!(prompt.line, "sort path ");
    }

    #[test]
    fn history_goes_back_and_forth() {
        let mut history = History::default();
        history.add(Kind::Search, "one");
        history.add(Kind::Filter, "not this");
        history.add(Kind::Search, "two");
        let mut prompt = Prompt::new(Kind::Search, "");
        let up = Chord::plain(KeyCode::Up);
        prompt.key(up, &history);
        prompt.key(up, &history);
        prompt.key(up, &history);
        assert_eq!(prompt.line, "one");
        prompt.key(Chord::plain(KeyCode::Down), &history);
        assert_eq!(prompt.line, "two");
    }
}
