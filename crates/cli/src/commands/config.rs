//! `config`: the settings that hold, and where each comes from.

use authtrace_report::settings;

use crate::{args::ConfigArgs, config, exit, format::ValueFormat, output::Output};

/// Runs the verb.
pub(super) fn run(args: &ConfigArgs) -> anyhow::Result<u8> {
    let own = &args.analyze.inspect.output;
    let output = Output::new(own);
    let loaded = config::read(&args.analyze.inspect)?;
    let all = config::settings(&args.analyze, loaded.as_ref(), args.all);
    let text = match own.format()?.of_value()? {
        ValueFormat::Text => settings::text(&all, output.columns(), output.style()?),
        ValueFormat::Json => serde_json::to_string_pretty(&all)? + "\n",
        ValueFormat::Jsonl => {
            all.iter().map(|setting| Ok(serde_json::to_string(setting)? + "\n")).collect::<anyhow::Result<_>>()?
        }
    };
    output.write(&text)?;
    Ok(exit::OK)
}
