//! Tells identifiers, which name something and prove nothing, from credentials (`identifiers.toml`).

use serde::Deserialize;

use super::{Alphabet, Provenance};

/// One row of `identifiers.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    name: Box<str>,
    #[serde(default)]
    prefix: Box<str>,
    #[serde(default)]
    vendor: Option<Box<str>>,
    #[serde(default)]
    alphabet: Alphabet,
    min: usize,
    max: usize,
    /// Lengths of the groups that `-` separates, for UUID.
    #[serde(default)]
    groups: Vec<usize>,
    provenance: Provenance,
    #[cfg_attr(not(test), allow(dead_code, reason = "examples are for the tests that run every row"))]
    example: Box<str>,
}

impl Identifier {
    /// What the identifier names, such as `session id`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who makes identifiers of this shape, where the prefix says so.
    pub fn vendor(&self) -> Option<&str> {
        self.vendor.as_deref()
    }

    /// A UUID: simple systems use one as the session token itself.
    pub fn is_uuid(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Where the row comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    fn fits(&self, value: &str) -> bool {
        let Some(rest) = value.strip_prefix(&*self.prefix) else { return false };
        (self.min..=self.max).contains(&rest.len())
            && if self.is_uuid() { self.fits_groups(rest) } else { self.alphabet.holds(rest) }
    }

    fn fits_groups(&self, rest: &str) -> bool {
        rest.split('-').map(str::len).eq(self.groups.iter().copied())
            && rest.split('-').all(|group| self.alphabet.holds(group))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    identifier: Vec<Identifier>,
}

/// The table.
pub struct Identifiers {
    rows: Vec<Identifier>,
}

impl Identifiers {
    pub(super) fn new(table: Table) -> Self {
        Self { rows: table.identifier }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The first row that fits the whole of `value`.
    pub fn find(&self, value: &str) -> Option<&Identifier> {
        self.rows.iter().find(|row| row.fits(value))
    }
}

#[cfg(test)]
mod tests {
    use super::super::identifiers;

    #[test]
    fn every_example_finds_its_row() {
        for row in &identifiers().rows {
            assert_eq!(identifiers().find(&row.example).map(|f| &f.name), Some(&row.name), "{}", row.example);
        }
    }
}
