//! Two exchanges side by side: feature by feature, then the header names that only one of them has.

use std::collections::BTreeSet;

use authtrace_analyze::{Analysis, facts::Fact, token::Jose};
use authtrace_parse::Exchange;
use serde::Serialize;

use crate::{
    columns::{Column, table},
    json,
    moment::{Clock, date_and_time, span},
    terminal::Layout,
    tokens::name,
};

/// One feature of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Which.
    pub feature: &'static str,
    /// What the first one has; `None` where it has none.
    pub first: Option<String>,
    /// What the second one has.
    pub second: Option<String>,
    /// Whether they differ in a way that may mean something.
    pub differs: bool,
}

/// What is shown of `pair`, and of what was read again of it: without that, header names are not compared.
pub fn rows(analysis: &Analysis, pair: [&Fact; 2], read: [Option<&Exchange>; 2]) -> Vec<Row> {
    let mut rows: Vec<Row> = FEATURES
        .iter()
        .filter_map(|(feature, of)| {
            let [first, second] = pair.map(|fact| of(analysis, fact));
            let differs = first != second && !INCIDENTAL.contains(feature);
            (first.is_some() || second.is_some()).then_some(Row { feature, first, second, differs })
        })
        .collect();
    if let [Some(a), Some(b)] = read {
        rows.extend(names("request has", request_names(a), request_names(b)));
        rows.extend(names("response has", response_names(a), response_names(b)));
    }
    rows
}

/// The rows as a table under the numbers of the two; what differs is marked.
pub fn text(pair: [&Fact; 2], rows: &[Row], layout: &Layout, width: Option<usize>) -> String {
    let [a, b] = pair.map(|fact| format!("#{}", fact.id.0));
    let columns = [Column::left(""), Column::left("feature"), Column::flexible(&a, 16), Column::flexible(&b, 16)];
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let cells = rows.iter().map(|row| {
        let mark = if row.differs { "≠" } else { "" };
        vec![mark.to_owned(), row.feature.to_owned(), shown(&row.first), shown(&row.second)]
    });
    table(&columns, &cells.collect::<Vec<_>>(), width, layout.style)
}

/// One JSON document.
pub fn json(pair: [&Fact; 2], rows: &[Row]) -> String {
    #[derive(Serialize)]
    struct Comparison<'a> {
        exchanges: [u32; 2],
        rows: &'a [Row],
    }
    json::pretty(&Comparison { exchanges: pair.map(|fact| fact.id.0), rows })
}

/// One row a line.
pub fn jsonl(rows: &[Row]) -> String {
    rows.iter().map(json::line).collect()
}

fn request_names(exchange: &Exchange) -> BTreeSet<String> {
    exchange.request.headers.iter().map(|(name, _)| name.to_lowercase()).collect()
}

fn response_names(exchange: &Exchange) -> BTreeSet<String> {
    exchange.response.iter().flat_map(|response| response.headers.iter()).map(|(name, _)| name.to_lowercase()).collect()
}

/// Header names that only one of them has.
fn names(feature: &'static str, a: BTreeSet<String>, b: BTreeSet<String>) -> Vec<Row> {
    let only = |name: &String, has: &BTreeSet<String>| has.contains(name).then(|| name.clone());
    let row = |name| Row { feature, first: only(name, &a), second: only(name, &b), differs: true };
    a.symmetric_difference(&b).map(row).collect()
}

type Feature = (&'static str, fn(&Analysis, &Fact) -> Option<String>);

/// What differs between any two exchanges and means nothing.
const INCIDENTAL: [&str; 3] = ["at", "took", "connection"];

/// What is compared, top to bottom.
const FEATURES: &[Feature] = &[
    ("request", |_, f| Some(format!("{} {}{}", f.method, f.origin, f.path))),
    ("route", |_, f| Some(f.route.to_string())),
    ("status", |_, f| Some(f.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string()))),
    ("outcome", |_, f| Some(f.outcome.class.name().to_owned())),
    ("server says", |_, f| f.outcome.error_text.as_deref().map(str::to_owned)),
    ("at", |_, f| f.timing.started().or(f.timing.sent()).map(|at| date_and_time(at, &Clock::Utc.zone()))),
    ("took", |_, f| f.timing.duration().and_then(|took| i64::try_from(took.as_nanos()).ok()).map(span)),
    ("role", |_, f| Some(f.role.name().to_owned())),
    ("session", |_, f| f.session.map(|session| session.to_string())),
    ("client", |_, f| Some(format!("{}", f.client.0 + 1))),
    ("connection", |_, f| f.connection.as_ref().map(ToString::to_string)),
    ("page", |_, f| f.page.as_deref().map(str::to_owned)),
    ("called by", |_, f| f.call_site.as_deref().map(str::to_owned)),
    ("credential in", |_, f| f.main_credential().map(|credential| credential.carrier.to_string())),
    ("scheme", |_, f| f.main_credential().and_then(|credential| credential.scheme.as_deref()).map(str::to_owned)),
    ("token", |analysis, f| {
        let capture = &analysis.capture;
        let named = |id| format!("{id} {}", name(capture, id, capture.tokens.get(id)));
        f.main_credential().map(|credential| named(credential.token))
    }),
    ("alg", |analysis, f| jose(analysis, f)?.header.alg.as_deref().map(str::to_owned)),
    ("kid", |analysis, f| jose(analysis, f)?.header.kid.as_deref().map(str::to_owned)),
    ("iss", |analysis, f| jose(analysis, f)?.claims.as_ref()?.iss.as_deref().map(str::to_owned)),
    ("aud", |analysis, f| Some(jose(analysis, f)?.claims.as_ref()?.aud.join(" ")).filter(|aud| !aud.is_empty())),
    ("claims", |analysis, f| Some(jose(analysis, f)?.claims.as_ref()?.names.join(" "))),
    ("life left", |analysis, f| {
        let expiry = jose(analysis, f)?.claims.as_ref()?.exp?.intended();
        let left = expiry.nanos().saturating_sub(f.sent_nanos());
        Some(if left < 0 { format!("expired {} ago", span(left)) } else { span(left) })
    }),
    ("cookies", |_, f| Some(if f.has_cookies { "yes" } else { "no" }.to_owned())),
    ("redirected", |_, f| f.redirected_from.map(|id| format!("from #{}", id.0))),
    ("preflight", |_, f| f.preflight.map(|id| format!("#{}", id.0))),
    ("user agent", |_, f| f.user_agent.as_deref().map(str::to_owned)),
];

fn jose<'a>(analysis: &'a Analysis, fact: &Fact) -> Option<&'a Jose> {
    analysis.capture.tokens.get(fact.main_credential()?.token).classified.jose.as_ref()
}
