//! Are confidences what they say? Over every labelled capture and every mutation: of the findings in band `certain` at least
//! 95 % are right, in `high` at least 80 %. Prints the table, with Wilson intervals.
//!
//! A finding is right where the label names it, wrong where the label excludes it: an exchange that must stay quiet, a
//! healthy capture, a cause that is not there. What a label says nothing of (hygiene, consequences of a named cause) is
//! counted beside.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use authtrace_analyze::{Analysis, Finding, FindingId, Severity};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    all,
    support::{
        self,
        mutation::{self, Mutation},
        normalise, root,
    },
    truth::{self, FORMS, HTTP2, Truth, is_packets},
};

/// What a label says of a finding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Right,
    Wrong,
    Silent,
}

/// The findings of one band.
#[derive(Default)]
struct Band {
    right: u32,
    silent: u32,
    wrong: Vec<String>,
}

#[derive(Default)]
struct Table {
    bands: BTreeMap<&'static str, Band>,
    captures: u32,
}

impl Table {
    fn add(&mut self, name: &str, analysis: &Analysis, label: impl Fn(FindingId, &Finding) -> Label) {
        self.captures += 1;
        for (id, finding) in (0..).map(FindingId).zip(&analysis.findings) {
            let band = self.bands.entry(finding.confidence().band()).or_default();
            match label(id, finding) {
                Label::Right => band.right += 1,
                Label::Silent => band.silent += 1,
                Label::Wrong => band.wrong.push(format!(
                    "{name}: {} on {} ({:.2}): {}",
                    finding.rule.code,
                    finding.route,
                    finding.confidence().value(),
                    finding.message
                )),
            }
        }
    }
}

/// The Wilson score interval of `right` of `n` at 95 %.
fn wilson(right: f64, n: f64) -> (f64, f64) {
    const Z: f64 = 1.959_964;
    if n == 0.0 {
        return (0.0, 1.0);
    }
    let (p, z2) = (right / n, Z * Z);
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    (middle - half, middle + half)
}

fn is_loud(finding: &Finding) -> bool {
    finding.severity >= Severity::Medium
}

/// `captures/expected.toml`, as far as it labels.
#[derive(Deserialize)]
struct Sample {
    root: Vec<String>,
    findings: Vec<Wanted>,
    quiet: Vec<String>,
    keys: Option<String>,
}

#[derive(Deserialize)]
struct Wanted {
    code: String,
    route: String,
}

fn samples(table: &mut Table) {
    let captures = root().join("captures");
    let text = std::fs::read_to_string(captures.join("expected.toml")).unwrap();
    let samples: BTreeMap<String, Sample> = toml::from_str(&text).unwrap();
    for (name, sample) in &samples {
        let keys = sample.keys.as_ref().map(|keys| captures.join(keys));
        let analysis = support::analyze(&captures.join(name), keys.as_deref());
        let quiet: BTreeSet<String> = sample.quiet.iter().map(|route| normalise(route)).collect();
        let path = |route: &str| route.split_once(' ').map(|(_, path)| path.to_owned());
        table.add(name, &analysis, |_, finding| {
            let named = sample.findings.iter().any(|wanted| {
                // A route of AUTH060 is the preflight's, or that of the request that it blocked.
                let same =
                    |r: &str| *r == *wanted.route || (wanted.code == "AUTH060" && path(r) == path(&wanted.route));
                finding.rule.code == wanted.code && finding.routes.iter().any(|route| same(route))
            });
            let must_be_quiet = sample.root.is_empty() || quiet.contains(&normalise(&finding.route));
            match finding.rule.code {
                code if named || sample.root.iter().any(|root| root == code) => Label::Right,
                _ if is_loud(finding) && must_be_quiet => Label::Wrong,
                _ => Label::Silent,
            }
        });
    }
}

/// What each recording of one class of faults shows; a sanitised one shows nothing.
const CLASSES: &[(&str, &[&str])] = &[
    ("healthy.har", &[]),
    ("malformed.har", &["AUTH010", "AUTH011"]),
    ("opaque.har", &["AUTH013"]),
    ("preflight.har", &["AUTH060"]),
    ("race.har", &["AUTH002"]),
    ("rawfetch.har", &["AUTH001", "AUTH003", "AUTH004"]),
    ("redirect.har", &["AUTH070"]),
    ("sanitized.har", &["AUTH001", "AUTH002"]),
    ("storm.har", &["AUTH020", "AUTH040", "AUTH041", "AUTH042", "AUTH043"]),
    ("ws403.har", &["AUTH030", "AUTH080"]),
];

