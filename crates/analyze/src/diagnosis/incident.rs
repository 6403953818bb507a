//! Incidents: findings that share one root cause, ordered by how much they break.

use std::collections::BTreeMap;

use authtrace_parse::ExchangeId;
use rayon::prelude::*;

use super::{
    Diagnosis, causes,
    contrast::{self, Compared, Contrast},
    hypotheses::{self, Judged, Scene},
    lookups::Lookups,
};
use crate::{
    capture::Capture,
    finding::{Confidence, Finding, FindingId, Severity},
    fixes::{Fix, fix},
    text::Text,
};

/// Index of an incident, printed as `I1`, `I2`…
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentId(pub u32);

impl std::fmt::Display for IncidentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "I{}", self.0 + 1)
    }
}

/// One root cause with everything that it caused.
pub struct Incident {
    /// Number, by importance.
    pub id: IncidentId,
    /// The root finding.
    pub root: FindingId,
    /// Every finding, root first.
    pub findings: Vec<FindingId>,
    /// For each consequence, the finding that explains it.
    pub parents: BTreeMap<FindingId, FindingId>,
    /// Severity of the root.
    pub severity: Severity,
    /// Confidence of the root.
    pub confidence: Confidence,
    /// The root's title.
    pub title: String,
    /// What is wrong, where, since when: one sentence or two.
    pub statement: String,
    /// Exchanges that it broke, ascending.
    pub exchanges: Vec<ExchangeId>,
    /// Competing hypotheses with their verdicts.
    pub hypotheses: Vec<Judged>,
    /// What separates the failing exchanges from the succeeding ones.
    pub contrast: Vec<Contrast>,
    /// How many of each were compared for that.
    pub compared: Compared,
    /// What to do, best first.
    pub fixes: Vec<&'static Fix>,
}

/// Findings of one cause, by index.
struct Group {
    root: usize,
    members: Vec<usize>,
}

/// Groups findings by root cause, orders the groups, and numbers findings in that order.
pub(super) fn assemble(
    capture: &Capture,
    lookups: &Lookups<'_>,
    findings: Vec<Finding>,
    parents: &[Option<usize>],
) -> Diagnosis {
    let mut groups = groups(&findings, parents);
    groups.sort_by(|a, b| {
        importance(&findings, b)
            .total_cmp(&importance(&findings, a))
            .then(first(&findings, a).cmp(&first(&findings, b)))
    });
    let numbers = numbers(&groups, &findings);
    let ids = (0..u32::try_from(groups.len()).unwrap_or(u32::MAX)).into_par_iter().map(IncidentId);
    let incidents = groups.par_iter().zip(ids);
    let incidents = incidents.map(|(group, id)| incident(capture, lookups, &findings, parents, &numbers, group, id));
    let incidents = incidents.collect();
    let mut ordered: Vec<(FindingId, Finding)> =
        findings.into_iter().enumerate().map(|(i, f)| (numbers[i], f)).collect();
    ordered.sort_by_key(|(id, _)| *id);
    Diagnosis { findings: ordered.into_iter().map(|(_, finding)| finding).collect(), incidents }
}

/// Roots of one rule and cause form one group; a hygiene note or a recovered case is a finding and no incident.
fn groups(findings: &[Finding], parents: &[Option<usize>]) -> Vec<Group> {
    let mut by_cause: BTreeMap<(&str, Text), Vec<usize>> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate() {
        let root = root_of(index, parents);
        if findings[root].severity > Severity::Low && (root == index || finding.severity >= Severity::Info) {
            by_cause.entry((findings[root].rule.code, findings[root].cause.clone())).or_default().push(index);
        }
    }
    let groups = by_cause.into_values().filter_map(|members| {
        let roots = members.iter().copied().filter(|index| parents[*index].is_none());
        let weight = |index: &usize| {
            let f = &findings[*index];
            (f.severity, f.exchanges.len(), std::cmp::Reverse(f.exchanges.first().copied()))
        };
        Some(Group { root: roots.max_by_key(weight)?, members })
    });
    groups.collect()
}

fn root_of(mut index: usize, parents: &[Option<usize>]) -> usize {
    // The edge table has no cycle; the bound holds even if it ever gets one.
    for _ in 0..parents.len() {
        match parents[index] {
            Some(parent) => index = parent,
            None => break,
        }
    }
    index
}

