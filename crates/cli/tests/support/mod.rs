//! Test support: a capture goes in, an analysis comes out, as the program would do it.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic and report")]

pub(crate) mod har;
pub(crate) mod mutation;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use authtrace_analyze::{
    Analysis, Analyzer, BodyNeeds, Settings,
    coverage::{Input, InputFormat},
    key::{KeyRing, dotenv},
};
use authtrace_capture::{Container, InputError, InputPath, InputReport, Plan, read_input};
use authtrace_parse::KeyLog;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The captures shared by the developers, where they are; says aloud where they are not.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let path = root().join("../shared/captures").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("SKIPPED: {} is not on this machine", path.display());
    None
}

/// What `command`, written for a shell that finds `authtrace`, prints in `folder`.
pub(crate) fn shell(command: &str, folder: &Path) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_authtrace")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    Command::new("sh").args(["-c", command]).current_dir(folder).env("PATH", path).output().unwrap()
}

/// A Chromium of this machine, where there is one; says aloud where there is not.
pub(crate) fn browser() -> Option<&'static str> {
    let runs = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(runs);
    if found.is_none() {
        println!("SKIPPED: no Chromium on this machine");
    }
    found
}

/// Analyses one capture, with the candidate keys of `env_file` where one is given.
pub(crate) fn analyze(path: &Path, env_file: Option<&Path>) -> Analysis {
    analyze_with(path, env_file, None)
}

/// The same with a TLS key log.
pub(crate) fn analyze_with(path: &Path, env_file: Option<&Path>, key_log: Option<&Path>) -> Analysis {
    let mut log = KeyLog::new();
    if let Some(path) = key_log {
        log.read(&std::fs::read(path).unwrap());
    }
    analyze_inputs(&[path.to_owned()], env_file, &Arc::new(log))
}

/// Analyses captures together.
pub(crate) fn analyze_all(paths: &[PathBuf], env_file: Option<&Path>) -> Analysis {
    analyze_inputs(paths, env_file, KeyLog::none())
}

/// The same, where the file may be none that can be read.
pub(crate) fn try_analyze(path: &Path, key_log: Option<&Path>) -> Option<Analysis> {
    let mut log = KeyLog::new();
    if let Some(path) = key_log {
        log.read(&std::fs::read(path).unwrap());
    }
    read_inputs(Analyzer::new(Settings::default()), &[path.to_owned()], &Arc::new(log)).ok()
}

/// Analyses one capture with these settings.
pub(crate) fn judge(path: &Path, settings: Settings) -> Analysis {
    read_inputs(Analyzer::new(settings), &[path.to_owned()], KeyLog::none()).unwrap()
}

fn analyze_inputs(paths: &[PathBuf], env_file: Option<&Path>, key_log: &Arc<KeyLog>) -> Analysis {
    let mut keys = KeyRing::new();
    if let Some(env_file) = env_file {
        let text = std::fs::read_to_string(env_file).unwrap();
        for (name, value) in dotenv::parse(&text) {
            keys.add_value(&name, &value);
        }
    }
    read_inputs(Analyzer::new(Settings { keys, ..Settings::default() }), paths, key_log).unwrap()
}

fn read_inputs(mut analyzer: Analyzer, paths: &[PathBuf], key_log: &Arc<KeyLog>) -> Result<Analysis, InputError> {
    let (mut inputs, mut first_id) = (Vec::new(), 0);
    for (index, path) in (0..).zip(paths) {
        let plan = Plan { index, first_id, keys: Arc::clone(key_log), ..Plan::new(&BodyNeeds) };
        let path = InputPath::File(path.clone());
        let report = read_input(&path, &plan, &mut |exchange| analyzer.push(&exchange))?;
        first_id = report.next_id;
        inputs.push(input(report));
    }
    Ok(analyzer.finish(inputs))
}

fn input(report: InputReport) -> Input {
    Input {
        path: report.path,
        format: match report.format.container {
            Container::Har => InputFormat::Har,
            Container::Pcap => InputFormat::Pcap,
            Container::Pcapng => InputFormat::Pcapng,
        },
        sha256: report.sha256,
        bytes: report.bytes,
        exchanges: report.exchanges,
        truncated: report.truncated,
        opaque: report.opaque,
        opaque_count: report.opaque_count,
        quic: report.quic,
        decrypted_count: report.decrypted_count,
        ..Input::default()
    }
}

/// A route without ids, so that a truth's concrete paths compare with templates.
pub(crate) fn normalise(route: &str) -> String {
    let (method, rest) = route.split_once(' ').unwrap_or(("", route));
    let path = match rest.split_once("://") {
        Some((_, after)) => after.find('/').map_or("/", |at| &after[at..]),
        None => rest,
    };
    let path = path.split('?').next().unwrap_or_default();
    format!("{method} {}", authtrace_analyze::facts::route::template(path))
}
