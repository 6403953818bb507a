//! The search for statements that separate: exact ones first, then a pair that does together, then the most telling ones.
//!
//! With enough statements, some separate anything by chance. How easily is measured, not assumed: failures are dealt out
//! anew at random, and what counts is how often the best statement does as well (a permutation test of the maximum).

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
    let side = Side { failing: Bits::first(failing, len), len };
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
fn pair<'s>(statements: &'s [Statement], side: &Side, chance: &Chance) -> Option<Found<'s>> {
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
fn telling<'s>(statements: &'s [Statement], side: &Side, chance: &Chance) -> Vec<Found<'s>> {
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
struct Side {
    failing: Bits,
    len: usize,
}

impl Side {
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
        let whole = entropy(failing, self.len);
        let no = self.len - yes;
        let left = (yes as f64 * entropy(common, yes) + no as f64 * entropy(failing - common, no)) / self.len as f64;
        if whole > 0.0 { (whole - left) / whole } else { 0.0 }
    }
}

/// Entropy in bits of `part` among `all`.
fn entropy(part: usize, all: usize) -> f64 {
    let term = |count: usize| {
        let share = count as f64 / all as f64;
        if count == 0 { 0.0 } else { -share * share.log2() }
    };
    if all == 0 { 0.0 } else { term(part) + term(all - part) }
}

/// The best gains of random deals, ascending.
struct Chance(Vec<f64>);

impl Chance {
    fn new(statements: &[Statement], side: &Side) -> Self {
        // Every run deals alike: the same capture gives the same words.
        let mut dealer = fastrand::Rng::with_seed(side.len as u64);
        let mut failing: Vec<bool> = (0..side.len).map(|place| place < side.failing.count()).collect();
        let mut best: Vec<f64> = (0..DEALS)
            .map(|_| {
                dealer.shuffle(&mut failing);
                let dealt = Side { failing: Bits::of(failing.iter().copied()), len: side.len };
                statements.iter().map(|statement| dealt.gain(&statement.truth)).fold(0.0, f64::max)
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
