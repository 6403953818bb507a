//! Mutations: a healthy capture, one fault in it. The rule fires as the root; without the fault nothing is said.

use std::{
    ops::{Deref, DerefMut},
    path::Path,
};

use authtrace_analyze::{Analysis, Severity};

use super::{analyze, har::Har, root};

/// One fault.
pub(crate) struct Mutation {
    /// What is done, in a word or two: the file's name.
    pub(crate) name: &'static str,
    /// The rule that must say so.
    pub(crate) rule: &'static str,
    /// The variant, where it matters.
    pub(crate) variant: &'static str,
    /// What is healthy: `captures/healthy.har`, and what some faults need besides.
    pub(crate) healthy: fn(&mut Capture<'_>),
    /// The fault.
    pub(crate) fault: fn(&mut Capture<'_>),
}

/// The capture under change, with a folder to write it into.
pub(crate) struct Capture<'a> {
    pub(crate) har: Har,
    pub(crate) folder: &'a Path,
}

impl Deref for Capture<'_> {
    type Target = Har;

    fn deref(&self) -> &Har {
        &self.har
    }
}

impl DerefMut for Capture<'_> {
    fn deref_mut(&mut self) -> &mut Har {
        &mut self.har
    }
}

/// Rules that always follow from another finding, which then is the root (detectors §10).
const FOLLOW: &[&str] = &["AUTH044", "AUTH062"];

/// What an analysis says at medium or above.
pub(crate) fn loud(analysis: &Analysis) -> Vec<String> {
    let loud = analysis.findings.iter().filter(|f| f.severity >= Severity::Medium);
    loud.map(|f| format!("{} {:?} on {}: {}", f.rule.code, f.variant, f.route, f.message)).collect()
}

/// The capture without the fault, and with it.
pub(crate) fn judged(mutation: &Mutation, folder: &Path) -> (Analysis, Analysis) {
    let mut capture = Capture { har: Har::read(&root().join("captures/healthy.har")), folder };
    (mutation.healthy)(&mut capture);
    let original = analyze(&capture.write(folder, &format!("{}-healthy", mutation.name)), None);
    (mutation.fault)(&mut capture);
    (original, analyze(&capture.write(folder, mutation.name), None))
}

/// What is wrong with the judgements of one fault and of the capture without it.
pub(crate) fn faults(mutation: &Mutation, folder: &Path) -> Vec<String> {
    let (original, mutated) = judged(mutation, folder);
    let name = mutation.name;
    let mut faults: Vec<String> = loud(&original).iter().map(|f| format!("{name}: without the fault: {f}")).collect();
    if says(&original, mutation) {
        faults.push(format!("{name}: {} is said without the fault", mutation.rule));
    }
    if !says(&mutated, mutation) {
        let roots = mutated.incidents.iter().filter_map(|incident| mutated.finding(incident.root));
        let roots: Vec<_> = roots.map(|f| (f.rule.code, f.variant)).collect();
        let (rule, variant) = (mutation.rule, mutation.variant);
        faults.push(format!("{name}: not {rule} {variant}: the roots are {roots:?}; said: {:#?}", loud(&mutated)));
    }
    faults
}

/// Whether the rule of `mutation` speaks: as the root of the first incident, as a consequence where it always is one, or
/// about the capture's own quality.
fn says(analysis: &Analysis, mutation: &Mutation) -> bool {
    let variant = |own: Option<&str>| mutation.variant.is_empty() || own == Some(mutation.variant);
    if mutation.rule.starts_with("CAP") {
        return analysis.coverage.iter().any(|coverage| coverage.rule.code == mutation.rule);
    }
    if FOLLOW.contains(&mutation.rule) {
        let consequences = analysis.incidents.first().into_iter().flat_map(|incident| incident.parents.keys());
        let mut consequences = consequences.filter_map(|id| analysis.finding(*id));
        return consequences.any(|f| f.rule.code == mutation.rule && variant(f.variant));
    }
    let root = analysis.incidents.first().and_then(|incident| analysis.finding(incident.root));
    root.is_some_and(|f| f.rule.code == mutation.rule && variant(f.variant))
}
