//! The text output of `analyze`: the cause first, then its proof, what it led to, what it is not, and what to do.

mod coverage;
mod evidence;
mod incident;
mod totals;

use authtrace_analyze::{Finding, FindingId, Incident, Severity, catalogue::Layer, coverage::Coverage};

use crate::{
    moment::Clock,
    page::{Line, Page},
    style::{Ink, Style},
    view::View,
};

/// How the text is laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Columns.
    pub width: usize,
    /// Colour.
    pub style: Style,
    /// How times are shown; `None` shows the first of a group as time of day and the others as offsets from it.
    pub clock: Option<Clock>,
    /// How much is said.
    pub detail: Detail,
    /// What makes it say more.
    pub more: &'static str,
}

impl Default for Layout {
    fn default() -> Self {
        Self { width: 80, style: Style::PLAIN, clock: None, detail: Detail::Normal, more: "-v" }
    }
}

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Headlines only.
    Headlines,
    /// What a reader needs to believe and mend it.
    #[default]
    Normal,
    /// All evidence and all findings.
    Everything,
}

/// The whole text for `view`.
pub fn render(view: &View<'_>, layout: &Layout) -> String {
    // A headline is one line, for whoever counts or greps them.
    let width = if layout.detail == Detail::Headlines { usize::MAX / 2 } else { layout.width };
    let mut page = Page::new(width, layout.style);
    if view.analysis.is_empty() {
        page.para(0, Ink::Bold, &totals::no_request(view));
        coverage::write(&mut page, view, layout);
        return page.finish();
    }
    if !view.analysis.has_authentication() && view.findings().next().is_none() && view.analysis.coverage.is_empty() {
        page.para(0, Ink::Plain, &totals::no_authentication(view));
        return page.finish();
    }
    for incident in view.incidents() {
        page.blank_unless(layout.detail == Detail::Headlines);
        incident::write(&mut page, view, incident, layout);
    }
    let headlines = layout.detail == Detail::Headlines;
    let healthy = totals::is_healthy(view);
    if healthy {
        totals::write(&mut page, view);
    }
    if !headlines {
        loose_findings(&mut page, view, layout);
        coverage::write(&mut page, view, layout);
        if !healthy {
            page.blank();
            totals::write(&mut page, view);
        }
        // One line of notes stands well between the verdict and what to do next.
        page.blank_unless(!healthy || layout.detail == Detail::Normal && view.analysis.coverage.is_empty());
        totals::next(&mut page, view);
    }
    page.finish()
}

/// One incident as lines that know the exchanges they speak of, for whoever draws it elsewhere.
pub fn incident_lines(view: &View<'_>, incident: &Incident, layout: &Layout) -> Vec<Line> {
    let mut page = Page::new(layout.width, layout.style);
    incident::write(&mut page, view, incident, layout);
    page.into_lines()
}

/// The same for a finding of no incident.
pub fn finding_lines(view: &View<'_>, finding: &Finding, layout: &Layout) -> Vec<Line> {
    let mut page = Page::new(layout.width, layout.style);
    incident::write_finding(&mut page, view, finding, layout);
    page.into_lines()
}

/// The same for what the capture could not show.
pub fn coverage_lines(coverage: &Coverage, layout: &Layout) -> Vec<Line> {
    let mut page = Page::new(layout.width, layout.style);
    coverage::write_gap(&mut page, coverage);
    page.into_lines()
}

/// Findings of no incident: notes and recovered cases. One line for all of them, or each in full.
fn loose_findings(page: &mut Page, view: &View<'_>, layout: &Layout) {
    let in_incident = |id: FindingId| view.incidents().iter().any(|incident| incident.findings.contains(&id));
    let loose: Vec<(FindingId, &Finding)> = view.findings().filter(|(id, _)| !in_incident(*id)).collect();
    if layout.detail == Detail::Everything {
        for (_, finding) in loose {
            page.blank();
            incident::write_finding(page, view, finding, layout);
        }
        return;
    }
    let (minor, major): (Vec<_>, Vec<_>) = loose.into_iter().partition(|(_, f)| f.severity <= Severity::Low);
    for (_, finding) in major {
        page.blank();
        incident::write_finding(page, view, finding, layout);
    }
    let healthy = totals::is_healthy(view);
    page.blank_unless(healthy || minor.is_empty());
    // Where nothing worse was found, what was not allowed is what somebody came for.
    let is_told = |finding: &Finding| healthy && finding.rule.layer != Layer::Hygiene;
    let (told, minor): (Vec<_>, Vec<_>) = minor.into_iter().partition(|(_, finding)| is_told(finding));
    for (_, finding) in told.iter().take(MOST_TOLD) {
        page.hanging(0, "note", 7, Ink::Plain, &format!("{}: {}", finding.rule.code, finding.message));
    }
    let minor: Vec<_> = told.into_iter().skip(MOST_TOLD).chain(minor).collect();
    if !minor.is_empty() {
        page.hanging(0, "notes", 7, Ink::Plain, &notes(&minor));
    }
}

/// Notes that are told in full where nothing worse was found.
const MOST_TOLD: usize = 3;

/// `2 of low severity: Token lives long (AUTH100) ×2. Add -v to read them.`
fn notes(minor: &[(FindingId, &Finding)]) -> String {
    let mut counted: Vec<(&Finding, usize)> = Vec::new();
    for (_, finding) in minor {
        match counted.iter_mut().find(|(known, _)| known.rule.code == finding.rule.code) {
            Some((_, count)) => *count += 1,
            None => counted.push((finding, 1)),
        }
    }
    let names = counted.iter().map(|(f, count)| match count {
        1 => format!("{} {}", f.rule.code, lower_first(f.rule.title)),
        _ => format!("{} {} (×{count})", f.rule.code, lower_first(f.rule.title)),
    });
    format!("{}. Add -v to read them.", names.collect::<Vec<_>>().join("; "))
}

/// A title inside a sentence; names and acronyms keep their capitals.
fn lower_first(title: &str) -> String {
    let mut chars = title.chars();
    match (chars.next(), title.chars().nth(1)) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => title.to_owned(),
    }
}

/// `high[AUTH002]:`
fn label(severity: Severity, code: &str) -> String {
    format!("{severity}[{code}]:")
}
