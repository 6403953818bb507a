//! Reads why a server says it refused, from body text, challenges and headers (`signatures.toml`).
//!
//! The server's words never decide what was on the wire; they say what the verifier thought, and how far it had come.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use aho_corasick::AhoCorasick;
use authtrace_parse::Headers;
use serde::Deserialize;

use super::{ErrorClass, Provenance, Stage};
use crate::challenge::Challenge;

/// Bytes of a text that are searched: reasons stand at the start, and an HTML page is cut.
const MAX_TEXT: usize = 16 * 1024;

/// What one response says.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// Status code.
    pub status: u16,
    /// Body text, or the one field of it that holds the message.
    pub text: &'a str,
    /// Challenges of `WWW-Authenticate` (or `Proxy-Authenticate`).
    pub challenges: &'a [Challenge],
    /// Response header fields, where a signature may look at them.
    pub headers: Option<&'a Headers>,
}

/// The order in which one verifier checks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verifier {
    /// Name that signatures refer to.
    pub name: Box<str>,
    /// Stages, first to last.
    pub order: Vec<Stage>,
    /// Where the order comes from.
    pub provenance: Provenance,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    stack: Box<str>,
    #[serde(default, rename = "match")]
    text: Option<Box<str>>,
    #[serde(default)]
    exact: bool,
    #[serde(default)]
    header: Option<Box<str>>,
    #[serde(default)]
    status: Vec<u16>,
    #[serde(default)]
    challenge: Option<Box<str>>,
    class: ErrorClass,
    #[serde(default)]
    verifier: Option<Box<str>>,
    #[serde(default)]
    stage: Option<Stage>,
    #[serde(default = "usual_weight")]
    weight: f32,
    provenance: Provenance,
    #[cfg_attr(not(test), allow(dead_code, reason = "examples are for the tests that run every row"))]
    example: Box<str>,
}

/// Text in a provider's own words: detectors weigh a standard code more.
fn usual_weight() -> f32 {
    0.5
}

impl Row {
    fn conditions(&self) -> usize {
        usize::from(!self.status.is_empty())
            + usize::from(self.challenge.is_some())
            + usize::from(self.exact)
            + usize::from(self.header.is_some())
    }

    fn allows(&self, answer: &Answer<'_>) -> bool {
        let status = self.status.is_empty() || self.status.contains(&answer.status);
        status && self.challenge.as_deref().is_none_or(|error| has_challenge(answer.challenges, error))
    }
}

/// A challenge with this `error`; with an empty one, a Bearer or DPoP challenge that names no error.
fn has_challenge(challenges: &[Challenge], error: &str) -> bool {
    challenges.iter().any(|challenge| match challenge.error() {
        Some(named) => named == error,
        None => error.is_empty() && (challenge.is("bearer") || challenge.is("dpop")),
    })
}

/// What a response says went wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureHit {
    /// What went wrong.
    pub class: ErrorClass,
    /// Who writes this text; several where they share it.
    pub stacks: Vec<&'static str>,
    /// The text of the table that was found; empty where the challenge alone was the sign.
    pub matched: &'static str,
    /// Stages that must have passed before this could be said, by every stack that says it.
    pub proves: Vec<Stage>,
    /// Share of confidence.
    pub weight: f32,
    /// Whether a source of the row was checked.
    pub checked: bool,
}

impl SignatureHit {
    /// What a field says that is made for it, without any text of the table.
    pub fn of(class: ErrorClass) -> Self {
        Self { class, stacks: Vec::new(), matched: "", proves: Vec::new(), weight: 1.0, checked: true }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    verifier: Vec<Verifier>,
    signature: Vec<Row>,
}

/// The table and its index.
pub struct Signatures {
    verifiers: Vec<Verifier>,
    rows: Vec<Row>,
    /// Texts to be found, each with the rows that look for it.
    patterns: Vec<(Box<str>, Vec<usize>)>,
    /// Searches for all texts at once. `None` only if it could not be built: then each is searched for.
    index: Option<AhoCorasick>,
}

impl Signatures {
    pub(super) fn new(table: Table) -> Self {
        let mut patterns: BTreeMap<Box<str>, Vec<usize>> = BTreeMap::new();
        for (index, row) in table.signature.iter().enumerate() {
            if let (Some(text), None) = (&row.text, &row.header) {
                patterns.entry(text.clone()).or_default().push(index);
            }
        }
        let patterns: Vec<_> = patterns.into_iter().collect();
        let index = AhoCorasick::new(patterns.iter().map(|(text, _)| &**text)).ok();
        Self { verifiers: table.verifier, rows: table.signature, patterns, index }
    }

    /// Number of signatures.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no signature.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The verifiers whose order is known.
    pub fn verifiers(&self) -> &[Verifier] {
        &self.verifiers
    }

