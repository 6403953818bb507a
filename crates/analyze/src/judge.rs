//! Runs the catalogue over a capture: coverage first, then every timeline, then what remains unexplained.

use rayon::prelude::*;

use crate::{
    bystander,
    capture::Capture,
    case::Case,
    coverage::Coverage,
    finding::Finding,
    lookup::Lookup,
    rule::{Check, Explained, Findings, Rule},
    rules::RULES,
};

/// Every finding and every gap of coverage, in the order of the catalogue.
pub(crate) fn judge(capture: &Capture) -> (Vec<Finding>, Vec<Coverage>) {
    let coverage = RULES.iter().flat_map(|rule| match rule.check {
        Check::Coverage(check) => check(capture),
        _ => Vec::new(),
    });
    let timelines: Vec<&[u32]> = capture.timelines().collect();
    // Timelines know nothing of each other, so they are judged side by side; the order of their findings stays theirs.
    let findings = timelines.par_iter().flat_map_iter(|order| {
        let lookup = Lookup::new(capture, order);
        judge_timeline(&Case::new(capture, &lookup), order.len())
    });
    (findings.collect(), coverage.collect())
}

/// From so many exchanges on it pays to run the rules of one timeline side by side.
const LONG: usize = 4096;

fn judge_timeline(case: &Case<'_>, exchanges: usize) -> Vec<Finding> {
    // Rules know nothing of each other either; the order of their findings is the catalogue's.
    let direct = |rule: &Rule| {
        let mut found = Findings::default();
        if let Check::Timeline(check) = rule.check {
            check(case, &mut found);
        }
        found.into_vec()
    };
    let mut findings: Vec<Finding> = match exchanges {
        LONG.. => RULES.par_iter().flat_map_iter(|rule| direct(rule)).collect(),
        _ => RULES.iter().flat_map(|rule| direct(rule)).collect(),
    };
    for rule in RULES {
        if let Check::Residual(check) = rule.check {
            let mut residual = Findings::default();
            check(case, &Explained::by(&findings, &rule.meta), &mut residual);
            findings.extend(residual.into_vec());
        }
    }
    findings.iter_mut().for_each(|finding| bystander::lower(case.capture(), finding));
    findings
}
