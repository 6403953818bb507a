//! The sums over some facts, before it is known what all facts together say: partial sums of several captures add up.

use std::collections::{BTreeSet, HashMap};

use super::{
    Profile,
    measure::{Alike, Carried, Measure},
};
use crate::{
    case::delivers_token,
    facts::{
        Fact,
        clock::{Bounds, Offset},
        credential::Method,
        outcome::OutcomeClass,
        role::Role,
        silent::{Accepted, Rests, Silence, Silences},
    },
    key_sets::{self, KeySets},
    text::Text,
    token::TokenKind,
    tokens::TokenStore,
};

/// Partial sums.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    pub(super) exchanges: HashMap<Alike, u64, foldhash::fast::RandomState>,
    pub(super) accepted: Accepted,
    pub(super) clocks: Bounds,
    pub(super) delivering: BTreeSet<Text>,
    pub(super) with_headers: BTreeSet<u16>,
    pub(super) keys: Vec<Fact>,
}

impl Tally {
    /// Exchanges about keys that condensed sums keep: a capture has few providers, and clients ask them again and again.
    const MOST_KEYS: usize = 256;

    /// What `facts` add up to, which are joined, and in order of id.
    pub(crate) fn of(facts: &[Fact], tokens: &TokenStore, silences: &Silences) -> Self {
        let mut rows: HashMap<Row<'_>, u64, foldhash::fast::RandomState> = HashMap::default();
        for row in facts.iter().filter_map(|fact| Row::of(fact, tokens, silences)) {
            *rows.entry(row).or_default() += 1;
        }
        Self {
            exchanges: rows.into_iter().map(|(row, count)| (row.owned(), count)).collect(),
            accepted: Accepted::of(facts),
            clocks: Bounds::of(facts),
            delivering: facts.iter().filter(|f| delivers_token(f)).map(|f| f.origin.clone()).collect(),
            with_headers: facts.iter().filter(|f| f.has_headers).map(|f| f.source.input).collect(),
            keys: facts.iter().filter(|f| key_sets::is_about_keys(f)).cloned().collect(),
        }
    }

    /// The sums, one by one.
    pub(crate) fn measures(self) -> impl Iterator<Item = (Measure, u64)> {
        let accepted = self.accepted.counts().flat_map(|((origin, group), counts)| {
            counts.map(|(authorized, count)| {
                (Measure::Accepted { origin: origin.clone(), group: group.clone(), authorized }, count)
            })
        });
        let Bounds { of_origin: bounds, decided: offsets } = self.clocks;
        let bounds = bounds.into_iter().flat_map(|(origin, bounds)| {
            bounds.into_iter().map(move |(low, high)| (Measure::Clock { origin: origin.clone(), low, high }, 1))
        });
        let offsets = offsets.into_iter().map(|(origin, offset)| {
            let Offset { low, high, samples, consistent } = offset;
            (Measure::Offset { origin, low, high, consistent }, samples.into())
        });
        let exchanges = self.exchanges.into_iter().map(|(alike, count)| (Measure::Exchanges(alike), count));
        let keys = self.keys.into_iter().map(|fact| (Measure::Keys { fact: Box::new(fact) }, 1));
        let delivering = self.delivering.into_iter().map(|origin| (Measure::Delivers { origin }, 1));
        let with_headers = self.with_headers.into_iter().map(|input| (Measure::Headers { input }, 1));
        let all = exchanges.chain(accepted).chain(bounds).chain(offsets).chain(delivering).chain(with_headers);
        all.chain(keys).filter(|(_, count)| *count > 0)
    }

    /// Adds `count` of `measure`.
    pub(crate) fn add(&mut self, measure: Measure, count: u64) {
        match measure {
            Measure::Exchanges(alike) => *self.exchanges.entry(alike).or_default() += count,
            Measure::Accepted { origin, group, authorized } => self.accepted.add(origin, group, authorized, count),
            Measure::Clock { origin, low, high } => self.clocks.add(origin, (low, high), count),
            Measure::Offset { origin, low, high, consistent } => {
                self.clocks.decided(origin, low, high, count, consistent);
            }
            Measure::Delivers { origin } => drop(self.delivering.insert(origin)),
            Measure::Headers { input } => drop(self.with_headers.insert(input)),
            Measure::Keys { fact } => self.keys.push(*fact),
        }
    }

