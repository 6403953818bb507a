//! Cleans text that a server wrote before it is shown: tokens, long random runs and addresses go, words stay.
//!
//! The structural rule is that secrets never leave [`authtrace_parse::Secret`]; this is the second line
//! for free text that may quote one (detectors §13).

use authtrace_parse::SecretStr;

use crate::token::{TokenKind, classify};

/// The most characters of a server's text that are shown.
pub const LIMIT: usize = 300;

/// `text` on one line, with what looks like a credential or an address replaced, cut to [`LIMIT`] characters.
pub fn scrub(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    // What is behind can no longer be shown; a word that the cut goes through is as secret-like as the whole one.
    for c in text.chars().take(16 * LIMIT).chain([' ']) {
        if c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '=' | '+' | '/' | '@' | '~' | '%') {
            word.push(c);
            continue;
        }
        out.push_str(&safe_word(&word));
        word.clear();
        out.push(if c.is_control() { ' ' } else { c });
        if out.len() > 4 * LIMIT {
            break;
        }
    }
    let line = out.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn safe_word(word: &str) -> String {
    let bare = word.trim_end_matches(['.', '/']);
    if bare.contains('@') {
        return "[address]".into();
    }
    if bare.len() >= 16 && is_secret_like(bare) { "[redacted]".into() } else { word.into() }
}

/// Whether a word of free text looks like a credential; of words of 16 characters and more.
pub fn is_secret_like(word: &str) -> bool {
    use TokenKind as K;
    let kind = classify(SecretStr::new(word), None).kind;
    let mixed = word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic());
    match kind {
        K::Opaque | K::Identifier | K::UuidOpaque | K::LowEntropy => mixed && !word.contains('/'),
        K::Placeholder | K::Redacted => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_and_secrets_go() {
        assert_eq!(scrub("Token is expired"), "Token is expired");
        assert_eq!(
            scrub("bad token 9f86d081884c7d659a2feaa0c55ad015\nfor ann@x.dev"),
            "bad token [redacted] for [address]"
        );
        assert_eq!(
            scrub("The audience 'https://api.x.dev/v1' is invalid"),
            "The audience 'https://api.x.dev/v1' is invalid"
        );
        assert_eq!(scrub(&"word ".repeat(200)).chars().count(), LIMIT + 1);
    }
}
