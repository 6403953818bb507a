//! The verbs, one file each, and what they share.

mod analyze;
mod capture;
mod completions;
mod config;
mod convert;
mod diff;
mod exchanges;
mod explain;
mod extract;
mod focus;
mod inspect;
mod judge;
mod judging;
mod link;
mod man;
mod query;
mod redact;
mod report;
mod rules;
mod share;
mod token;
mod tui;
mod verify;

use anyhow::bail;
use authtrace_analyze::Analysis;
use authtrace_report::gate;

use crate::{
    args::{Cli, OutputArgs, Verb},
    output::{self, Output, Stop},
};

/// Does what the command line asks and gives the exit code.
pub(crate) fn run(cli: Cli) -> u8 {
    let result = match &cli.verb {
        None if cli.analyze.is_bare() && tui::is_possible() => tui::run_bare(&cli.analyze),
        None => analyze::run(&cli.analyze),
        Some(Verb::Analyze(args)) => analyze::run(args),
        Some(Verb::Capture(args)) => capture::run(args),
        Some(Verb::Tui(args)) => tui::run(args),
        Some(Verb::Exchanges(args)) => exchanges::run(args),
        Some(Verb::Tokens(args)) => inspect::run(args, inspect::What::Tokens),
        Some(Verb::Sessions(args)) => inspect::run(args, inspect::What::Sessions),
        Some(Verb::Query(args)) => query::run(args),
        Some(Verb::Extract(args)) => extract::run(args),
        Some(Verb::Link(args)) => link::run(args),
        Some(Verb::Judge(args)) => judge::run(args),
        Some(Verb::Report(args)) => report::run(args),
        Some(Verb::Diff(args)) => diff::run(args),
        Some(Verb::Verify(args)) => verify::run(args),
        Some(Verb::Config(args)) => config::run(args),
        Some(Verb::Redact(args)) => redact::run(args),
        Some(Verb::Convert(args)) => convert::run(args),
        Some(Verb::Rules(args)) => rules::run(args),
        Some(Verb::Explain(args)) => explain::run(args),
        Some(Verb::Token(args)) => token::run(args),
        Some(Verb::Completions { shell }) => completions::run(*shell),
        Some(Verb::Man { verb, output }) => man::run(verb.as_deref(), output.as_deref()),
    };
    result.unwrap_or_else(|error| output::stop(&Stop::Failed(error)))
}

/// Sends logs to standard error from the second `-v` on.
fn start_logging(args: &OutputArgs) {
    let level = match args.verbose {
        0 | 1 => return,
        2 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).without_time();
    // Someone who was first keeps logging.
    let _ = subscriber.with_ansi(false).with_target(false).try_init();
}

/// Writes what was made of `analysis`, unless a secret of the capture got into it.
fn write_checked(output: &Output<'_>, text: &str, analysis: &Analysis) -> anyhow::Result<()> {
    refuse_leaks(text, analysis)?;
    output.write(text)
}

/// Fails where a secret of the capture stands in `text`.
fn refuse_leaks(text: &str, analysis: &Analysis) -> anyhow::Result<()> {
    if let Some(token) = gate::leaks_escaped(text, analysis) {
        bail!(
            "the output would show the secret {token} of the capture, so nothing was written; this is a defect, report it"
        );
    }
    Ok(())
}
