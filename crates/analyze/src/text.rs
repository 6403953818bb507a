//! Shared short strings: a capture repeats the same few hosts, routes and names thousands of times.

use std::collections::{HashMap, HashSet};

use authtrace_parse::SecretStr;

use crate::facts::credential::CookieName;

/// A string shared by everything that says the same: one thin pointer.
pub type Text = arcstr::ArcStr;

/// What was made of a raw text that a capture repeats, so that it is made once.
pub(crate) type Memo<V> = HashMap<Box<str>, V, foldhash::fast::RandomState>;

/// The most bytes kept of a name, a route or a field. A capture may hold a header name of many megabytes, and what is
/// kept of it appears in every finding, table and document.
pub(crate) const LONGEST: usize = 2048;

/// Hands out one [`Text`] per distinct string.
#[derive(Default)]
pub(crate) struct Interner {
    known: HashSet<Text, foldhash::fast::RandomState>,
    /// Raw text of software and scripts to what may be shown of it.
    scrubbed: Memo<Text>,
    /// Raw text to what a caller made of it; each caller's keys start with a byte of its own.
    derived: Memo<Text>,
    cookies: Memo<CookieName>,
    scratch: String,
}

impl Interner {
    /// The shared copy of `text` without what looks like a secret.
    pub(crate) fn scrubbed(&mut self, text: &str) -> Text {
        if let Some(known) = self.scrubbed.get(text) {
            return known.clone();
        }
        let clean = self.text(&crate::scrub::scrub(text));
        self.scrubbed.insert(text.into(), clean.clone());
        clean
    }

    /// The shared copy of what `write` writes.
    pub(crate) fn written(&mut self, write: impl FnOnce(&mut String)) -> Text {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        write(&mut scratch);
        let text = self.text(&scratch);
        self.scratch = scratch;
        text
    }

    /// What `derive` makes of the raw text that `write` writes; the second time it is looked up.
    ///
    /// Only for raw text that repeats and holds no secret: it is kept as it is.
    pub(crate) fn derived(
        &mut self,
        write: impl FnOnce(&mut String),
        derive: impl FnOnce(&str, &mut Self) -> Text,
    ) -> Text {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        write(&mut scratch);
        if let Some(known) = self.derived.get(scratch.as_str()) {
            let known = known.clone();
            self.scratch = scratch;
            return known;
        }
        let made = derive(&scratch, self);
        self.derived.insert(scratch.as_str().into(), made.clone());
        self.scratch = scratch;
        made
    }

    /// Whether a cookie is session-like; what its name says is remembered.
    pub(crate) fn is_session_cookie(&mut self, name: &str, value: SecretStr<'_>) -> bool {
        let says = match self.cookies.get(name) {
            Some(says) => *says,
            None => *self.cookies.entry(name.into()).or_insert(CookieName::read(name)),
        };
        says.is_session(name, value)
    }

    /// The text for all that say the same as `text`, which is it where there is none yet.
    pub(crate) fn unite(&mut self, text: &Text) -> Text {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        self.known.insert(text.clone());
        text.clone()
    }

    /// The shared copy of `text`, or of its first [`LONGEST`] bytes.
    pub(crate) fn text(&mut self, text: &str) -> Text {
        let text = start(text, LONGEST);
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let shared = Text::from(text);
        self.known.insert(shared.clone());
        shared
    }
}

/// The first `most` bytes of `text`, fewer where a character would be cut.
pub(crate) fn start(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A span of time as people say it: `420 ms`, `3.2 s`, `3 min 41 s`, `2 h 5 min`, `9 d 3 h`. The sign is dropped.
pub(crate) fn span(nanos: i64) -> String {
    let ms = nanos.unsigned_abs() / 1_000_000;
    let s = ms / 1000;
    match s {
        0 => format!("{ms} ms"),
        1..60 => format!("{s}.{} s", ms % 1000 / 100),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

/// `1 call`, `2 calls`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// ` (3 requests)` where there is more than one; nothing to say of one.
pub(crate) fn times(n: usize) -> String {
    if n > 1 { format!(" ({})", count(n, "request")) } else { String::new() }
}

/// How a request ended, for messages: `was answered 401`.
pub(crate) fn answered(status: Option<u16>) -> String {
    status.map_or_else(|| "got no answer".to_owned(), |status| format!("was answered {status}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = Interner::default().text(&"é".repeat(LONGEST));
        assert_eq!((text.len(), text.ends_with('é')), (LONGEST, true));
        let text = Interner::default().text(&format!("a{}", "é".repeat(LONGEST)));
        assert_eq!((text.len(), text.ends_with('é')), (LONGEST - 1, true));
    }

    #[test]
    fn spans_read_well() {
        let spans = [420, 3_240, 221_000, 7_500_000, 788_400_000].map(|ms: i64| span(-ms * 1_000_000));
        assert_eq!(spans, ["420 ms", "3.2 s", "3 min 41 s", "2 h 5 min", "9 d 3 h"]);
    }
}