fn classes(table: &mut Table) {
    let Some(folder) = support::shared("classes") else { return };
    for (name, codes) in CLASSES {
        let analysis = support::analyze(&folder.join(name), None);
        table.add(name, &analysis, |_, finding| match finding.rule.code {
            code if codes.contains(&code) => Label::Right,
            code if is_loud(finding) && !truth::BESIDE.contains(&code) => Label::Wrong,
            _ => Label::Silent,
        });
    }
}

fn lab(table: &mut Table) {
    let Some(lab) = support::shared("lab") else { return };
    let mut folders: Vec<_> = std::fs::read_dir(lab).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders.iter().filter(|folder| folder.join("truth.json").is_file()) {
        let truth: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap();
        let encrypted = folder.join("keylog.txt");
        let key_log = |form: &str| (is_packets(form) && encrypted.is_file()).then_some(encrypted.as_path());
        for form in FORMS.iter().filter(|form| folder.join(form).is_file()) {
            if key_log(form).is_none() || !folder.ends_with(HTTP2) {
                recording(folder, form, key_log(form), &truth, table);
            }
        }
    }
}

fn recording(folder: &Path, form: &str, key_log: Option<&Path>, truth: &Value, table: &mut Table) {
    let env = folder.join("secrets.env");
    let analysis = support::analyze_with(&folder.join(form), env.is_file().then_some(env.as_path()), key_log);
    let told = Truth::of(truth, form, &analysis);
    let name = format!("{}/{form}", folder.file_name().unwrap().to_string_lossy());
    table.add(&name, &analysis, |_, finding| match finding {
        _ if told.is_right(finding) => Label::Right,
        _ if is_loud(finding) && (told.is_false_alarm(finding) || told.is_other_cause(finding)) => Label::Wrong,
        _ => Label::Silent,
    });
}

/// One fault: its rule is right, what follows from it is beside the label, and whatever else is loud is wrong.
fn one_mutation(one: &Mutation, folder: &Path, table: &mut Table) {
    let (original, mutated) = mutation::judged(one, folder);
    table.add(&format!("{}, healthy", one.name), &original, |_, finding| {
        if is_loud(finding) { Label::Wrong } else { Label::Silent }
    });
    table.add(one.name, &mutated, |id, finding| {
        let incident = mutated.incidents.iter().find(|incident| incident.findings.contains(&id));
        let cause = incident.and_then(|incident| mutated.finding(incident.root)).map(|root| root.rule.code);
        let named = finding.rule.code == one.rule && (one.variant.is_empty() || finding.variant == Some(one.variant));
        // The fault may be the consequence of another finding, as a blind retry is; the incident is the same.
        let same = incident.is_some_and(|incident| {
            incident.findings.iter().filter_map(|id| mutated.finding(*id)).any(|f| f.rule.code == one.rule)
        });
        match named {
            true => Label::Right,
            false if is_loud(finding) && cause != Some(one.rule) && !same => Label::Wrong,
            false => Label::Silent,
        }
    });
}

fn mutations(table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    all().for_each(|one| one_mutation(one, folder.path(), table));
}

#[test]
fn bands_hold_what_they_promise() {
    let mut table = Table::default();
    samples(&mut table);
    classes(&mut table);
    lab(&mut table);
    mutations(&mut table);
    println!("{} captures", table.captures);
    println!("band      n  right  wrong  share  Wilson 95 %  not labelled");
    for name in ["certain", "high", "medium", "low"] {
        let band = table.bands.entry(name).or_default();
        let (right, wrong) = (band.right, u32::try_from(band.wrong.len()).unwrap());
        let n = right + wrong;
        let share = f64::from(right) / f64::from(n.max(1));
        let (low, high) = wilson(f64::from(right), f64::from(n));
        let silent = band.silent;
        println!("{name:7} {n:4}  {right:5}  {wrong:5}  {share:5.3}  {low:.3}–{high:.3}  {silent:12}");
        band.wrong.iter().for_each(|wrong| println!("          wrong: {wrong}"));
        let least = match name {
            "certain" => 0.95,
            "high" => 0.80,
            _ => 0.0,
        };
        assert!(n >= 30 || least == 0.0, "{name}: {n} labelled findings prove nothing");
        assert!(share >= least, "{name}: {share:.3} are right, at least {least} must be");
    }
}

#[test]
fn the_interval_is_wilsons() {
    let (low, high) = wilson(9.0, 10.0);
    assert!((low - 0.596).abs() < 0.001 && (high - 0.982).abs() < 0.001, "{low} {high}");
    assert_eq!(wilson(0.0, 0.0), (0.0, 1.0));
}
