//! `diff`: what changed in authentication behaviour between two captures.

use anyhow::bail;
use authtrace_analyze::Severity;
use authtrace_report::{View, diff::Diff};

use super::{start_logging, write_checked};
use crate::{
    args::{DiffArgs, severity},
    exit::Verdict,
    format::ValueFormat,
    load,
    output::Output,
};

/// Runs the verb.
pub(super) fn run(args: &DiffArgs) -> anyhow::Result<u8> {
    let inspect = &args.inspect;
    start_logging(&inspect.output);
    let format = inspect.output.format()?.of_value()?;
    let output = Output::new(&inspect.output);
    let layout = output.layout()?;
    let fail_on = args.fail_on.as_deref().map_or(Ok(Severity::High), |name| severity("--fail-on", name))?;
    let [before, after] = inspect
        .paths()?
        .try_into()
        .or_else(|paths: Vec<_>| bail!("diff compares two captures, BEFORE and AFTER; {} named", paths.len()))?;
    let before = load::load(&inspect.with_path(before))?;
    let after = load::load(&inspect.with_path(after))?;
    if let Some(code) = before.unread().or(after.unread()) {
        return Ok(code);
    }
    let diff = Diff::new(&View::all(&before.analysis), &View::all(&after.analysis));
    let text = match format {
        ValueFormat::Text => diff.text(&layout),
        ValueFormat::Json | ValueFormat::Jsonl => diff.json(),
    };
    // A secret of either capture must not stand there.
    if let Some(token) = authtrace_report::gate::leaks(&text, &before.analysis) {
        bail!(
            "the output would show the secret {token} of the first capture, so nothing was written; this is a defect, report it"
        );
    }
    write_checked(&output, &text, &after.analysis)?;
    let verdict = Verdict {
        findings: diff.worst_new().is_some_and(|worst| worst >= fail_on),
        no_judgement: before.analysis.is_empty() || after.analysis.capture.facts.is_empty(),
        usage: before.failed || after.failed,
        interrupted: before.interrupted || after.interrupted,
        exit_zero: args.exit_zero,
    };
    Ok(verdict.code())
}
