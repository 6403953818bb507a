//! The waterfall: when each visible exchange waited and when it was answered, on one scale for all visible rows.

use authtrace_analyze::facts::Fact;
use authtrace_parse::Timestamp;
use ratatui::{style::Style, text::Span};

use crate::{
    arrange::Row,
    model::{Data, Model},
    theme::Role,
    view::list::span,
};

/// The time that visible rows cover, in nanoseconds: when something went on, pauses in between shortened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    busy: Vec<Busy>,
    whole: i64,
}

/// A time in which something went on, and where it begins on the shortened scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Busy {
    from: i64,
    until: i64,
    begins: i64,
}

/// A pause takes at most this part of all the time in which something went on.
const PAUSE: i64 = 16;

impl Window {
    /// The window of what is on the screen.
    pub(super) fn of(model: &Model, data: &Data) -> Self {
        let rows = model.cursor().window(model.length(), model.room());
        let visible = model.rows.shown.get(rows).unwrap_or_default();
        let facts = visible.iter().filter_map(|row| match row {
            Row::Exchange(place) => data.fact(*place).filter(|fact| fact.started_nanos() != 0),
            Row::Group(_) => None,
        });
        Self::new(facts.map(|fact| (fact.started_nanos(), fact.ended_nanos())).collect())
    }

    /// The window of times from and until.
    fn new(mut times: Vec<(i64, i64)>) -> Self {
        times.sort_unstable();
        let mut busy: Vec<Busy> = Vec::new();
        for (from, until) in times {
            match busy.last_mut() {
                Some(last) if from <= last.until => last.until = last.until.max(until),
                _ => busy.push(Busy { from, until: until.max(from), begins: 0 }),
            }
        }
        let length = |busy: &Busy| busy.until.saturating_sub(busy.from);
        let longest = (busy.iter().map(length).fold(0, i64::saturating_add) / PAUSE).max(1);
        let mut whole = 0_i64;
        let mut before: Option<i64> = None;
        for one in &mut busy {
            let pause = before.map_or(0, |before| one.from.saturating_sub(before).min(longest));
            one.begins = whole.saturating_add(pause);
            whole = one.begins.saturating_add(length(one));
            before = Some(one.until);
        }
        Self { busy, whole }
    }

    /// The bar of `fact` in `width` columns: waiting thin, the answer thick, at least one column in all.
    pub(super) fn bar(&self, model: &Model, fact: &Fact, width: usize, style: Style) -> Vec<Span<'static>> {
        if width == 0 || fact.started_nanos() == 0 {
            return Vec::new();
        }
        let at = |nanos: i64| self.column(nanos, width);
        let start = at(fact.started_nanos());
        let end = at(fact.ended_nanos()).max(start);
        let answer = fact.timing.first_byte().map_or(start, |first: Timestamp| at(first.nanos())).clamp(start, end);
        let glyphs = model.setup.glyphs;
        vec![
            span(" ".repeat(start), style),
            span(glyphs.wait.repeat(answer - start), model.setup.theme.style(Role::Dim)),
            span(glyphs.bar.repeat(end - answer + 1), style),
        ]
    }

    /// The column of a moment.
    fn column(&self, nanos: i64, width: usize) -> usize {
        let after = self.busy.partition_point(|busy| busy.from <= nanos);
        let Some(busy) = after.checked_sub(1).and_then(|last| self.busy.get(last)) else { return 0 };
        let part = i128::from(busy.begins) + i128::from(nanos.min(busy.until).saturating_sub(busy.from));
        let last = width.saturating_sub(1);
        let column = (part * i128::try_from(last).unwrap_or(0)).checked_div(i128::from(self.whole)).unwrap_or(0);
        usize::try_from(column).unwrap_or(0).min(last)
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn pauses_are_short_and_order_stays() {
        let window = Window::new(vec![(1_000_000_000_000, 1_000_000_000_100), (50, 100), (0, 60)]);
        let columns: Vec<usize> =
            [0, 50, 100, 500, 1_000_000_000_000, 1_000_000_000_100].map(|at| window.column(at, 101)).to_vec();
        assert!(columns.is_sorted(), "{columns:?}");
        // Two times 100 of work and a pause of 200 / 16 = 12 make a scale of 212.
        assert_eq!((columns[0], columns[2], columns[5]), (0, 100 * 100 / 212, 100));
        assert_eq!((columns[3], columns[4]), (columns[2], 112 * 100 / 212), "a quarter of an hour is a short pause");
        assert_eq!(Window::new(Vec::new()).column(7, 10), 0);
        assert_eq!(Window::new(vec![(i64::MIN, i64::MAX)]).column(0, 11), 10);
    }
}
