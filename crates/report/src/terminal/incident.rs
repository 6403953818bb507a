//! One incident: headline, statement, where and when, proof, consequences, rivals, remedy.

use std::collections::{BTreeSet, HashMap};

use authtrace_analyze::{Compared, Contrast, Finding, FindingId, Incident, Judged, Verdict};

use super::{Detail, Layout, evidence, label};
use crate::{
    moment::{Clock, date_and_time, span},
    page::Page,
    style::Ink,
    view::View,
    words::{certainty, count},
};

/// Columns of the gutter that holds the labels.
pub(super) const GUTTER: usize = 11;
/// Lines of undecided rivals shown without `-v`.
const OPEN_SHOWN: usize = 3;
/// Lines of rejected rivals shown without `-v`.
const RIVALS_SHOWN: usize = 6;
/// Routes of a consequence that are named.
const ROUTES_SHOWN: usize = 3;

/// Writes `incident`.
pub(super) fn write(page: &mut Page, view: &View<'_>, incident: &Incident, layout: &Layout) {
    let Some(root) = view.analysis.finding(incident.root) else { return };
    let title = match layout.detail {
        Detail::Headlines => format!("{}: {}", incident.title, root.route),
        _ => incident.title.clone(),
    };
    page.headline(&label(incident.severity, root.rule.code), Ink::Severity(incident.severity), &title);
    if layout.detail == Detail::Headlines {
        return;
    }
    page.para(2, Ink::Plain, &incident.statement);
    page.blank();
    let siblings = root_siblings(view, incident, root);
    location(page, view, root, &siblings, layout);
    let shown: &[&Finding] = if layout.detail == Detail::Everything { &siblings } else { &siblings[..1] };
    evidence::write(page, view, shown, layout);
    contrast(page, incident);
    consequences(page, view, incident, root);
    rivals(page, incident, root, layout);
    fixes(page, incident);
}

/// A finding outside of any incident.
pub(super) fn write_finding(page: &mut Page, view: &View<'_>, finding: &Finding, layout: &Layout) {
    page.headline(&label(finding.severity, finding.rule.code), Ink::Severity(finding.severity), &finding.title);
    page.para(2, Ink::Plain, &finding.message);
    page.blank();
    location(page, view, finding, &[finding], layout);
    evidence::write(page, view, &[finding], layout);
    for key in &finding.fixes {
        if let Some(fix) = authtrace_analyze::fixes::fix(key) {
            page.hanging(2, "fix", GUTTER, Ink::Plain, &format!("{}: {}", fix.place, fix.text));
        }
    }
}

/// The root and the findings that are the same cause on other routes, root first.
fn root_siblings<'a>(view: &View<'a>, incident: &Incident, root: &'a Finding) -> Vec<&'a Finding> {
    let others = incident.findings.iter().filter(|id| **id != incident.root && view.keeps(**id));
    let same = others.filter_map(|id| view.analysis.finding(*id)).filter(|f| f.rule.code == root.rule.code);
    std::iter::once(root).chain(same).collect()
}

/// Where, when, how many, how sure.
fn location(page: &mut Page, view: &View<'_>, root: &Finding, same: &[&Finding], layout: &Layout) {
    let mut routes: Vec<(&str, usize)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for finding in same {
        for route in &finding.routes {
            let place = *places.entry(route).or_insert(routes.len());
            match routes.get_mut(place) {
                Some((_, number)) => *number += finding.exchanges.len(),
                None => routes.push((route, finding.exchanges.len())),
            }
        }
    }
    let several = routes.len() > 1 && root.routes.len() < 2;
    let listed = routes.iter().map(|(route, number)| match number {
        2.. if several => format!("{route} (×{number})"),
        _ => (*route).to_owned(),
    });
    let listed: Vec<String> = listed.take(if layout.detail == Detail::Everything { usize::MAX } else { 5 }).collect();
    let more = routes.len() - listed.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    page.hanging(2, "where", GUTTER, Ink::Plain, &format!("{} on {}{more}", listed.join(", "), root.origin));
    if let Some(site) = &root.call_site {
        page.hanging(2, "called by", GUTTER, Ink::Plain, site);
    }
    if let Some(when) = when(view, same, layout) {
        page.hanging(2, "when", GUTTER, Ink::Plain, &when);
    }
    page.hanging(2, "certainty", GUTTER, Ink::Plain, &certainty(root.confidence()));
    if let Some(accepted) = accepted(view, root) {
        page.hanging(2, "accepted", GUTTER, Ink::Plain, &accepted);
    }
}

