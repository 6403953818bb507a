//! `rules`: the catalogue.

use authtrace_report::rules;

use crate::{args::OutputArgs, exit, format::Format, output::Output};

/// Runs the verb.
pub(super) fn run(args: &OutputArgs) -> anyhow::Result<u8> {
    let output = Output::new(args);
    let text = match args.format()? {
        Format::Text => rules::text(output.columns(), output.style()?),
        Format::Json => rules::json(),
        Format::Jsonl => rules::jsonl(),
    };
    output.write(&text)?;
    Ok(exit::OK)
}
