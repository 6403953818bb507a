//! Reads `WWW-Authenticate` and `Proxy-Authenticate`: which schemes a server asks for, and what each says went wrong.
//!
//! One field may hold several challenges and a response several fields; commas separate both challenges and parameters
//! (RFC 9110 §11.6.1). Every parameter is kept with its own scheme: `Bearer` and `DPoP` may stand side by side and only
//! one of them carry `error=` (RFC 9449 §7.2).

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use crate::text::start;

/// Challenges read of one response; more are noise.
const MAX_CHALLENGES: usize = 32;

/// One challenge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Challenge {
    /// Scheme as sent; compare it without case.
    pub scheme: Box<str>,
    /// A `token68` in place of parameters (`Negotiate`, `NTLM`) is there. Its value is a credential and is not kept.
    pub has_token68: bool,
    /// Parameters in order, names lower-cased, quoted strings unescaped.
    pub parameters: Vec<(Box<str>, Box<str>)>,
}

impl Challenge {
    /// Reads every challenge of the given field values, in order.
    pub fn read_all<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let mut challenges = Vec::new();
        for value in values {
            read_field(value, &mut challenges);
        }
        challenges.truncate(MAX_CHALLENGES);
        challenges
    }

    /// Whether the scheme is `name`, without case (RFC 9110 §11.1).
    pub fn is(&self, name: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(name)
    }

    /// The first parameter called `name` (lower-case).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| &**n == name).map(|(_, value)| &**value)
    }

    /// `error` (RFC 6750 §3).
    pub fn error(&self) -> Option<&str> {
        self.get("error")
    }

    /// `error_description` (RFC 6750 §3).
    pub fn error_description(&self) -> Option<&str> {
        self.get("error_description")
    }

    /// `realm` (RFC 9110 §11.5).
    pub fn realm(&self) -> Option<&str> {
        self.get("realm")
    }

    /// `scope` (RFC 6750 §3).
    pub fn scope(&self) -> Option<&str> {
        self.get("scope")
    }
}

fn read_field(value: &str, challenges: &mut Vec<Challenge>) {
    let mut rest = value;
    while challenges.len() < MAX_CHALLENGES {
        rest = rest.trim_start_matches([',', ' ', '\t', '\r', '\n']);
        if rest.is_empty() {
            return;
        }
        if let Some((name, text, after)) = parameter(rest) {
            // A parameter before any scheme belongs to none; drop it.
            if let Some(challenge) = challenges.last_mut() {
                challenge.parameters.push((name.to_ascii_lowercase().into(), text.into()));
            }
            rest = after;
        } else {
            let (challenge, after) = scheme(rest);
            challenges.extend(challenge);
            rest = after;
        }
    }
}

/// A scheme, and the `token68` behind it where there is one. Always consumes something.
fn scheme(text: &str) -> (Option<Challenge>, &str) {
    let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let challenge = |has_token68| Challenge { scheme: bounded(name).into(), has_token68, parameters: Vec::new() };
    let behind = rest.trim_start_matches([' ', '\t']);
    if behind.is_empty() || behind.starts_with(',') || parameter(behind).is_some() {
        return (Some(challenge(false)), rest);
    }
    let end = behind.find([' ', '\t', ',']).unwrap_or(behind.len());
    let (word, after) = behind.split_at(end);
    // `Negotiate YII… , Basic realm=x`: a word that ends at a comma is a token68; otherwise it is the next scheme.
    if after.trim_start().is_empty() || after.trim_start().starts_with(',') {
        (Some(challenge(is_token68(word))), after)
    } else {
        (Some(challenge(false)), behind)
    }
}

fn is_token68(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b))
}

/// The parameters of `text`, unescaped; stops at the first thing that is none.
pub fn parameters(text: &str) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let (name, value, after) = parameter(rest)?;
        rest = after;
        Some((name, value))
    })
}

/// `name=value` or `name="value"` at the start of `text`, and what follows.
fn parameter(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let end = text.find(|c: char| !is_tchar(c)).filter(|&end| end > 0)?;
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start_matches([' ', '\t']).strip_prefix('=')?;
    let rest = rest.trim_start_matches([' ', '\t']);
    if let Some(quoted) = rest.strip_prefix('"') {
        let (value, after) = quoted_string(quoted);
        return Some((name, value, after));
    }
    let end = rest.find([',', ' ', '\t']).unwrap_or(rest.len());
    let (value, after) = rest.split_at(end);
    // `token68` may end in `=`: that is no parameter.
    (!value.is_empty() && !value.bytes().all(|b| b == b'=')).then(|| (name, bounded(value).into(), after))
}

/// The content of a quoted string whose opening quote is gone (RFC 9110 §5.6.4), and what follows the closing one.
fn quoted_string(text: &str) -> (Cow<'_, str>, &str) {
    let mut escaped = false;
    let mut end = None;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                end = Some(index);
                break;
            }
            _ => {}
        }
    }
    let (inner, after) = match end {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, ""),
    };
    let inner = bounded(inner);
    if inner.contains('\\') { (unescape(inner).into(), after) } else { (inner.into(), after) }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

/// Bytes kept of one value, cut at a character's boundary.
const MAX_VALUE: usize = 1000;

fn bounded(text: &str) -> &str {
    start(text, MAX_VALUE)
}

/// A character of `token` (RFC 9110 §5.6.2).
fn is_tchar(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Challenges as `Scheme(name=value;…)`, in order.
    #[track_caller]
    fn check(values: &[&str], expected: &str) {
        let all: Vec<String> = Challenge::read_all(values.iter().copied())
            .iter()
            .map(|c| {
                let parameters: Vec<_> = c.parameters.iter().map(|(n, v)| format!("{n}={v}")).collect();
                format!("{}{}({})", c.scheme, if c.has_token68 { "*" } else { "" }, parameters.join(";"))
            })
            .collect();
        assert_eq!(all.join(" "), expected);
    }

    #[test]
    fn reads_challenges() {
        check(&["Bearer"], "Bearer()");
        check(&["Bearer realm=\"api\""], "Bearer(realm=api)");
        check(
            &[r#"Bearer error="invalid_token", error_description="The token expired at '1/1/2026'""#],
            "Bearer(error=invalid_token;error_description=The token expired at '1/1/2026')",
        );
        check(
            &[r#"Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple""#],
            r#"Newauth(realm=apps;type=1;title=Login to "apps") Basic(realm=simple)"#,
        );
        check(
            &["Bearer, DPoP error=\"invalid_token\", algs=\"ES256 PS256\""],
            "Bearer() DPoP(error=invalid_token;algs=ES256 PS256)",
        );
        check(&["Negotiate, NTLM"], "Negotiate() NTLM()");
        check(&["Negotiate YIIabc==, Basic realm=x"], "Negotiate*() Basic(realm=x)");
        check(&["Bearer", "Basic realm=\"a, b\""], "Bearer() Basic(realm=a, b)");
        check(
            &["Bearer scope=\"\" error=\"invalid_token\" error_description=\"x\""],
            "Bearer(scope=;error=invalid_token;error_description=x)",
        );
        check(&["  ,, "], "");
        check(&["Bearer error=\"unterminated"], "Bearer(error=unterminated)");
    }
}
