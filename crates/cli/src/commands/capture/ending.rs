//! The end of a capture: everything is judged once more with the final profile, with what was set aside.

use std::{collections::HashSet, io};

use anyhow::{Context as _, anyhow};
use authtrace_analyze::{
    Analysis, Analyzer,
    coverage::Input,
    stored::{Gathering, Part, StoredFact},
    text::Text,
    ties::{self, ClientNames, Tie},
    token::Fingerprinter,
};
use authtrace_dataset::{ClientName, Groups, Linker, Round};
use zeroize::Zeroizing;

use super::spill::Spill;
use crate::rounds::{self, Read, Shelf, Stop};

/// Takes everything back into `analyzer` where that makes no more than `at_once` exchanges.
pub(super) fn gather(analyzer: &mut Analyzer, spill: &mut Spill, at_once: u64) {
    if spill.exchanges() + analyzer.known() as u64 <= at_once {
        analyzer.take_back(spill.drain());
    }
}

/// Judges everything: as a whole where it was gathered, else in rounds of `at_once` exchanges.
pub(super) fn finish(
    mut analyzer: Analyzer,
    mut spill: Spill,
    mut input: Input,
    at_once: u64,
) -> anyhow::Result<Analysis> {
    if spill.exchanges() > 0 {
        spill.check();
        input.forgotten = spill.forgotten();
        let shelf = Kept::new(&mut analyzer, &spill, input.clone())?;
        if let Some(analysis) = shelf.judge(at_once)? {
            return Ok(analysis);
        }
        // All clients are tied to each other.
        let Kept { rest, .. } = shelf;
        analyzer.take_back(rest);
        let parts = spill.drain();
        parts.for_each(|part| analyzer.add(part, 0, 0));
    }
    Ok(analyzer.finish(vec![input]))
}

/// What a capture set aside, and what was at hand at its end.
struct Kept<'s> {
    spill: &'s Spill,
    rest: Vec<Part>,
    input: Input,
    /// Knows what concerns all clients.
    analyzer: Analyzer,
    /// Tells values apart that are still held.
    names: Fingerprinter,
}

impl<'s> Kept<'s> {
    fn new(analyzer: &mut Analyzer, spill: &'s Spill, input: Input) -> anyhow::Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).map_err(io::Error::from).context("no randomness for a key")?;
        let mut rest = Vec::new();
        analyzer.set_aside(0, |part| rest.push(part));
        let mut kept =
            Self { spill, rest, input, analyzer: analyzer.successor(), names: Fingerprinter::with_key(&*key) };
        let mut learned = analyzer.successor();
        kept.each(|_, part| {
            learned.learn_secrets(&part);
            Ok(())
        })?;
        kept.analyzer = learned;
        Ok(kept)
    }

    /// Judges it in rounds; `None` where one round would be all.
    fn judge(&self, at_once: u64) -> anyhow::Result<Option<Analysis>> {
        let groups = self.link()?;
        let rounds = groups.rounds(at_once);
        if rounds.len() < 2 {
            return Ok(None);
        }
        let mut shelf: &Self = self;
        match rounds::judge(&mut shelf, &groups, &rounds) {
            Ok(analysis) => Ok(analysis),
            Err(Stop::Damaged) => Err(unreadable()),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Which clients must be judged together.
    fn link(&self) -> anyhow::Result<Groups> {
        let mut linker = Linker::new(1);
        self.each_tied(|clients, ties| {
            clients.iter().try_for_each(|client| linker.count(client))?;
            Ok(ties.iter().try_for_each(|tie| linker.note(&tie.client, &tie.what, tie.way.name()))?)
        })?;
        self.each_tied(|_, ties| Ok(ties.iter().try_for_each(|tie| linker.join(&tie.client, &tie.what))?))?;
        Ok(linker.groups())
    }

    /// The clients of every part, exchange by exchange, and what ties them.
    fn each_tied(&self, mut take: impl FnMut(&[Text], &[Tie]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut names = ClientNames::new(&self.input);
        self.each(|number, part| {
            let clients: Vec<Text> = part.facts.iter().map(|stored| names.of(stored)).collect();
            let ties = ties::ties(&part, &clients, &self.input, &number.to_string(), Some(&self.names));
            take(&clients, &ties.into_iter().collect::<Vec<_>>())
        })
    }

    /// Every part with its number.
    fn each(&self, mut take: impl FnMut(usize, Part) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let kept = self.spill.parts().map(|part| part.ok_or_else(unreadable));
        let rest = self.rest.iter().cloned().map(Ok);
        kept.chain(rest).enumerate().try_for_each(|(number, part)| take(number, part?))
    }
}

impl Shelf for &Kept<'_> {
    fn read(&mut self, round: &Round, groups: &Groups) -> Result<Option<Read>, Stop> {
        let clients: HashSet<ClientName> = round.clients().iter().copied().collect();
        let mut read = Read::into(self.analyzer.successor());
        let mut names = ClientNames::new(&self.input);
        let all = self.each(|_, part| {
            let theirs = |stored: &StoredFact, names: &mut ClientNames<'_>| {
                ClientName::parse(&names.of(stored)).is_some_and(|name| clients.contains(&name))
            };
            let part = some(part, |stored| theirs(stored, &mut names));
            read.add(part, 0, 0, &mut names, groups);
            Ok(())
        });
        all.map_err(Stop::Failed)?;
        read.inputs.push(self.input.clone());
        Ok(Some(read))
    }
}

/// The facts of `part` that are `wanted`, with the credentials that they name.
fn some(part: Part, mut wanted: impl FnMut(&StoredFact) -> bool) -> Part {
    let mut gathering = Gathering::default();
    part.facts.into_iter().filter(|stored| wanted(stored)).for_each(|stored| gathering.push(stored));
    let named = gathering.named();
    let tokens = (0u32..).zip(part.tokens).filter(|(number, _)| named.contains(number));
    tokens.for_each(|(number, token)| gathering.push_token(number, token));
    gathering.finish(part.keys)
}

fn unreadable() -> anyhow::Error {
    anyhow!("the temporary store cannot be read any more")
}
