//! Keys: one table of actions with their names, keys and words. Dispatch, the help screen, the printed list and rebinding
//! all read it.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use crate::screen::Screen;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table below says each in words")]
pub enum Action {
    Down,
    Up,
    PageDown,
    PageUp,
    HalfDown,
    HalfUp,
    Top,
    Bottom,
    Left,
    Right,
    Open,
    Back,
    Quit,
    NextPane,
    Go(Screen),
    NextScreen,
    PreviousScreen,
    Search,
    NextMatch,
    PreviousMatch,
    NextFinding,
    PreviousFinding,
    Filter,
    ClearFilter,
    CommandLine,
    Help,
    Mark,
    JumpToMark,
    Compare,
    Sort,
    Reverse,
    Fold,
    Copy,
    CopyCurl,
    Export,
    Reveal,
    Verbose,
    Clock,
    Mouse,
    Redraw,
    Freeze,
    Follow,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Name in the configuration file.
    pub name: &'static str,
    /// Its keys as people write them.
    pub keys: &'static [&'static str],
    /// What it does, in words.
    pub says: &'static str,
}

const fn bind(action: Action, name: &'static str, keys: &'static [&'static str], says: &'static str) -> Binding {
    Binding { action, name, keys, says }
}

/// Every action, in the order of the help screen.
pub const BINDINGS: &[Binding] = &[
    bind(Action::Down, "down", &["j", "down"], "next row"),
    bind(Action::Up, "up", &["k", "up"], "row before"),
    bind(Action::PageDown, "page-down", &["ctrl-f", "pagedown", "space"], "next page"),
    bind(Action::PageUp, "page-up", &["ctrl-b", "pageup"], "page before"),
    bind(Action::HalfDown, "half-down", &["ctrl-d"], "half a page down"),
    bind(Action::HalfUp, "half-up", &["ctrl-u"], "half a page up"),
    bind(Action::Top, "top", &["g", "home"], "first row (gg works, too)"),
    bind(Action::Bottom, "bottom", &["G", "end"], "last row"),
    bind(Action::Left, "left", &["h", "left"], "fold the group; session before (flow)"),
    bind(Action::Right, "right", &["l", "right"], "unfold the group; next session (flow)"),
    bind(Action::Open, "open", &["enter"], "open: the evidence, the exchange, the group"),
    bind(Action::Back, "back", &["esc", "q"], "back; leaves from the first screen"),
    bind(Action::Quit, "quit", &["Q", "ctrl-c"], "leave at once"),
    bind(Action::NextPane, "next-pane", &["tab", "backtab"], "list or details"),
    bind(Action::Go(Screen::Incidents), "incidents", &["1"], "incidents"),
    bind(Action::Go(Screen::Timeline), "timeline", &["2"], "timeline"),
    bind(Action::Go(Screen::Tokens), "tokens", &["3"], "tokens"),
    bind(Action::Go(Screen::Exchange), "exchange", &["4"], "exchange"),
    bind(Action::Go(Screen::Sessions), "sessions", &["5"], "sessions"),
    bind(Action::Go(Screen::Flow), "flow", &["6"], "flow of one session"),
    bind(Action::Go(Screen::Compare), "compare", &["7"], "compare"),
    bind(Action::Go(Screen::Rules), "rules", &["8"], "rules"),
    bind(Action::NextScreen, "next-screen", &[">"], "next screen"),
    bind(Action::PreviousScreen, "previous-screen", &["<"], "screen before"),
    bind(Action::Search, "search", &["/"], "search"),
    bind(Action::NextMatch, "next-match", &["n"], "next match"),
    bind(Action::PreviousMatch, "previous-match", &["N"], "match before"),
    bind(Action::NextFinding, "next-finding", &["]"], "next exchange with a finding"),
    bind(Action::PreviousFinding, "previous-finding", &["["], "exchange with a finding before"),
    bind(Action::Filter, "filter", &["f"], "filter the timeline (SQL, as --filter)"),
    bind(Action::ClearFilter, "clear-filter", &["F"], "take the filter away"),
    bind(Action::CommandLine, "command-line", &[":"], "command line"),
    bind(Action::Help, "help", &["?", "f1"], "this page"),
    bind(Action::Mark, "mark", &["m"], "mark or unmark the exchange"),
    bind(Action::JumpToMark, "jump-to-mark", &["'"], "next marked exchange"),
    bind(Action::Compare, "compare-marked", &["d"], "compare the two last marked"),
    bind(Action::Sort, "sort", &["s"], "sort by the next column"),
    bind(Action::Reverse, "reverse", &["S"], "turn the order round"),
    bind(Action::Fold, "fold", &["z"], "group by session, route, connection, or not"),
    bind(Action::Copy, "copy", &["y"], "copy the selection"),
    bind(Action::CopyCurl, "copy-curl", &["c"], "copy as curl, credentials as variables"),
    bind(Action::Export, "export", &["e"], "write what is shown to a file"),
    bind(Action::Reveal, "reveal", &["p"], "show a part of the token's value, then all (asks first)"),
    bind(Action::Verbose, "verbose", &["v"], "all evidence, or the telling part"),
    bind(Action::Clock, "clock", &["t"], "times in UTC, relative, delta, epoch"),
    bind(Action::Mouse, "mouse", &["M"], "mouse on or off"),
    bind(Action::Redraw, "redraw", &["ctrl-l"], "draw everything anew"),
    bind(Action::Freeze, "freeze", &["P"], "live capture: stop the screen, or let it go on"),
    bind(Action::Follow, "follow", &["L"], "live capture: stay on the newest exchange, or not"),
];

/// A key with what is held down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chord {
    /// The key.
    pub code: KeyCode,
    /// Whether Control is held down.
    pub control: bool,
    /// Whether Alt is held down.
    pub alt: bool,
}

