//! JSON text with some of its strings and numbers replaced; every other byte stays, white space and odd syntax included.

use crate::{
    encoded::Encoding,
    names::{self, Sort},
    surrogate::Surrogates,
};

/// A step on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A member's name, decoded.
    Key(String),
    /// An element's place.
    Index(usize),
}

impl Step {
    /// The member's name; `#` for an element.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Key(key) => key,
            Self::Index(_) => "#",
        }
    }
}

/// Decides what becomes of each scalar and name.
pub(crate) trait Edit {
    /// A string's new text, where it gets one.
    fn string(&mut self, path: &[Step], text: &str) -> Option<String>;
    /// A number's new digits, where it gets some.
    fn number(&mut self, _path: &[Step], _digits: &str) -> Option<String> {
        None
    }
    /// A member's new name, where it gets one. `path` ends with the old one.
    fn key(&mut self, _path: &[Step]) -> Option<String> {
        None
    }
}

/// Rewrites `text`. Never fails: what is no JSON is copied, its strings edited all the same.
pub(crate) fn rewrite(text: &str, edit: &mut dyn Edit) -> String {
    let mut writer =
        Writer { out: String::with_capacity(text.len()), path: Vec::new(), open: Vec::new(), named: false, edit };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = writer.token(first, rest);
        rest = &rest[length..];
    }
    writer.out
}

struct Writer<'e> {
    out: String,
    /// One step for each open container.
    path: Vec<Step>,
    /// Whether each open container is an object.
    open: Vec<bool>,
    /// In an object: the name was read, the value comes.
    named: bool,
    edit: &'e mut dyn Edit,
}

impl Writer<'_> {
    /// Copies or edits the token that `rest` begins with; gives its length.
    fn token(&mut self, first: char, rest: &str) -> usize {
        let length = match first {
            '"' => return self.string(rest),
            '-' | '0'..='9' => return self.number(rest),
            '{' | '[' => {
                self.open.push(first == '{');
                self.path.push(if first == '{' { Step::Key(String::new()) } else { Step::Index(0) });
                self.named = false;
                1
            }
            '}' | ']' => {
                self.open.pop();
                self.path.pop();
                // Whatever closed was the value of the name before it.
                self.named = true;
                1
            }
            ',' => {
                self.named = false;
                if let Some(Step::Index(index)) = self.path.last_mut() {
                    *index += 1;
                }
                1
            }
            ':' => {
                self.named = true;
                1
            }
            other => other.len_utf8(),
        };
        self.out.push_str(&rest[..length]);
        length
    }

    fn string(&mut self, rest: &str) -> usize {
        let end = string_end(rest);
        let closed = end < rest.len();
        let raw = &rest[1..end];
        let is_key = self.open.last() == Some(&true) && !self.named;
        self.out.push('"');
        if is_key {
            if let Some(step) = self.path.last_mut() {
                *step = Step::Key(Encoding::Json.decode(raw));
            }
            let new = self.edit.key(&self.path);
            self.out.push_str(&new.map_or_else(|| raw.to_owned(), |new| Encoding::Json.edit(raw, |_| new)));
        } else {
            let (edit, path) = (&mut *self.edit, &self.path);
            let new = Encoding::Json.edit(raw, |text| edit.string(path, text).unwrap_or_else(|| text.to_owned()));
            self.out.push_str(&new);
        }
        if closed {
            self.out.push('"');
        }
        end + usize::from(closed)
    }

    fn number(&mut self, rest: &str) -> usize {
        let part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
        let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let new = self.edit.number(&self.path, &rest[..length]);
        self.out.push_str(new.as_deref().unwrap_or(&rest[..length]));
        length
    }
}

/// Where the string that `rest` begins with ends: at its closing quote, or with the text.
fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    rest.len()
}

/// What the names on the way to a value say of it; the innermost one that says something counts.
pub(crate) fn sort(path: &[Step]) -> Sort {
    let keys = path.iter().rev().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    keys.map(names::sort).find(|sort| *sort != Sort::Unknown).unwrap_or(Sort::Unknown)
}

/// The name of the member that a value stands in.
pub(crate) fn name(path: &[Step]) -> &str {
    let mut keys = path.iter().rev().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    keys.next().unwrap_or_default()
}

/// The claims of a token with those replaced that name a person, or that nobody knows.
pub(crate) fn claims(surrogates: &mut Surrogates, text: &str) -> String {
    struct Claims<'s>(&'s mut Surrogates);
    impl Edit for Claims<'_> {
        fn string(&mut self, path: &[Step], text: &str) -> Option<String> {
            let shown = matches!(sort(path), Sort::Shown | Sort::Url) || name(path) == "client_id";
            (!shown).then(|| self.0.value(text))
        }
        fn number(&mut self, path: &[Step], digits: &str) -> Option<String> {
            let hidden = match sort(path) {
                Sort::Private | Sort::Personal => true,
                Sort::Shown | Sort::Url => false,
                Sort::Unknown => digits.len() >= 6,
            };
            hidden.then(|| self.0.value(digits))
        }
    }
    rewrite(text, &mut Claims(surrogates))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shout(Vec<String>);

    impl Edit for Shout {
        fn string(&mut self, path: &[Step], text: &str) -> Option<String> {
            self.0.push(format!("{path:?}"));
            Some(text.to_uppercase())
        }
        fn number(&mut self, _: &[Step], digits: &str) -> Option<String> {
            Some(digits.replace('1', "2"))
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(rewrite(text, &mut Shout(Vec::new())), expected);
    }

    #[test]
    fn only_values_change() {
        check(
            r#"{ "a" : "b", "c": ["d", {"e":"f\n\"g"}], "h":{"i":1.1e1} }"#,
            r#"{ "a" : "B", "c": ["D", {"e":"F\n\"G"}], "h":{"i":2.2e2} }"#,
        );
        check(r#"{"a":true,"b":null,"c":"x""#, r#"{"a":true,"b":null,"c":"X""#);
        check(r#""open"#, r#""OPEN"#);
        check("no json", "no json");
        check("}]\"x\"", "}]\"X\"");
    }

    #[test]
    fn values_know_their_place() {
        let mut shout = Shout(Vec::new());
        rewrite(r#"{"a":[{"b":"x"},"y"],"c":"z"}"#, &mut shout);
        let key = |key: &str| Step::Key(key.into());
        let expected = [vec![key("a"), Step::Index(0), key("b")], vec![key("a"), Step::Index(1)], vec![key("c")]];
        assert_eq!(shout.0, expected.map(|path| format!("{path:?}")));
    }
}
