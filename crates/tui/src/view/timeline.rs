//! The timeline: every exchange in order, with the lanes of sessions, what it carried, how it ended, and when.
//!
//! ```text
//!   lanes   id time         method path                       code   with     finding  waterfall
//! ▌ ●│      11 18:09:36.952 GET    /api/v1/books/             401 ✗  ·        AUTH002  ╌╌━━
//! ◆ ││      15 18:09:37.760 GET    /api/v1/books/             200 ✓  ● T3              ╌╌╌━
//! ▾ S1  12 exchanges, 2 refused                                                        a group
//! ```

mod columns;
mod waterfall;

use authtrace_analyze::facts::{Fact, credential::Method};
use authtrace_report::moment::{Ticker, span as words};
use ratatui::{
    buffer::Buffer,
    text::{Line, Span},
};

use self::columns::Columns;
use super::{
    details,
    list::{self, span},
};
use crate::{
    arrange::{Row, Sort},
    model::{Data, Model},
    text::{cell, fit, right},
    theme::Role,
};

/// Draws the screen.
pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    let lanes = model.data.as_ref().filter(|_| model.how.sort == Sort::Time).map_or(0, |data| data.index.lanes());
    let columns = Columns::of(model.areas().list.width, lanes);
    let head = Line::from(span(columns.head(), model.setup.theme.style(Role::Dim)));
    match &model.data {
        None => list::draw(model, buffer, Some(head), "reading …", |row| provisional(model, &columns, row)),
        Some(data) => {
            let window = waterfall::Window::of(model, data);
            let empty = match (&model.awaited, &model.how.filter) {
                (Some(_), _) => "arranging …",
                (None, Some(_)) => "No exchange matches the filter; F takes it away.",
                (None, None) => "No exchange.",
            };
            list::draw(model, buffer, Some(head), empty, |row| match model.rows.shown.get(row) {
                Some(Row::Group(group)) => self::group(model, *group),
                Some(Row::Exchange(place)) => data
                    .fact(*place)
                    .map(|fact| exchange(model, data, &columns, &window, row, fact))
                    .unwrap_or_default(),
                None => Line::default(),
            });
        }
    }
    details::draw(model, buffer);
}

/// A row of what is read and not judged yet.
fn provisional(model: &Model, columns: &Columns, row: usize) -> Line<'static> {
    let theme = model.setup.theme;
    let Some(arrived) = model.reading.rows.get(row) else { return Line::default() };
    let (method, path) = arrived.route.split_once(' ').unwrap_or(("", &arrived.route));
    let clock = model.setup.clock.clone().unwrap_or_default();
    let first = model.reading.rows.first().and_then(|row| row.at);
    let time = Ticker::new(&clock, first).show(arrived.at);
    let status = arrived.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let plain = theme.style(Role::Plain);
    Line::from(vec![
        span(" ".repeat(2 + columns.lanes), plain),
        span(right(&arrived.id.0.to_string(), columns.id) + " ", theme.style(Role::Dim)),
        span(cell(&time, columns.time), theme.style(Role::Dim)),
        span(cell(method, columns.method), theme.style(Role::Bold)),
        span(cell(&format!("{} {path}", arrived.host), columns.path), plain),
        span(right(&status, 4), plain),
    ])
}

/// The head of a group.
fn group(model: &Model, group: u32) -> Line<'static> {
    let theme = model.setup.theme;
    let Some(group) = model.rows.groups.get(group as usize) else { return Line::default() };
    let sign = if group.open { model.setup.glyphs.open } else { model.setup.glyphs.closed };
    let room = usize::from(model.areas().list.width).saturating_sub(40);
    let refused = if group.refused > 0 { format!(", {} refused", group.refused) } else { String::new() };
    Line::from(vec![
        span(format!("{sign} "), theme.style(Role::Name)),
        span(fit(&group.name, room), theme.style(Role::Bold)),
        span(format!("  {} exchanges", group.members.len()), theme.style(Role::Dim)),
        span(refused, theme.style(Role::Bad)),
    ])
}

