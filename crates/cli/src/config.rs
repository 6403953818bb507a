//! `--config`: a TOML file whose keys are the long flags. What the command line says wins; lists are added to.

use std::{collections::BTreeMap, fs, num::NonZeroUsize, path::PathBuf};

use anyhow::bail;
use serde::Deserialize;

use crate::args::{AnalyzeArgs, InspectArgs, TuiArgs};

/// The file's keys.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    filter: Option<String>,
    since: Option<String>,
    until: Option<String>,
    host: Option<String>,
    session: Option<String>,
    time: Option<String>,
    fingerprint_key: Option<String>,
    threads: Option<NonZeroUsize>,
    key: Vec<String>,
    env_file: Vec<PathBuf>,
    keylog: Vec<PathBuf>,
    format: Option<String>,
    output: Option<PathBuf>,
    color: Option<String>,
    quiet: bool,
    verbose: u8,
    min_severity: Option<String>,
    min_confidence: Option<f64>,
    fail_on: Option<String>,
    accept: Option<PathBuf>,
    exit_zero: bool,
    theme: Option<String>,
    tui_keys: BTreeMap<String, Vec<String>>,
}

/// Fills what the command line left open.
pub(crate) fn apply(args: &mut AnalyzeArgs) -> anyhow::Result<()> {
    let Some(file) = read(&args.inspect)? else { return Ok(()) };
    fill(&mut args.min_severity, &file.min_severity);
    fill(&mut args.min_confidence, &file.min_confidence);
    fill(&mut args.fail_on, &file.fail_on);
    fill(&mut args.accept, &file.accept);
    args.exit_zero |= file.exit_zero;
    merge(&mut args.inspect, file);
    Ok(())
}

/// The same for the verbs that do not judge: keys about judging are read and have no effect.
pub(crate) fn apply_to_inspect(args: &mut InspectArgs) -> anyhow::Result<()> {
    if let Some(file) = read(args)? {
        merge(args, file);
    }
    Ok(())
}

/// The same for `tui`, which has a theme and keys of its own: `tui-keys = { mark = ["m", "ctrl-m"] }`.
pub(crate) fn apply_to_tui(args: &mut TuiArgs) -> anyhow::Result<()> {
    if let Some(file) = read(&args.inspect)? {
        args.keys.clone_from(&file.tui_keys);
        fill(&mut args.theme, &file.theme);
        merge(&mut args.inspect, file);
    }
    Ok(())
}

fn read(args: &InspectArgs) -> anyhow::Result<Option<File>> {
    let Some(path) = &args.config else { return Ok(None) };
    let shown = path.display();
    let text =
        fs::read_to_string(path).map_err(|error| anyhow::anyhow!("cannot read {shown}: {error}; check --config"))?;
    match toml::from_str(&text) {
        Ok(file) => Ok(Some(file)),
        Err(error) => bail!("{shown}{}; keys are the long flags", fault(&error, &text)),
    }
}

/// Where the file is wrong, and the name of an unknown key; no value, which might be a secret.
fn fault(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| format!(", line {}", before.matches('\n').count() + 1)).unwrap_or_default();
    let unknown = error.message().strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    match unknown {
        Some(name) => format!("{line}: unknown field `{name}`"),
        None => format!("{line}: cannot be read as TOML with the expected types"),
    }
}

fn merge(args: &mut InspectArgs, file: File) {
    fill(&mut args.filter, &file.filter);
    fill(&mut args.since, &file.since);
    fill(&mut args.until, &file.until);
    fill(&mut args.host, &file.host);
    fill(&mut args.session, &file.session);
    fill(&mut args.time, &file.time);
    fill(&mut args.fingerprint_key, &file.fingerprint_key);
    fill(&mut args.threads, &file.threads);
    args.keys.key.extend(file.key);
    args.keys.env_file.extend(file.env_file);
    args.keylog.extend(file.keylog);
    fill(&mut args.output.format, &file.format);
    fill(&mut args.output.output, &file.output);
    fill(&mut args.output.color, &file.color);
    args.output.quiet |= file.quiet;
    args.output.verbose = args.output.verbose.max(file.verbose);
}

fn fill<T: Clone>(open: &mut Option<T>, value: &Option<T>) {
    if open.is_none() {
        open.clone_from(value);
    }
}