    /// What the answer says went wrong; `None` where no row fits.
    ///
    /// A row that found a text beats one that only saw a challenge or a status: many applications send a bare `Bearer`
    /// with every refusal. Then a row that names a cause beats a general one; then the longest text wins, then the row
    /// with more conditions.
    /// A header written for this purpose (`x-clerk-auth-reason`) is searched like the body and counts its length twice.
    pub fn classify(&'static self, answer: &Answer<'_>) -> Option<SignatureHit> {
        let mut found = self.found_in_text(answer.text, answer);
        for challenge in answer.challenges {
            for text in [challenge.error(), challenge.error_description()].into_iter().flatten() {
                found.extend(self.found_in_text(text, answer));
            }
        }
        found.extend(answer.headers.into_iter().flat_map(|headers| self.found_in_headers(headers)));
        found.extend((0..self.rows.len()).filter(|&index| self.rows[index].text.is_none()));
        found.retain(|&index| self.rows[index].allows(answer));
        found.sort_unstable();
        found.dedup();
        let best = found.iter().map(|&index| rank(&self.rows[index])).max()?;
        found.retain(|&index| rank(&self.rows[index]) == best);
        Some(self.hit(&found))
    }

    /// Rows whose text stands in `text`, except inside a longer one: `invalid or expired token` does not say `expired token`.
    fn found_in_text(&self, text: &str, answer: &Answer<'_>) -> Vec<usize> {
        let text = normalise(text);
        let mut found: Vec<(Range<usize>, usize)> = Vec::new();
        let mut add = |pattern: usize, span: Range<usize>| {
            let (wanted, rows) = &self.patterns[pattern];
            let fits = |row: &Row| (!row.exact || **wanted == *text.trim()) && row.allows(answer);
            found.extend(rows.iter().filter(|&&row| fits(&self.rows[row])).map(|&row| (span.clone(), row)));
        };
        match &self.index {
            Some(index) => index.find_overlapping_iter(&*text).for_each(|m| add(m.pattern().as_usize(), m.range())),
            None => self.patterns.iter().enumerate().for_each(|(pattern, (wanted, _))| {
                text.match_indices(&**wanted).for_each(|(at, part)| add(pattern, at..at + part.len()));
            }),
        }
        outermost(found)
    }

    fn found_in_headers<'a>(&'a self, headers: &'a Headers) -> impl Iterator<Item = usize> + 'a {
        self.rows.iter().enumerate().filter_map(|(index, row)| {
            let (name, wanted) = (row.header.as_deref()?, row.text.as_deref()?);
            let value = normalise(headers.get(name)?.expose()).into_owned();
            let fits = if row.exact { value.trim() == wanted } else { value.contains(wanted) };
            fits.then_some(index)
        })
    }

    fn hit(&'static self, rows: &[usize]) -> SignatureHit {
        let first = &self.rows[rows[0]];
        let mut stacks: Vec<&'static str> = rows.iter().map(|&index| &*self.rows[index].stack).collect();
        stacks.sort_unstable();
        stacks.dedup();
        let mut proves = self.proves(first);
        for &index in &rows[1..] {
            let also = self.proves(&self.rows[index]);
            proves.retain(|stage| also.contains(stage));
        }
        SignatureHit {
            class: first.class,
            stacks,
            matched: first.text.as_deref().unwrap_or_default(),
            proves,
            weight: first.weight,
            checked: rows.iter().any(|&index| self.rows[index].provenance.is_checked()),
        }
    }

    /// Stages before the row's own, in its verifier's order.
    fn proves(&self, row: &Row) -> Vec<Stage> {
        let order = row.verifier.as_deref().and_then(|name| self.verifiers.iter().find(|v| &*v.name == name));
        let stage = row.stage.or(row.class.stage());
        let (Some(order), Some(stage)) = (order, stage) else { return Vec::new() };
        let end = order.order.iter().position(|&s| s == stage).unwrap_or(0);
        order.order[..end].to_vec()
    }
}

/// Rows whose span lies in no longer span. Spans are sorted by start, so one pass that remembers the furthest end is enough.
fn outermost(mut found: Vec<(Range<usize>, usize)>) -> Vec<usize> {
    found.sort_by_key(|(span, row)| (span.start, std::cmp::Reverse(span.end), *row));
    let mut outer = 0..0;
    found.retain(|(span, _)| {
        let inside = span.end <= outer.end && *span != outer;
        if span.end > outer.end {
            outer = span.clone();
        }
        !inside
    });
    found.into_iter().map(|(_, row)| row).collect()
}

/// How specific a row is, most important first.
fn rank(row: &Row) -> (bool, bool, usize, usize) {
    let length = row.text.as_deref().map_or(0, str::len);
    let length = if row.header.is_some() { length * 2 } else { length };
    (row.text.is_some(), !row.class.is_general(), length, row.conditions())
}

/// Lower case, without the backslashes that JSON puts before quotes, cut at [`MAX_TEXT`].
fn normalise(text: &str) -> Cow<'_, str> {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    if text.bytes().any(|b| b.is_ascii_uppercase() || b == b'\\') {
        text.replace("\\\"", "\"").replace("\\u0027", "'").to_ascii_lowercase().into()
    } else {
        text.into()
    }
}

#[cfg(test)]
#[path = "signatures_tests.rs"]
mod tests;
