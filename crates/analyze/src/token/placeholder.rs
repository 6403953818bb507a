//! Values that stand where a credential should be: what a program prints for nothing, and what a sanitiser leaves.

/// What programs and templates write for a value that is not there, lower-cased.
const PLACEHOLDERS: [&str; 29] = [
    "",
    "undefined",
    "null",
    "none",
    "nil",
    "nan",
    "true",
    "false",
    "object",
    "[object object]",
    "[object promise]",
    "token",
    "your_token",
    "your-token",
    "your_token_here",
    "your-token-here",
    "your_access_token",
    "your_api_key",
    "your-api-key",
    "yourtoken",
    "access_token",
    "<token>",
    "{token}",
    "${token}",
    "{{token}}",
    "%s",
    "xxx",
    "changeme",
    "<your_token>",
];

/// Whether `value` is a stringified non-value or a template's gap. Such a value is no secret and may be shown.
pub fn is_placeholder(value: &str) -> bool {
    // The longest entry and `[object SomeClassName]` are short: a long value is never lower-cased.
    if value.len() > 48 {
        return value.starts_with("function") && value.contains("=>") || value.starts_with("function (");
    }
    let folded = value.trim().to_ascii_lowercase();
    PLACEHOLDERS.contains(&folded.as_str())
        || is_stringified_object(&folded)
        || is_template_gap(&folded)
        || folded.starts_with("promise {")
        || folded.starts_with("promise(")
        || folded.starts_with("function ")
        || folded.starts_with("function(")
}

/// `[object Name]`, as JavaScript writes any object without its own `toString`.
fn is_stringified_object(folded: &str) -> bool {
    folded
        .strip_prefix("[object ")
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

/// `${name}`, `{{name}}`, `{name}`, `<name>`, `%name%`: a template that nobody filled in.
fn is_template_gap(folded: &str) -> bool {
    const MARKS: [(&str, &str); 5] = [("${", "}"), ("{{", "}}"), ("{", "}"), ("<", ">"), ("%", "%")];
    MARKS.iter().any(|(open, close)| {
        folded.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some_and(|name| {
            let name = name.trim();
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b'.' | b' '))
        })
    })
}

/// Whether `value` is what a sanitiser leaves behind: a credential was there, and nothing is known of it.
pub fn is_redacted(value: &str) -> bool {
    let value = value.trim();
    is_repeated(value, '*', 3) || is_repeated(value, '•', 3) || is_repeated(value, 'x', 5) || is_named_redaction(value)
}

fn is_repeated(value: &str, mark: char, at_least: usize) -> bool {
    value.len() >= at_least * mark.len_utf8() && value.chars().all(|c| c.eq_ignore_ascii_case(&mark))
}

fn is_named_redaction(value: &str) -> bool {
    if value.len() > 96 {
        return false;
    }
    let folded = value.to_ascii_lowercase();
    let bare = folded.trim_matches(['[', ']', '<', '>', '(', ')', '{', '}', '*', '_', '-', ' ', '"']);
    let word = bare.split([':', '#', ' ', '-']).next().unwrap_or_default();
    matches!(word, "redacted" | "removed" | "obfuscated" | "filtered" | "masked" | "hidden" | "omitted" | "sanitized")
        && (bare == word || bare.len() > word.len() && folded.starts_with(['[', '<', '(', '{', '*']) || is_lead(bare))
}

/// `redacted for privacy`, `removed by proxy`: prose after the word, without brackets.
fn is_lead(bare: &str) -> bool {
    bare.bytes().all(|b| b.is_ascii_lowercase() || b == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, placeholder: bool, redacted: bool) {
        assert_eq!((is_placeholder(value), is_redacted(value)), (placeholder, redacted), "{value}");
    }

    #[test]
    fn tells_placeholders_from_redactions() {
        for value in ["undefined", "NULL", " None ", "[object Object]", "[object Promise]", "[object AsyncFunction]"] {
            check(value, true, false);
        }
        for value in
            ["", "<token>", "${token}", "{{ access_token }}", "%s", "%TOKEN%", "xxx", "changeme", "Promise { x }"]
        {
            check(value, true, false);
        }
        for value in
            ["REDACTED", "[REDACTED]", "[removed]", "***", "obfuscated", "xxxxxxxx", "•••", "[REDACTED:jwt#1a2b3c4d]"]
        {
            check(value, false, true);
        }
        check("<redacted>", true, true);
        for value in ["eyJhbGciOiJIUzI1NiJ9", "nullable", "tokens", "removed-from-list-7f3a"] {
            check(value, false, false);
        }
    }
}
