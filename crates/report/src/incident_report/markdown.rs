//! Text inside Markdown: whatever a capture says stays text (CommonMark §2.4, GFM tables and autolinks).

use crate::hidden::visible;

/// The most characters of one value.
const LONGEST: usize = 2000;

/// Prose and what stands between backticks, in turn; prose only where they do not pair up.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let paired = text.matches('`').count().is_multiple_of(2);
    let pieces = if paired { text.split('`').collect() } else { vec![text] };
    pieces.into_iter().enumerate().map(|(index, piece)| (index % 2 == 1, piece))
}

/// `text` as prose with its code spans, in a table cell or anywhere else.
pub(super) fn prose(text: &str) -> String {
    let text = visible(text, LONGEST);
    let write = |(is_code, piece): (bool, &str)| if is_code { code(piece, true) } else { escaped(piece) };
    pieces(&text).map(write).collect()
}

/// `text` without anything that Markdown reads as markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '#' => out.extend(['\\', c]),
            // `scheme://` and `www.` would become links; `:` spelled so does not.
            ':' if text[at..].starts_with("://") => out.push_str("\\:"),
            '.' if ends_with_www(&out) => out.push_str("\\."),
            // At the start of a line these make lists and headings.
            '-' | '+' | '=' if at == 0 => out.extend(['\\', c]),
            '.' | ')' if at > 0 && text[..at].bytes().all(|b| b.is_ascii_digit()) => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

fn ends_with_www(out: &str) -> bool {
    out.len() >= 3 && out.as_bytes()[out.len() - 3..].eq_ignore_ascii_case(b"www")
}

/// `text` as a code span that nothing in it can close; in a table `|` would end the cell, so it is escaped there.
pub(super) fn code(text: &str, in_table: bool) -> String {
    let text = visible(text, LONGEST);
    let text = if in_table { text.replace('|', "\\|") } else { text.into_owned() };
    if text.trim().is_empty() {
        return "–".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_stays_prose() {
        assert_eq!(prose("<script>|x|`y`"), "&lt;script&gt;\\|x\\|`y`");
        assert_eq!(prose("odd ` tick"), "odd \\` tick");
        assert_eq!(prose("- a"), "\\- a");
        assert_eq!(prose("1. a"), "1\\. a");
        assert_eq!(prose("at http://x.dev and www.x.dev"), "at http\\://x.dev and www\\.x.dev");
        assert_eq!(prose("a\nb\u{202e}"), "a\u{fffd}b\u{fffd}");
        assert_eq!(prose("![x](javascript:alert(1))"), "!\\[x\\](javascript:alert(1))");
    }

    #[test]
    fn code_cannot_be_closed() {
        assert_eq!(code("a`b", false), "``a`b``");
        assert_eq!(code("`", false), "`` ` ``");
        assert_eq!(code("a|b", true), "`a\\|b`");
        assert_eq!(code("", false), "–");
    }
}
