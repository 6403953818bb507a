//! Contrast: what separates the failing exchanges of an API from the accepted ones.
//!
//! It knows nothing of causes: it reads what the fact table holds of each exchange and looks for the smallest statement that
//! is true of the failing ones and of no other. So it also says something of failures that no rule explains.

mod features;
mod search;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::{features::FEATURES, search::Found, statement::Statement};
use crate::{capture::Capture, facts::Fact, finding::Finding, lookup::Lookup, text::Text};

/// One statement that separates failing from accepted exchanges.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// The statement, true or false of an exchange.
    pub feature: String,
    /// Of how many failing exchanges it is true, `0 of 3`.
    pub failing: String,
    /// Of how many accepted exchanges it is true, `14 of 14`.
    pub succeeding: String,
    /// Whether it is true of all on one side and of none on the other.
    pub exact: bool,
    /// How often a separation as good as this comes about where failures are dealt out at random, 0–1: few samples make it
    /// likely.
    pub chance: f64,
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Failing exchanges of the root.
    pub failing: usize,
    /// Accepted exchanges that they are compared with.
    pub succeeding: usize,
    /// Whether the accepted ones are of the same routes; otherwise they are of the same API group.
    pub same_route: bool,
}

/// The separations between an incident's failing exchanges and the accepted ones of the same API.
pub(super) fn contrast(
    capture: &Capture,
    lookup: &Lookup<'_>,
    root: &Finding,
    members: &[&Finding],
) -> (Compared, Vec<Contrast>) {
    let failing = failing(capture, root, members);
    let (succeeding, same_route) = accepted(lookup, &failing);
    let compared = Compared { failing: failing.len(), succeeding: succeeding.len(), same_route };
    if failing.is_empty() || succeeding.is_empty() {
        return (compared, Vec::new());
    }
    let sampled = sample(&failing);
    let statements = statement::all(capture, &sampled, &sample(&succeeding));
    let found = search::search(&statements, sampled.len());
    let said = found.iter().filter_map(|found| found.recounted(capture, &failing, &succeeding));
    (compared, said.take(MOST).collect())
}

/// Statements of one incident: more than a reader can weigh says less.
const MOST: usize = 8;

/// Exchanges of one side that statements are sought in. What is found is counted in all.
const SAMPLE: usize = 200;

/// The exchanges that the root's rule blames and that failed.
fn failing<'c>(capture: &'c Capture, root: &Finding, members: &[&Finding]) -> Vec<&'c Fact> {
    let ids = members.iter().filter(|f| f.rule.code == root.rule.code).flat_map(|f| &f.exchanges);
    let mut failing: Vec<&Fact> = ids.filter_map(|id| capture.fact(*id)).filter(|f| !f.succeeded()).collect();
    failing.sort_by_key(|f| f.id);
    failing.dedup_by_key(|f| f.id);
    failing
}

/// Accepted exchanges of the same routes; where there are none, of the same API group.
fn accepted<'c>(lookup: &Lookup<'c>, failing: &[&Fact]) -> (Vec<&'c Fact>, bool) {
    let Some(first) = failing.first() else { return (Vec::new(), false) };
    let comparable = |f: &&Fact| f.is_api_call() && f.accepted() && f.counts();
    let routes: BTreeSet<&Text> = failing.iter().map(|f| &f.route).collect();
    let same: Vec<&Fact> =
        routes.iter().flat_map(|route| lookup.on_route(&first.origin, route).iter()).filter(comparable).collect();
    if !same.is_empty() {
        return (same, true);
    }
    (lookup.succeeded_in(&first.origin, &first.group).iter().filter(comparable).collect(), false)
}

/// At most [`SAMPLE`] of `facts`, evenly spread.
fn sample<'c>(facts: &[&'c Fact]) -> Vec<&'c Fact> {
    let step = facts.len().div_ceil(SAMPLE).max(1);
    facts.iter().step_by(step).copied().collect()
}

impl Found<'_> {
    /// What was found in a sample, counted in all; `None` where it separates them no more.
    fn recounted(&self, capture: &Capture, failing: &[&Fact], succeeding: &[&Fact]) -> Option<Contrast> {
        let (bad, good) = if self.exact {
            let of_failing = self.holds(capture, failing.first()?)?;
            // The first that says otherwise ends it: there may be many thousand.
            let all_are = |facts: &[&Fact], wanted| facts.iter().all(|fact| self.holds(capture, fact) == Some(wanted));
            if !all_are(failing, of_failing) || !all_are(succeeding, !of_failing) {
                return None;
            }
            if of_failing { (failing.len(), 0) } else { (0, succeeding.len()) }
        } else {
            let count = |facts: &[&Fact]| -> Option<usize> {
                facts.iter().map(|fact| self.holds(capture, fact).map(usize::from)).sum()
            };
            (count(failing)?, count(succeeding)?)
        };
        let (all_bad, all_good) = (failing.len(), succeeding.len());
        Some(Contrast {
            feature: self.text(),
            failing: format!("{bad} of {all_bad}"),
            succeeding: format!("{good} of {all_good}"),
            exact: (bad == 0 && good == all_good) || (bad == all_bad && good == 0),
            chance: self.chance,
        })
    }

    fn holds(&self, capture: &Capture, fact: &Fact) -> Option<bool> {
        self.statements.iter().try_fold(true, |all, statement| Some(all & statement.holds(capture, fact)?))
    }

    fn text(&self) -> String {
        self.statements.iter().map(|statement| statement.text()).collect::<Vec<_>>().join(", and ")
    }
}

impl Statement {
    /// Whether it is true of `fact`; `None` where the capture does not show that.
    fn holds(&self, capture: &Capture, fact: &Fact) -> Option<bool> {
        FEATURES[self.feature].read(capture, fact).map(|reading| self.test.holds(&reading))
    }
}
