//! Judges a dataset round by round where it holds more than memory should: each round some clients that have nothing to do
//! with the others, first for the profile of all, then against it (DESIGN §4). What is in order is counted and put aside.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context as _;
use authtrace_analyze::{
    Analysis, Analyzer, Elsewhere, Finding, FindingId, Settings, Severity, Summary,
    coverage::Input,
    facts::Fact,
    profile::{Profile, Sums},
    ties::ClientNames,
};
use authtrace_capture::DetailSource;
use authtrace_dataset::{Dataset, DatasetError, Groups, ReadPart, Round};
use authtrace_parse::ExchangeId;
use authtrace_report::visible;

use crate::{
    args::InspectArgs,
    details::Details,
    interrupt::Interrupt,
    load::{self, Loaded},
    watch::Watch,
};

/// Exchanges that are judged at once, where nobody says otherwise: about a gigabyte of facts.
const AT_ONCE: u64 = 1_000_000;

/// Judges what `args` names in rounds of `at_once` exchanges; `None` where it has to be judged as a whole.
pub(crate) fn load(
    args: &InspectArgs,
    shared: bool,
    at_once: Option<u64>,
    interrupt: &Interrupt,
    watch: &mut dyn Watch,
) -> anyhow::Result<Option<Loaded>> {
    let at_once = at_once.unwrap_or(AT_ONCE);
    let Some(path) = alone(args)? else { return Ok(None) };
    // A dataset that is damaged is read as a whole, which names every part that cannot be read.
    let Some(dataset) = Dataset::open(&path).ok().filter(|dataset| dataset.is_sound() && dataset.exchanges() > at_once)
    else {
        return Ok(None);
    };
    let Ok(groups) = dataset.link() else { return Ok(None) };
    let rounds = groups.rounds(at_once);
    if rounds.len() < 2 {
        return Ok(None);
    }
    load::threads(args)?;
    let settings = Arc::new(load::settings(args, shared)?);
    let shown = path.display().to_string();
    let mut judge = Judge { dataset: &dataset, groups: &groups, settings, path: &shown, interrupt, watch };
    let judged = match judge.all(rounds) {
        Ok(judged) => judged,
        Err(Stop::Damaged) => return Ok(None),
        Err(Stop::Failed(error)) => return Err(error),
    };
    watch.done();
    Ok(Some(judged))
}

/// The dataset that `args` names, where it is all that they name and nobody looks at all clients at once: own rules, API
/// descriptions, a focus, another profile.
fn alone(args: &InspectArgs) -> anyhow::Result<Option<PathBuf>> {
    let paths = args.paths()?;
    let [path] = paths.as_slice() else { return Ok(None) };
    let focus = [&args.filter, &args.since, &args.until, &args.host, &args.session];
    let whole = !args.judgement.own_rules.is_empty() || !args.openapi.is_empty() || args.profile.is_some();
    let narrowed = focus.into_iter().any(Option::is_some);
    Ok((Dataset::is_at(path) && !whole && !narrowed).then(|| path.clone()))
}

/// Why the rounds end before the last one.
enum Stop {
    /// A file is damaged.
    Damaged,
    /// Something that would fail in any other way, too.
    Failed(anyhow::Error),
}

impl From<DatasetError> for Stop {
    fn from(_: DatasetError) -> Self {
        Self::Damaged
    }
}

struct Judge<'j> {
    dataset: &'j Dataset,
    groups: &'j Groups,
    settings: Arc<Settings>,
    path: &'j str,
    interrupt: &'j Interrupt,
    watch: &'j mut dyn Watch,
}

/// The facts of one round.
struct Read {
    analyzer: Analyzer,
    inputs: Vec<Input>,
    /// For each exchange, the group of whoever sent it.
    groups: BTreeMap<ExchangeId, u32>,
}