/// `until 2026-12-31: known, fixed in 4.2`
fn accepted(view: &View<'_>, finding: &Finding) -> Option<String> {
    let (id, _) = view.findings().find(|(_, f)| std::ptr::eq(*f, finding))?;
    let accepted = view.acceptance(id)?;
    Some(match &accepted.until {
        Some(until) => format!("until {until}: {}", accepted.reason),
        None => accepted.reason.clone(),
    })
}

/// `2026-11-21 10:22:03 UTC, 4 requests within 2.3 s, session S1`
fn when(view: &View<'_>, same: &[&Finding], layout: &Layout) -> Option<String> {
    let ids = same.iter().flat_map(|f| &f.exchanges);
    let mut facts: Vec<_> = ids.filter_map(|id| view.analysis.fact(*id)).collect();
    facts.sort_by_key(|f| f.id);
    facts.dedup_by_key(|f| f.id);
    let times = || facts.iter().filter_map(|f| f.timing.started().or(f.timing.sent()));
    let mut parts = Vec::new();
    if let (Some(first), Some(last)) = (times().min(), times().max()) {
        let clock = layout.clock.as_ref().unwrap_or(&Clock::Utc);
        let zone = if matches!(clock, Clock::Local(_)) { "" } else { " UTC" };
        parts.push(format!("{}{zone}", date_and_time(first, &clock.zone())));
        let requests = count(facts.len(), "request");
        let within = last.nanos_since(first);
        parts.push(if facts.len() > 1 && within > 0 {
            format!("{requests} within {}", span(within))
        } else {
            requests
        });
    } else {
        parts.push(count(facts.len(), "request"));
    }
    let mut sessions: Vec<_> = facts.iter().filter_map(|f| f.session).collect();
    sessions.sort_unstable();
    sessions.dedup();
    match sessions.as_slice() {
        [] => {}
        [one] => parts.push(format!("session {one}")),
        several => parts.push(count(several.len(), "session")),
    }
    (!facts.is_empty()).then(|| parts.join(", "))
}

/// What separates failing from accepted requests; where nothing does, how many were compared.
fn contrast(page: &mut Page, incident: &Incident) {
    let line = |c: &Contrast| {
        let sure = if c.exact { "" } else { " (in most cases)" };
        format!("{}: {} failing, {} accepted{sure}", c.feature, c.failing, c.succeeding)
    };
    let lines: Vec<String> = incident.contrast.iter().map(line).collect();
    let Compared { failing, succeeding, .. } = incident.compared;
    if lines.is_empty() && failing > 0 && succeeding > 0 {
        let failing = count(failing, "failing request");
        let nothing = format!("nothing that the capture shows sets {failing} apart from {succeeding} accepted");
        listed(page, "differs", vec![nothing], None);
        return;
    }
    listed(page, "differs", lines, None);
}

/// Findings that the root explains, nested below what caused them; the same consequence on several routes is one line.
fn consequences(page: &mut Page, view: &View<'_>, incident: &Incident, root: &Finding) {
    let of_root = |id: &FindingId| view.analysis.finding(*id).is_some_and(|f| f.rule.code == root.rule.code);
    let roots: Vec<FindingId> =
        incident.findings.iter().copied().filter(|id| *id == incident.root || of_root(id)).collect();
    let mut written = roots.clone();
    let mut label = "led to";
    let mut stack = vec![(roots, 0usize)];
    while let Some((parents, depth)) = stack.pop() {
        if let Some(finding) = parents.first().and_then(|id| view.analysis.finding(*id)).filter(|_| depth > 0) {
            page.hanging(2, label, GUTTER + 2 * (depth - 1), Ink::Plain, &consequence(view, finding, &parents));
            label = "";
        }
        let mut groups: Vec<(&str, Vec<FindingId>)> = Vec::new();
        for id in incident.findings.iter().filter(|id| incident.parents.get(id).is_some_and(|p| parents.contains(p))) {
            let Some(finding) = view.analysis.finding(*id).filter(|_| view.keeps(*id) && !written.contains(id)) else {
                continue;
            };
            written.push(*id);
            match groups.iter_mut().find(|(code, _)| *code == finding.rule.code) {
                Some((_, ids)) => ids.push(*id),
                None => groups.push((finding.rule.code, vec![*id])),
            }
        }
        stack.extend(groups.into_iter().rev().map(|(_, ids)| (ids, depth + 1)));
    }
}