    /// Adds what `other` has counted.
    pub(crate) fn absorb(&mut self, other: Self) {
        other.measures().for_each(|(measure, count)| self.add(measure, count));
    }

    /// Keeps no more than these sums need to be judged by for now, however much was added: one bound for each clock, and the
    /// latest exchanges about keys.
    pub(crate) fn condense(&mut self) {
        self.clocks.condense();
        let surplus = self.keys.len().saturating_sub(Self::MOST_KEYS);
        self.keys.drain(..surplus);
    }

    /// The profile, now that these sums are all there is.
    pub(crate) fn finish(mut self) -> Profile {
        let mut profile = Profile {
            clocks: self.clocks.offsets(),
            delivering: self.delivering,
            with_headers: self.with_headers,
            ..Profile::default()
        };
        #[expect(clippy::iter_over_hash_type, reason = "counts add up to the same in any order")]
        for (alike, count) in self.exchanges {
            let nothing_else = |rests| self.accepted.nothing_else(&alike.origin, &alike.group, rests);
            let outcome = if alike.rests.is_some_and(nothing_else) { OutcomeClass::Refused } else { alike.outcome };
            profile.count(Alike { outcome, ..alike }, u32::try_from(count).unwrap_or(u32::MAX));
        }
        self.keys.sort_by_key(|fact| fact.id);
        profile.key_sets = KeySets::of(self.keys);
        profile.accepted = self.accepted;
        profile
    }
}

/// [`Alike`] of one exchange, borrowed: most exchanges have been counted alike before.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
struct Row<'a> {
    origin: &'a Text,
    group: &'a Text,
    route: &'a Text,
    outcome: OutcomeClass,
    rests: Option<Rests>,
    is_document: bool,
    carried: Option<Main<'a>>,
}

/// [`Carried`], borrowed.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
struct Main<'a> {
    method: Method,
    kind: TokenKind,
    scheme: Option<&'a str>,
    iss: Option<&'a str>,
    kid: Option<&'a str>,
    alg: Option<&'a str>,
}

impl<'a> Row<'a> {
    /// The row of `fact`; `None` where it says nothing of how an API treats credentials (G3, G9, G14, G17), and for static
    /// files, which no API rule compares with.
    fn of(fact: &'a Fact, tokens: &'a TokenStore, silences: &Silences) -> Option<Self> {
        if fact.role == Role::Static || !fact.counts() {
            return None;
        }
        let carried = fact.main_credential().map(|credential| {
            let jose = tokens.get(credential.token).classified.jose.as_ref();
            Main {
                method: credential.method(),
                kind: credential.kind,
                scheme: credential.scheme.as_deref(),
                iss: jose.and_then(|jose| jose.claims.as_ref()?.iss.as_deref()),
                kid: jose.and_then(|jose| jose.header.kid.as_deref()),
                alg: jose.and_then(|jose| jose.header.alg.as_deref()),
            }
        });
        let (outcome, rests) = match silences.of_fact(fact) {
            Some(Silence::Refused) => (OutcomeClass::Refused, None),
            Some(Silence::Rests(rests)) => (fact.outcome.class, Some(rests)),
            None => (fact.outcome.class, None),
        };
        let (origin, group, route) = (&fact.origin, &fact.group, &fact.route);
        let is_document = fact.resource_type.as_deref() == Some("document");
        Some(Self { origin, group, route, outcome, rests, is_document, carried })
    }

    fn owned(self) -> Alike {
        let text = |value: Option<&str>| value.map(Text::from);
        Alike {
            origin: self.origin.clone(),
            group: self.group.clone(),
            route: self.route.clone(),
            outcome: self.outcome,
            rests: self.rests,
            is_document: self.is_document,
            carried: self.carried.map(|main| Carried {
                method: main.method,
                kind: main.kind,
                scheme: text(main.scheme),
                iss: text(main.iss),
                kid: text(main.kid),
                alg: text(main.alg),
            }),
        }
    }
}
