//! `analyze`: what is wrong, root causes first.

use std::collections::BTreeMap;

use authtrace_report::{
    csv, github,
    incident_report::{About, IncidentReport},
    json, junit, sarif, terminal,
};

use super::{focus, judging::Floors, start_logging, write_checked};
use crate::{args::AnalyzeArgs, format::Format, load, output::Output};

/// Runs the verb.
pub(super) fn run(args: &AnalyzeArgs) -> anyhow::Result<u8> {
    let inspect = &args.inspect;
    start_logging(&inspect.output);
    let format = inspect.output.format()?;
    let output = Output::new(&inspect.output);
    let layout = terminal::Layout { clock: focus::clock(inspect)?, ..output.layout()? };
    let floors = Floors::parse(args)?;
    let loaded = load::load(inspect)?;
    if let Some(code) = loaded.unread() {
        return Ok(code);
    }
    let view = floors.view(args, &loaded)?;
    let text = match format {
        Format::Text => terminal::render(&view, &layout),
        Format::Json => json::render(&view),
        Format::Jsonl => json::lines(&view),
        Format::Csv => csv::findings(&view),
        Format::Md => IncidentReport::new(&view, &About::default()).markdown(&BTreeMap::new())?,
        Format::Html => IncidentReport::new(&view, &About::default()).html()?,
        Format::Sarif => sarif::render(&view),
        Format::Junit => junit::render(&view, floors.fail_on()),
        Format::Github => github::annotations(&view),
        Format::Parquet => bail!("-T parquet: not for this verb; use `authtrace query`"),
    };
    write_checked(&output, &text, &loaded.analysis)?;
    Ok(floors.verdict(args, &loaded, &view).code())
}
