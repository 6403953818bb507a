//! A page of text: paragraphs wrapped at a width, with labels in a gutter.

use std::borrow::Cow;

use crate::{
    hidden::visible,
    style::{Ink, Style},
};

/// Text under construction.
pub(crate) struct Page {
    out: String,
    width: usize,
    style: Style,
}

/// Narrower than this, wrapping gives up: one word a line helps nobody.
const NARROWEST: usize = 40;

impl Page {
    /// An empty page of `width` columns.
    pub(crate) fn new(width: usize, style: Style) -> Self {
        Self { out: String::new(), width: width.max(NARROWEST), style }
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// An empty line, unless there is one already or the page is still empty.
    pub(crate) fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// An empty line, unless `dense`.
    pub(crate) fn blank_unless(&mut self, dense: bool) {
        if !dense {
            self.blank();
        }
    }

    /// A paragraph, every line indented by `indent`.
    pub(crate) fn para(&mut self, indent: usize, ink: Ink, text: &str) {
        self.hanging(indent, "", 0, ink, text);
    }

    /// A headline: a label in its own ink, then the title in bold.
    pub(crate) fn headline(&mut self, label: &str, ink: Ink, title: &str) {
        let text = format!("{label} {title}");
        let text = clean(&text);
        for (number, line) in wrap(&text, self.width, self.width.saturating_sub(2)).into_iter().enumerate() {
            match line.strip_prefix(label).filter(|_| number == 0) {
                Some(rest) => {
                    self.out.push_str(&self.style.paint(ink, label));
                    self.out.push_str(&self.style.paint(Ink::Bold, rest));
                }
                None => {
                    self.out.push_str("  ");
                    self.out.push_str(&self.style.paint(Ink::Bold, line));
                }
            }
            self.out.push('\n');
        }
    }

    /// A paragraph with `label` in front of its first line; the text stands `gutter` columns right of `indent`.
    pub(crate) fn hanging(&mut self, indent: usize, label: &str, gutter: usize, ink: Ink, text: &str) {
        let text = clean(text);
        let at = indent + gutter;
        let room = self.width.saturating_sub(at).max(NARROWEST / 2);
        for (number, line) in wrap(&text, room, room).into_iter().enumerate() {
            let shown = if number == 0 { label } else { "" };
            let padding = " ".repeat(gutter.saturating_sub(shown.chars().count()));
            self.out.push_str(&" ".repeat(indent));
            self.out.push_str(&self.style.paint(Ink::Dim, shown));
            self.out.push_str(&padding);
            self.out.push_str(&self.style.paint(ink, line));
            self.out.push('\n');
        }
    }

    /// One line as it is, not wrapped: for what someone will copy.
    pub(crate) fn verbatim(&mut self, indent: usize, label: &str, gutter: usize, ink: Ink, text: &str) {
        let padding = " ".repeat(gutter.saturating_sub(label.chars().count()));
        let (label, text) = (self.style.paint(Ink::Dim, label), self.style.paint(ink, &clean(text)));
        self.out.push_str(&format!("{}{label}{padding}{text}\n", " ".repeat(indent)));
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
