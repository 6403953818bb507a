//! The proof of a finding as a small timeline: exchange by exchange in the order of time, each with what it shows.

use std::collections::BTreeMap;

use authtrace_analyze::{Evidence, EvidenceRole, Finding, facts::Fact};
use authtrace_parse::ExchangeId;

use super::{Detail, Layout, incident::GUTTER};
use crate::{
    moment::{Clock, Ticker, span, time_of_day},
    page::Page,
    style::Ink,
    view::View,
    words::{count, request_line},
};

/// Exchanges shown without `-v`.
const SHOWN: usize = 5;
/// Parts of one exchange shown without `-v`.
const PARTS: usize = 4;

/// Writes the evidence of `findings`.
pub(super) fn write(page: &mut Page, view: &View<'_>, findings: &[&Finding], layout: &Layout) {
    let mut rows: Vec<(&Fact, Vec<&Evidence>)> =
        gather(findings).into_iter().filter_map(|(id, parts)| Some((view.analysis.fact(id)?, parts))).collect();
    rows.sort_by_key(|(fact, _)| (fact.started_nanos(), fact.id));
    let everything = layout.detail == Detail::Everything;
    let most = if everything { rows.len() } else { SHOWN };
    let hidden = rows.len().saturating_sub(most);
    if hidden > 0 {
        keep_telling(&mut rows, most);
    }
    let times = times(&rows, layout, view);
    let wide = times.iter().map(|t| t.chars().count()).max().unwrap_or_default();
    let ids = rows.iter().map(|(fact, _)| fact.id.0.to_string().len() + 1).max().unwrap_or_default();
    let mut label = "evidence";
    let mut told: Vec<(Vec<String>, ExchangeId)> = Vec::new();
    for ((fact, parts), time) in rows.iter().zip(&times) {
        let shape: Vec<String> = parts.iter().map(|part| shape(part)).collect();
        let before = told.iter().find(|(known, _)| *known == shape).map(|(_, id)| *id).filter(|_| !everything);
        let id = format!("#{}", fact.id.0);
        let again = before.map(|id| format!(", as #{}", id.0)).unwrap_or_default();
        let line = format!("{id:<ids$}  {time:<wide$}  {}{again}", request_line(fact));
        page.about(Some(fact.id));
        let proof = parts.iter().any(|part| part.role == EvidenceRole::Primary);
        page.hanging(2, label, GUTTER, if proof { Ink::Bold } else { Ink::Plain }, &line);
        label = "";
        if before.is_some() {
            continue;
        }
        told.push((shape, fact.id));
        let most = if everything { parts.len() } else { PARTS.min(parts.len()) };
        for part in &parts[..most] {
            page.hanging(2 + GUTTER + ids + 2, "", 0, Ink::Dim, &format!("{}: {}", part.part, part.says));
        }
    }
    page.about(None);
    if hidden > 0 {
        page.hanging(2, "", GUTTER, Ink::Dim, &format!("and {}, with {}", count(hidden, "more request"), layout.more));
    }
}

/// Evidence by exchange, primary first.
fn gather<'f>(findings: &[&'f Finding]) -> BTreeMap<ExchangeId, Vec<&'f Evidence>> {
    let mut by_exchange: BTreeMap<ExchangeId, Vec<&Evidence>> = BTreeMap::new();
    for evidence in findings.iter().flat_map(|f| &f.evidence) {
        let parts = by_exchange.entry(evidence.exchange).or_default();
        if !parts.iter().any(|known| known.part == evidence.part && known.says == evidence.says) {
            parts.push(evidence);
        }
    }
    for parts in by_exchange.values_mut() {
        parts.sort_by_key(|evidence| evidence.role);
    }
    by_exchange
}

/// Drops rows down to `most`: those that repeat go first, then those that are no proof; the order of time stays.
fn keep_telling(rows: &mut Vec<(&Fact, Vec<&Evidence>)>, most: usize) {
    let mut seen: Vec<String> = Vec::new();
    let mut ranked: Vec<(bool, bool, usize)> = Vec::new();
    for (index, (_, parts)) in rows.iter().enumerate() {
        let kind = parts.first().map(|part| shape(part)).unwrap_or_default();
        let related = parts.first().is_none_or(|part| part.role != EvidenceRole::Primary);
        ranked.push((seen.contains(&kind), related, index));
        seen.push(kind);
    }
    ranked.sort_unstable();
    let kept: Vec<usize> = ranked.into_iter().take(most).map(|(_, _, index)| index).collect();
    let mut index = 0;
    rows.retain(|_| {
        index += 1;
        kept.contains(&(index - 1))
    });
}

/// What a piece of evidence says apart from its numbers: "sent 2 ms later" and "sent 4 ms later" tell the same.
fn shape(evidence: &Evidence) -> String {
    let says = evidence.says.split(|c: char| c.is_ascii_digit()).filter(|piece| !piece.is_empty());
    format!("{}: {}", evidence.part, says.collect::<Vec<_>>().join("0"))
}

/// The first row's time of day, then offsets from it; or what `-t` asks for.
fn times(rows: &[(&Fact, Vec<&Evidence>)], layout: &Layout, view: &View<'_>) -> Vec<String> {
    let started = |fact: &Fact| fact.timing.started().or(fact.timing.sent());
    let Some(clock) = &layout.clock else {
        let first = rows.first().and_then(|(fact, _)| started(fact));
        let offset = |fact: &Fact| {
            let (at, first) = (started(fact)?, first?);
            let since = at.nanos_since(first);
            Some(if at == first { time_of_day(at, &Clock::Utc.zone()) } else { format!("+{}", span(since)) })
        };
        return rows.iter().map(|(fact, _)| offset(fact).unwrap_or_else(|| "-".into())).collect();
    };
    let mut ticker = Ticker::new(clock, view.begins());
    rows.iter().map(|(fact, _)| ticker.show(started(fact))).collect()
}
