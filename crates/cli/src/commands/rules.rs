//! `rules`: the catalogue.

use authtrace_report::rules;

use crate::{args::OutputArgs, exit, format::ValueFormat, output::Output};

/// Runs the verb.
pub(super) fn run(args: &OutputArgs) -> anyhow::Result<u8> {
    let output = Output::new(args);
    let text = match args.format()?.of_value()? {
        ValueFormat::Text => rules::text(output.columns(), output.style()?),
        ValueFormat::Json => rules::json(),
        ValueFormat::Jsonl => rules::jsonl(),
    };
    output.write(&text)?;
    Ok(exit::OK)
}
