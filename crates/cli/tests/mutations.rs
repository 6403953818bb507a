//! Mutations: a healthy capture, one fault in it. The rule fires as the root; without the fault nothing is said.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read captures and report"
)]

#[path = "support/faults.rs"]
mod faults;
mod support;

use authtrace_analyze::{Analysis, Severity};
use faults::{MUTATIONS, Mutation};
use support::har::Har;

fn loud(analysis: &Analysis) -> Vec<String> {
    let loud = analysis.findings.iter().filter(|f| f.severity >= Severity::Medium);
    loud.map(|f| format!("{} {:?} on {}: {}", f.rule.code, f.variant, f.route, f.message)).collect()
}

/// What is wrong with the judgements of one fault and of the capture without it.
fn check(mutation: &Mutation, folder: &std::path::Path) -> Vec<String> {
    let mut har = Har::read(&support::root().join("captures/healthy.har"));
    (mutation.healthy)(&mut har);
    let original = support::analyze(&har.write(folder, &format!("{}-healthy", mutation.name)), None);
    (mutation.fault)(&mut har);
    let mutated = support::analyze(&har.write(folder, mutation.name), None);
    let name = mutation.name;
    let mut faults: Vec<String> = loud(&original).iter().map(|f| format!("{name}: without the fault: {f}")).collect();
    let root = mutated.incidents.first().and_then(|incident| mutated.finding(incident.root));
    let right = root.is_some_and(|f| {
        f.rule.code == mutation.rule && (mutation.variant.is_empty() || f.variant == Some(mutation.variant))
    });
    if !right {
        let root = root.map(|f| (f.rule.code, f.variant));
        faults.push(format!("{name}: the root is {root:?}, not {}; said: {:#?}", mutation.rule, loud(&mutated)));
    }
    faults
}

#[test]
fn every_fault_is_named_and_its_absence_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let faults: Vec<String> = MUTATIONS.iter().flat_map(|mutation| check(mutation, folder.path())).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