fn exchange(
    model: &Model,
    data: &Data,
    columns: &Columns,
    window: &waterfall::Window,
    row: usize,
    fact: &Fact,
) -> Line<'static> {
    let theme = model.setup.theme;
    let plain = theme.style(Role::Plain);
    let dim = theme.style(Role::Dim);
    let mark = if model.marks.contains(&fact.id) { model.setup.glyphs.mark } else { " " };
    let mut spans = vec![span(format!("{mark} "), theme.style(Role::Warn))];
    lanes(model, data, columns, fact, &mut spans);
    spans.push(span(right(&fact.id.0.to_string(), columns.id) + " ", dim));
    spans.push(span(cell(&time(model, data, row, fact), columns.time), dim));
    spans.push(span(cell(&fact.method, columns.method), theme.style(Role::Bold)));
    if columns.host > 0 {
        spans.push(span(cell(&fact.origin, columns.host - 1) + " ", dim));
    }
    spans.push(span(cell(&fact.path, columns.path - 1) + " ", plain));
    let (role, sign) = ending(model, fact);
    let status = fact.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    spans.push(span(right(&status, 3) + " " + sign + " ", theme.style(role)));
    spans.push(span(cell(&with(model, fact), columns.with), theme.style(Role::Name)));
    if columns.role > 0 {
        spans.push(span(cell(fact.role.name(), columns.role), dim));
    }
    if columns.finding > 0 {
        let (role, text) = finding(data, fact);
        spans.push(span(cell(&text, columns.finding), theme.style(role)));
    }
    if columns.took > 0 {
        let took = fact.timing.duration().and_then(|d| i64::try_from(d.as_nanos()).ok());
        spans.push(span(right(&took.map_or_else(|| "-".to_owned(), words), columns.took - 1) + " ", dim));
    }
    spans.extend(window.bar(model, fact, columns.waterfall, theme.style(role)));
    Line::from(spans)
}

/// The lane of its session, and of those that live at the same time.
fn lanes(model: &Model, data: &Data, columns: &Columns, fact: &Fact, spans: &mut Vec<Span<'static>>) {
    let own = fact.session.and_then(|session| data.index.lane(session));
    for lane in 0..columns.lanes.saturating_sub(1) {
        let style = model.setup.theme.style(Role::Lane(lane));
        let sign = match own {
            Some(own) if own == lane => model.setup.glyphs.own_lane,
            _ if data.index.is_alive(lane, fact.started_nanos()) => model.setup.glyphs.lane,
            _ => " ",
        };
        spans.push(span(sign, style));
    }
    if columns.lanes > 0 {
        spans.push(span(" ", model.setup.theme.style(Role::Plain)));
    }
}

/// When it began, by the clock in use; differences are told from the row above.
fn time(model: &Model, data: &Data, row: usize, fact: &Fact) -> String {
    let clock = model.setup.clock.clone().unwrap_or_default();
    let begins = data.index.span.map(|(begin, _)| authtrace_parse::Timestamp::from_nanos(begin));
    let at = |fact: &Fact| fact.timing.started().or(fact.timing.sent());
    let mut ticker = Ticker::new(&clock, begins);
    let above = row.checked_sub(1).and_then(|above| match model.rows.shown.get(above)? {
        Row::Exchange(place) => data.fact(*place),
        Row::Group(_) => None,
    });
    if let Some(above) = above {
        ticker.show(at(above));
    }
    ticker.show(at(fact))
}

/// How it ended, as colour and sign.
fn ending(model: &Model, fact: &Fact) -> (Role, &'static str) {
    let glyphs = model.setup.glyphs;
    if fact.refused() {
        (Role::Bad, glyphs.bad)
    } else if fact.succeeded() {
        (Role::Good, glyphs.good)
    } else if fact.status.is_some() || fact.failure.is_some() {
        (Role::Warn, glyphs.none)
    } else {
        (Role::Dim, glyphs.none)
    }
}

/// What it carried: a sign for where, and which token.
fn with(model: &Model, fact: &Fact) -> String {
    let glyphs = model.setup.glyphs;
    let Some(credential) = fact.main_credential() else { return glyphs.none.to_owned() };
    let sign = match credential.method() {
        Method::Authorization => glyphs.authorization,
        Method::Cookie => glyphs.cookie,
        _ => glyphs.other,
    };
    let more = if fact.credentials.len() > 1 { "+" } else { "" };
    format!("{sign} {}{more}", credential.token)
}

/// The worst finding about it.
fn finding(data: &Data, fact: &Fact) -> (Role, String) {
    let findings = data.index.findings(fact.id).iter().filter_map(|id| data.analysis().finding(*id));
    // Of equals the first: a root stands before what it led to.
    match findings.min_by_key(|finding| std::cmp::Reverse(finding.severity)) {
        Some(finding) => (crate::theme::severity_role(finding.severity), finding.rule.code.to_owned()),
        None => (Role::Dim, String::new()),
    }
}
