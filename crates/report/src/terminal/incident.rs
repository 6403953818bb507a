//! One incident: headline, statement, where and when, proof, consequences, rivals, remedy.

use authtrace_analyze::{Finding, FindingId, Incident, Judged, Verdict};

use super::{Detail, Layout, count, evidence, label};
use crate::{
    moment::{Clock, date_and_time, span},
    page::Page,
    style::Ink,
    view::View,
};

/// Columns of the gutter that holds the labels.
pub(super) const GUTTER: usize = 11;
/// Undecided rivals shown without `-v`.
const OPEN_SHOWN: usize = 3;

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
    location(page, view, root, &root_siblings(view, incident, root), layout);
    let siblings = root_siblings(view, incident, root);
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
    for finding in same {
        for route in &finding.routes {
            match routes.iter_mut().find(|(known, _)| *known == &**route) {
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
    let confidence = root.confidence();
    let percent = (confidence.value() * 100.0).round();
    page.hanging(2, "certainty", GUTTER, Ink::Plain, &format!("{percent} %, {}", confidence.band()));
}

/// `2026-11-21 10:22:03 UTC, 4 requests within 2.3 s, session S1`
fn when(view: &View<'_>, same: &[&Finding], layout: &Layout) -> Option<String> {
    let ids = same.iter().flat_map(|f| &f.exchanges);
    let mut facts: Vec<_> = ids.filter_map(|id| view.analysis.fact(*id)).collect();
    facts.sort_by_key(|f| f.id);
    facts.dedup_by_key(|f| f.id);
    let times = || facts.iter().filter_map(|f| f.timing.started.or(f.timing.sent));
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

fn contrast(page: &mut Page, incident: &Incident) {
    let mut label = "differs";
    for contrast in &incident.contrast {
        let text = format!(
            "{}: {} failing, {} accepted",
            contrast.feature,
            short_ratio(&contrast.failing),
            short_ratio(&contrast.succeeding)
        );
        page.hanging(2, label, GUTTER, Ink::Plain, &text);
        label = "";
    }
}

fn short_ratio(ratio: &str) -> &str {
    ratio
}

/// Findings that the root explains, nested below what caused them.
fn consequences(page: &mut Page, view: &View<'_>, incident: &Incident, root: &Finding) {
    let mut label = "led to";
    let mut stack = vec![(incident.root, 0usize)];
    let mut written = vec![incident.root];
    let same_cause = |id: &FindingId| view.analysis.finding(*id).is_some_and(|f| f.rule.code == root.rule.code);
    while let Some((at, depth)) = stack.pop() {
        let is_root = at == incident.root;
        let children = incident.findings.iter().filter(|id| {
            let parent = incident.parents.get(id);
            let of_sibling = is_root && parent.is_some_and(|p| *p != incident.root && same_cause(p));
            parent == Some(&at) || of_sibling
        });
        let children: Vec<FindingId> =
            children.copied().filter(|id| !written.contains(id) && view.keeps(*id) && !same_cause(id)).collect();
        written.extend(&children);
        if let Some(finding) = view.analysis.finding(at).filter(|_| !is_root) {
            let indent = 2 * (depth - 1);
            let text = format!(
                "{} {}: {}, {}",
                finding.rule.code,
                finding.title,
                finding.route,
                count(finding.exchanges.len(), "request")
            );
            page.hanging(2, label, GUTTER + indent, Ink::Plain, &text);
            label = "";
        }
        stack.extend(children.into_iter().rev().map(|id| (id, depth + 1)));
    }
}

/// What else it could have been, and why it is not, or what would tell.
fn rivals(page: &mut Page, incident: &Incident, root: &Finding, layout: &Layout) {
    let of = |verdict| incident.hypotheses.iter().filter(move |h| h.verdict == verdict);
    let mut label = "possible";
    for rival in of(Verdict::Supported).filter(|h| h.because != root.message) {
        page.hanging(2, label, GUTTER, Ink::Plain, &format!("{}: {}", rival.statement, rival.because));
        label = "";
    }
    label = "ruled out";
    for rival in of(Verdict::Rejected) {
        page.hanging(2, label, GUTTER, Ink::Plain, &ruled_out(rival));
        label = "";
    }
    label = "open";
    let open: Vec<&Judged> = of(Verdict::Undecidable).collect();
    let most = if layout.detail == Detail::Everything { open.len() } else { OPEN_SHOWN.min(open.len()) };
    for rival in &open[..most] {
        let needs = rival.needs.map(|needs| format!("; {} would tell", lower(needs))).unwrap_or_default();
        page.hanging(2, label, GUTTER, Ink::Plain, &format!("{}{needs}.", rival.statement));
        label = "";
    }
    if open.len() > most {
        page.hanging(2, label, GUTTER, Ink::Dim, &format!("and {} more, with -v", open.len() - most));
    }
}

fn ruled_out(rival: &Judged) -> String {
    let exchange = rival.evidence.first().map(|e| format!(" (#{})", e.exchange.0)).unwrap_or_default();
    let because = rival.because.trim_end_matches('.');
    format!("{}: {because}{exchange}.", rival.statement)
}

/// A phrase inside a sentence, without its full stop.
fn lower(text: &str) -> String {
    super::lower_first(text.trim_end_matches('.'))
}

fn fixes(page: &mut Page, incident: &Incident) {
    let mut label = "fix";
    for fix in &incident.fixes {
        page.hanging(2, label, GUTTER, Ink::Plain, &format!("{}: {}", fix.place, fix.text));
        label = "";
    }
}
