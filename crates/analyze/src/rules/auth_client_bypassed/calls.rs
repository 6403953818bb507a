//! The calls of one client to its APIs, counted by how they were made, so that one way can be held against the others.

use std::collections::HashMap;

use super::{Split, Thresholds, site};
use crate::{
    capture::Protection,
    case::{Case, Seen},
    facts::{
        Fact, LifetimeId,
        gate::{Gate, NOT_A_FAILURE},
        role::Role,
    },
    text::Text,
    thresholds::nanos,
};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Calls of which one knows whether they carried a token.
pub(super) struct Calls<'a> {
    thresholds: Thresholds,
    groups: Map<(&'a str, &'a str), Tally<'a>>,
    origins: Map<&'a str, Tally<'a>>,
    /// Calls of one page to one origin that carried the token, in time order.
    carriers: Map<(LifetimeId, Text), Vec<&'a Fact>>,
    /// When a session of a page may have ended: a logout, or a refused refresh; ascending.
    endings: Map<LifetimeId, Vec<i64>>,
}

impl<'a> Calls<'a> {
    pub(super) fn of(case: &Case<'a>) -> Self {
        let mut calls = Self {
            thresholds: Thresholds::of(case),
            groups: Map::default(),
            origins: Map::default(),
            carriers: Map::default(),
            endings: Map::default(),
        };
        for fact in case.facts() {
            if (fact.role == Role::Logout && fact.succeeded()) || (fact.role.delivers() && fact.refused()) {
                calls.endings.entry(fact.lifetime).or_default().push(fact.started_nanos());
            }
            let Some(carries) = carries(case, fact).filter(|_| fact.is_api_call()) else { continue };
            calls.groups.entry((&fact.origin, api(fact))).or_default().add(fact, carries);
            calls.origins.entry(&fact.origin).or_default().add(fact, carries);
            if carries {
                calls.carriers.entry((fact.lifetime, fact.origin.clone())).or_default().push(fact);
            }
        }
        calls
    }

    /// Compares `fact`'s call site, then its route, with the other calls of its API group, else of its origin.
    pub(super) fn split(&self, fact: &Fact) -> Option<Split<'a>> {
        let group = self.groups.get(&(&*fact.origin, api(fact)));
        let origin = self.origins.get(&*fact.origin);
        let in_group = || group.and_then(|group| group.split(fact, true, &self.thresholds));
        in_group().or_else(|| origin.and_then(|origin| origin.split(fact, false, &self.thresholds)))
    }

    /// A call of the same page that carried the token shortly before: the page had it, so this is no race.
    /// Where the session may have ended in between, a later call that carries it must show that it had not.
    pub(super) fn had_token(&self, fact: &Fact) -> Option<&'a Fact> {
        let at = fact.started_nanos();
        let carriers = self.carriers(fact);
        let until = carriers.partition_point(|f| f.started_nanos() <= at);
        let before = carriers[..until].iter().rfind(|f| f.id != fact.id).copied()?;
        if at - before.started_nanos() > nanos(self.thresholds.overlap) {
            return None;
        }
        let endings = self.endings.get(&fact.lifetime).map_or(&[][..], Vec::as_slice);
        let next = endings.get(endings.partition_point(|ending| *ending < before.started_nanos()));
        let ended = next.is_some_and(|ending| *ending <= at);
        (!ended || self.carried_after(fact).is_some()).then_some(before)
    }

    /// The first call of the same page that carried the token shortly after.
    pub(super) fn carried_after(&self, fact: &Fact) -> Option<&'a Fact> {
        let at = fact.started_nanos();
        let carriers = self.carriers(fact);
        let next = carriers.get(carriers.partition_point(|f| f.started_nanos() <= at)).copied()?;
        (next.started_nanos() - at <= nanos(self.thresholds.overlap)).then_some(next)
    }

    fn carriers(&self, fact: &Fact) -> &[&'a Fact] {
        self.carriers.get(&(fact.lifetime, fact.origin.clone())).map_or(&[], Vec::as_slice)
    }
}

/// Whether an API call carried a token; `None` where one cannot tell, or where it does not count.
fn carries(case: &Case<'_>, fact: &Fact) -> Option<bool> {
    let counts = !fact.gates.any(NOT_A_FAILURE) && !fact.gates.has(Gate::Provisional);
    let carries = match case.authorization(fact) {
        Seen::Present | Seen::Set(_) => true,
        Seen::Absent { .. } => fact.credentials.iter().any(|c| !c.is_cookie() && c.well_formed),
        Seen::Unknown => return None,
    };
    let public = !carries && case.capture().protection(fact) == Protection::Public;
    (counts && !public).then_some(carries)
}

/// Names one API. Where paths are as short as `/api/orders`, a group is a single resource; then the prefix is the API.
fn api(fact: &Fact) -> &str {
    let version = |s: &str| s.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let resource = fact.group.trim_start_matches('/').split_once('/');
    let prefix = resource
        .filter(|(prefix, last)| (matches!(*prefix, "api" | "rest") || version(prefix)) && !version(last))
        .map(|(prefix, _)| prefix);
    prefix.unwrap_or(&fact.group)
}

/// Calls that carried the token, and calls in all.
type Count = (usize, usize);

/// Calls of one scope, counted by call site and by route.
#[derive(Default)]
struct Tally<'a> {
    all: Count,
    by_site: Ways<'a>,
    by_route: Ways<'a>,
}

/// Counts for each way of calling, and the calls that may serve as control.
#[derive(Default)]
struct Ways<'a> {
    counts: Map<&'a str, Count>,
    /// The first accepted call that carried the token, and the first one made in another way than that.
    controls: Vec<(&'a str, &'a Fact)>,
}

impl<'a> Tally<'a> {
    fn add(&mut self, fact: &'a Fact, carries: bool) {
        add(&mut self.all, carries);
        self.by_site.add(site(fact), fact, carries);
        self.by_route.add(&fact.route, fact, carries);
    }

    fn split(&self, fact: &Fact, same_group: bool, thresholds: &Thresholds) -> Option<Split<'a>> {
        self.by_site
            .compare(site(fact), self.all, (true, same_group), thresholds)
            .or_else(|| self.by_route.compare(&fact.route, self.all, (false, same_group), thresholds))
    }
}

fn add(count: &mut Count, carries: bool) {
    count.0 += usize::from(carries);
    count.1 += 1;
}

impl<'a> Ways<'a> {
    fn add(&mut self, way: &'a str, fact: &'a Fact, carries: bool) {
        add(self.counts.entry(way).or_default(), carries);
        let news = self.controls.len() < 2 && self.controls.iter().all(|(known, _)| *known != way);
        if news && carries && fact.succeeded() {
            self.controls.push((way, fact));
        }
    }

    fn compare(
        &self,
        way: &str,
        all: Count,
        (by_site, same_group): (bool, bool),
        thresholds: &Thresholds,
    ) -> Option<Split<'a>> {
        let suspects = self.counts.get(way).copied().unwrap_or_default();
        let others = (all.0 - suspects.0, all.1 - suspects.1);
        let control = self.controls.iter().find(|(other, _)| *other != way)?.1;
        let ratio = |(with, all): Count| with as f64 / all.max(1) as f64;
        let stands_out = others.1 >= thresholds.others_min
            && suspects.1 > 0
            && ratio(others) >= thresholds.others_ratio
            && ratio(suspects) <= thresholds.suspects_ratio;
        stands_out.then_some(Split { by_site, suspects, others, same_group, control })
    }
}
