//! Clock offsets per origin, as intervals: what a `Date` field proves about the server's clock (detectors §12).
//!
//! `Date` has a resolution of one second and is truncated (RFC 9110 §5.6.7, §6.6.1), so a response generated between
//! request sent `s` and first byte `r` bounds the offset θ = server − capture to `[Date − r, Date + 1 s − s]`.

use std::collections::BTreeMap;

use authtrace_parse::Timestamp;

use super::Fact;
use crate::text::Text;

const SECOND: i64 = 1_000_000_000;

/// What is known of one origin's clock against the capture's, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Least possible offset.
    pub low: i64,
    /// Greatest possible offset.
    pub high: i64,
    /// Responses that bound it.
    pub samples: u32,
    /// Whether all samples agree; `false` when the majority was taken.
    pub consistent: bool,
}

impl Offset {
    /// Without any `Date` the offset is anything within five minutes (detectors §12).
    pub const UNKNOWN: Self = Self { low: -300 * SECOND, high: 300 * SECOND, samples: 0, consistent: true };

    /// Half the width of the interval.
    pub fn uncertainty(self) -> i64 {
        (self.high - self.low) / 2
    }
}

/// Where a moment of server time lies against the interval in which a request arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It had passed by at least this much, in nanoseconds, when the request was sent.
    Past(i64),
    /// It lies within the uncertainty of the clocks.
    Unsure,
    /// It was still at least this far ahead, in nanoseconds, when the answer came.
    Ahead(i64),
}

impl Offset {
    /// How long after the sending of `fact`'s request `at` (server time, nanoseconds) lies, at the least.
    pub(crate) fn ahead(self, fact: &Fact, at: i64) -> i64 {
        at.saturating_sub(fact.sent_nanos().saturating_add(self.high))
    }

    /// How long before the sending of `fact`'s request `at` (server time, nanoseconds) lies, at the least.
    pub(crate) fn behind(self, fact: &Fact, at: i64) -> i64 {
        fact.sent_nanos().saturating_add(self.low).saturating_sub(at)
    }

    /// Where `at` (server time, nanoseconds) lies against the arrival of `fact`'s request, which the server saw between
    /// the request's start and the answer's first byte.
    pub fn moment(self, fact: &Fact, at: i64) -> Moment {
        let answered =
            fact.timing.first_byte().or(fact.timing.ended()).map_or_else(|| fact.sent_nanos(), Timestamp::nanos);
        let (earliest, latest) = (fact.sent_nanos().saturating_add(self.low), answered.saturating_add(self.high));
        if earliest >= at {
            Moment::Past(earliest.saturating_sub(at))
        } else if latest < at {
            Moment::Ahead(at.saturating_sub(latest))
        } else {
            Moment::Unsure
        }
    }
}

/// Offsets of every origin that sent a usable `Date`.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    offsets: BTreeMap<Text, Offset>,
}

impl Clocks {
    /// The offset of `origin`, [`Offset::UNKNOWN`] where nothing bounds it.
    pub fn offset(&self, origin: &str) -> Offset {
        self.offsets.get(origin).copied().unwrap_or(Offset::UNKNOWN)
    }

    /// Every origin with a bounded clock.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, Offset)> {
        self.offsets.iter().map(|(origin, offset)| (origin, *offset))
    }
}

/// What the responses of each origin prove of its clock, not yet intersected.
#[derive(Clone, Default)]
pub(crate) struct Bounds {
    /// Least and greatest offset that each response allows.
    pub(crate) of_origin: BTreeMap<Text, Vec<(i64, i64)>>,
    /// Offsets that somebody else found.
    pub(crate) decided: BTreeMap<Text, Offset>,
}

impl Bounds {
    /// Those of `facts`.
    pub(crate) fn of(facts: &[Fact]) -> Self {
        let mut bounds = Self::default();
        for fact in facts {
            if let Some(bound) = bound(fact) {
                bounds.add(fact.origin.clone(), bound, 1);
            }
        }
        bounds
    }

    /// Adds the bound that `count` responses set.
    pub(crate) fn add(&mut self, origin: Text, bound: (i64, i64), count: u64) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.of_origin.entry(origin).or_default().extend(std::iter::repeat_n(bound, count));
    }

    /// Takes an offset that somebody else found.
    pub(crate) fn decided(&mut self, origin: Text, low: i64, high: i64, samples: u64, consistent: bool) {
        let samples = u32::try_from(samples).unwrap_or(u32::MAX);
        self.decided.insert(origin, Offset { low, high, samples, consistent });
    }

    /// Replaces the bounds of every origin by what they have in common.
    pub(crate) fn condense(&mut self) {
        for bounds in self.of_origin.values_mut() {
            let Offset { low, high, .. } = intersect(bounds);
            *bounds = vec![(low, high)];
        }
    }

    /// Intersects the bounds of every origin.
    pub(crate) fn offsets(&self) -> Clocks {
        let found = self.of_origin.iter().map(|(origin, bounds)| (origin.clone(), intersect(bounds)));
        let decided = self.decided.iter().map(|(origin, offset)| (origin.clone(), *offset));
        Clocks { offsets: found.chain(decided).collect() }
    }
}

/// The bound of one response, where it has a server's `Date` and both moments.
fn bound(fact: &Fact) -> Option<(i64, i64)> {
    let date = fact.server_date.get()?.nanos();
    let received = fact.timing.first_byte().or(fact.timing.ended())?.nanos();
    let sent = fact.timing.started().or(fact.timing.sent())?.nanos();
    Some((date.saturating_sub(received), date.saturating_add(SECOND).saturating_sub(sent)))
}

/// The range that most bounds share (Marzullo's algorithm); all of them when they agree.
fn intersect(bounds: &[(i64, i64)]) -> Offset {
    let mut edges: Vec<(i64, i32)> = bounds.iter().flat_map(|&(low, high)| [(low, -1), (high, 1)]).collect();
    edges.sort_unstable();
    let (mut depth, mut best, mut range) = (0, 0, (0, 0));
    for (index, &(at, edge)) in edges.iter().enumerate() {
        depth -= edge;
        if depth > best {
            best = depth;
            range = (at, edges.get(index + 1).map_or(at, |next| next.0));
        }
    }
    let samples = u32::try_from(bounds.len()).unwrap_or(u32::MAX);
    let consistent = usize::try_from(best).is_ok_and(|best| best == bounds.len());
    Offset { low: range.0, high: range.1, samples, consistent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_intersect() {
        let offset = intersect(&[(-900, 200), (-500, 600), (-700, 100)]);
        assert_eq!((offset.low, offset.high, offset.samples, offset.consistent), (-500, 100, 3, true));
    }

    #[test]
    fn the_majority_wins_when_clocks_disagree() {
        let offset = intersect(&[(0, 10), (5, 15), (1000, 1010)]);
        assert_eq!((offset.low, offset.high, offset.consistent), (5, 10, false));
    }
}
