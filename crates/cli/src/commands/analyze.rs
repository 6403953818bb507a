//! `analyze`: what is wrong, root causes first.

use anyhow::bail;
use authtrace_analyze::Severity;
use authtrace_report::{Focus, View, json, terminal};

use super::{focus, start_logging, write_checked};
use crate::{
    args::{AnalyzeArgs, severity},
    exit::{self, Verdict},
    format::Format,
    load::{self, Loaded},
    output::Output,
};

/// Runs the verb.
pub(super) fn run(args: &AnalyzeArgs) -> anyhow::Result<u8> {
    let inspect = &args.inspect;
    start_logging(&inspect.output);
    let format = inspect.output.format()?;
    let output = Output::new(&inspect.output);
    let layout = terminal::Layout { clock: focus::clock(inspect)?, ..output.layout()? };
    let fail_on = args.fail_on.as_deref().map_or(Ok(Severity::High), |name| severity("--fail-on", name))?;
    let min_severity = args.min_severity.as_deref().map(|name| severity("--min-severity", name)).transpose()?;
    if args.min_confidence.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
        bail!("--min-confidence: a probability lies between 0 and 1");
    }
    let Loaded { analysis, failed, nothing, interrupted, .. } = load::load(inspect)?;
    if nothing {
        return Ok(if interrupted { exit::INTERRUPTED } else { exit::USAGE });
    }
    let exchanges = focus::exchanges(inspect, &analysis)?;
    let view = View::new(&analysis, Focus { exchanges, min_severity, min_confidence: args.min_confidence });
    let text = match format {
        Format::Text => terminal::render(&view, &layout),
        Format::Json => json::render(&view),
        Format::Jsonl => json::lines(&view),
    };
    write_checked(&output, &text, &analysis)?;
    let verdict = Verdict {
        findings: view.worst().is_some_and(|worst| worst >= fail_on),
        no_judgement: analysis.capture.facts.is_empty() || view.is_sanitized() && analysis.findings.is_empty(),
        usage: failed,
        interrupted,
        exit_zero: args.exit_zero,
    };
    Ok(verdict.code())
}
