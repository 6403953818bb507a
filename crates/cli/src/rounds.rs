//! Judges round by round what is more than memory should hold, a dataset or what a capture set aside: each round some clients
//! that have nothing to do with the others, first for the profile of all, then against it (DESIGN §4). What is in order is
//! counted only.

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
    stored::Part,
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
pub(crate) const AT_ONCE: u64 = 1_000_000;

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
    let mut shelf = Parts { dataset: &dataset, settings, path: &shown, interrupt, watch };
    let judged = match judge(&mut shelf, &groups, &rounds) {
        Ok(judged) => judged,
        Err(Stop::Damaged) => return Ok(None),
        Err(Stop::Failed(error)) => return Err(error),
    };
    watch.done();
    let Some(analysis) = judged else { return Ok(Some(interrupted())) };
    let mut details = Details::default();
    for input in &analysis.capture.inputs {
        details.push(DetailSource::of_dataset(&input.path, input.bytes));
    }
    Ok(Some(Loaded { analysis, details, failed: false, nothing: false, interrupted: false }))
}

/// The dataset that `args` names, where it is all that they name and may be judged in rounds.
fn alone(args: &InspectArgs) -> anyhow::Result<Option<PathBuf>> {
    let paths = args.paths()?;
    let [path] = paths.as_slice() else { return Ok(None) };
    Ok((Dataset::is_at(path) && !is_whole(args)).then(|| path.clone()))
}

/// Whether somebody looks at all clients at once: own rules, API descriptions, a focus, another profile.
pub(crate) fn is_whole(args: &InspectArgs) -> bool {
    let focus = [&args.filter, &args.since, &args.until, &args.host, &args.session];
    let narrowed = focus.into_iter().any(Option::is_some);
    narrowed || !args.judgement.own_rules.is_empty() || !args.openapi.is_empty() || args.profile.is_some()
}

/// Where facts are kept that are more than memory should hold.
pub(crate) trait Shelf {
    /// The facts of the clients in `round`, numbered as in the whole; `None` where the user does not want to wait.
    fn read(&mut self, round: &Round, groups: &Groups) -> Result<Option<Read>, Stop>;
}

/// Why the rounds end before the last one.
pub(crate) enum Stop {
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

/// The facts of one round.
pub(crate) struct Read {
    pub(crate) analyzer: Analyzer,
    pub(crate) inputs: Vec<Input>,
    /// For each exchange, the group of whoever sent it.
    groups: BTreeMap<ExchangeId, u32>,
}

impl Read {
    /// Nothing yet, to be added to `analyzer`.
    pub(crate) fn into(analyzer: Analyzer) -> Self {
        Self { analyzer, inputs: Vec::new(), groups: BTreeMap::new() }
    }

    /// Adds `part` of the input number `index`, whose exchanges are numbered from `first_id`; `names` are its clients'.
    pub(crate) fn add(&mut self, part: Part, first_id: u32, index: u16, names: &mut ClientNames<'_>, groups: &Groups) {
        for stored in &part.facts {
            let id = ExchangeId(first_id.saturating_add(stored.fact.id.0));
            self.groups.extend(groups.of(&names.of(stored)).map(|group| (id, group)));
        }
        self.analyzer.add(part, first_id, index);
    }
}

/// Judges what is on `shelf` in `rounds`; `None` where the user does not want to wait.
pub(crate) fn judge(shelf: &mut dyn Shelf, groups: &Groups, rounds: &[Round]) -> Result<Option<Analysis>, Stop> {
    let mut sums = Sums::default();
    for round in rounds {
        let Some(Read { analyzer, inputs, .. }) = shelf.read(round, groups)? else { return Ok(None) };
        sums.extend(analyzer.measures(&inputs));
    }
    let profile = sums.profile();
    let mut sifted = Sifted::default();
    for round in rounds {
        let Some(read) = shelf.read(round, groups)? else { return Ok(None) };
        let analysis = read.analyzer.finish_against(read.inputs, profile.clone());
        sifted.take(&analysis, &read.groups);
    }
    tracing::debug!("judged in {} rounds", rounds.len());
    last(shelf, groups, sifted, profile)
}

/// Judges those once more of whom there is something to say, together.
fn last(shelf: &mut dyn Shelf, groups: &Groups, sifted: Sifted, profile: Profile) -> Result<Option<Analysis>, Stop> {
    let concerned = groups.round_of(&sifted.concerned);
    let Some(Read { analyzer, inputs, .. }) = shelf.read(&concerned, groups)? else { return Ok(None) };
    let mut analysis = analyzer.finish_against(inputs, profile);
    let summary = sifted.summary.minus(analysis.summary());
    analysis.elsewhere = Elsewhere { summary, authentication: sifted.authentication, findings: sifted.further };
    Ok(Some(analysis))
}

/// The parts of a dataset.
struct Parts<'p> {
    dataset: &'p Dataset,
    settings: Arc<Settings>,
    path: &'p str,
    interrupt: &'p Interrupt,
    watch: &'p mut dyn Watch,
}

impl Shelf for Parts<'_> {
    fn read(&mut self, round: &Round, groups: &Groups) -> Result<Option<Read>, Stop> {
        let mut read = Read::into(Analyzer::new(Arc::clone(&self.settings)));
        let mut first_id = 0u32;
        for part in self.dataset.round(round) {
            if self.interrupt.is_set() {
                return Ok(None);
            }
            self.watch.tick(&visible(self.path, 1000));
            let ReadPart { part, input, ids } = part?;
            let index = u16::try_from(read.inputs.len()).context("more than 65536 inputs; make several datasets");
            read.add(part, first_id, index.map_err(Stop::Failed)?, &mut ClientNames::new(&input), groups);
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
