//! Reads the text of a `.env` file: names and values, as the dotenv libraries read them.

use authtrace_parse::Secret;

/// Every assignment in order; a name assigned twice is there twice.
///
/// - `NAME=value`, with an optional `export` in front and white space around `=`;
/// - `"…"`: may span lines; `\n \r \t \" \\ \$` are escapes, any other backslash stands for itself;
/// - `'…'`: may span lines; nothing is an escape;
/// - without quotes the value ends at the line's end or at a `#` after white space, and is trimmed;
/// - a `#` at a line's start makes a comment; CRLF ends a line like LF; a line that is no assignment is skipped.
///
/// `$NAME` is not expanded: the result is the file's own text.
pub fn parse(text: &str) -> Vec<(String, Secret)> {
    let mut found = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let (assignment, after) = assignment(rest);
        found.extend(assignment);
        rest = after;
    }
    found
}

/// The assignment on the first line, where there is one, and the text after it.
fn assignment(text: &str) -> (Option<(String, Secret)>, &str) {
    let (line, after) = text.split_once('\n').unwrap_or((text, ""));
    let Some((name, value)) = name(line) else { return (None, after) };
    let start = line.len() - value.len();
    let value = &text[start..];
    let quoted = match value.as_bytes().first() {
        Some(b'"') => double_quoted(&value[1..]),
        Some(b'\'') => single_quoted(&value[1..]),
        _ => None,
    };
    match quoted {
        Some((secret, rest)) => {
            let after = rest.split_once('\n').map_or("", |(_, after)| after);
            (Some((name.to_owned(), secret)), after)
        }
        None => (Some((name.to_owned(), Secret::new(unquoted(&line[start..])))), after),
    }
}

/// The name before `=` and the text after it, white space around `=` taken off.
fn name(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).map_or(line, str::trim_start);
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    let valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    valid.then(|| (name, value.trim_start_matches([' ', '\t'])))
}

/// A value whose opening quote is gone, and the text behind its closing quote; `None` where it is never closed.
fn double_quoted(text: &str) -> Option<(Secret, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((Secret::new(value), &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                escaped @ ('"' | '\\' | '$') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            '\r' if text[at + 1..].starts_with('\n') => {}
            _ => value.push(c),
        }
    }
    None
}

fn single_quoted(text: &str) -> Option<(Secret, &str)> {
    let (value, rest) = text.split_once('\'')?;
    Some((Secret::new(value.replace("\r\n", "\n")), rest))
}

fn unquoted(value: &str) -> &str {
    let comment = value.match_indices('#').map(|(at, _)| at).find(|&at| at == 0 || value[..at].ends_with([' ', '\t']));
    value[..comment.unwrap_or(value.len())].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = parse(text);
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn reads_dotenv() {
        check("A=1\nB=two words \n", &[("A", "1"), ("B", "two words")]);
        check("export A = x # comment\n#B=1\n  # C=2\nD=a#b", &[("A", "x"), ("D", "a#b")]);
        check(r#"A="x\n\"y\"\\z\q" # c"#, &[("A", "x\n\"y\"\\z\\q")]);
        check(r"A='x\n $HOME'", &[("A", r"x\n $HOME")]);
        check("A=\nB=\"\"\nC=''\nD=#x", &[("A", ""), ("B", ""), ("C", ""), ("D", "")]);
        check("K=\"-----BEGIN\r\nabc\r\n-----END\"\r\nB=1\r\n", &[("K", "-----BEGIN\nabc\n-----END"), ("B", "1")]);
        check("A=\"open\nB=1", &[("A", "\"open"), ("B", "1")]);
        check("not an assignment\nA=b=c==\n1 2=3", &[("A", "b=c==")]);
        check("\u{feff}A=1", &[("A", "1")]);
        check("A=1\nA=2", &[("A", "1"), ("A", "2")]);
        check("A=\"ends in backslash\\", &[("A", "\"ends in backslash\\")]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[A-Z='\"\\\\n# \r\n\u{feff}é]{0,80}") {
            parse(&text);
        }
    }
}
