//! `judge`: some clients of a dataset, for an engine that keeps the others on other machines (DESIGN §8).

use std::io::{self, BufReader, BufWriter, Write as _};

use anyhow::{Context as _, bail};
use authtrace_analyze::{Analyzer, Settings, coverage::Input, table::findings_of_a_part};
use authtrace_dataset::{Dataset, read_rows, write_findings, write_measures};

use crate::{
    args::{InspectArgs, JudgeArgs},
    config, exit, load,
    output::complain,
};

/// Runs the verb.
pub(super) fn run(args: &JudgeArgs) -> anyhow::Result<u8> {
    if !args.arrow {
        bail!(
            "judge takes its rows from a program: give --arrow and a stream of Arrow on standard input; see docs/dataset.md"
        );
    }
    let (analyzer, inputs) = partition(args)?;
    let mut to = BufWriter::new(io::stdout().lock());
    match &args.profile {
        None => write_measures(analyzer.measures(&inputs), &mut to)?,
        Some(path) => {
            let analysis = analyzer.finish_against(inputs, load::profile(path)?);
            write_findings(&findings_of_a_part(&analysis), &mut to)?;
        }
    }
    to.flush()?;
    Ok(exit::OK)
}

/// The facts on standard input, and every input of the dataset that they are out of.
fn partition(args: &JudgeArgs) -> anyhow::Result<(Analyzer, Vec<Input>)> {
    let (known, faults) = Dataset::open(&args.dataset)?.about();
    faults.iter().for_each(|fault| complain(&format!("cannot read {fault}")));
    let mut rows = load::told_once(|| read_rows(BufReader::new(io::stdin().lock())))
        .context("standard input holds no whole stream of rows (docs/dataset.md says which)")?;
    let mut analyzer = Analyzer::new(settings(args)?);
    let mut inputs = Vec::with_capacity(known.len());
    for info in known {
        if let Some(mut part) = rows.remove(&info.name) {
            if !part.is_whole() {
                bail!("standard input: a request of part {} names a credential that did not come with it", info.name);
            }
            part.keys = info.keys;
            let index = u16::try_from(inputs.len()).context("more than 65536 inputs; make several datasets")?;
            analyzer.add(part, info.first_id, index);
        }
        inputs.push(info.input);
    }
    if let Some(name) = rows.keys().next() {
        bail!("standard input: part {name} is not in {}", args.dataset.display());
    }
    Ok((analyzer, inputs))
}

/// How to judge. A worker takes the settings that it is told of, not those that happen to lie where it runs.
fn settings(args: &JudgeArgs) -> anyhow::Result<Settings> {
    let mut inspect =
        InspectArgs { config: args.config.clone(), no_config: args.config.is_none(), ..InspectArgs::default() };
    config::apply_to_inspect(&mut inspect)?;
    if !inspect.judgement.own_rules.is_empty() || !inspect.openapi.is_empty() {
        bail!(
            "judge sees some clients only, and own rules and API descriptions look at all of them; analyze the dataset"
        );
    }
    load::settings(&inspect, false)
}
