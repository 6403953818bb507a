//! The search for statements that separate: exact ones first, then a pair that does together, then the most telling ones.
//!
//! With enough statements, some separate anything by chance. How easily is measured, not assumed: failures are dealt out
//! anew at random, and what counts is how often the best statement does as well (a permutation test of the maximum).

use std::collections::BTreeSet;

use super::{
    features::Family,
    statement::{Bits, Statement},
};

/// What was found: one statement, or two that hold together.
#[derive(Clone)]
pub(super) struct Found<'s> {
    pub(super) statements: Vec<&'s Statement>,
    pub(super) exact: bool,
    /// See [`super::Contrast::chance`].
    pub(super) chance: f64,
}

/// Deals of the permutation test.
const DEALS: u32 = 199;
/// The most that chance may explain: of twenty such statements one is wrong.
const MOST_CHANCE: f64 = 0.05;
/// Information gained, in bits of at most one, from which an inexact statement tells something.
const LEAST_GAIN: f64 = 0.2;
/// Inexact statements shown.
const MOST_INEXACT: usize = 3;
/// Statements tried in pairs.
const MOST_PAIRED: usize = 32;

/// What separates the first `failing` exchanges from the others, best first.
pub(super) fn search(statements: &[Statement], failing: usize) -> Vec<Found<'_>> {
    let Some(len) = statements.first().map(|statement| statement.truth.len()) else { return Vec::new() };
    let logs = Logs::up_to(len);
    let side = Side { failing: Bits::first(failing, len), len, logs: &logs };
    let chance = Chance::new(statements, &side);
    let exact = one_of_a_family(statements.iter().filter(|s| side.is_exact(&s.truth)));
    let mut found: Vec<Found<'_>> = exact
        .into_iter()
        .map(|statement| Found {
            statements: vec![statement],
            exact: true,
            chance: chance.of(side.gain(&statement.truth)),
        })
        // A difference of authentication itself is worth saying of a single failure, too; any other may be chance.
        .filter(|found| found.chance <= MOST_CHANCE || found.statements[0].family().is_authentication())
        .collect();
    if found.is_empty() {
        found.extend(pair(statements, &side, &chance));
    }
    if found.is_empty() {
        found.extend(telling(statements, &side, &chance));
    }
    found
}

/// Of each family the first. Where there is none at all, its form is no second difference.
fn one_of_a_family<'s>(statements: impl Iterator<Item = &'s Statement>) -> Vec<&'s Statement> {
    let says_enough = |other: &Statement, statement: &Statement| {
        let presence = (other.family(), statement.family()) == (Family::Carrier, Family::Form);
        other.family() == statement.family() || (presence && other.truth == statement.truth)
    };
    let mut chosen: Vec<&Statement> = Vec::new();
    for statement in statements {
        if !chosen.iter().any(|other| says_enough(other, statement)) {
            chosen.push(statement);
        }
    }
    chosen
}

/// Two statements, each true of all failures, that are never both true of a success.
fn pair<'s>(statements: &'s [Statement], side: &Side<'_>, chance: &Chance) -> Option<Found<'s>> {
    let mut all: Vec<&Statement> =
        statements.iter().filter(|s| side.failing.in_common(&s.truth) == side.failing.count()).collect();
    all.sort_by_key(|statement| statement.truth.count());
    all.truncate(MOST_PAIRED);
    for (n, first) in all.iter().enumerate() {
        for second in all[n + 1..].iter().filter(|second| second.family() != first.family()) {
            let both = first.truth.and(&second.truth);
            if side.is_exact(&both) {
                let chance = chance.of(side.gain(&both));
                let found = Found { statements: vec![first, second], exact: true, chance };
                return (chance <= MOST_CHANCE).then_some(found);
            }
        }
    }
    None
}

/// The statements that tell most, where none tells all.
fn telling<'s>(statements: &'s [Statement], side: &Side<'_>, chance: &Chance) -> Vec<Found<'s>> {
    let mut gains: Vec<(f64, &Statement)> = statements.iter().map(|s| (side.gain(&s.truth), s)).collect();
    gains.retain(|(gain, _)| *gain >= LEAST_GAIN && chance.of(*gain) <= MOST_CHANCE);
    gains.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let best = one_of_a_family(gains.iter().map(|(_, statement)| *statement));
    let found = best.into_iter().take(MOST_INEXACT);
    found
        .map(|statement| Found {
            statements: vec![statement],
            exact: false,
            chance: chance.of(side.gain(&statement.truth)),
        })
        .collect()
}

/// Which exchanges fail.
struct Side<'l> {
    failing: Bits,
    len: usize,
    logs: &'l Logs,
}

impl Side<'_> {
    fn is_exact(&self, truth: &Bits) -> bool {
        let (failing, all) = (self.failing.count(), truth.count());
        match self.failing.in_common(truth) {
            0 => all == self.len - failing,
            common => common == failing && all == failing,
        }
    }

    /// Information that knowing `truth` gives on who fails, as a share of what there is to know: 0–1.
    fn gain(&self, truth: &Bits) -> f64 {
        let (failing, yes) = (self.failing.count(), truth.count());
        let common = self.failing.in_common(truth);
        let whole = self.logs.entropy(failing, self.len);
        let left = self.logs.entropy(common, yes) + self.logs.entropy(failing - common, self.len - yes);
        if whole > 0.0 { (whole - left) / whole } else { 0.0 }
    }
}

/// `n log2 n` of every count: the permutation test asks for little else.
struct Logs(Vec<f64>);

impl Logs {
    fn up_to(most: usize) -> Self {
        let of = |count: usize| if count == 0 { 0.0 } else { count as f64 * (count as f64).log2() };
        Self((0..=most).map(of).collect())
    }

    /// Entropy of `part` among `all`, in bits, for all of them together.
    fn entropy(&self, part: usize, all: usize) -> f64 {
        self.0[all] - self.0[part] - self.0[all - part]
    }
}

/// The best gains of random deals, ascending.
struct Chance(Vec<f64>);

impl Chance {
    fn new(statements: &[Statement], side: &Side<'_>) -> Self {
        // Every run deals alike: the same capture gives the same words.
        let mut dealer = fastrand::Rng::with_seed(side.len as u64);
        let mut failing: Vec<bool> = (0..side.len).map(|place| place < side.failing.count()).collect();
        let truths: BTreeSet<&Bits> = statements.iter().map(|statement| &statement.truth).collect();
        let mut best: Vec<f64> = (0..DEALS)
            .map(|_| {
                dealer.shuffle(&mut failing);
                let dealt = Side { failing: Bits::of(failing.iter().copied()), ..*side };
                truths.iter().map(|truth| dealt.gain(truth)).fold(0.0, f64::max)
            })
            .collect();
        best.sort_by(f64::total_cmp);
        Self(best)
    }

    /// How often chance does as well as `gain`; never quite 0, since the deal at hand is one of them.
    fn of(&self, gain: f64) -> f64 {
        let worse = self.0.partition_point(|best| *best < gain - 1e-9);
        (self.0.len() - worse + 1) as f64 / (self.0.len() + 1) as f64
    }
}
