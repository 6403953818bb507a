//! `link`: which clients of a dataset must be judged together.

use authtrace_analyze::table::{Answer, Values};
use authtrace_dataset::{Dataset, parquet_of};
use authtrace_report::answer;

use super::start_logging;
use crate::{args::LinkArgs, exit, format::Format, output::Output};

/// Runs the verb.
pub(super) fn run(args: &LinkArgs) -> anyhow::Result<u8> {
    start_logging(&args.output);
    let format = args.output.format()?;
    let output = Output::new(&args.output);
    let linked = Dataset::open(&args.dataset)?.link()?.linked();
    let texts = |names: Vec<String>| Values::Text(names.into_iter().map(Some).collect());
    let answer = Answer {
        columns: vec![
            ("group".to_owned(), texts(linked.iter().map(|linked| linked.group.to_string()).collect())),
            ("client".to_owned(), texts(linked.iter().map(|linked| linked.client.to_string()).collect())),
            (
                "exchanges".to_owned(),
                Values::Int(linked.iter().map(|linked| i64::try_from(linked.exchanges).ok()).collect()),
            ),
        ],
    };
    match format {
        Format::Text => output.write(&answer::text(&answer, output.style()?, output.columns()))?,
        Format::Json => output.write(&answer::json(&answer))?,
        Format::Jsonl => output.write(&answer::jsonl(&answer))?,
        Format::Csv => output.write(&answer::csv(&answer))?,
        Format::Parquet => output.write_bytes(&parquet_of(&answer)?)?,
        _ => anyhow::bail!("-T: not for this verb; use text, json, jsonl, csv or parquet"),
    }
    Ok(exit::OK)
}
