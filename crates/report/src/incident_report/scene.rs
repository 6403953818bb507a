//! One incident in its surroundings: what failed, what the same client did before and after, in order of time.

use std::collections::BTreeSet;

use authtrace_analyze::{
    Finding, FindingId, Incident,
    facts::{Fact, role::Role},
    tokens::Purpose,
};
use authtrace_parse::{ExchangeId, Timestamp};

use crate::view::View;

/// Exchanges that tell a story: more of them hide it.
const TOLD: usize = 16;
/// Failing exchanges that are told when there are many.
const FAILING_TOLD: usize = 6;

/// An incident with its exchanges.
pub(crate) struct Scene<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) incident: &'a Incident,
    pub(crate) root: &'a Finding,
    /// The root, and the same rule's findings on other routes.
    pub(crate) same: Vec<&'a Finding>,
    /// Exchanges of these that failed, in order of time; never empty unless the finding names none.
    pub(crate) failing: Vec<&'a Fact>,
    /// Everything that the same client did, in order of time; another view of a call is left out.
    client: Vec<&'a Fact>,
}

/// When an exchange began, where that is known.
pub(crate) fn began(fact: &Fact) -> Option<Timestamp> {
    fact.timing.started().or(fact.timing.sent())
}

impl<'a> Scene<'a> {
    /// `None` where the root is not there, which no analysis gives.
    pub(crate) fn new(view: &'a View<'a>, incident: &'a Incident) -> Option<Self> {
        let root = view.analysis.finding(incident.root)?;
        let kept = incident.findings.iter().filter(|id| **id != incident.root && view.keeps(**id));
        let others = kept.filter_map(|id| view.analysis.finding(*id)).filter(|f| f.rule.code == root.rule.code);
        let same: Vec<&Finding> = std::iter::once(root).chain(others).collect();
        let ids: BTreeSet<ExchangeId> = same.iter().flat_map(|f| f.exchanges.iter().copied()).collect();
        let mut failing: Vec<&Fact> = ids.iter().filter_map(|id| view.analysis.fact(*id)).collect();
        if failing.iter().any(|f| !f.succeeded()) {
            failing.retain(|f| !f.succeeded());
        }
        // A preflight is part of the call that the browser asked it for.
        if failing.iter().any(|f| f.role != Role::Preflight) {
            failing.retain(|f| f.role != Role::Preflight);
        }
        failing.sort_by_key(|f| (f.started_nanos(), f.id));
        let facts = view.analysis.capture.facts.iter();
        let mut client: Vec<&Fact> = facts.filter(|f| f.client == root.client && f.leg_of().is_none()).collect();
        client.sort_by_key(|f| (f.started_nanos(), f.id));
        Some(Self { view, incident, root, same, failing, client })
    }

    /// The finding `id`, where it is in focus.
    pub(crate) fn finding(&self, id: FindingId) -> Option<&'a Finding> {
        self.view.analysis.finding(id).filter(|_| self.view.keeps(id))
    }

    /// The findings of the incident that are in focus.
    pub(crate) fn findings(&self) -> impl Iterator<Item = &'a Finding> {
        self.incident.findings.iter().filter_map(|id| self.finding(*id))
    }

    /// When the first failure began, in nanoseconds.
    fn begin(&self) -> i64 {
        self.failing.first().map_or(0, |f| f.started_nanos())
    }

    /// The last sign-in before the first failure that succeeded.
    pub(crate) fn sign_in(&self) -> Option<&'a Fact> {
        let mut before = self.client.iter().copied().filter(|f| f.started_nanos() < self.begin());
        before.rfind(|f| f.role == Role::Login && f.succeeded())
    }

    /// The answer that gave the client an access token: the last one before the first failure, else the first one after.
    pub(crate) fn delivery(&self) -> Option<(&'a Fact, bool)> {
        let gives = |f: &&&Fact| f.succeeded() && f.delivered.iter().any(|d| d.purpose == Purpose::Access);
        let before = self.client.iter().filter(gives).rfind(|f| f.ended_nanos() <= self.begin());
        let after = || self.client.iter().filter(gives).find(|f| f.ended_nanos() > self.begin());
        before.map(|f| (*f, true)).or_else(|| after().map(|f| (*f, false)))
    }

    /// An accepted call of a failing route that carried a credential: after the first failure rather than before.
    pub(crate) fn control(&self) -> Option<&'a Fact> {
        let routes: BTreeSet<(&str, &str)> = self.failing.iter().map(|f| (&*f.origin, &*f.route)).collect();
        let works = |f: &&&Fact| f.accepted() && !f.credentials.is_empty() && routes.contains(&(&*f.origin, &*f.route));
        let after = self.client.iter().filter(works).find(|f| f.started_nanos() > self.begin());
        after.or_else(|| self.client.iter().rfind(works)).copied()
    }

    /// Whether an accepted call of the same API is there to compare with.
    pub(crate) fn has_accepted(&self) -> bool {
        let works =
            |f: &&Fact| f.origin == self.root.origin && f.is_api_call() && f.accepted() && !f.credentials.is_empty();
        self.client.iter().copied().any(|f| works(&f))
    }

    /// Exchanges of the same client of this role, in order of time.
    pub(crate) fn of_role(&self, roles: &[Role]) -> impl Iterator<Item = &'a Fact> {
        self.client.iter().copied().filter(move |f| roles.contains(&f.role))
    }

    /// The exchanges that tell the incident, in order of time, and how many are left out.
    pub(crate) fn story(&self) -> (Vec<&'a Fact>, usize) {
        let mut told: BTreeSet<ExchangeId> = BTreeSet::new();
        let mut tell = |id: ExchangeId, most: usize| {
            if told.len() < most {
                told.insert(id);
            }
        };
        let failing = self.failing.iter().map(|f| f.id);
        let surroundings = [self.sign_in(), self.delivery().map(|(f, _)| f), self.control()];
        failing.take(FAILING_TOLD).for_each(|id| tell(id, TOLD));
        self.failing.last().into_iter().for_each(|f| tell(f.id, TOLD));
        surroundings.into_iter().flatten().for_each(|f| tell(f.id, TOLD));
        let fails = |id: &ExchangeId| self.failing.iter().any(|f| f.id == *id);
        let evidence = self.same.iter().copied().chain(self.findings()).flat_map(|f| &f.evidence).map(|e| e.exchange);
        let others = evidence.chain(self.incident.exchanges.iter().copied());
        others.filter(|id| !fails(id)).for_each(|id| tell(id, TOLD));
        let mut facts: Vec<&Fact> = told.iter().filter_map(|id| self.view.analysis.fact(*id)).collect();
        facts.sort_by_key(|f| (f.started_nanos(), f.id));
        let omitted = self.incident.exchanges.iter().filter(|id| !told.contains(id)).count();
        (facts, omitted)
    }
}
