//! Judges a dataset round by round where it holds more than memory should: each round some clients that have nothing to do
//! with the others, first for the profile of all, then against it (DESIGN §4). What is in order is counted and put aside.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context as _;
use authtrace_analyze::{
    Analysis, Analyzer, Elsewhere, FindingId, Settings, Summary,
    coverage::Input,
    facts::Fact,
    profile::{Profile, Sums},
    text::Text,
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
        analysis.elsewhere = Elsewhere { summary, authentication: sifted.authentication, findings: sifted.further };
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

/// What is found: a rule, and the cause of the incident that the finding belongs to.
type Found = (&'static str, Option<(&'static str, Text)>);

/// What the rounds came to.
#[derive(Default)]
struct Sifted {
    summary: Summary,
    authentication: bool,
    /// Groups that the report is about.
    concerned: BTreeSet<u32>,
    /// Groups among them that show it.
    showing: BTreeMap<Found, usize>,
    /// Findings of the others, by the code of their rule.
    further: BTreeMap<&'static str, usize>,
}

impl Sifted {
    /// Groups that are kept of those that show the same: more than anybody reads.
    const KEPT: usize = 1000;

    fn take(&mut self, analysis: &Analysis, groups: &BTreeMap<ExchangeId, u32>) {
        self.summary = self.summary.plus(analysis.summary());
        self.authentication |= analysis.has_authentication();
        let sanitized = |fact: &&Fact| analysis.capture.is_sanitized(fact.source.input);
        let odd = analysis.capture.facts.iter().filter(sanitized).map(|fact| fact.id).chain(analysis.unexplained());
        self.concerned.extend(odd.filter_map(|id| groups.get(&id)));
        let mut found: BTreeMap<u32, Vec<Found>> = BTreeMap::new();
        for (id, finding) in (0u32..).map(FindingId).zip(&analysis.findings) {
            let Some(group) = finding.exchanges.iter().find_map(|id| groups.get(id)) else { continue };
            let root = analysis.incident_of(id).and_then(|incident| analysis.finding(incident.root));
            let root = root.map(|root| (root.rule.code, root.cause.clone()));
            found.entry(*group).or_default().push((finding.rule.code, root));
        }
        found.into_iter().for_each(|(group, found)| self.sift(group, found));
    }

    /// Keeps a group that is kept anyhow, or shows what is rare so far; else its findings are counted.
    fn sift(&mut self, group: u32, found: Vec<Found>) {
        let rare = |found: &Found| self.showing.get(found).is_none_or(|groups| *groups < Self::KEPT);
        if self.concerned.contains(&group) || found.iter().any(rare) {
            self.concerned.insert(group);
            let distinct: BTreeSet<Found> = found.into_iter().collect();
            distinct.into_iter().for_each(|found| *self.showing.entry(found).or_default() += 1);
        } else {
            found.into_iter().for_each(|(code, _)| *self.further.entry(code).or_default() += 1);
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
    fn what_a_thousand_groups_show_is_counted_in_others() {
        let mut sifted = Sifted::default();
        let root = |cause: &str| Some(("AUTH022", cause.into()));
        (0..1003).for_each(|group| sifted.sift(group, vec![("AUTH022", root("a")), ("AUTH101", None)]));
        assert_eq!(sifted.concerned.len(), Sifted::KEPT);
        sifted.sift(2000, vec![("AUTH022", root("b")), ("AUTH101", None)]);
        assert!(sifted.concerned.contains(&2000), "another cause is another incident");
        assert_eq!(Vec::from_iter(sifted.further), [("AUTH022", 3), ("AUTH101", 3)]);
    }
}
