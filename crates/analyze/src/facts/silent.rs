//! Refusals without a reason: a 403 is one where nothing but authentication can be what it is about (detectors §1, AF).

use std::collections::{HashMap, HashSet};

use authtrace_parse::HeaderView;

use super::{
    Fact,
    credential::{Credential, Method},
    outcome::OutcomeClass,
    role::Role,
};
use crate::{dictionary::ErrorClass, text::Text, tokens::TokenId};

/// Turns a 403 that names no reason into a refusal where authentication is the likelier reason (detectors §1, the weak
/// case of AF): its token was accepted nowhere on that origin, or it went without `Authorization` to an API that accepted
/// nothing else. Authorization cannot be the reason when authentication never worked that way.
pub(crate) fn mark_silent_refusals(facts: &mut [Fact]) {
    let accepted: HashSet<(Text, TokenId)> = facts
        .iter()
        .filter(|f| f.succeeded())
        .flat_map(|f| f.credentials.iter().map(|c| (f.origin.clone(), c.token)))
        .collect();
    let groups = Accepted::by(facts, |f| (f.origin.clone(), f.group.clone()));
    let origins = Accepted::by(facts, |f| f.origin.clone());
    for fact in facts.iter_mut().filter(|f| f.status == Some(403) && f.outcome.class == OutcomeClass::Forbidden) {
        let own = fact.main_credential().filter(|c| matches!(c.method(), Method::Authorization | Method::ApiKey));
        let refused = match own {
            Some(_) => !fact.credentials.iter().any(|c| accepted.contains(&(fact.origin.clone(), c.token))),
            None if !takes_no_other(fact) => false,
            None => match groups.get(&(fact.origin.clone(), fact.group.clone())) {
                Some(group) => group.without == 0,
                None => {
                    (fact.outcome.wordless || fact.outcome.error.is_some())
                        && origins.get(&fact.origin).is_some_and(Accepted::is_header_only)
                }
            },
        };
        // "Forbidden" says that this caller may not; where nothing at all was sent, the caller is nobody.
        let anonymous = fact.outcome.says(&[ErrorClass::Forbidden]) && fact.credentials.is_empty() && !fact.has_cookies;
        if (fact.outcome.error.is_none() || anonymous) && refused {
            fact.outcome.class = OutcomeClass::Refused;
        }
    }
}

/// Whether the request has nothing that an API that reads `Authorization` would take in its place, and was seen whole.
fn takes_no_other(fact: &Fact) -> bool {
    fact.view == HeaderView::Full && !fact.is_document && fact.credentials.iter().all(Credential::is_cookie)
}

/// Accepted API calls, by whether they carried `Authorization`. Pages are no API calls: they cannot carry it.
#[derive(Default)]
struct Accepted {
    with: u32,
    without: u32,
}

impl Accepted {
    /// Calls to one group of an API say little about its other groups; this many that agree say enough to compare with.
    const COHORT: u32 = 3;

    fn by<K: Eq + std::hash::Hash>(facts: &[Fact], key: impl Fn(&Fact) -> K) -> HashMap<K, Self> {
        let mut counts: HashMap<K, Self> = HashMap::new();
        let other =
            |f: &&Fact| f.role.is_identity() || f.is_document || matches!(f.role, Role::Static | Role::Preflight);
        for fact in facts.iter().filter(|f| f.outcome.class == OutcomeClass::Success && !other(f)) {
            let count = counts.entry(key(fact)).or_default();
            if fact.authorization().is_some() { count.with += 1 } else { count.without += 1 }
        }
        counts
    }

    fn is_header_only(&self) -> bool {
        self.with >= Self::COHORT && self.without == 0
    }
}
