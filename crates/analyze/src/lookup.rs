//! Lookups over one client's timeline: a rule that judges ten thousand refusals must not search all facts for each of them.
//!
//! Every list keeps time order. Each is made when a rule first asks for it, so a capture without refusals makes none.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::OnceLock,
};

use crate::{
    capture::Capture,
    facts::{Fact, LifetimeId, credential::Credential},
    text::Text,
    tokens::TokenId,
};

type Lists<K> = OnceLock<HashMap<K, Vec<u32>, foldhash::fast::RandomState>>;

/// The lists of one timeline.
pub(crate) struct Lookup<'a> {
    capture: &'a Capture,
    /// Indices into the capture's facts, in time order.
    order: &'a [usize],
    succeeded: Lists<Text>,
    succeeded_with: Lists<(Text, TokenId)>,
    refused_with: Lists<(Text, TokenId)>,
    routes: Lists<(Text, Text)>,
    pages: Lists<LifetimeId>,
    /// Index of the first fact, and how many there are.
    authorized: OnceLock<HashMap<Text, Vec<(u32, usize)>, foldhash::fast::RandomState>>,
}

/// Requests to one API group that succeeded with the same `Authorization`.
#[derive(Clone, Copy)]
pub(crate) struct Authorized<'a> {
    /// The first of them.
    pub(crate) fact: &'a Fact,
    /// Its `Authorization`.
    pub(crate) credential: &'a Credential,
    /// How many they are.
    pub(crate) count: usize,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(capture: &'a Capture, order: &'a [usize]) -> Self {
        Self {
            capture,
            order,
            succeeded: Lists::new(),
            succeeded_with: Lists::new(),
            refused_with: Lists::new(),
            routes: Lists::new(),
            pages: Lists::new(),
            authorized: OnceLock::new(),
        }
    }

    pub(crate) fn facts(&self) -> impl DoubleEndedIterator<Item = &'a Fact> + Clone + use<'a> {
        let (capture, order) = (self.capture, self.order);
        order.iter().map(move |&index| &capture.facts[index])
    }

    /// Facts that the client began in `from..=until`, in nanoseconds.
    pub(crate) fn between(&self, from: i64, until: i64) -> impl DoubleEndedIterator<Item = &'a Fact> + use<'a> {
        let capture = self.capture;
        let began = |index: &usize| capture.facts[*index].started_nanos();
        let start = self.order.partition_point(|index| began(index) < from);
        let end = self.order.partition_point(|index| began(index) <= until).max(start);
        self.order[start..end].iter().map(move |&index| &capture.facts[index])
    }

    /// What succeeded at `origin`.
    pub(crate) fn succeeded_at(&self, origin: &Text) -> Found<'a, '_> {
        self.listed(&self.succeeded, origin, |fact, add| {
            if fact.succeeded() {
                add(fact.origin.clone());
            }
        })
    }

    /// What succeeded at `origin` with `token` among its credentials; only for tokens that a refused request carried.
    pub(crate) fn succeeded_with(&self, origin: &Text, token: TokenId) -> Found<'a, '_> {
        let refused = || -> HashSet<TokenId> {
            self.facts().filter(|f| !f.succeeded()).flat_map(|f| f.credentials.iter().map(|c| c.token)).collect()
        };
        let tokens = OnceLock::new();
        self.listed(&self.succeeded_with, &(origin.clone(), token), |fact, add| {
            let tokens = tokens.get_or_init(refused);
            for credential in fact.credentials.iter().filter(|c| fact.succeeded() && tokens.contains(&c.token)) {
                add((fact.origin.clone(), credential.token));
            }
        })
    }

    /// What was refused at `origin` with `token` among its credentials.
    pub(crate) fn refused_with(&self, origin: &Text, token: TokenId) -> Found<'a, '_> {
        self.listed(&self.refused_with, &(origin.clone(), token), |fact, add| {
            for credential in fact.credentials.iter().filter(|_| fact.refused()) {
                add((fact.origin.clone(), credential.token));
            }
        })
    }

    /// What `Authorization` succeeded at `origin`, each value once for every API group and for either sort of endpoint, in
    /// order of first sight.
    pub(crate) fn authorized_at<'l>(&'l self, origin: &Text) -> impl Iterator<Item = Authorized<'a>> + use<'a, 'l> {
        let all = self.authorized.get_or_init(|| {
            let mut all: HashMap<Text, Vec<(u32, usize)>, _> = HashMap::default();
            let mut seen: HashMap<_, usize, foldhash::fast::RandomState> = HashMap::default();
            for &index in self.order {
                let fact = &self.capture.facts[index];
                let Some(credential) = fact.authorization().filter(|_| fact.succeeded()) else { continue };
                let value = (credential.token, credential.scheme.as_ref(), credential.well_formed);
                let key = (&fact.origin, &fact.group, fact.is_api_call(), value);
                let of_origin = all.entry(fact.origin.clone()).or_default();
                let place = *seen.entry(key).or_insert(of_origin.len());
                match of_origin.get_mut(place) {
                    Some((_, count)) => *count += 1,
                    None => of_origin.push((u32::try_from(index).unwrap_or(u32::MAX), 1)),
                }
            }
            all
        });
        let capture = self.capture;
        all.get(origin).into_iter().flatten().filter_map(move |&(index, count)| {
            let fact = &capture.facts[index as usize];
            Some(Authorized { fact, credential: fact.authorization()?, count })
        })
    }

    /// The exchanges of one route.
    pub(crate) fn on_route(&self, origin: &Text, route: &Text) -> Found<'a, '_> {
        self.listed(&self.routes, &(origin.clone(), route.clone()), |fact, add| {
            add((fact.origin.clone(), fact.route.clone()));
        })
    }

    /// The exchanges of one page lifetime.
    pub(crate) fn page(&self, lifetime: LifetimeId) -> Found<'a, '_> {
        self.listed(&self.pages, &lifetime, |fact, add| add(fact.lifetime))
    }

    /// The list under `key`, after all lists are made; `keys` says under which keys a fact stands.
    fn listed<'l, K: Hash + Eq>(
        &self,
        lists: &'l Lists<K>,
        key: &K,
        keys: impl Fn(&Fact, &mut dyn FnMut(K)),
    ) -> Found<'a, 'l> {
        let lists = lists.get_or_init(|| {
            let mut lists: HashMap<K, Vec<u32>, _> = HashMap::default();
            for &index in self.order {
                let place = u32::try_from(index).unwrap_or(u32::MAX);
                keys(&self.capture.facts[index], &mut |key| {
                    let list = lists.entry(key).or_default();
                    // Two fields may carry one token.
                    if list.last() != Some(&place) {
                        list.push(place);
                    }
                });
            }
            lists
        });
        Found { capture: self.capture, indices: lists.get(key).map_or(&[], Vec::as_slice) }
    }
}

/// Facts that were looked up, in time order.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a, 'l> {
    capture: &'a Capture,
    indices: &'l [u32],
}

impl<'a, 'l> Found<'a, 'l> {
    /// All of them.
    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = &'a Fact> + Clone + use<'a, 'l> {
        let capture = self.capture;
        self.indices.iter().map(move |&index| &capture.facts[index as usize])
    }

    /// Those that began before `at`, in nanoseconds.
    pub(crate) fn before(self, at: i64) -> Self {
        let end = self.indices.partition_point(|&i| self.capture.facts[i as usize].started_nanos() < at);
        Self { indices: &self.indices[..end], ..self }
    }

    /// Those that began at `from` or later.
    pub(crate) fn since(self, from: i64) -> Self {
        let start = self.indices.partition_point(|&i| self.capture.facts[i as usize].started_nanos() < from);
        Self { indices: &self.indices[start..], ..self }
    }
}
