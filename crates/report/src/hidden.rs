//! Characters that a terminal obeys or hides instead of showing: what a capture says must not drive the screen that shows it.

use std::borrow::Cow;

/// Whether `c` is obeyed or hidden: control characters, what turns the direction of text, what has no width.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e01ef}')
}

/// `text` on one line, at most `longest` characters of it, with `\u{fffd}` in place of every hidden character.
pub fn visible(text: &str, longest: usize) -> Cow<'_, str> {
    let end = text.char_indices().nth(longest).map(|(end, _)| end);
    let kept = &text[..end.unwrap_or(text.len())];
    match (kept.contains(is_hidden), end) {
        (false, None) => Cow::Borrowed(kept),
        (hides, cut) => {
            let shown = if hides { kept.replace(is_hidden, "\u{fffd}") } else { kept.to_owned() };
            Cow::Owned(if cut.is_some() { shown + "…" } else { shown })
        }
    }
}

/// JSON with every hidden character escaped. They stand in strings only, and an escape there means the same (RFC 8259 §7).
pub(crate) fn escaped(json: String) -> String {
    // The line ends of indented JSON are its own; within a string the serialiser has escaped them.
    let hidden = |c: char| c != '\n' && is_hidden(c);
    if !json.contains(hidden) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_visible() {
        assert_eq!(visible("a\x1b[31mb\u{202e}c\u{9b}", 100), "a\u{fffd}[31mb\u{fffd}c\u{fffd}");
        assert_eq!(visible("Größe 日本", 100), "Größe 日本");
        assert_eq!(visible("abcdef", 3), "abc…");
        assert_eq!(visible("abc", 3), "abc");
    }

    #[test]
    fn escapes_mean_the_same() {
        let text = "a\x1b\u{9b}\u{202e}\u{feff}\u{e0041}z";
        let json = escaped(serde_json::to_string(&[text]).unwrap_or_default());
        assert!(!json.contains(is_hidden), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap_or_default(), [text]);
    }
}
