//! Well-known APIs, whose audience in a token says that it is meant for them and for nobody else (`resources.toml`).

use serde::Deserialize;

use super::{Provenance, is_host_suffix};

/// One row of `resources.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Name as it writes itself.
    pub name: Box<str>,
    #[serde(default)]
    audiences: Vec<Box<str>>,
    #[serde(default)]
    audience_suffix: Option<Box<str>>,
    hosts: Vec<Box<str>>,
    #[cfg_attr(not(test), allow(dead_code, reason = "every row says where it comes from"))]
    provenance: Provenance,
    #[cfg_attr(not(test), allow(dead_code, reason = "examples are for the tests that run every row"))]
    example: Box<str>,
}

impl Resource {
    fn is_meant_by(&self, audience: &str) -> bool {
        let audience = audience.trim_end_matches('/');
        self.audiences.iter().any(|own| **own == *audience)
            || self.audience_suffix.as_deref().is_some_and(|suffix| audience.ends_with(suffix))
    }

    /// Whether `host` (lower-case) is one of its own.
    pub fn serves(&self, host: &str) -> bool {
        self.hosts.iter().any(|suffix| is_host_suffix(host, suffix))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    resource: Vec<Resource>,
}

/// The table.
pub struct Resources {
    rows: Vec<Resource>,
}

impl Resources {
    pub(super) fn new(table: Table) -> Self {
        Self { rows: table.resource }
    }

    /// The API that `audience` means.
    pub fn by_audience(&self, audience: &str) -> Option<&Resource> {
        self.rows.iter().find(|row| row.is_meant_by(audience))
    }
}

#[cfg(test)]
mod tests {
    use super::super::resources;

    #[test]
    fn every_example_finds_its_row() {
        for row in &resources().rows {
            let found = resources().by_audience(&row.example).map(|row| &*row.name);
            assert_eq!(found, Some(&*row.name), "{} ({})", row.example, row.provenance.as_str());
        }
    }

    #[test]
    fn other_audiences_are_nobody_s() {
        for audience in
            ["api://00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com.evil.dev", "account"]
        {
            assert!(resources().by_audience(audience).is_none(), "{audience}");
        }
        let graph = resources().by_audience("https://graph.microsoft.com").unwrap();
        assert!(graph.serves("graph.microsoft.com") && !graph.serves("notgraph.microsoft.com"));
    }
}
