//! Refusals without a reason: a 403 is one where nothing but authentication can be what it is about (detectors §1, AF).

use std::collections::{BTreeMap, HashMap, HashSet};

use authtrace_parse::HeaderView;
use serde::{Deserialize, Serialize};

use super::{
    Fact,
    credential::{Credential, Method},
    outcome::OutcomeClass,
    role::Role,
};
use crate::{dictionary::ErrorClass, text::Text, tokens::TokenId};

/// What a 403 that names no reason is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// A refusal: the token was accepted nowhere on that origin.
    Refused,
    /// It depends on what the API accepts of everybody.
    Rests(Rests),
}

/// What decides whether a request that went without `Authorization` was refused for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rests {
    /// Whether its API group accepted any call without it.
    Group,
    /// The same, and where the group accepted nothing at all, whether the origin accepts nothing else.
    GroupOrOrigin,
}

/// The tokens that each origin accepted, which tell some refusals without a reason from others.
pub(crate) struct Silences(HashSet<(Text, TokenId)>);

impl Silences {
    /// Those among `facts`.
    pub(crate) fn among(facts: &[Fact]) -> Self {
        // Few captures have an answer that needs them.
        if !facts.iter().any(is_candidate) {
            return Self(HashSet::new());
        }
        let accepted = facts.iter().filter(|f| f.succeeded());
        let tokens = accepted.flat_map(|f| f.credentials.iter().map(|c| (f.origin.clone(), c.token)));
        Self(tokens.collect())
    }

    /// What `fact` is, where it is a 403 without a reason and authentication may be it (detectors §1, the weak case of AF):
    /// its token was accepted nowhere on that origin, or it went without `Authorization` to an API that accepted nothing
    /// else. Authorization cannot be the reason when authentication never worked that way.
    pub(crate) fn of_fact(&self, fact: &Fact) -> Option<Silence> {
        if !is_candidate(fact) {
            return None;
        }
        // "Forbidden" says that this caller may not; where nothing at all was sent, the caller is nobody.
        let anonymous = fact.outcome.says(&[ErrorClass::Forbidden]) && fact.credentials.is_empty() && !fact.has_cookies;
        if fact.outcome.error.is_some() && !anonymous {
            return None;
        }
        let own = fact.main_credential().filter(|c| matches!(c.method(), Method::Authorization | Method::ApiKey));
        match own {
            Some(_) => {
                let known = fact.credentials.iter().any(|c| self.0.contains(&(fact.origin.clone(), c.token)));
                (!known).then_some(Silence::Refused)
            }
            None if !takes_no_other(fact) => None,
            None if fact.outcome.wordless || fact.outcome.error.is_some() => Some(Silence::Rests(Rests::GroupOrOrigin)),
            None => Some(Silence::Rests(Rests::Group)),
        }
    }

    /// Turns those among `facts` that are refusals into refusals.
    pub(crate) fn mark(&self, facts: &mut [Fact], accepted: &Accepted) {
        for fact in facts {
            let refused = match self.of_fact(fact) {
                Some(Silence::Refused) => true,
                Some(Silence::Rests(rests)) => accepted.nothing_else(&fact.origin, &fact.group, rests),
                None => false,
            };
            if refused {
                fact.outcome.class = OutcomeClass::Refused;
            }
        }
    }
}

fn is_candidate(fact: &Fact) -> bool {
    fact.status == Some(403) && fact.outcome.class == OutcomeClass::Forbidden
}

/// Whether the request has nothing that an API that reads `Authorization` would take in its place, and was seen whole.
fn takes_no_other(fact: &Fact) -> bool {
    fact.view == HeaderView::Full && !fact.is_document && fact.credentials.iter().all(Credential::is_cookie)
}

/// Accepted API calls of each group of each origin, by whether they carried `Authorization`. Pages are no API calls: they
/// cannot carry it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accepted {
    groups: HashMap<(Text, Text), Calls, foldhash::fast::RandomState>,
    origins: BTreeMap<Text, Calls>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    with: u64,
    without: u64,
}

impl Accepted {
    /// Calls to one group of an API say little about its other groups; this many that agree say enough to compare with.
    const COHORT: u64 = 3;

    /// Those among `facts`.
    pub(crate) fn of(facts: &[Fact]) -> Self {
        let mut accepted = Self::default();
        let other =
            |f: &&Fact| f.role.is_identity() || f.is_document || matches!(f.role, Role::Static | Role::Preflight);
        for fact in facts.iter().filter(|f| f.outcome.class == OutcomeClass::Success && !other(f)) {
            accepted.add(fact.origin.clone(), fact.group.clone(), fact.authorization().is_some(), 1);
        }
        accepted
    }

    /// Adds `count` calls.
    pub(crate) fn add(&mut self, origin: Text, group: Text, authorized: bool, count: u64) {
        let of_origin = self.origins.entry(origin.clone()).or_default();
        for calls in [of_origin, self.groups.entry((origin, group)).or_default()] {
            *(if authorized { &mut calls.with } else { &mut calls.without }) += count;
        }
    }

    /// Calls by origin and group, with `Authorization` and without.
    pub(crate) fn counts(self) -> impl Iterator<Item = ((Text, Text), [(bool, u64); 2])> {
        self.groups.into_iter().map(|(at, calls)| (at, [(true, calls.with), (false, calls.without)]))
    }

    /// Whether nothing but `Authorization` is accepted there, so far as that is what a refusal rests on.
    pub(crate) fn nothing_else(&self, origin: &Text, group: &Text, rests: Rests) -> bool {
        match self.groups.get(&(origin.clone(), group.clone())) {
            Some(calls) => calls.without == 0,
            None => {
                let calls = self.origins.get(origin).copied().unwrap_or_default();
                rests == Rests::GroupOrOrigin && calls.with >= Self::COHORT && calls.without == 0
            }
        }
    }
}
