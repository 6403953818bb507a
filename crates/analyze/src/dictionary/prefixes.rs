//! Finds a vendor's key or token by its public prefix (`prefixes.toml`).

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};
use serde::Deserialize;

use super::{Alphabet, Provenance};

/// One row of `prefixes.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefix {
    prefix: Box<str>,
    vendor: Box<str>,
    what: Box<str>,
    #[serde(default)]
    publishable: bool,
    #[serde(default)]
    alphabet: Alphabet,
    min: usize,
    #[serde(default)]
    max: Option<usize>,
    #[serde(default)]
    contains: Option<Box<str>>,
    #[serde(default)]
    scheme: Option<Box<str>>,
    provenance: Provenance,
    #[cfg_attr(not(test), allow(dead_code, reason = "examples are for the tests that run every row"))]
    example: Box<str>,
}

impl Prefix {
    /// Who issues values of this shape; two names where the shape does not tell them apart.
    pub fn vendor(&self) -> &str {
        &self.vendor
    }

    /// What the value is, in the vendor's words.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The public prefix, safe to show.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Meant to be embedded in pages and apps, so not a secret.
    pub fn is_publishable(&self) -> bool {
        self.publishable
    }

    /// Where the row comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    fn fits(&self, value: &str, scheme: Option<&str>) -> bool {
        let Some(rest) = value.strip_prefix(&*self.prefix) else { return false };
        let length = rest.len();
        length >= self.min
            && self.max.is_none_or(|max| length <= max)
            && self.contains.as_ref().is_none_or(|part| rest.contains(&**part))
            && self.scheme.as_ref().is_none_or(|s| scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(s)))
            && self.alphabet.holds(rest)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    prefix: Vec<Prefix>,
}

/// The table and its index.
pub struct Prefixes {
    rows: Vec<Prefix>,
    /// Finds the rows whose prefix starts a value. `None` only if the automaton could not be built: then every row is tried.
    index: Option<AhoCorasick>,
}

impl Prefixes {
    pub(super) fn new(table: Table) -> Self {
        let mut rows = table.prefix;
        // The longest prefix that fits wins.
        rows.sort_by_key(|row| std::cmp::Reverse(row.prefix.len()));
        let index = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .start_kind(StartKind::Anchored)
            .build(rows.iter().map(|row| &*row.prefix).filter(|prefix| !prefix.is_empty()))
            .ok();
        Self { rows, index }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row with the longest prefix that fits the whole of `value`, sent after `scheme`.
    pub fn find(&self, value: &str, scheme: Option<&str>) -> Option<&Prefix> {
        // Rows without a prefix sort last and are few; the index says whether any other row can fit at all.
        let unprefixed = self.rows.iter().rev().take_while(|row| row.prefix.is_empty()).count();
        let (prefixed, rest) = self.rows.split_at(self.rows.len() - unprefixed);
        let start = match &self.index {
            Some(index) => index.find(Input::new(value).anchored(Anchored::Yes)).map(|m| m.pattern().as_usize()),
            None => Some(0),
        };
        let candidates = start.map_or(&[][..], |start| &prefixed[start..]);
        candidates.iter().chain(rest).find(|row| row.fits(value, scheme))
    }
}

#[cfg(test)]
mod tests {
    use super::super::prefixes;

    #[test]
    fn every_example_finds_its_row() {
        for row in &prefixes().rows {
            let found = prefixes().find(&row.example, row.scheme.as_deref());
            assert_eq!(found.map(|f| (&f.prefix, &f.vendor)), Some((&row.prefix, &row.vendor)), "{}", row.example);
        }
    }

    #[track_caller]
    fn check(value: &str, vendor: Option<&str>) {
        assert_eq!(prefixes().find(value, None).map(|row| row.vendor()), vendor, "{value}");
    }

    #[test]
    fn needs_the_whole_shape() {
        check("ghp_short", None);
        check("skipping", None);
        check("s.", None);
        check(&format!("00{}", "a".repeat(40)), None);
        check("1//ab", None);
    }
}
