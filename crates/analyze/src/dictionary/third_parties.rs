//! Hosts that take no customer's own token: storage, analytics, error reports, libraries for everybody (`third_parties.toml`).

use serde::Deserialize;

use super::{Provenance, is_host_suffix};

/// What a third party is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThirdPartyKind {
    /// Files under signed URLs or its own credentials.
    Storage,
    /// Counts visitors or watches the application.
    Analytics,
    /// Collects error reports.
    Errors,
    /// Libraries, fonts and pictures for everybody.
    Cdn,
    /// A public service that answers questions.
    Lookup,
}

impl ThirdPartyKind {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Storage => "file storage",
            Self::Analytics => "analytics",
            Self::Errors => "error reports",
            Self::Cdn => "files for everybody",
            Self::Lookup => "a public service",
        }
    }
}

/// One row of `third_parties.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThirdParty {
    /// Name as it writes itself.
    pub name: Box<str>,
    /// What it is for.
    pub kind: ThirdPartyKind,
    hosts: Vec<Box<str>>,
    #[serde(default)]
    labels: Vec<Box<str>>,
    #[serde(default)]
    label_suffix: Option<Box<str>>,
    /// Ids of providers whose tokens it does take.
    #[serde(default)]
    pub takes: Vec<Box<str>>,
    #[cfg_attr(not(test), allow(dead_code, reason = "every row says where it comes from"))]
    provenance: Provenance,
    #[cfg_attr(not(test), allow(dead_code, reason = "examples are for the tests that run every row"))]
    example: Box<str>,
}

impl ThirdParty {
    fn owns(&self, host: &str) -> bool {
        let below = |suffix: &str| is_host_suffix(host, suffix);
        let labelled = || {
            let inner = self.label_suffix.as_deref().filter(|suffix| below(suffix)).and_then(|s| host.strip_suffix(s));
            // Regions stand between the label and the suffix; old buckets have `s3-eu-west-1`.
            inner.is_some_and(|inner| {
                inner.split('.').any(|part| {
                    self.labels
                        .iter()
                        .any(|l| part == &**l || part.strip_prefix(&**l).is_some_and(|r| r.starts_with('-')))
                })
            })
        };
        self.hosts.iter().any(|suffix| below(suffix)) || labelled()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    third_party: Vec<ThirdParty>,
}

/// The table.
pub struct ThirdParties {
    rows: Vec<ThirdParty>,
}

impl ThirdParties {
    pub(super) fn new(table: Table) -> Self {
        Self { rows: table.third_party }
    }

    /// The third party that owns `host` (lower-case).
    pub fn by_host(&self, host: &str) -> Option<&ThirdParty> {
        self.rows.iter().find(|row| row.owns(host))
    }
}

#[cfg(test)]
mod tests {
    use super::super::third_parties;

    #[test]
    fn every_example_finds_its_row() {
        for row in &third_parties().rows {
            let found = third_parties().by_host(&row.example).map(|row| &*row.name);
            assert_eq!(found, Some(&*row.name), "{} ({})", row.example, row.provenance.as_str());
        }
    }

    #[test]
    fn hosts_match_at_their_boundaries() {
        let name = |host: &str| third_parties().by_host(host).map(|row| row.name.to_string());
        assert_eq!(name("b.s3-eu-west-1.amazonaws.com").as_deref(), Some("Amazon S3"));
        assert_eq!(name("cognito-idp.eu-west-1.amazonaws.com"), None);
        assert_eq!(name("notsentry.io"), None);
    }
}
