//! Single faults in healthy captures, for every rule that a HAR can show; and failing captures without their fault.
#![allow(
    clippy::disallowed_methods,
    clippy::drop_non_drop,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read captures and report; `drop` ends a chain of changes"
)]

mod calibration;
mod clients;
mod logins;
mod refreshes;
mod repairs;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
#[path = "../support/truth.rs"]
mod truth;

use std::collections::BTreeSet;

use authtrace_analyze::catalogue::catalogue;
use support::mutation::{self, Mutation};

/// Rules of which no HAR can be a mutation, and what shows them instead.
const WITHOUT: &[(&str, &str)] = &[
    ("AUTH104", "it needs a declaration beside the HAR: cli/tests/settings.rs shows it"),
    ("CAP201", "a HAR holds no encrypted bytes: cli/tests/lab_packets.rs and capture/tests/tls.rs show it"),
];

fn all() -> impl Iterator<Item = &'static Mutation> {
    [clients::MUTATIONS, logins::MUTATIONS, refreshes::MUTATIONS, tokens::MUTATIONS].into_iter().flatten()
}

#[test]
fn every_fault_is_named_and_its_absence_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let faults: Vec<String> = all().flat_map(|mutation| mutation::faults(mutation, folder.path())).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_rule_has_a_fault_or_a_reason_why_not() {
    let shown: BTreeSet<&str> = all().map(|mutation| mutation.rule).collect();
    let excused: BTreeSet<&str> = WITHOUT.iter().map(|(code, _)| *code).collect();
    let rules: BTreeSet<&str> = catalogue().map(|meta| meta.code).collect();
    let neither: Vec<_> = rules.iter().filter(|code| !shown.contains(*code) && !excused.contains(*code)).collect();
    let unknown: Vec<_> = shown.union(&excused).filter(|code| !rules.contains(*code)).collect();
    let both: Vec<_> = shown.intersection(&excused).collect();
    assert!(neither.is_empty() && unknown.is_empty() && both.is_empty(), "{neither:?} {unknown:?} {both:?}");
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<&str> = all().map(|mutation| mutation.name).collect();
    assert_eq!(names.len(), all().count());
}
