//! The result: what was read, what it means, what caused it.

use std::collections::{BTreeMap, BTreeSet};

use authtrace_parse::ExchangeId;

use crate::{
    capture::Capture,
    catalogue::{Layer, RuleMeta, catalogue},
    coverage::Coverage,
    diagnosis::Incident,
    facts::{credential::Method, gate::Gate},
    finding::{Finding, FindingId, Severity},
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
    /// What was judged, too, and is no more at hand.
    pub elsewhere: Elsewhere,
}

/// What of a capture was judged and put aside, since it is more than memory should hold: what is in order, and what is there
/// many times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its totals.
    pub summary: Summary,
    /// Whether it speaks of authentication.
    pub authentication: bool,
    /// Findings that are counted only, by the code of their rule: more of what is among the findings many times.
    pub findings: BTreeMap<&'static str, usize>,
}

/// Totals of an analysis. Those of clients that have nothing to do with each other add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Exchanges read.
    pub exchanges: usize,
    /// Of those, with a credential outside their body.
    pub with_credentials: usize,
    /// Of those, refused for authentication.
    pub auth_failures: usize,
    /// Refused, then repeated with a new credential and accepted.
    pub recovered: usize,
    /// Requests to routes that are known to need a credential.
    pub protected: usize,
    /// Sessions.
    pub sessions: usize,
    /// Distinct credentials.
    pub tokens: usize,
}

/// Gates of refusals that are a step on the way, or meant.
const HEALTHY: [Gate; 6] =
    [Gate::Recovered, Gate::ChallengeLeg, Gate::DpopNonce, Gate::AnonymousProbe, Gate::Probe, Gate::LoggingOut];

impl Summary {
    /// What both come to.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, usize::saturating_add)
    }

    /// What is left of it without `other`, which is part of it.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.with(other, usize::saturating_sub)
    }

    fn with(self, other: Self, operation: impl Fn(usize, usize) -> usize) -> Self {
        Self {
            exchanges: operation(self.exchanges, other.exchanges),
            with_credentials: operation(self.with_credentials, other.with_credentials),
            auth_failures: operation(self.auth_failures, other.auth_failures),
            recovered: operation(self.recovered, other.recovered),
            protected: operation(self.protected, other.protected),
            sessions: operation(self.sessions, other.sessions),
            tokens: operation(self.tokens, other.tokens),
        }
    }
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
        let own = Summary {
            exchanges: facts.len(),
            with_credentials: facts.iter().filter(|f| f.credentials.iter().any(|c| c.method() != Method::Body)).count(),
            auth_failures: facts.iter().filter(|f| f.refused() && f.leg_of().is_none()).count(),
            recovered: facts.iter().filter(|f| f.refused() && f.gates.has(Gate::Recovered)).count(),
            protected: facts
                .iter()
                .filter(|f| f.leg_of().is_none() && self.capture.protection(f) == crate::capture::Protection::Protected)
                .count(),
            sessions: self.capture.sessions.len(),
            tokens: self.capture.tokens.len(),
        };
        own.plus(self.elsewhere.summary)
    }

    /// Refusals that no finding says the cause of, or why they do no harm, and that are no part of a healthy exchange.
    pub fn unexplained(&self) -> impl Iterator<Item = ExchangeId> {
        let says = |f: &&Finding| {
            let mild = f.severity_reason.is_some() || f.rule.severity == Severity::Low;
            f.rule.layer != Layer::Hygiene && (f.severity > Severity::Low || mild)
        };
        let causes = self.findings.iter().filter(says);
        let explained: BTreeSet<ExchangeId> = causes.flat_map(|finding| finding.exchanges.iter().copied()).collect();
        // Of a call that is shown more than once only the view that stands for it counts.
        let calls = self.capture.facts.iter().filter(|f| f.leg_of().is_none());
        let refused = calls.filter(|f| f.refused() && !f.gates.any(&HEALTHY));
        refused.map(|f| f.id).filter(move |id| !explained.contains(id))
    }

    /// Whether no exchange could be read.
    pub fn is_empty(&self) -> bool {
        self.capture.facts.is_empty() && self.elsewhere.summary.exchanges == 0
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
        let says = facts.iter().any(|f| {
            !f.credentials.is_empty()
                || !f.delivered.is_empty()
                || f.refused()
                || f.cors.as_ref().is_some_and(|c| c.asks_authorization())
                || f.role.delivers()
        });
        says || self.elsewhere.authentication
    }

    /// The exchange `id` as a fact.
    pub fn fact(&self, id: ExchangeId) -> Option<&crate::facts::Fact> {
        self.capture.fact(id)
    }
}
