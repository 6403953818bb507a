//! `verify`: does the fix hold? Each incident of a baseline is gone, still there, or not provable from this capture.
//!
//! Gone is a claim of absence: it is made only where the broken calls were made again, were answered, and no gap of coverage
//! blinds the rule.

use std::collections::BTreeSet;

use authtrace_analyze::facts::Fact;
use serde::{Deserialize, Serialize};

use crate::{
    json,
    page::Page,
    style::Ink,
    terminal::Layout,
    view::View,
    words::{count, some},
};

/// A document `authtrace.analysis/1`, as far as it is compared.
#[derive(Deserialize)]
pub struct Baseline {
    schema: String,
    incidents: Vec<Known>,
    findings: Vec<KnownFinding>,
    report: Option<KnownReport>,
}

#[derive(Deserialize)]
struct Known {
    id: String,
    root: String,
    title: String,
    findings: Vec<String>,
}

#[derive(Deserialize)]
struct KnownFinding {
    id: String,
    code: String,
    origin: String,
    routes: Vec<String>,
    fingerprint: String,
}

#[derive(Deserialize)]
struct KnownReport {
    incidents: Vec<KnownChapter>,
}

#[derive(Deserialize)]
struct KnownChapter {
    id: String,
    #[serde(default)]
    checks: Vec<KnownCheck>,
}

#[derive(Deserialize)]
struct KnownCheck {
    says: String,
    filter: String,
    at_least: Option<usize>,
    at_most: Option<usize>,
}

/// Why a file is no baseline.
#[derive(Debug)]
pub struct BaselineError(String);

impl std::fmt::Display for BaselineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BaselineError {}

impl Baseline {
    /// Reads what `report -o` or `analyze -T json` wrote.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_str(text).map_err(|e| {
            BaselineError(format!("no document of authtrace (line {}, column {})", e.line(), e.column()))
        })?;
        if baseline.schema != json::SCHEMA {
            return Err(BaselineError(format!("schema is not {}", json::SCHEMA)));
        }
        Ok(baseline)
    }
}

/// How an incident of the baseline stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The same calls were made again, and nothing of it shows.
    Gone,
    /// It shows again.
    StillThere,
    /// This capture does not tell.
    NotProvable,
}

/// One incident of the baseline, as it stands now.
#[derive(Serialize)]
struct Verified {
    id: String,
    title: String,
    standing: Standing,
    because: String,
}

/// A comparison of a baseline with a capture.
#[derive(Serialize)]
pub struct Verification {
    schema: &'static str,
    incidents: Vec<Verified>,
    /// Incidents of this capture that the baseline does not know.
    new: Vec<New>,
}

#[derive(Serialize)]
struct New {
    id: String,
    title: String,
    severity: &'static str,
}

impl Verification {
    /// Compares `view` with `baseline`.
    ///
    /// # Errors
    /// Where an assertion of the baseline is no filter.
    pub fn new(view: &View<'_>, baseline: &Baseline) -> Result<Self, BaselineError> {
        let now: BTreeSet<String> = view.findings().map(|(_, finding)| finding.fingerprint()).collect();
        let known: BTreeSet<&str> = baseline.findings.iter().map(|f| f.fingerprint.as_str()).collect();
        let mut incidents = Vec::new();
        for incident in &baseline.incidents {
            let (standing, because) = stand(view, baseline, incident, &now)?;
            incidents.push(Verified { id: incident.id.clone(), title: incident.title.clone(), standing, because });
        }
        let is_new = |incident: &&&authtrace_analyze::Incident| {
            view.analysis.finding(incident.root).is_some_and(|root| !known.contains(root.fingerprint().as_str()))
        };
        let new = view.incidents().iter().filter(is_new).map(|incident| New {
            id: incident.id.to_string(),
            title: incident.title.clone(),
            severity: incident.severity.name(),
        });
        Ok(Self { schema: "authtrace.verify/1", incidents, new: new.collect() })
    }

