//! Runs the catalogue over a capture: coverage first, then every timeline, then what remains unexplained.

use rayon::prelude::*;

use crate::{
    capture::Capture,
    case::Case,
    coverage::Coverage,
    finding::Finding,
    lookup::Lookup,
    rule::{Check, Explained, Findings},
    rules::RULES,
};

/// Every finding and every gap of coverage, in the order of the catalogue.
pub(crate) fn judge(capture: &Capture) -> (Vec<Finding>, Vec<Coverage>) {
    let coverage = RULES.iter().flat_map(|rule| match rule.check {
        Check::Coverage(check) => check(capture),
        _ => Vec::new(),
    });
    let mut findings = Vec::new();
    for order in capture.timelines() {
        let lookup = Lookup::new(capture, order);
        findings.extend(judge_timeline(&Case::new(capture, &lookup)));
    }
    (findings, coverage.collect())
}

fn judge_timeline(case: &Case<'_>) -> Vec<Finding> {
    // Rules know nothing of each other, so they run side by side; the order of their findings is the catalogue's.
    let direct = RULES.par_iter().map(|rule| {
        let mut found = Findings::default();
        if let Check::Timeline(check) = rule.check {
            check(case, &mut found);
        }
        found.into_vec()
    });
    let mut findings: Vec<Finding> = direct.collect::<Vec<_>>().into_iter().flatten().collect();
    for rule in RULES {
        if let Check::Residual(check) = rule.check {
            let mut residual = Findings::default();
            check(case, &Explained::by(&findings, &rule.meta), &mut residual);
            findings.extend(residual.into_vec());
        }
    }
    findings
}
