//! `verify`: whether the incidents of a baseline are gone from a new capture.

use std::fs;

use anyhow::{Context as _, bail};
use authtrace_report::{
    View, terminal,
    verify::{Baseline, Standing, Verification},
};

use super::{start_logging, write_checked};
use crate::{args::VerifyArgs, exit, format::ValueFormat, load, output::Output};

/// Largest baseline read.
const LIMIT: u64 = 256 << 20;

/// Runs the verb.
pub(super) fn run(args: &VerifyArgs) -> anyhow::Result<u8> {
    let inspect = &args.inspect;
    start_logging(&inspect.output);
    let format = inspect.output.format()?.of_value()?;
    let output = Output::new(&inspect.output);
    let layout: terminal::Layout = output.layout()?;
    let shown = args.baseline.display();
    if fs::metadata(&args.baseline).is_ok_and(|meta| meta.len() > LIMIT) {
        bail!("--baseline: {shown} is larger than 256 MiB");
    }
    let text = fs::read_to_string(&args.baseline)
        .map_err(|e| anyhow::anyhow!("cannot read {shown}: {e}; check --baseline"))?;
    let unfit = || format!("--baseline {shown}: write one with `authtrace report FILE -o DIR`");
    let baseline = Baseline::parse(&text).with_context(unfit)?;
    let loaded = load::load(inspect)?;
    if let Some(code) = loaded.unread() {
        return Ok(code);
    }
    let verification = Verification::new(&View::all(&loaded.analysis), &baseline).with_context(unfit)?;
    let text = match format {
        ValueFormat::Text => verification.text(&layout),
        ValueFormat::Json | ValueFormat::Jsonl => verification.json(),
    };
    write_checked(&output, &text, &loaded.analysis)?;
    let verdict = exit::Verdict {
        findings: verification.any(Standing::StillThere),
        no_judgement: verification.any(Standing::NotProvable),
        usage: loaded.failed,
        interrupted: loaded.interrupted,
        exit_zero: args.exit_zero,
    };
    Ok(verdict.code())
}
