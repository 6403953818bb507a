//! Two exchanges side by side, or two captures route by route: what differs stands out.

use std::collections::BTreeMap;

use authtrace_analyze::{Analysis, facts::Fact};
use authtrace_parse::ExchangeId;
use authtrace_report::{Line, Page, Piece, compare, style::Ink, terminal::Layout};

use crate::{
    model::{Data, Model},
    text::cell,
};

/// Columns of the names of features.
const GUTTER: usize = 18;

/// The exchanges of `pair`, feature by feature, then their header names.
pub fn exchanges(model: &Model, data: &Data, pair: [ExchangeId; 2], layout: &Layout) -> Vec<Line> {
    let analysis = data.analysis();
    let [Some(a), Some(b)] = pair.map(|id| analysis.fact(id)) else { return Vec::new() };
    let mut table = Table { lines: Vec::new(), width: layout.width, differs: model.setup.glyphs.differs };
    table.head(&format!("#{}", a.id.0), &format!("#{}", b.id.0));
    let read = pair.map(|id| model.read_again(id).and_then(|read| read.as_deref().ok()));
    for row in compare::rows(analysis, [a, b], read) {
        let shown = |value: &Option<String>| value.as_deref().unwrap_or("-").to_owned();
        table.row(row.feature, &shown(&row.first), &shown(&row.second), row.differs);
    }
    table.lines
}

/// The inputs side by side: how each route went in the first and in the last of them.
pub fn captures(analysis: &Analysis, layout: &Layout) -> Vec<Line> {
    let inputs = &analysis.capture.inputs;
    let mut page = Page::new(layout.width, layout.style);
    let (Some(first), Some(last)) = (inputs.first(), inputs.last()) else { return Vec::new() };
    if inputs.len() < 2 {
        page.para(0, Ink::Bold, "Nothing to compare yet.");
        page.para(0, Ink::Plain, "Mark two exchanges with m, in the timeline or anywhere else, and press d.");
        page.para(0, Ink::Plain, "With two captures on the command line, this page compares them route by route.");
        return page.into_lines();
    }
    let mut table = Table { lines: Vec::new(), width: layout.width, differs: "" };
    table.head(&first.path, &last.path);
    let index = |place: usize| u16::try_from(place).unwrap_or(u16::MAX);
    let (a, b) = (index(0), index(inputs.len() - 1));
    let mut routes: BTreeMap<&str, [Counts; 2]> = BTreeMap::new();
    for fact in analysis.capture.facts.iter().filter(|fact| fact.source.input == a || fact.source.input == b) {
        let counts = routes.entry(&fact.route).or_default();
        counts[usize::from(fact.source.input == b)].add(fact);
    }
    for (route, [a, b]) in routes {
        let differs = (a.refused > 0) != (b.refused > 0) || (a.all == 0) != (b.all == 0);
        table.row(route, &a.shown(), &b.shown(), differs);
    }
    table.lines
}

/// How calls of one route went.
#[derive(Clone, Copy, Default)]
struct Counts {
    all: u32,
    refused: u32,
}

impl Counts {
    fn add(&mut self, fact: &Fact) {
        self.all += 1;
        self.refused += u32::from(fact.refused());
    }

    fn shown(self) -> String {
        match (self.all, self.refused) {
            (0, _) => "-".to_owned(),
            (all, 0) => format!("{all} calls"),
            (all, refused) => format!("{all} calls, {refused} refused"),
        }
    }
}

/// Rows of a name and two values.
struct Table {
    lines: Vec<Line>,
    width: usize,
    differs: &'static str,
}

impl Table {
    fn head(&mut self, a: &str, b: &str) {
        self.push(Ink::Bold, "", a, b, " ");
    }

    fn row(&mut self, name: &str, a: &str, b: &str, differs: bool) {
        let (ink, sign) = if differs { (Ink::Bold, self.differs) } else { (Ink::Dim, "") };
        self.push(ink, name, a, b, sign);
    }

    fn push(&mut self, ink: Ink, name: &str, a: &str, b: &str, sign: &str) {
        let gutter = if self.differs.is_empty() { self.width / 2 } else { GUTTER };
        let column = self.width.saturating_sub(gutter + 2) / 2;
        let piece = |ink, text: String| Piece { ink, text };
        let pieces = vec![
            piece(Ink::Severity(authtrace_analyze::Severity::Medium), cell(sign, 2)),
            piece(Ink::Dim, cell(name, gutter)),
            piece(ink, cell(a, column.saturating_sub(1)) + " "),
            piece(ink, cell(b, column)),
        ];
        self.lines.push(Line { pieces, exchange: None });
    }
}
