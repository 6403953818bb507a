//! Statements about exchanges, and of which exchanges each is true.

use std::collections::BTreeSet;

use super::features::{FEATURES, Family, Reading, Words};
use crate::{capture::Capture, facts::Fact, text};

/// A statement that is true or false of an exchange.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// Index in [`FEATURES`].
    pub(super) feature: usize,
    pub(super) test: Test,
    /// Of which exchanges it is true: the failing ones first.
    pub(super) truth: Bits,
}

/// What a statement asks of a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    True,
    Is(String),
    Has(String),
    /// At least so many nanoseconds.
    AtLeast(i64),
}

impl Test {
    pub(super) fn holds(&self, reading: &Reading) -> bool {
        match (self, reading) {
            (Self::True, Reading::Flag(flag)) => *flag,
            (Self::Is(value), Reading::Value(own)) => value == own,
            (Self::Has(name), Reading::Names(names)) => names.contains(name),
            (Self::AtLeast(least), Reading::Span(span)) => span >= least,
            _ => false,
        }
    }
}

impl Statement {
    pub(super) fn family(&self) -> Family {
        FEATURES[self.feature].family
    }

    /// The statement in words.
    pub(super) fn text(&self) -> String {
        match (FEATURES[self.feature].words, &self.test) {
            (Words::Statement(statement), _) => statement.to_owned(),
            (Words::Subject(subject), Test::Is(value) | Test::Has(value)) => format!("{subject} is {value}"),
            (Words::Subject(subject), Test::AtLeast(least)) if *least < 0 => {
                format!("{subject} is more than minus {}", text::span(*least))
            }
            (Words::Subject(subject), Test::AtLeast(least)) => format!("{subject} is {} or more", text::span(*least)),
            (Words::Subject(subject), Test::True) => subject.to_owned(),
            (Words::Named(before, behind), Test::Is(name) | Test::Has(name)) => format!("{before}{name}{behind}"),
            (Words::Named(before, behind), Test::True | Test::AtLeast(_)) => format!("{before}{behind}"),
        }
    }
}

/// Values of one feature that become statements: beyond that many it is a name of something, not a property.
const MOST_VALUES: usize = 12;
/// Borders of a span of time that become statements.
const MOST_BORDERS: usize = 24;

/// Every statement that the capture decides for all of `failing` and `succeeding`, and that is not the same for all.
pub(super) fn all(capture: &Capture, failing: &[&Fact], succeeding: &[&Fact]) -> Vec<Statement> {
    let facts: Vec<&Fact> = failing.iter().chain(succeeding).copied().collect();
    let mut statements = Vec::new();
    for (feature, property) in FEATURES.iter().enumerate() {
        let readings: Option<Vec<Reading>> = facts.iter().map(|fact| property.read(capture, fact)).collect();
        let Some(readings) = readings else { continue };
        for test in tests(&readings) {
            let truth = Bits::of(readings.iter().map(|reading| test.holds(reading)));
            if (1..facts.len()).contains(&truth.count()) {
                statements.push(Statement { feature, test, truth });
            }
        }
    }
    statements
}

fn tests(readings: &[Reading]) -> Vec<Test> {
    let mut values = BTreeSet::new();
    let mut names = BTreeSet::new();
    let mut spans = BTreeSet::new();
    let mut flag = false;
    for reading in readings {
        match reading {
            Reading::Flag(_) => flag = true,
            Reading::Value(value) => drop(values.insert(value)),
            Reading::Names(all) => names.extend(all),
            Reading::Span(span) => drop(spans.insert(*span)),
        }
    }
    if values.len() > MOST_VALUES {
        values.clear();
    }
    let flag = flag.then_some(Test::True);
    let is = values.into_iter().cloned().map(Test::Is);
    let has = names.into_iter().cloned().map(Test::Has);
    flag.into_iter().chain(is).chain(has).chain(borders(&spans).into_iter().map(Test::AtLeast)).collect()
}

/// Points halfway between neighbours, evenly chosen where there are many.
fn borders(spans: &BTreeSet<i64>) -> Vec<i64> {
    let spans: Vec<i64> = spans.iter().copied().collect();
    let borders: Vec<i64> = spans.windows(2).map(|pair| pair[0].midpoint(pair[1])).collect();
    let step = borders.len().div_ceil(MOST_BORDERS).max(1);
    borders.into_iter().step_by(step).collect()
}

/// A set of exchanges, by their place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    pub(super) fn of(values: impl Iterator<Item = bool>) -> Self {
        let (mut words, mut len) = (Vec::new(), 0);
        for value in values {
            if len % 64 == 0 {
                words.push(0);
            }
            if let Some(word) = words.last_mut() {
                *word |= u64::from(value) << (len % 64);
            }
            len += 1;
        }
        Self { words, len }
    }

    /// Number of exchanges, in the set or not.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first `count` of `len` places.
    pub(super) fn first(count: usize, len: usize) -> Self {
        Self::of((0..len).map(|place| place < count))
    }

    pub(super) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(super) fn in_common(&self, other: &Self) -> usize {
        self.words.iter().zip(&other.words).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        Self { words: self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect(), len: self.len }
    }
}