impl Judge<'_> {
    fn all(&mut self, rounds: Vec<Round>) -> Result<Loaded, Stop> {
        let mut sums = Sums::default();
        for round in &rounds {
            let Some(read) = self.read(round)? else { return Ok(interrupted()) };
            sums.extend(read.analyzer.measures(&read.inputs));
        }
        let profile = sums.profile();
        let mut sifted = Sifted::default();
        for round in &rounds {
            let Some(read) = self.read(round)? else { return Ok(interrupted()) };
            let Read { analyzer, inputs, groups } = read;
            sifted.take(&analyzer.finish_against(inputs, profile.clone()), &groups);
        }
        self.last(sifted, profile)
    }

    /// Judges those once more of whom there is something to say, together.
    fn last(&mut self, sifted: Sifted, profile: Profile) -> Result<Loaded, Stop> {
        let concerned = self.groups.round_of(&sifted.concerned);
        let Some(Read { analyzer, inputs, .. }) = self.read(&concerned)? else { return Ok(interrupted()) };
        let mut details = Details::default();
        inputs.iter().for_each(|input| details.push(DetailSource::of_dataset(&input.path, input.bytes)));
        let mut analysis = analyzer.finish_against(inputs, profile);
        let summary = sifted.summary.minus(analysis.summary());
        analysis.elsewhere = Elsewhere { summary, authentication: sifted.authentication, notes: sifted.notes };
        Ok(Loaded { analysis, details, failed: false, nothing: false, interrupted: false })
    }

    /// The facts of `round`, numbered as in the whole; `None` where the user does not want to wait.
    fn read(&mut self, round: &Round) -> Result<Option<Read>, Stop> {
        let mut read =
            Read { analyzer: Analyzer::new(Arc::clone(&self.settings)), inputs: Vec::new(), groups: BTreeMap::new() };
        let mut first_id = 0u32;
        for part in self.dataset.round(round) {
            if self.interrupt.is_set() {
                return Ok(None);
            }
            self.watch.tick(&visible(self.path, 1000));
            let ReadPart { part, input, ids } = part?;
            let mut names = ClientNames::new(&input);
            for stored in &part.facts {
                let id = ExchangeId(first_id.saturating_add(stored.fact.id.0));
                read.groups.extend(self.groups.of(&names.of(stored)).map(|group| (id, group)));
            }
            let index = u16::try_from(read.inputs.len()).context("more than 65536 inputs; make several datasets");
            read.analyzer.add(part, first_id, index.map_err(Stop::Failed)?);
            read.inputs.push(input);
            first_id = first_id.saturating_add(ids);
        }
        Ok(Some(read))
    }
}

/// What the rounds came to.
#[derive(Default)]
struct Sifted {
    summary: Summary,
    authentication: bool,
    /// Groups that the report is about.
    concerned: BTreeSet<u32>,
    /// Groups of whom there are notes only and which are kept, by the code of the rule.
    noted: BTreeMap<&'static str, usize>,
    notes: BTreeMap<&'static str, usize>,
}

impl Sifted {
    /// Groups of whom nothing is to be said but the same note: as many are kept as anybody might read.
    const NOTED: usize = 1000;

    fn take(&mut self, analysis: &Analysis, groups: &BTreeMap<ExchangeId, u32>) {
        self.summary = self.summary.plus(analysis.summary());
        self.authentication |= analysis.has_authentication();
        let sanitized = |fact: &&Fact| analysis.capture.is_sanitized(fact.source.input);
        let odd = analysis.capture.facts.iter().filter(sanitized).map(|fact| fact.id).chain(analysis.unexplained());
        self.concerned.extend(odd.filter_map(|id| groups.get(&id)));
        let of = |finding: &Finding| finding.exchanges.iter().filter_map(|id| groups.get(id)).copied().next();
        let (notes, grave): (Vec<_>, Vec<_>) = (0u32..)
            .map(FindingId)
            .zip(&analysis.findings)
            .partition(|(id, finding)| finding.severity <= Severity::Low && analysis.incident_of(*id).is_none());
        self.concerned.extend(grave.iter().filter_map(|(_, finding)| of(finding)));
        let mut noted: BTreeMap<u32, Vec<&'static str>> = BTreeMap::new();
        for (group, code) in notes.iter().filter_map(|(_, finding)| Some((of(finding)?, finding.rule.code))) {
            noted.entry(group).or_default().push(code);
        }
        noted.into_iter().for_each(|(group, codes)| self.note(group, &codes));
    }

    /// Takes notes of a group: the group is kept where one of them is rare so far, else they are counted.
    fn note(&mut self, group: u32, codes: &[&'static str]) {
        if self.concerned.contains(&group) {
            return;
        }
        let kept = codes.iter().any(|code| self.noted.get(code).is_none_or(|kept| *kept < Self::NOTED));
        for code in codes {
            *if kept { &mut self.noted } else { &mut self.notes }.entry(code).or_default() += 1;
        }
        if kept {
            self.concerned.insert(group);
        }
    }
}

fn interrupted() -> Loaded {
    let analysis = Analyzer::new(Settings::default()).finish(Vec::new());
    Loaded { analysis, details: Details::default(), failed: false, nothing: true, interrupted: true }
}

#[cfg(test)]
mod tests {
    use super::Sifted;

    #[test]
    fn notes_beyond_those_that_anybody_reads_are_counted() {
        let mut sifted = Sifted::default();
        let groups = Sifted::NOTED + 3;
        (0..).take(groups).for_each(|group| sifted.note(group, &["AUTH101"]));
        sifted.note(u32::MAX, &["AUTH101", "AUTH103"]);
        assert_eq!(sifted.concerned.len(), Sifted::NOTED + 1, "a rule that is rare so far keeps the group");
        assert_eq!((sifted.notes.get("AUTH101"), sifted.notes.get("AUTH103")), (Some(&3), None));
    }
}
