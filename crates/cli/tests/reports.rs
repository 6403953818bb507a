//! `reports/` holds what the program writes today for the samples in `captures/`.
//!
//! After a change that is meant: `UPDATE_REPORTS=1 cargo test -p authtrace --test reports`, then look at the difference.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read and write files, and report"
)]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde::Deserialize;
use support::root;

/// The part of `captures/expected.toml` that a report depends on.
#[derive(Deserialize)]
struct Expected {
    keys: Option<String>,
}

/// The sample whose page and document are kept beside its Markdown: one of each shows a change of either.
const WHOLE: &str = "race.har";

/// The report of one sample, file by file.
fn report(name: &str, keys: Option<&str>, folder: &Path) -> BTreeMap<String, String> {
    let out = folder.join(name);
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrace"));
    // Paths stand in reports: they are those that a reader of the repository would type.
    command.current_dir(root()).args(["report", &format!("captures/{name}"), "--exit-zero"]).arg("-o").arg(&out);
    if let Some(keys) = keys {
        command.arg("--env-file").arg(format!("captures/{keys}"));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let kept = |file: &&str| *file == "report.md" || name == WHOLE;
    let files = ["report.md", "report.html", "report.json"].into_iter().filter(kept);
    files.map(|file| (format!("{name}/{file}"), std::fs::read_to_string(out.join(file)).unwrap())).collect()
}

/// Every file in `reports/` but its README, by its path in there.
fn kept(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for sample in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        for file in std::fs::read_dir(&sample).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            let name = file.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
            found.insert(name, std::fs::read_to_string(&file).unwrap());
        }
    }
    found
}

#[test]
fn kept_reports_are_what_is_written_today() {
    let text = std::fs::read_to_string(root().join("captures/expected.toml")).unwrap();
    let samples: BTreeMap<String, Expected> = toml::from_str(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let written: BTreeMap<String, String> =
        samples.iter().flat_map(|(name, sample)| report(name, sample.keys.as_deref(), folder.path())).collect();
    let reports = root().join("reports");
    if std::env::var_os("UPDATE_REPORTS").is_some() {
        for stale in kept(&reports).keys().filter(|name| !written.contains_key(*name)) {
            std::fs::remove_file(reports.join(stale)).unwrap();
        }
        for (name, text) in &written {
            let path = reports.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        println!("{} reports written", written.len());
        return;
    }
    let kept = kept(&reports);
    let names: BTreeSet<&String> = kept.keys().chain(written.keys()).collect();
    let differing: Vec<String> = names
        .into_iter()
        .filter_map(|name| match (kept.get(name), written.get(name)) {
            (Some(before), Some(now)) if before == now => None,
            (Some(before), Some(now)) => {
                let line = before.lines().zip(now.lines()).position(|(a, b)| a != b).map_or(0, |at| at + 1);
                Some(format!("{name} differs from line {line} on"))
            }
            (None, _) => Some(format!("{name} is not kept")),
            (_, None) => Some(format!("{name} is of no sample")),
        })
        .collect();
    assert!(differing.is_empty(), "{}\nif that is meant, run with UPDATE_REPORTS=1", differing.join("\n"));
}

/// The gate of `docs/ci.md`, as it stands there, on what Playwright recorded.
#[test]
fn the_documented_gate_fails_where_authentication_is_broken() {
    let page = std::fs::read_to_string(root().join("docs/ci.md")).unwrap();
    let (_, rest) = page.split_once("```bash\n").unwrap();
    let (gate, _) = rest.split_once("```").unwrap();
    for (sample, code) in [("healthy.playwright.har", 0), ("race.playwright.har", 1)] {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path().join("test-results/a-test");
        std::fs::create_dir_all(&results).unwrap();
        std::fs::copy(root().join("captures").join(sample), results.join("traffic.har")).unwrap();
        std::fs::write(folder.path().join("gate.sh"), gate).unwrap();
        let binaries = Path::new(env!("CARGO_BIN_EXE_authtrace")).parent().unwrap();
        let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        let output = command.arg("gate.sh").current_dir(folder.path()).env("PATH", path).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{sample}: {}", String::from_utf8_lossy(&output.stdout));
        for file in ["authtrace.sarif", "authtrace.xml", "report/report.html"] {
            assert!(folder.path().join("auth").join(file).is_file(), "{sample}: {file}");
        }
    }
}