impl Chord {
    /// A key as the terminal reports it. Shift is part of a character already.
    pub fn new(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let control = modifiers.contains(KeyModifiers::CONTROL);
        Self { code, control, alt: modifiers.contains(KeyModifiers::ALT) }
    }

    /// A key alone.
    pub const fn plain(code: KeyCode) -> Self {
        Self { code, control: false, alt: false }
    }

    /// The chord that people write as `text`: `j`, `G`, `ctrl-f`, `alt-x`, `space`, `f1`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("ctrl-") {
            return Some(Self { control: true, ..Self::parse(rest)? });
        }
        if let Some(rest) = text.strip_prefix("alt-") {
            return Some(Self { alt: true, ..Self::parse(rest)? });
        }
        let mut chars = text.chars();
        let code = match (chars.next()?, chars.next()) {
            (c, None) => KeyCode::Char(c),
            _ => NAMED.iter().find(|(name, _)| *name == text).map(|(_, code)| *code)?,
        };
        Some(Self::plain(code))
    }
}

/// Keys that have a name instead of a character.
const NAMED: &[(&str, KeyCode)] = &[
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("space", KeyCode::Char(' ')),
    ("f1", KeyCode::F(1)),
    ("f2", KeyCode::F(2)),
    ("f5", KeyCode::F(5)),
];

/// Which key does what, after rebinding.
#[derive(Clone, Debug)]
pub struct Keymap {
    rows: Vec<(Action, Vec<String>)>,
    chords: Vec<(Chord, Action)>,
}

impl Default for Keymap {
    fn default() -> Self {
        let rows = BINDINGS.iter().map(|b| (b.action, b.keys.iter().map(|key| (*key).to_owned()).collect()));
        let mut map = Self { rows: rows.collect(), chords: Vec::new() };
        map.index();
        map
    }
}

impl Keymap {
    /// What `chord` does.
    pub fn action(&self, chord: Chord) -> Option<Action> {
        self.chords.iter().find(|(known, _)| *known == chord).map(|(_, action)| *action)
    }

    /// The keys of `action` as people write them.
    pub fn keys(&self, action: Action) -> &[String] {
        self.rows.iter().find(|(known, _)| *known == action).map_or(&[], |(_, keys)| keys)
    }

    /// Gives the action called `name` the keys `keys` instead of its own; a key that another action had is taken from it.
    ///
    /// # Errors
    /// Where there is no such action or no such key, in words.
    pub fn rebind(&mut self, name: &str, keys: &[String]) -> Result<(), String> {
        let binding = BINDINGS.iter().find(|binding| binding.name == name);
        let Some(binding) = binding else {
            return Err(format!("no action is called `{name}`; see `authtrace tui --list-keys`"));
        };
        if let Some(unknown) = keys.iter().find(|key| Chord::parse(key).is_none()) {
            return Err(format!("`{unknown}` is no key; write j, G, ctrl-f, enter, space, f1"));
        }
        for (action, own) in &mut self.rows {
            if *action == binding.action {
                *own = keys.to_vec();
            } else {
                own.retain(|key| !keys.contains(key));
            }
        }
        self.index();
        Ok(())
    }

    /// Every action, its keys and what it does, one a line.
    pub fn list(&self) -> String {
        let line = |binding: &Binding| {
            let keys = self.keys(binding.action).join(" ");
            format!("{:<18} {keys:<24} {}\n", binding.name, binding.says)
        };
        BINDINGS.iter().map(line).collect()
    }

    fn index(&mut self) {
        let rows = self.rows.iter();
        let chords = rows.flat_map(|(action, keys)| keys.iter().filter_map(|key| Some((Chord::parse(key)?, *action))));
        self.chords = chords.collect();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_key_is_readable_and_bound_once() {
        let mut seen = BTreeSet::new();
        for binding in BINDINGS {
            for key in binding.keys {
                assert!(Chord::parse(key).is_some(), "{key}");
                assert!(seen.insert(*key), "{key} is bound twice");
            }
        }
        let names: BTreeSet<_> = BINDINGS.iter().map(|binding| binding.name).collect();
        assert_eq!(names.len(), BINDINGS.len());
    }

    #[test]
    fn rebinding_takes_the_key_from_who_had_it() {
        let mut map = Keymap::default();
        map.rebind("mark", &["j".to_owned()]).unwrap();
        let j = Chord::parse("j").unwrap();
        assert_eq!(map.action(j), Some(Action::Mark));
        assert_eq!(map.keys(Action::Down), ["down"]);
        assert_eq!(map.action(Chord::parse("m").unwrap()), None);
        assert!(map.rebind("nonsense", &[]).is_err() && map.rebind("mark", &["hyper-x".to_owned()]).is_err());
        assert!(map.list().contains("mark               j "));
    }
}
