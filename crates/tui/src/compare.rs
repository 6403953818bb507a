//! Two exchanges side by side, or two captures route by route: what differs stands out.

use std::collections::{BTreeMap, BTreeSet};

use authtrace_analyze::{Analysis, facts::Fact};
use authtrace_parse::{Exchange, ExchangeId};
use authtrace_report::{
    Line, Page, Piece,
    moment::{date_and_time, span},
    style::Ink,
    terminal::Layout,
    tokens::name,
};

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
    for (feature, of) in FEATURES {
        let incidental = INCIDENTAL.contains(feature).then_some(false);
        table.row(feature, &of(analysis, a), &of(analysis, b), incidental);
    }
    let read = pair.map(|id| model.read_again(id).and_then(|read| read.as_ref().ok()));
    if let [Some(a), Some(b)] = read {
        headers(&mut table, "request has", a, b, |e| e.request.headers.iter().map(|(n, _)| n.to_lowercase()).collect());
        headers(&mut table, "response has", a, b, |e| {
            e.response.iter().flat_map(|r| r.headers.iter()).map(|(n, _)| n.to_lowercase()).collect()
        });
    }
    table.lines
}

/// Header names that only one of them has.
fn headers(table: &mut Table, label: &str, a: &Exchange, b: &Exchange, names: fn(&Exchange) -> BTreeSet<String>) {
    let (a, b) = (names(a), names(b));
    for name in a.symmetric_difference(&b) {
        let shown = |has: bool| if has { name.as_str() } else { "-" };
        table.row(label, shown(a.contains(name)), shown(b.contains(name)), None);
    }
}

type Feature = (&'static str, fn(&Analysis, &Fact) -> String);

/// What differs between any two exchanges and means nothing.
const INCIDENTAL: [&str; 3] = ["at", "took", "connection"];

/// What is compared, top to bottom.
const FEATURES: &[Feature] = &[
    ("request", |_, f| format!("{} {}{}", f.method, f.origin, f.path)),
    ("route", |_, f| f.route.to_string()),
    ("status", |_, f| f.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string())),
    ("outcome", |_, f| f.outcome.class.name().to_owned()),
    ("server says", |_, f| f.outcome.error_text.as_deref().unwrap_or("-").to_owned()),
    ("at", |_, f| {
        let at = f.timing.started().or(f.timing.sent());
        at.map_or_else(|| "-".to_owned(), |at| date_and_time(at, &authtrace_report::Clock::Utc.zone()))
    }),
    ("took", |_, f| {
        let took = f.timing.duration().and_then(|d| i64::try_from(d.as_nanos()).ok());
        took.map_or_else(|| "-".to_owned(), span)
    }),
    ("role", |_, f| f.role.name().to_owned()),
    ("session", |_, f| f.session.map_or_else(|| "-".to_owned(), |session| session.to_string())),
    ("client", |_, f| format!("{}", f.client.0 + 1)),
    ("connection", |_, f| f.connection.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)),
    ("page", |_, f| f.page.as_deref().unwrap_or("-").to_owned()),
    ("called by", |_, f| f.call_site.as_deref().unwrap_or("-").to_owned()),
    ("credential in", |_, f| f.main_credential().map_or_else(|| "-".to_owned(), |c| c.carrier.to_string())),
    ("scheme", |_, f| f.main_credential().and_then(|c| c.scheme.as_deref()).unwrap_or("-").to_owned()),
    ("token", |analysis, f| {
        let capture = &analysis.capture;
        let named = |id| format!("{id} {}", name(capture, id, capture.tokens.get(id)));
        f.main_credential().map_or_else(|| "-".to_owned(), |c| named(c.token))
    }),
    ("alg", |analysis, f| jose(analysis, f, |j| j.header.alg.as_deref().map(str::to_owned))),
    ("kid", |analysis, f| jose(analysis, f, |j| j.header.kid.as_deref().map(str::to_owned))),
    ("iss", |analysis, f| jose(analysis, f, |j| j.claims.as_ref()?.iss.as_deref().map(str::to_owned))),
    ("aud", |analysis, f| jose(analysis, f, |j| Some(j.claims.as_ref()?.aud.join(" ")).filter(|aud| !aud.is_empty()))),
    ("claims", |analysis, f| jose(analysis, f, |j| Some(j.claims.as_ref()?.names.join(" ")))),
    ("life left", |analysis, f| {
        jose(analysis, f, |j| {
            let left = j.claims.as_ref()?.exp?.intended().nanos().saturating_sub(f.sent_nanos());
            Some(if left < 0 { format!("expired {} ago", span(left)) } else { span(left) })
        })
    }),
    ("cookies", |_, f| if f.has_cookies { "yes" } else { "no" }.to_owned()),
    ("redirected", |_, f| f.redirected_from.map_or_else(|| "no".to_owned(), |id| format!("from #{}", id.0))),
    ("preflight", |_, f| f.preflight.map_or_else(|| "no".to_owned(), |id| format!("#{}", id.0))),
    ("user agent", |_, f| f.user_agent.as_deref().unwrap_or("-").to_owned()),
];

fn jose(analysis: &Analysis, fact: &Fact, of: impl Fn(&authtrace_analyze::token::Jose) -> Option<String>) -> String {
    let token = fact.main_credential().map(|c| analysis.capture.tokens.get(c.token));
    token.and_then(|token| of(token.classified.jose.as_ref()?)).unwrap_or_else(|| "-".to_owned())
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
        table.row(route, &a.shown(), &b.shown(), Some(differs));
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

    /// `differs` of `None` compares the values; what neither has is left out.
    fn row(&mut self, name: &str, a: &str, b: &str, differs: Option<bool>) {
        if (a, b) == ("-", "-") {
            return;
        }
        let differs = differs.unwrap_or(a != b);
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
