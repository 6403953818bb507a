//! Which findings may explain another one, looked up by what the two must share: a capture may hold tens of thousands of
//! findings, and comparing every two of them would take hours.

use std::{cmp::Reverse, collections::HashMap};

use authtrace_parse::ExchangeId;

use super::causes::{EDGES, Share, is_dead_refresh, is_vain_loop};
use crate::{
    capture::Capture,
    facts::{ClientId, Fact, SessionId},
    finding::{Finding, Severity},
    text::Text,
};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A finding that may explain others.
#[derive(Clone, Copy)]
pub(super) struct Cause<'a> {
    pub(super) index: usize,
    pub(super) finding: &'a Finding,
    pub(super) confidence: f64,
}

/// What a cause and its effect have in common, where it is not an exchange.
#[derive(PartialEq, Eq, Hash)]
enum Common {
    Client,
    Origin(Text),
    /// An origin, for causes whose session is unknown.
    Sessionless(Text),
    Route(Text, Text),
    Session(SessionId),
}

/// Findings that explain the same: one rule, and the variants that the graph treats in a way of their own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Sort {
    client: ClientId,
    code: &'static str,
    vain: bool,
    dead: bool,
}

impl Sort {
    fn of(finding: &Finding) -> Self {
        Self {
            client: finding.client,
            code: finding.rule.code,
            vain: is_vain_loop(finding),
            dead: is_dead_refresh(finding),
        }
    }
}

/// A cause among those of one sort that have one thing in common; they are ordered by rank, then by when they begin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ranked {
    rank: Rank,
    begun: i64,
    /// Its index; once all are sorted, the greatest index of its rank so far.
    index: usize,
}

/// Confidence in hundredths, as it is compared: the highest comes first.
type Rank = Reverse<u32>;

/// Every finding that is sure and grave enough to explain others.
pub(super) struct Candidates<'a> {
    capture: &'a Capture,
    findings: &'a [Finding],
    /// Each exchange of each finding, ascending.
    by_exchange: Vec<(ExchangeId, usize)>,
    sorts: Vec<Sort>,
    by_common: Map<(Sort, Common), Vec<Ranked>>,
}

/// The least confidence with which a finding explains another.
const ENOUGH: f64 = 0.55;

impl<'a> Candidates<'a> {
    pub(super) fn new(capture: &'a Capture, findings: &'a [Finding]) -> Self {
        let mut found =
            Self { capture, findings, by_exchange: Vec::new(), sorts: Vec::new(), by_common: Map::default() };
        for (index, finding) in findings.iter().enumerate() {
            if finding.confidence().value() >= ENOUGH && finding.severity > Severity::Low {
                found.add(index, finding);
            }
        }
        found.by_exchange.sort_unstable();
        found.sorts.sort_unstable();
        found.sorts.dedup();
        found.by_common.values_mut().for_each(|ranked| settle(ranked));
        found
    }

    fn add(&mut self, index: usize, finding: &Finding) {
        self.by_exchange.extend(finding.exchanges.iter().map(|&id| (id, index)));
        let Some(&begin) = finding.exchanges.first() else { return };
        let sort = Sort::of(finding);
        self.sorts.push(sort);
        let origin = || finding.origin.clone();
        let commons = [
            Some(Common::Client),
            Some(Common::Origin(origin())),
            finding.session.is_none().then(|| Common::Sessionless(origin())),
            Some(Common::Route(origin(), finding.route.clone())),
            finding.session.map(Common::Session),
        ];
        let (rank, begun) = (rank(finding), self.at(begin));
        for common in commons.into_iter().flatten() {
            self.by_common.entry((sort, common)).or_default().push(Ranked { rank, begun, index });
        }
    }

    fn at(&self, id: ExchangeId) -> i64 {
        self.capture.fact(id).map_or(0, Fact::started_nanos)
    }

    fn cause(&self, index: usize) -> Cause<'a> {
        let finding = &self.findings[index];
        Cause { index, finding, confidence: finding.confidence().value() }
    }

    /// The causes that share an exchange with `effect`, each once, by index.
    pub(super) fn sharing(&self, effect: &Finding) -> impl Iterator<Item = Cause<'a>> {
        let mut indices: Vec<usize> = effect.exchanges.iter().flat_map(|id| self.with_exchange(*id)).collect();
        indices.sort_unstable();
        indices.dedup();
        indices.into_iter().map(|index| self.cause(index))
    }

    fn with_exchange(&self, id: ExchangeId) -> impl Iterator<Item = usize> {
        let from = self.by_exchange.partition_point(|(other, _)| *other < id);
        self.by_exchange[from..].iter().take_while(move |(other, _)| *other == id).map(|(_, index)| *index)
    }

    /// Of the causes that have something else in common with `effect`, for each sort and each such thing the best: the most
    /// confident, among equals the last, that begins before the effect ends where the order of time counts.
    pub(super) fn related(&self, effect: &Finding) -> impl Iterator<Item = Cause<'a>> {
        let end = effect.exchanges.last().map(|id| self.at(*id));
        let of_client = self.sorts.partition_point(|sort| sort.client < effect.client);
        let sorts = self.sorts[of_client..].iter().take_while(|sort| sort.client == effect.client);
        sorts.flat_map(move |sort| {
            let scope = scope(sort, effect);
            let commons = scope.map_or_else(Vec::new, |scope| commons(scope, effect));
            commons.into_iter().filter_map(move |common| {
                let ranked = self.by_common.get(&(*sort, common))?;
                let until = if scope == Some(Share::Session) { i64::MAX } else { end? };
                best(ranked, until).map(|index| self.cause(index))
            })
        })
    }
}

/// Orders causes, and lets each know the last one among its equals that began no later.
fn settle(ranked: &mut [Ranked]) {
    ranked.sort_unstable();
    for equals in ranked.chunk_by_mut(|a, b| a.rank == b.rank) {
        let mut greatest = 0;
        for cause in equals {
            greatest = greatest.max(cause.index);
            cause.index = greatest;
        }
    }
}

/// The last of the most confident causes that began until then.
fn best(mut ranked: &[Ranked], until: i64) -> Option<usize> {
    while let Some(first) = ranked.first() {
        let (equals, rest) = ranked.split_at(ranked.partition_point(|cause| cause.rank == first.rank));
        let before = equals.partition_point(|cause| cause.begun <= until);
        if let Some(cause) = equals[..before].last() {
            return Some(cause.index);
        }
        ranked = rest;
    }
    None
}

fn rank(finding: &Finding) -> Rank {
    Reverse((finding.confidence().value() * 100.0).round() as u32)
}

/// What causes of `sort` must share with `effect`; `None` where no edge leads there.
fn scope(sort: &Sort, effect: &Finding) -> Option<Share> {
    if sort.dead && effect.rule.code == "AUTH042" {
        return Some(Share::Session);
    }
    let edge = EDGES.iter().find(|(from, to, _)| *from == sort.code && to.contains(&effect.rule.code));
    edge.map(|(_, _, scope)| *scope)
}

fn commons(scope: Share, effect: &Finding) -> Vec<Common> {
    let origin = || effect.origin.clone();
    match (scope, effect.session) {
        (Share::Exchange, _) => Vec::new(),
        (Share::Client, _) => vec![Common::Client],
        (Share::Origin, _) | (Share::Session, None) => vec![Common::Origin(origin())],
        (Share::Route, _) => vec![Common::Route(origin(), effect.route.clone())],
        (Share::Session, Some(session)) => vec![Common::Session(session), Common::Sessionless(origin())],
    }
}
