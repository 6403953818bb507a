//! A page of text: paragraphs wrapped at a width, with labels in a gutter.

use std::borrow::Cow;

use authtrace_parse::ExchangeId;

use crate::{
    hidden::visible,
    style::{Ink, Style},
};

/// A piece of text in one ink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub ink: Ink,
    /// What it says, free of what a terminal would obey.
    pub text: String,
}

/// One line of a page, for whoever lays it out other than as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its text from left to right.
    pub pieces: Vec<Piece>,
    /// The exchange that it speaks of.
    pub exchange: Option<ExchangeId>,
}

/// Text under construction.
pub struct Page {
    lines: Vec<Line>,
    width: usize,
    style: Style,
    about: Option<ExchangeId>,
}

/// Narrower than this, wrapping gives up: one word a line helps nobody.
const NARROWEST: usize = 40;

impl Page {
    /// An empty page of `width` columns.
    pub fn new(width: usize, style: Style) -> Self {
        Self { lines: Vec::new(), width: width.max(NARROWEST), style, about: None }
    }

    /// The text.
    pub fn finish(self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            line.pieces.iter().for_each(|piece| out.push_str(&self.style.paint(piece.ink, &piece.text)));
            out.push('\n');
        }
        out
    }

    /// The lines.
    pub fn into_lines(self) -> Vec<Line> {
        self.lines
    }

    /// What follows speaks of `exchange`.
    pub fn about(&mut self, exchange: Option<ExchangeId>) {
        self.about = exchange;
    }

    /// An empty line, unless there is one already or the page is still empty.
    pub fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.pieces.is_empty()) {
            self.lines.push(Line::default());
        }
    }

    /// An empty line, unless `dense`.
    pub fn blank_unless(&mut self, dense: bool) {
        if !dense {
            self.blank();
        }
    }

    /// A paragraph, every line indented by `indent`.
    pub fn para(&mut self, indent: usize, ink: Ink, text: &str) {
        self.hanging(indent, "", 0, ink, text);
    }

    /// A headline: a label in its own ink, then the title in bold.
    pub fn headline(&mut self, label: &str, ink: Ink, title: &str) {
        let text = format!("{label} {title}");
        let text = clean(&text);
        for (number, line) in wrap(&text, self.width, self.width.saturating_sub(2)).into_iter().enumerate() {
            match line.strip_prefix(label).filter(|_| number == 0) {
                Some(rest) => self.line(&[(ink, label), (Ink::Bold, rest)]),
                None => self.line(&[(Ink::Plain, "  "), (Ink::Bold, line)]),
            }
        }
    }

    /// A paragraph with `label` in front of its first line; the text stands `gutter` columns right of `indent`.
    pub fn hanging(&mut self, indent: usize, label: &str, gutter: usize, ink: Ink, text: &str) {
        // A label may be the name of a field, which is the capture's word as well.
        let (label, text) = (clean(label), clean(text));
        let at = indent + gutter;
        let room = self.width.saturating_sub(at).max(NARROWEST / 2);
        for (number, line) in wrap(&text, room, room).into_iter().enumerate() {
            let shown = if number == 0 { &*label } else { "" };
            let padding = " ".repeat(gutter.saturating_sub(shown.chars().count()));
            self.line(&[(Ink::Plain, &" ".repeat(indent)), (Ink::Dim, shown), (Ink::Plain, &padding), (ink, line)]);
        }
    }

    /// One line as it is, not wrapped: for what someone will copy.
    pub fn verbatim(&mut self, indent: usize, label: &str, gutter: usize, ink: Ink, text: &str) {
        let label = clean(label);
        let padding = " ".repeat(gutter.saturating_sub(label.chars().count()));
        let indent = " ".repeat(indent);
        self.line(&[(Ink::Plain, &indent), (Ink::Dim, &label), (Ink::Plain, &padding), (ink, &clean(text))]);
    }

    fn line(&mut self, pieces: &[(Ink, &str)]) {
        let pieces = pieces.iter().filter(|(_, text)| !text.is_empty());
        let pieces = pieces.map(|&(ink, text)| Piece { ink, text: text.to_owned() }).collect();
        self.lines.push(Line { pieces, exchange: self.about });
    }
}

/// The most characters of one paragraph: a field of a capture may be as long as it likes.
const LONGEST: usize = 2000;

/// `text` as it may be shown.
fn clean(text: &str) -> Cow<'_, str> {
    visible(text, LONGEST)
}

/// Lines of at most `first` (then `rest`) columns, broken at spaces; a longer word keeps a line of its own.
pub(crate) fn wrap(text: &str, first: usize, rest: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let (mut start, mut end, mut columns) = (0, 0, 0);
    for (at, word) in words(text) {
        let room = if lines.is_empty() { first } else { rest };
        let gap = text[end..at].chars().count();
        let length = word.chars().count();
        if end > start && columns + gap + length > room {
            lines.push(&text[start..end]);
            (start, columns) = (at, length);
        } else {
            if end == start {
                start = at;
            }
            columns += if end > start { gap + length } else { length };
        }
        end = at + word.len();
    }
    lines.push(&text[start..end]);
    lines
}

/// Words with their byte offset.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let base = text.as_ptr() as usize;
    text.split(' ').filter(|word| !word.is_empty()).map(move |word| (word.as_ptr() as usize - base, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_spaces() {
        assert_eq!(wrap("one two three", 7, 7), ["one two", "three"]);
        assert_eq!(wrap("one two three", 3, 9), ["one", "two three"]);
        assert_eq!(wrap("incomprehensible word", 5, 5), ["incomprehensible", "word"]);
        assert_eq!(wrap("", 5, 5), [""]);
    }

    #[test]
    fn labels_stand_in_the_gutter() {
        let mut page = Page::new(40, Style::PLAIN);
        page.hanging(2, "where", 8, Ink::Plain, "GET /api/v1/books/ and POST /api/v1/books/");
        assert_eq!(page.finish(), "  where   GET /api/v1/books/ and POST\n          /api/v1/books/\n");
    }
}