/// Confidence × severity × exchanges covered (detectors §10); hygiene never outranks a refusal.
fn importance(findings: &[Finding], group: &Group) -> f64 {
    let root = &findings[group.root];
    let severity = match root.severity {
        Severity::Critical => 8.0,
        Severity::High => 5.0,
        Severity::Medium => 1.0,
        Severity::Low | Severity::Info => 0.1,
    };
    let hygiene = if root.rule.layer == crate::catalogue::Layer::Hygiene { 0.01 } else { 1.0 };
    let covered = exchanges(findings, group).len() as f64;
    root.confidence().value() * severity * hygiene * (1.0 + covered.ln())
}

fn first(findings: &[Finding], group: &Group) -> Option<ExchangeId> {
    findings[group.root].exchanges.first().copied()
}

fn exchanges(findings: &[Finding], group: &Group) -> Vec<ExchangeId> {
    let mut ids: Vec<_> = group.members.iter().flat_map(|&index| findings[index].exchanges.iter().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Ids in reading order: incident by incident, root first, then by severity; what belongs to no incident comes last.
fn numbers(groups: &[Group], findings: &[Finding]) -> Vec<FindingId> {
    let mut order: Vec<usize> = Vec::with_capacity(findings.len());
    for group in groups {
        let mut members = group.members.clone();
        members.sort_by_key(|&index| {
            let f = &findings[index];
            (
                index != group.root,
                f.rule.code != findings[group.root].rule.code,
                std::cmp::Reverse(f.severity),
                f.rule.code,
                f.exchanges.first().copied(),
            )
        });
        order.extend(members);
    }
    let mut placed = vec![false; findings.len()];
    order.iter().for_each(|&index| placed[index] = true);
    let mut rest: Vec<usize> = (0..findings.len()).filter(|&index| !placed[index]).collect();
    rest.sort_by_key(|&index| {
        (
            std::cmp::Reverse(findings[index].severity),
            findings[index].rule.code,
            findings[index].exchanges.first().copied(),
        )
    });
    order.extend(rest);
    let mut numbers = vec![FindingId(0); findings.len()];
    for (number, index) in (0u32..).zip(order) {
        numbers[index] = FindingId(number);
    }
    numbers
}

fn incident(
    capture: &Capture,
    lookups: &Lookups<'_>,
    findings: &[Finding],
    parents: &[Option<usize>],
    numbers: &[FindingId],
    group: &Group,
    id: IncidentId,
) -> Incident {
    let root = &findings[group.root];
    let members: Vec<&Finding> = group.members.iter().map(|&index| &findings[index]).collect();
    let scene = Scene::new(capture, lookups, root, &members);
    let (compared, contrast) = contrast::contrast(capture, lookups.all(), root, &members);
    let mut ids: Vec<FindingId> = group.members.iter().map(|&index| numbers[index]).collect();
    ids.sort_unstable();
    Incident {
        id,
        root: numbers[group.root],
        findings: ids,
        parents: group.members.iter().filter_map(|&i| Some((numbers[i], numbers[parents[i]?]))).collect(),
        severity: root.severity,
        confidence: root.confidence(),
        title: root.title.clone(),
        statement: statement(root, &members),
        exchanges: exchanges(findings, group),
        hypotheses: hypotheses::judge(&scene),
        contrast,
        compared,
        fixes: fixes(root, &members),
    }
}

/// The root's message, and how far the same cause reaches.
fn statement(root: &Finding, members: &[&Finding]) -> String {
    let same: Vec<_> = members.iter().filter(|f| f.rule.code == root.rule.code).collect();
    let mut routes: Vec<_> = same.iter().flat_map(|f| &f.routes).collect();
    routes.sort_unstable();
    routes.dedup();
    if routes.len() > 1 {
        let count: usize = same.iter().map(|f| f.exchanges.len()).sum();
        return format!("{} The same cause shows on {} routes, {count} requests in all.", root.message, routes.len());
    }
    root.message.clone()
}

/// The root's fixes, then those of findings of the same weight about the same requests, without repeats. What only follows
/// from the root, on other requests, goes away with it.
fn fixes(root: &Finding, members: &[&Finding]) -> Vec<&'static Fix> {
    let mut keys: Vec<&str> = root.fixes.clone();
    let same_requests = |f: &Finding| f.rule.code == root.rule.code || causes::shares_exchange(root, f);
    for finding in members.iter().filter(|f| f.severity >= Severity::High && same_requests(f)) {
        for key in &finding.fixes {
            if keys.len() < 4 && !keys.contains(key) {
                keys.push(key);
            }
        }
    }
    keys.into_iter().filter_map(fix).collect()
}