/// `AUTH020 Expired token sent: GET /a, GET /b (3 requests)`
fn consequence(view: &View<'_>, first: &Finding, ids: &[FindingId]) -> String {
    let findings: Vec<&Finding> = ids.iter().filter_map(|id| view.analysis.finding(*id)).collect();
    let mut routes: Vec<&str> = findings.iter().map(|f| &*f.route).collect();
    routes.sort_unstable();
    routes.dedup();
    let more = routes.len().saturating_sub(ROUTES_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    routes.truncate(ROUTES_SHOWN);
    let requests: BTreeSet<_> = findings.iter().flat_map(|f| &f.exchanges).collect();
    let requests = count(requests.len(), "request");
    format!("{} {}: {}{more} ({requests})", first.rule.code, super::lower_first(&first.title), routes.join(", "))
}

/// What else it could have been, and why it is not, or what would tell.
fn rivals(page: &mut Page, incident: &Incident, root: &Finding, layout: &Layout) {
    let of = |verdict| incident.hypotheses.iter().filter(move |h| h.verdict == verdict);
    let supported = of(Verdict::Supported).filter(|h| h.because != root.message);
    let supported = supported.map(|rival| format!("{}: {}", rival.id, rival.because)).collect();
    listed(page, "possible", supported, None);
    let most = |most| (layout.detail != Detail::Everything).then_some((most, layout.more));
    listed(page, "ruled out", ruled_out(of(Verdict::Rejected)), most(RIVALS_SHOWN));
    let open = of(Verdict::Undecidable).map(|rival| match rival.needs {
        Some(needs) => format!("{}: needs {}.", rival.id, needs.trim_end_matches('.')),
        None => format!("{}: {}", rival.id, rival.because),
    });
    listed(page, "open", open.collect(), most(OPEN_SHOWN));
}

/// `lines` below one label; what exceeds `most` is counted, with what shows it.
fn listed(page: &mut Page, label: &str, lines: Vec<String>, most: Option<(usize, &str)>) {
    let (most, more) = most.unwrap_or((usize::MAX, ""));
    // One more line takes no more room than saying that there is one more.
    let most = if lines.len() == most.saturating_add(1) { lines.len() } else { most };
    for (number, line) in lines.iter().take(most).enumerate() {
        page.hanging(2, if number == 0 { label } else { "" }, GUTTER, Ink::Plain, line);
    }
    if lines.len() > most {
        page.hanging(2, "", GUTTER, Ink::Dim, &format!("and {} more, with {}", lines.len() - most, more));
    }
}

/// Rivals that one fact rules out share a line, which stands where the first of them stands.
fn ruled_out<'j>(rivals: impl Iterator<Item = &'j Judged>) -> Vec<String> {
    let mut grouped: Vec<(Vec<&str>, &Judged)> = Vec::new();
    for rival in rivals {
        match grouped.iter_mut().find(|(_, known)| known.because == rival.because) {
            Some((ids, _)) => ids.push(rival.id),
            None => grouped.push((vec![rival.id], rival)),
        }
    }
    let line = |(ids, judged): (Vec<&str>, &Judged)| {
        let said = |id: u32| judged.because.contains(&format!("#{id}"));
        let exchange = judged.evidence.first().map(|e| e.exchange.0).filter(|id| !said(*id));
        let exchange = exchange.map(|id| format!(" (#{id})")).unwrap_or_default();
        format!("{}: {}{exchange}.", ids.join(", "), judged.because.trim_end_matches('.'))
    };
    grouped.into_iter().map(line).collect()
}

fn fixes(page: &mut Page, incident: &Incident) {
    let lines = incident.fixes.iter().map(|fix| format!("{}: {}", fix.place, fix.text));
    listed(page, "fix", lines.collect(), None);
}
