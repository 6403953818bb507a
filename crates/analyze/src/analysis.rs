//! The result: what was read, what it means, what caused it.

use authtrace_parse::ExchangeId;

use crate::{
    capture::Capture,
    catalogue::{RuleMeta, catalogue},
    coverage::Coverage,
    diagnosis::Incident,
    finding::{Finding, FindingId},
};

/// Everything that outputs are made from.
pub struct Analysis {
    /// The facts.
    pub capture: Capture,
    /// What the capture could not show.
    pub coverage: Vec<Coverage>,
    /// Findings, in the order of their ids: by incident, root first.
    pub findings: Vec<Finding>,
    /// Incidents, most important first.
    pub incidents: Vec<Incident>,
    /// The team's own rules that were judged by, in their order.
    pub own_rules: Vec<&'static RuleMeta>,
}

/// Totals of an analysis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Exchanges read.
    pub exchanges: usize,
    /// Of those, refused for authentication.
    pub auth_failures: usize,
    /// Requests to routes that are known to need a credential.
    pub protected: usize,
    /// Sessions.
    pub sessions: usize,
    /// Distinct credentials.
    pub tokens: usize,
}

impl Analysis {
    /// Every rule that was judged by: the catalogue's, then the team's own.
    pub fn rules(&self) -> impl Iterator<Item = &'static RuleMeta> + '_ {
        catalogue().chain(self.own_rules.iter().copied())
    }

    /// The finding `id`.
    pub fn finding(&self, id: FindingId) -> Option<&Finding> {
        self.findings.get(id.0 as usize)
    }

    /// Totals.
    pub fn summary(&self) -> Summary {
        let facts = &self.capture.facts;
        Summary {
            exchanges: facts.len(),
            auth_failures: facts.iter().filter(|f| f.refused() && f.leg_of().is_none()).count(),
            protected: facts
                .iter()
                .filter(|f| f.leg_of().is_none() && self.capture.protection(f) == crate::capture::Protection::Protected)
                .count(),
            sessions: self.capture.sessions.len(),
            tokens: self.capture.tokens.len(),
        }
    }

    /// The incident to which the finding `id` belongs; a note by the way belongs to none.
    pub fn incident_of(&self, id: FindingId) -> Option<&Incident> {
        // Findings are numbered incident by incident, and those of none come last.
        let after = self.incidents.partition_point(|incident| incident.findings.first().is_some_and(|f| *f <= id));
        self.incidents[..after].last().filter(|incident| incident.findings.binary_search(&id).is_ok())
    }

    /// The finding that caused `id` within its incident; `None` for a root.
    pub fn caused_by(&self, id: FindingId) -> Option<FindingId> {
        self.incident_of(id)?.parents.get(&id).copied()
    }

    /// Whether anything in the capture speaks of authentication at all.
    pub fn has_authentication(&self) -> bool {
        let facts = &self.capture.facts;
        facts.iter().any(|f| {
            !f.credentials.is_empty()
                || !f.delivered.is_empty()
                || f.refused()
                || f.cors.as_ref().is_some_and(|c| c.asks_authorization())
                || f.role.delivers()
        })
    }

    /// The exchange `id` as a fact.
    pub fn fact(&self, id: ExchangeId) -> Option<&crate::facts::Fact> {
        self.capture.fact(id)
    }
}
