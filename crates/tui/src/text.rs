//! Text in columns: cleaned of what a terminal would obey, cut and padded by width and not by bytes.

use authtrace_report::visible;
use unicode_width::UnicodeWidthChar as _;

/// The most characters of one field that are looked at.
const LONGEST: usize = 1000;

/// Columns that `text` takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// `text` in at most `columns` columns, freed of hidden characters, with an ellipsis where it is cut.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let text = visible(text, LONGEST);
    if width(&text) <= columns {
        return text.into_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// `text` in exactly `columns` columns.
pub(crate) fn cell(text: &str, columns: usize) -> String {
    let mut text = fit(text, columns);
    let padding = columns.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', padding));
    text
}

/// `text` in exactly `columns` columns, at their right end.
pub(crate) fn right(text: &str, columns: usize) -> String {
    let text = fit(text, columns);
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(&text))))
}

/// What is searched for, in whatever case.
pub(crate) struct Needle<'a>(&'a str);

impl<'a> Needle<'a> {
    /// `lower` is lower case.
    pub(crate) fn new(lower: &'a str) -> Self {
        Self(lower)
    }

    /// Whether `text` holds it; `text` is lower case afterwards, where that costs no allocation.
    pub(crate) fn is_in(&self, text: &mut str) -> bool {
        if text.is_ascii() {
            text.make_ascii_lowercase();
            return text.contains(self.0);
        }
        text.to_lowercase().contains(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(fit("日本語", 6), "日本語");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(cell("日本語", 4), "日… ");
        assert_eq!(right("a\x1b[31m", 8), "  a\u{fffd}[31m");
        assert_eq!(fit("abc", 0), "");
    }
}
