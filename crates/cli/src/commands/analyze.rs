//! `analyze`: what is wrong, root causes first.

use std::collections::BTreeMap;

use anyhow::bail;
use authtrace_analyze::Analysis;
use authtrace_report::{
    View, csv, github,
    incident_report::{About, IncidentReport},
    json, junit, sarif, terminal,
};

use super::{focus, judging::Floors, start_logging, write_checked};
use crate::{
    args::AnalyzeArgs,
    format::Format,
    load::{self, Loaded},
    output::Output,
};

/// Runs the verb.
pub(super) fn run(args: &AnalyzeArgs) -> anyhow::Result<u8> {
    start_logging(&args.inspect.output);
    let judgement = Judgement::prepare(args)?;
    let loaded = load::load_findings(&args.inspect, judgement.format.is_handed_on(), args.at_once)?;
    if let Some(code) = loaded.unread() {
        return Ok(code);
    }
    judgement.write(&loaded)
}

/// How what was found is shown, and what it makes of the exit code: read from the flags before any work is done.
pub(super) struct Judgement<'a> {
    args: &'a AnalyzeArgs,
    /// Format of the report.
    pub(super) format: Format,
    /// Where it goes.
    pub(super) output: Output<'a>,
    layout: terminal::Layout,
    floors: Floors,
}

impl<'a> Judgement<'a> {
    /// As the flags say.
    pub(super) fn prepare(args: &'a AnalyzeArgs) -> anyhow::Result<Self> {
        let inspect = &args.inspect;
        let output = Output::new(&inspect.output);
        let layout = terminal::Layout { clock: focus::clock(inspect)?, ..output.layout()? };
        Ok(Self { args, format: inspect.output.format()?, output, layout, floors: Floors::parse(args)? })
    }

    /// What of `analysis` is in focus.
    pub(super) fn view<'v>(&self, analysis: &'v Analysis) -> anyhow::Result<View<'v>> {
        self.floors.view(self.args, analysis)
    }

    /// Writes the report and gives the exit code.
    pub(super) fn write(&self, loaded: &Loaded) -> anyhow::Result<u8> {
        let view = self.view(&loaded.analysis)?;
        write_checked(&self.output, &self.text(&view)?, &loaded.analysis)?;
        Ok(self.code(loaded, &view))
    }

    /// The exit code alone.
    #[cfg(feature = "live")]
    pub(super) fn exit_code(&self, loaded: &Loaded) -> anyhow::Result<u8> {
        Ok(self.code(loaded, &self.view(&loaded.analysis)?))
    }

    fn code(&self, loaded: &Loaded, view: &View<'_>) -> u8 {
        self.floors.verdict(self.args, loaded, view).code()
    }

    fn text(&self, view: &View<'_>) -> anyhow::Result<String> {
        Ok(match self.format {
            Format::Text => terminal::render(view, &self.layout),
            Format::Json => json::render(view),
            Format::Jsonl => json::lines(view),
            Format::Csv => csv::findings(view),
            Format::Md => IncidentReport::new(view, &About::default()).markdown(&BTreeMap::new())?,
            Format::Html => IncidentReport::new(view, &About::default()).html()?,
            Format::Sarif => sarif::render(view),
            Format::Junit => junit::render(view, self.floors.fail_on()),
            Format::Github => github::annotations(view),
            Format::Parquet => bail!("-T parquet: not for this verb; use `authtrace query`"),
        })
    }
}