    /// Whether an incident of the baseline has this standing.
    pub fn any(&self, standing: Standing) -> bool {
        self.incidents.iter().any(|incident| incident.standing == standing)
    }

    /// One JSON document.
    pub fn json(&self) -> String {
        json::pretty(self)
    }

    /// For people.
    pub fn text(&self, layout: &Layout) -> String {
        let mut page = Page::new(layout.width, layout.style);
        for incident in &self.incidents {
            let (label, ink) = match incident.standing {
                Standing::Gone => ("gone:", Ink::Good),
                Standing::StillThere => ("still there:", Ink::Severity(authtrace_analyze::Severity::High)),
                Standing::NotProvable => ("not provable:", Ink::Severity(authtrace_analyze::Severity::Medium)),
            };
            page.headline(label, ink, &format!("{} {}", incident.id, incident.title));
            page.para(2, Ink::Plain, &incident.because);
        }
        if self.incidents.is_empty() {
            page.para(0, Ink::Plain, "The baseline holds no incident.");
        }
        for incident in &self.new {
            page.headline("new:", Ink::Dim, &format!("{} {} ({})", incident.id, incident.title, incident.severity));
        }
        page.finish()
    }
}

fn stand(
    view: &View<'_>,
    baseline: &Baseline,
    incident: &Known,
    now: &BTreeSet<String>,
) -> Result<(Standing, String), BaselineError> {
    let member = |f: &&KnownFinding| incident.findings.contains(&f.id) || f.id == incident.root;
    let members: Vec<&KnownFinding> = baseline.findings.iter().filter(member).collect();
    let Some(root) = members.iter().find(|f| f.id == incident.root) else {
        return Err(BaselineError(format!("{} names a root that is not there", incident.id)));
    };
    let same: Vec<&KnownFinding> = members.iter().copied().filter(|f| f.code == root.code).collect();
    let again = same.iter().filter(|f| now.contains(&f.fingerprint)).count();
    if again > 0 {
        return Ok((Standing::StillThere, format!("{} of {} shows again.", again, count(same.len(), "finding"))));
    }
    if let Some(gap) = view.analysis.coverage.iter().find(|gap| gap.affects.contains(&root.code.as_str())) {
        return Ok((Standing::NotProvable, format!("{} blinds {}: {}", gap.rule.code, root.code, gap.says)));
    }
    let missing: BTreeSet<String> = same.iter().flat_map(|f| unexercised(view, f)).collect();
    if !missing.is_empty() {
        let missing: Vec<String> = missing.into_iter().collect();
        return Ok((Standing::NotProvable, format!("{} is not in this capture, or not answered.", some(&missing, 3))));
    }
    let chapter = baseline.report.iter().flat_map(|report| &report.incidents).find(|c| c.id == incident.id);
    for check in chapter.map(|chapter| chapter.checks.as_slice()).unwrap_or_default() {
        let found = view.analysis.capture.matching(&check.filter).map_err(|e| BaselineError(e.to_string()))?.len();
        if check.at_most.is_some_and(|most| found > most) {
            return Ok((Standing::StillThere, format!("This does not hold ({found}): {}.", check.says)));
        }
        if check.at_least.is_some_and(|least| found < least) {
            return Ok((Standing::NotProvable, format!("This was not seen ({found}): {}.", check.says)));
        }
    }
    Ok((Standing::Gone, "The same calls were made again, and nothing of it shows.".to_owned()))
}

/// Routes of `finding` that this capture does not call on the same host, or whose calls all stay without an answer.
fn unexercised(view: &View<'_>, finding: &KnownFinding) -> Vec<String> {
    let called = |route: &&String| {
        let answers =
            |f: &&Fact| *f.route == ***route && host(&f.origin) == host(&finding.origin) && f.status.is_some();
        view.facts().any(|f| answers(&f))
    };
    finding.routes.iter().filter(|route| !called(route)).cloned().collect()
}

/// The host of an origin: a development server's port changes from run to run.
fn host(origin: &str) -> &str {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}
