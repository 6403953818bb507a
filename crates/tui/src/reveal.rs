//! The value of a credential, one level after the other: hidden, a part by which a person tells it, all of it.

use authtrace_analyze::{token::TokenKind, tokens::Token};
use authtrace_report::{Line, Page, Style, style::Ink, visible};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// How much of a value is shown; what is not shown at all has no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What tells it from others: the user name of Basic, the first and last characters of others.
    Part,
    /// All of it.
    Whole,
}

/// From this length on, four characters at each end tell little of the rest; the header and claims of a JWT are shown anyway.
const LONG: usize = 32;
/// From this length on, two do.
const MEDIUM: usize = 16;

/// What is said where facts alone are left.
const GONE: &str = "a dataset holds no values; open the capture itself to see it";

/// The value of `token` at `level`, `width` columns wide.
pub(crate) fn lines(token: &Token, level: Level, width: usize) -> Vec<Line> {
    let mut page = Page::new(width, Style::PLAIN);
    page.blank();
    match level {
        Level::Part => {
            page.para(2, Ink::Bold, "a part of the value; p shows all of it after a yes, and nothing is kept");
            match part(token) {
                Some(part) => page.verbatim(2, "", 0, Ink::Plain, &part),
                None if token.held().is_none() => page.para(2, Ink::Dim, GONE),
                None => page.para(2, Ink::Dim, "so short or so easy to guess that no part of it is shown"),
            }
        }
        Level::Whole => {
            page.para(2, Ink::Bold, "value, shown because you asked for it; it is hidden again when you move on");
            let Some(value) = token.held() else {
                page.para(2, Ink::Dim, GONE);
                return page.into_lines();
            };
            let value = visible(value.expose(), usize::MAX).into_owned();
            let chars: Vec<char> = value.chars().collect();
            for chunk in chars.chunks(width.saturating_sub(4).max(20)) {
                page.verbatim(2, "", 0, Ink::Plain, &chunk.iter().collect::<String>());
            }
        }
    }
    page.into_lines()
}

/// What a person tells the value by, where that does not help to guess it.
fn part(token: &Token) -> Option<String> {
    let value = token.cleaned()?.expose().trim();
    match token.classified.kind {
        TokenKind::Basic => {
            let decoded = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
            Some(format!("user {}, password hidden", decoded.split_once(':')?.0))
        }
        TokenKind::LowEntropy => None,
        _ => ends(value),
    }
}

fn ends(value: &str) -> Option<String> {
    let chars: Vec<char> = value.chars().collect();
    let shown = match chars.len() {
        LONG.. => 4,
        MEDIUM.. => 2,
        _ => return None,
    };
    let end = |part: &[char]| part.iter().collect::<String>();
    let hidden = chars.len() - 2 * shown;
    Some(format!("{}… {hidden} characters …{}", end(&chars[..shown]), end(&chars[chars.len() - shown..])))
}

#[cfg(test)]
mod tests {
    use super::ends;

    #[test]
    fn a_short_value_shows_less() {
        assert_eq!(ends("hunter2"), None);
        assert_eq!(ends("0123456789abcdef").as_deref(), Some("01… 12 characters …ef"));
        assert_eq!(ends(&"abcd".repeat(10)).as_deref(), Some("abcd… 32 characters …abcd"));
    }
}
