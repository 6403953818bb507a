//! Analyses of the committed samples and of small captures written in the test.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read captures and may panic")]

use std::path::{Path, PathBuf};

use authtrace_analyze::{
    Analysis, Analyzer, BodyNeeds, Settings,
    coverage::Input,
    key::{KeyRing, dotenv},
};
use authtrace_capture::{InputPath, Plan, read_from, read_input};
use authtrace_parse::Exchange;

/// The sample `name` of `captures/`, under that path, with the `.env` file beside it where there is one.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn sample(name: &str) -> Analysis {
    let path = root().join("captures").join(name);
    let mut analyzer = Analyzer::new(Settings { keys: keys(&path.with_extension("env")), ..Settings::default() });
    let report = read_input(&InputPath::File(path), &Plan::new(&BodyNeeds), &mut |e| analyzer.push(&e)).unwrap();
    analyzer.finish(vec![input(&format!("captures/{name}"), report)])
}

/// A capture given as the JSON of its entries.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn entries(name: &str, entries: &str) -> Analysis {
    let text =
        format!(r#"{{"log":{{"version":"1.2","creator":{{"name":"test","version":"1"}},"entries":[{entries}]}}}}"#);
    let mut analyzer = Analyzer::new(Settings::default());
    let mut push = |e| analyzer.push(&e);
    let report = read_from(text.as_bytes(), name, &Plan::new(&BodyNeeds), &mut push).unwrap();
    analyzer.finish(vec![input(name, report)])
}

/// The exchanges of every sample HAR, by name.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn exchanges_of_samples() -> Vec<(String, Vec<Exchange>)> {
    exchanges_of_samples_in(&["har"])
}

/// The exchanges of every sample whose name ends so, by name.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn exchanges_of_samples_in(formats: &[&str]) -> Vec<(String, Vec<Exchange>)> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(root().join("captures")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| formats.iter().any(|format| extension == *format)));
    paths.sort();
    let read = |path: PathBuf| {
        let mut exchanges = Vec::new();
        read_input(&InputPath::File(path.clone()), &Plan::new(&BodyNeeds), &mut |e| exchanges.push(e)).unwrap();
        (path.display().to_string(), exchanges)
    };
    paths.into_iter().map(read).collect()
}

/// The exchanges of a capture given as the JSON of its entries.
#[allow(dead_code, reason = "not every test file uses it")]
pub(crate) fn exchanges(entries: &str) -> Vec<Exchange> {
    let text = format!(r#"{{"log":{{"version":"1.2","entries":[{entries}]}}}}"#);
    let mut exchanges = Vec::new();
    let mut push = |e| exchanges.push(e);
    read_from(text.as_bytes(), "test", &Plan::new(&BodyNeeds), &mut push).unwrap();
    exchanges
}

fn input(path: &str, report: authtrace_capture::InputReport) -> Input {
    Input {
        path: path.to_owned(),
        sha256: report.sha256,
        bytes: report.bytes,
        exchanges: report.exchanges,
        creator: report.creator.as_deref().map(Into::into),
        truncated: report.truncated,
        anomalies: report.anomalies.iter().map(|a| (a.kind.name().into(), 1)).collect(),
        ..Input::default()
    }
}

fn keys(path: &Path) -> KeyRing {
    let mut ring = KeyRing::new();
    for (name, value) in std::fs::read_to_string(path).map(|text| dotenv::parse(&text)).unwrap_or_default() {
        ring.add_value(&name, &value);
    }
    ring
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
