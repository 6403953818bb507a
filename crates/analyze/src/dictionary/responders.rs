//! Says who answered: an application, or something in front of it (`responders.toml`).

use authtrace_parse::Headers;
use serde::{Deserialize, Serialize};

use super::Provenance;

/// What sort of thing answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponderKind {
    /// The application's own framework.
    Application,
    /// A web server that may also pass requests on.
    Server,
    /// A reverse proxy or service mesh.
    Proxy,
    /// An API gateway.
    Gateway,
    /// A content delivery network.
    Cdn,
    /// A web application firewall or bot filter.
    Firewall,
    /// A proxy that signs people in before it passes anything on.
    IdentityProxy,
}

/// One row of `responders.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Responder {
    name: Box<str>,
    kind: ResponderKind,
    header: Box<str>,
    #[serde(default, rename = "match")]
    text: Option<Box<str>>,
    #[serde(default)]
    absent: Option<Box<str>>,
    #[serde(default)]
    status_from: u16,
    #[serde(default)]
    own: bool,
    weight: f32,
    provenance: Provenance,
    #[cfg_attr(not(test), allow(dead_code, reason = "examples are for the tests that run every row"))]
    example: Vec<Box<str>>,
}

impl Responder {
    fn fits(&self, status: u16, headers: &Headers) -> bool {
        status >= self.status_from
            && self.absent.as_deref().is_none_or(|name| !headers.contains(name))
            && headers.get_all(&self.header).any(|value| {
                let value = value.expose();
                self.text.as_deref().is_none_or(|text| value.to_ascii_lowercase().contains(text))
            })
    }
}

/// One sign of who answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResponderHit {
    /// Who.
    pub name: &'static str,
    /// What sort of thing it is.
    pub kind: ResponderKind,
    /// The header that says so.
    pub header: &'static str,
    /// It made this answer itself, rather than passing it on.
    pub own: bool,
    /// Share of confidence.
    pub weight: f32,
    /// Whether a source of the row was checked.
    pub checked: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    responder: Vec<Responder>,
}

/// The table.
pub struct Responders {
    rows: Vec<Responder>,
}

impl Responders {
    pub(super) fn new(table: Table) -> Self {
        Self { rows: table.responder }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Every sign in a response, in the table's order.
    pub fn identify(&'static self, status: u16, headers: &Headers) -> Vec<ResponderHit> {
        let fitting = self.rows.iter().filter(|row| row.fits(status, headers));
        fitting
            .map(|row| ResponderHit {
                name: &row.name,
                kind: row.kind,
                header: &row.header,
                own: row.own,
                weight: row.weight,
                checked: row.provenance.is_checked(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::responders;
    use super::*;

    fn headers(lines: &[Box<str>]) -> Headers {
        lines.iter().map(|line| line.split_once(": ").expect("example is a header line")).collect()
    }

    #[test]
    fn every_example_finds_its_row() {
        for row in &responders().rows {
            let found = responders().identify(row.status_from.max(401), &headers(&row.example));
            assert!(found.iter().any(|hit| *hit.name == *row.name && hit.own == row.own), "{:?}", row.example);
        }
    }

    #[test]
    fn tells_a_local_reply_from_a_passed_one() {
        let names = |status, lines: &[&str]| -> Vec<bool> {
            let lines: Vec<Box<str>> = lines.iter().map(|&line| line.into()).collect();
            responders().identify(status, &headers(&lines)).iter().map(|hit| hit.own).collect()
        };
        assert!(names(401, &["server: istio-envoy"]).contains(&true));
        assert!(!names(401, &["server: istio-envoy", "x-envoy-upstream-service-time: 3"]).contains(&true));
        assert!(names(401, &["x-kong-response-latency: 1"]).contains(&true));
    }
}
