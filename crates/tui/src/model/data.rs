//! What was loaded, with the lists that screens show of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use authtrace_analyze::{
    Analysis, FindingId,
    catalogue::RuleMeta,
    facts::{Fact, SessionId},
    tokens::TokenId,
};
use authtrace_parse::{ExchangeId, Timestamp};
use authtrace_report::{View, sessions, tokens};

use crate::{flow::Flows, index::Index};

/// What reading came to.
#[derive(Clone)]
pub struct Loaded {
    /// The analysis.
    pub analysis: Arc<Analysis>,
    /// The exchanges that the command line put into focus; `None` means all.
    pub focus: Option<Arc<BTreeSet<ExchangeId>>>,
}

/// One row of the first screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// An incident, by its place.
    Incident(usize),
    /// A finding of no incident.
    Finding(FindingId),
    /// A gap of coverage, by its place.
    Coverage(usize),
}

/// The analysis and what is looked up in it.
pub struct Data {
    /// What was loaded.
    pub loaded: Loaded,
    /// Look-ups.
    pub index: Index,
    /// The exchanges of each session.
    pub flows: Flows,
    /// Rows of the first screen.
    pub topics: Vec<Topic>,
    /// Rows of the screen of tokens.
    pub tokens: Vec<TokenId>,
    /// Rows of the screen of sessions.
    pub sessions: Vec<SessionId>,
    /// Rows of the screen of rules.
    pub rules: Vec<&'static RuleMeta>,
    /// Exchanges that were refused for authentication.
    pub refused: usize,
    /// Findings by code.
    found: BTreeMap<&'static str, usize>,
}

impl Data {
    /// Prepares what was loaded.
    pub fn new(loaded: Loaded) -> Self {
        let index = Index::new(&loaded.analysis);
        let view = View::shared(&loaded.analysis, loaded.focus.clone(), None);
        let incidents = view.incidents();
        let places = incidents.iter().map(|incident| incident.id.0 as usize);
        let within: BTreeSet<FindingId> = incidents.iter().flat_map(|incident| &incident.findings).copied().collect();
        let mut loose: Vec<_> = view.findings().filter(|(id, _)| !within.contains(id)).collect();
        loose.sort_by_key(|(id, finding)| (std::cmp::Reverse(finding.severity), *id));
        let topics = places
            .map(Topic::Incident)
            .chain((0..loaded.analysis.coverage.len()).map(Topic::Coverage))
            .chain(loose.into_iter().map(|(id, _)| Topic::Finding(id)))
            .collect();
        let mut found = BTreeMap::new();
        for finding in &loaded.analysis.findings {
            *found.entry(finding.rule.code).or_default() += 1;
        }
        Self {
            topics,
            found,
            refused: loaded.analysis.summary().auth_failures,
            tokens: tokens::in_focus(&view).into_iter().map(|(id, _)| id).collect(),
            sessions: sessions::in_focus(&view).into_iter().map(|(id, _)| id).collect(),
            rules: loaded.analysis.rules().collect(),
            flows: Flows::new(&loaded.analysis.capture),
            index,
            loaded,
        }
    }

    /// The analysis.
    pub fn analysis(&self) -> &Analysis {
        &self.loaded.analysis
    }

    /// What is in focus.
    pub fn view(&self) -> View<'_> {
        let begins = self.index.span.map(|(begins, _)| Timestamp::from_nanos(begins));
        View::shared(&self.loaded.analysis, self.loaded.focus.clone(), begins)
    }

    /// Findings of the rule `code`.
    pub fn found(&self, code: &str) -> usize {
        self.found.get(code).copied().unwrap_or(0)
    }

    /// The fact at `place` among all.
    pub fn fact(&self, place: u32) -> Option<&Fact> {
        self.analysis().capture.facts.get(place as usize)
    }

    /// The place of exchange `id` among all facts.
    pub fn place(&self, id: ExchangeId) -> Option<u32> {
        let place = self.analysis().capture.facts.binary_search_by_key(&id, |fact| fact.id).ok()?;
        u32::try_from(place).ok()
    }
}
