//! `exchanges`: the timeline, one row an exchange; with `--full` each of them whole, with `--curl` as a command, with
//! `--compare` two side by side.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use authtrace_analyze::{Analysis, FindingId, facts::Fact};
use authtrace_parse::{Exchange, ExchangeId};
use authtrace_report::{
    Focus, View, compare,
    exchange::{self, Again, Shown},
    exchanges,
    terminal::Layout,
};

use super::{focus, start_logging, write_checked};
use crate::{
    args::ExchangesArgs,
    exit::{self, Verdict},
    format::{Format, ListFormat, ValueFormat},
    load::{self, Loaded},
    output::Output,
};

/// Runs the verb.
pub(super) fn run(args: &ExchangesArgs) -> anyhow::Result<u8> {
    let inspect = &args.inspect;
    start_logging(&inspect.output);
    let format = inspect.output.format()?;
    check(args, format)?;
    let output = Output::new(&inspect.output);
    let layout = Layout { clock: focus::clock(inspect)?, ..output.layout()? };
    let loaded = load::load(inspect)?;
    if loaded.nothing {
        return Ok(if loaded.interrupted { exit::INTERRUPTED } else { exit::USAGE });
    }
    let analysis = &loaded.analysis;
    let named = if args.compare.is_empty() { ("--id", &args.id[..]) } else { ("--compare", &args.compare[..]) };
    let only = narrowed(focus::exchanges(inspect, analysis)?, named, analysis)?;
    let view = View::new(analysis, Focus { exchanges: only, ..Focus::default() });
    let text = match args {
        ExchangesArgs { full: true, .. } => full(&view, &loaded, format.of_value()?, &layout),
        ExchangesArgs { curl: true, .. } => curl(&view, &loaded)?,
        ExchangesArgs { compare: named, .. } if !named.is_empty() => {
            side_by_side(named, &loaded, format.of_value()?, &layout, output.columns())
        }
        _ => list(&view, format.of_list()?, &layout, output.columns()),
    };
    write_checked(&output, &text, analysis)?;
    let no_judgement = analysis.is_empty();
    let Loaded { failed, interrupted, .. } = loaded;
    Ok(Verdict { no_judgement, usage: failed, interrupted, ..Verdict::default() }.code())
}

/// Refuses a format before a long capture is read.
fn check(args: &ExchangesArgs, format: Format) -> anyhow::Result<()> {
    if args.full || !args.compare.is_empty() {
        format.of_value()?;
    } else {
        format.of_list()?;
    }
    if args.curl && format != Format::Text {
        bail!("--curl writes commands; leave -T out");
    }
    Ok(())
}

/// What is in focus, as far as the flag names it.
fn narrowed(
    focus: Option<BTreeSet<ExchangeId>>,
    (flag, ids): (&str, &[u32]),
    analysis: &Analysis,
) -> anyhow::Result<Option<BTreeSet<ExchangeId>>> {
    if ids.is_empty() {
        return Ok(focus);
    }
    if let Some(unknown) = ids.iter().find(|id| analysis.fact(ExchangeId(**id)).is_none()) {
        bail!("{flag} {unknown}: no such exchange; without {flag} all of them are listed");
    }
    let named = ids.iter().copied().map(ExchangeId);
    Ok(Some(named.filter(|id| focus.as_ref().is_none_or(|focus| focus.contains(id))).collect()))
}

fn list(view: &View<'_>, format: ListFormat, layout: &Layout, columns: Option<usize>) -> String {
    match format {
        ListFormat::Text => exchanges::text(view, layout, columns),
        ListFormat::Json => exchanges::json(view),
        ListFormat::Jsonl => exchanges::jsonl(view),
        ListFormat::Csv => exchanges::csv(view),
    }
}

/// A fact with its exchange, read again, or why not.
type Whole<'a> = (&'a Fact, Result<Exchange, String>);

fn full(view: &View<'_>, loaded: &Loaded, format: ValueFormat, layout: &Layout) -> String {
    let analysis = view.analysis;
    let findings = findings(view);
    let read: Vec<Whole<'_>> = view.facts().map(|fact| (fact, loaded.details.exchange(analysis, fact))).collect();
    let shown = read.iter().map(|(fact, read)| Shown {
        analysis,
        fact,
        again: match read {
            Ok(exchange) => Again::Here(exchange),
            Err(why) => Again::Failed(why),
        },
        findings: findings.get(&fact.id).map(Vec::as_slice).unwrap_or_default(),
    });
    match format {
        ValueFormat::Text if read.is_empty() => exchanges::nothing(view),
        ValueFormat::Text => shown.map(|shown| exchange::text(shown, layout)).collect::<Vec<_>>().join("\n\n"),
        ValueFormat::Json => exchange::document(shown),
        ValueFormat::Jsonl => shown.map(exchange::line).collect(),
    }
}

/// The two exchanges that are `named`, which were found to exist.
fn side_by_side(
    named: &[u32],
    loaded: &Loaded,
    format: ValueFormat,
    layout: &Layout,
    columns: Option<usize>,
) -> String {
    let analysis = &loaded.analysis;
    let pair: Vec<&Fact> = named.iter().filter_map(|id| analysis.fact(ExchangeId(*id))).collect();
    let [a, b] = pair[..] else { return String::new() };
    let read = [a, b].map(|fact| loaded.details.exchange(analysis, fact).ok());
    let rows = compare::rows(analysis, [a, b], [read[0].as_ref(), read[1].as_ref()]);
    match format {
        ValueFormat::Text => compare::text([a, b], &rows, layout, columns),
        ValueFormat::Json => compare::json([a, b], &rows),
        ValueFormat::Jsonl => compare::jsonl(&rows),
    }
}

/// Findings about each exchange in focus.
fn findings(view: &View<'_>) -> BTreeMap<ExchangeId, Vec<FindingId>> {
    let mut findings: BTreeMap<ExchangeId, Vec<FindingId>> = BTreeMap::new();
    for (id, finding) in view.findings() {
        finding.exchanges.iter().for_each(|exchange| findings.entry(*exchange).or_default().push(id));
    }
    findings
}

fn curl(view: &View<'_>, loaded: &Loaded) -> anyhow::Result<String> {
    let command = |fact: &Fact| match loaded.details.exchange(view.analysis, fact) {
        Ok(exchange) => Ok(exchange::curl(view.analysis, fact, &exchange) + "\n"),
        Err(why) => bail!("exchange {} cannot be read again: {why}", fact.id.0),
    };
    view.facts().map(command).collect()
}
