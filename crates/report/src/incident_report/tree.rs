//! The causal tree: the root cause with what followed from it; the same consequence on several routes is one branch.

use std::collections::BTreeSet;

use authtrace_analyze::{Finding, FindingId};

use super::{model::Branch, scene::Scene};

/// The trees of the incident: one, headed by its root.
pub(super) fn tree(scene: &Scene<'_>) -> Vec<Branch> {
    let of_root = |id: &FindingId| scene.finding(*id).is_some_and(|f| f.rule.code == scene.root.rule.code);
    let parentless = |id: &FindingId| !scene.incident.parents.contains_key(id);
    let roots = scene
        .incident
        .findings
        .iter()
        .copied()
        .filter(|id| *id == scene.incident.root || of_root(id) && parentless(id));
    let roots: Vec<FindingId> = roots.collect();
    let mut placed: BTreeSet<FindingId> = roots.iter().copied().collect();
    branch(scene, &roots, 0, &mut placed).into_iter().collect()
}

fn branch(scene: &Scene<'_>, ids: &[FindingId], depth: usize, placed: &mut BTreeSet<FindingId>) -> Option<Branch> {
    let findings: Vec<&Finding> = ids.iter().filter_map(|id| scene.finding(*id)).collect();
    let first = *findings.first()?;
    let mut groups: Vec<(&str, Vec<FindingId>)> = Vec::new();
    let parents = &scene.incident.parents;
    for id in scene.incident.findings.iter().filter(|id| parents.get(id).is_some_and(|p| ids.contains(p))) {
        let Some(finding) = scene.finding(*id) else { continue };
        if !placed.insert(*id) {
            continue;
        }
        match groups.iter_mut().find(|(code, _)| *code == finding.rule.code) {
            Some((_, ids)) => ids.push(*id),
            None => groups.push((finding.rule.code, vec![*id])),
        }
    }
    let mut routes: Vec<String> = findings.iter().flat_map(|f| f.routes.iter().map(|r| r.to_string())).collect();
    routes.sort_unstable();
    routes.dedup();
    let requests: BTreeSet<_> = findings.iter().flat_map(|f| &f.exchanges).collect();
    Some(Branch {
        code: first.rule.code,
        title: first.title.clone(),
        severity: first.severity.name(),
        routes,
        requests: requests.len(),
        depth,
        children: groups.iter().filter_map(|(_, ids)| branch(scene, ids, depth + 1, placed)).collect(),
    })
}
