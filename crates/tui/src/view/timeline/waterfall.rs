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

/// The time that visible rows cover, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    from: i64,
    until: i64,
}

impl Window {
    /// The window of what is on the screen.
    pub(super) fn of(model: &Model, data: &Data) -> Self {
        let rows = model.cursor().window(model.length(), model.room());
        let visible = model.rows.shown.get(rows).unwrap_or_default();
        let facts = || {
            visible.iter().filter_map(|row| match row {
                Row::Exchange(place) => data.fact(*place).filter(|fact| fact.started_nanos() != 0),
                Row::Group(_) => None,
            })
        };
        let from = facts().map(Fact::started_nanos).min().unwrap_or(0);
        let until = facts().map(Fact::ended_nanos).max().unwrap_or(0).max(from);
        Self { from, until }
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

    fn column(&self, nanos: i64, width: usize) -> usize {
        let whole = i128::from(self.until) - i128::from(self.from);
        let part = (i128::from(nanos) - i128::from(self.from)).clamp(0, whole);
        let last = width.saturating_sub(1);
        let column = (part * i128::try_from(last).unwrap_or(0)).checked_div(whole).unwrap_or(0);
        usize::try_from(column).unwrap_or(0).min(last)
    }
}
