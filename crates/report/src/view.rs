//! What of an analysis is shown: a focus on some exchanges, and floors for severity and confidence.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use authtrace_analyze::{Analysis, Finding, FindingId, Incident, Severity, expect::Pattern, facts::Fact};
use authtrace_parse::{ExchangeId, Timestamp};

/// A known finding that somebody has decided to live with, for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// [`Finding::fingerprint`] of the finding. What is absent, here and below, is any.
    pub fingerprint: Option<String>,
    /// Code of the rule.
    pub rule: Option<String>,
    /// Every route of the finding.
    pub route: Option<Pattern>,
    /// Origin, in lower case.
    pub origin: Option<String>,
    /// Why.
    pub reason: String,
    /// Last day, as written.
    pub until: Option<String>,
}

impl Acceptance {
    /// Whether it is about this finding.
    pub fn covers(&self, finding: &Finding) -> bool {
        let route = |pattern: &Pattern| {
            finding.routes.iter().all(|route| {
                let (method, path) = route.split_once(' ').unwrap_or(("", route));
                pattern.matches(method, &finding.origin, path.split('#').next().unwrap_or(path))
            })
        };
        self.rule.as_deref().is_none_or(|code| code == finding.rule.code)
            && self.origin.as_deref().is_none_or(|origin| *origin == *finding.origin)
            && self.route.as_ref().is_none_or(route)
            && self.fingerprint.as_ref().is_none_or(|known| *known == finding.fingerprint())
    }
}

/// What to show.
#[derive(Clone, Debug, Default)]
pub struct Focus {
    /// Findings that are shown and do not count; whoever fills this leaves out what has expired.
    pub accepted: Vec<Acceptance>,
    /// Only these exchanges; `None` means all.
    pub exchanges: Option<BTreeSet<ExchangeId>>,
    /// Nothing milder.
    pub min_severity: Option<Severity>,
    /// Nothing less certain.
    pub min_confidence: Option<f64>,
}

/// An analysis as far as it is in focus.
pub struct View<'a> {
    /// The analysis.
    pub analysis: &'a Analysis,
    only: Option<Arc<BTreeSet<ExchangeId>>>,
    begins: OnceLock<Option<Timestamp>>,
    kept: BTreeSet<FindingId>,
    accepted: BTreeMap<FindingId, Acceptance>,
    incidents: Vec<&'a Incident>,
}

impl<'a> View<'a> {
    /// When the capture begins: the moment from which relative times count.
    pub(crate) fn begins(&self) -> Option<Timestamp> {
        let moments = || self.analysis.capture.facts.iter().filter_map(|f| f.timing.started().or(f.timing.sent()));
        *self.begins.get_or_init(|| moments().min())
    }

    /// Keeps what is in focus: findings that pass, incidents whose root passes and any of whose findings is near.
    pub fn new(analysis: &'a Analysis, mut focus: Focus) -> Self {
        let only = focus.exchanges.take().map(Arc::new);
        Self::made(analysis, &focus, only, OnceLock::new())
    }

    /// The same of exchanges that others look at, too, for whoever makes a view again and again: nothing is copied, and
    /// when the capture `begins` is known.
    pub fn shared(analysis: &'a Analysis, only: Option<Arc<BTreeSet<ExchangeId>>>, begins: Option<Timestamp>) -> Self {
        Self::made(analysis, &Focus::default(), only, OnceLock::from(begins))
    }

    fn made(
        analysis: &'a Analysis,
        focus: &Focus,
        only: Option<Arc<BTreeSet<ExchangeId>>>,
        begins: OnceLock<Option<Timestamp>>,
    ) -> Self {
        let near = |id: &ExchangeId| only.as_ref().is_none_or(|only| only.contains(id));
        let weighs = |finding: &Finding| {
            focus.min_severity.is_none_or(|least| finding.severity >= least)
                && focus.min_confidence.is_none_or(|least| finding.confidence().value() >= least)
        };
        let touches = |finding: &Finding| finding.exchanges.iter().any(near);
        let numbered = (0u32..).map(FindingId).zip(&analysis.findings);
        let mut kept: BTreeSet<FindingId> =
            numbered.filter(|(_, f)| weighs(f) && touches(f)).map(|(id, _)| id).collect();
        let find = |id: &FindingId| analysis.finding(*id);
        let incidents: Vec<&Incident> = analysis
            .incidents
            .iter()
            .filter(|i| find(&i.root).is_some_and(weighs) && i.findings.iter().filter_map(find).any(touches))
            .collect();
        kept.extend(incidents.iter().map(|incident| incident.root));
        let accepted =
            if focus.accepted.is_empty() { BTreeMap::new() } else { accepted(analysis, &kept, &focus.accepted) };
        Self { analysis, only, begins, kept, accepted, incidents }
    }

    /// Everything.
    pub fn all(analysis: &'a Analysis) -> Self {
        Self::new(analysis, Focus::default())
    }

    /// Incidents in focus, most important first.
    pub fn incidents(&self) -> &[&'a Incident] {
        &self.incidents
    }

    /// Findings in focus, by id.
    pub fn findings(&self) -> impl Iterator<Item = (FindingId, &'a Finding)> {
        self.kept.iter().filter_map(|id| Some((*id, self.analysis.finding(*id)?)))
    }

    /// Whether the finding is in focus.
    pub fn keeps(&self, id: FindingId) -> bool {
        self.kept.contains(&id)
    }

    /// Whether anything is out of focus by choice.
    pub fn is_narrowed(&self) -> bool {
        self.only.is_some()
    }

    /// Exchanges in focus, by id.
    pub fn facts(&self) -> impl Iterator<Item = &'a Fact> {
        self.analysis.capture.facts.iter().filter(|fact| self.shows(fact.id))
    }

    /// Whether the exchange is in focus.
    pub fn shows(&self, id: ExchangeId) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&id))
    }

    /// The worst severity among the findings in focus that nobody has accepted.
    pub fn worst(&self) -> Option<Severity> {
        let counted = self.findings().filter(|(id, _)| self.acceptance(*id).is_none());
        counted.map(|(_, finding)| finding.severity).max()
    }

    /// By what the finding is accepted, where it is.
    pub fn acceptance(&self, id: FindingId) -> Option<&Acceptance> {
        self.accepted.get(&id)
    }

    /// Whether the exporter removed credentials from any input (CAP200).
    pub fn is_sanitized(&self) -> bool {
        self.analysis.coverage.iter().any(|coverage| coverage.rule.code == "CAP200")
    }
}

fn accepted(analysis: &Analysis, kept: &BTreeSet<FindingId>, list: &[Acceptance]) -> BTreeMap<FindingId, Acceptance> {
    let of = |id: &FindingId| {
        let finding = analysis.finding(*id)?;
        Some((*id, list.iter().find(|acceptance| acceptance.covers(finding))?.clone()))
    };
    kept.iter().filter_map(of).collect()
}
