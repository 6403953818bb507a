//! Refresh attempts of a client, grouped by what they try to renew, and the order in which one follows another.

use std::collections::{BTreeMap, HashMap};

use authtrace_parse::Kind;

use crate::{
    case::Case,
    facts::{Fact, SessionId, gate::Gate, role::Role},
    text::Text,
    token::TokenKind,
    tokens::{Purpose, TokenId},
};

/// What a refresh tries to renew: the session where one is known, else the refresh token, else whatever a cookie holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lineage {
    /// A session.
    Session(SessionId),
    /// A refresh token without a known session.
    Token(TokenId),
    /// Neither is known.
    Unknown,
}

/// One refresh endpoint and what is renewed there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Origin of the endpoint.
    pub(crate) origin: Text,
    /// Its route.
    pub(crate) route: Text,
    /// What is renewed.
    pub(crate) lineage: Lineage,
}

/// The refreshes that a server answered or could have answered, in time order, by endpoint and lineage.
pub(crate) fn grouped<'a>(case: &Case<'a>) -> BTreeMap<Key, Vec<&'a Fact>> {
    Case::grouped(all(case), |fact| Key {
        origin: fact.origin.clone(),
        route: fact.route.clone(),
        lineage: match (fact.session, fact.request.refresh_token) {
            (Some(session), _) => Lineage::Session(session),
            (None, Some(token)) => Lineage::Token(token),
            (None, None) => Lineage::Unknown,
        },
    })
}

/// Every refresh of the client in time order, without what a cache or the browser itself answered (G9).
pub(crate) fn all<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Fact> + Clone + use<'a> {
    case.facts().filter(|f| is_refresh(f) && f.kind == Kind::Http && !f.gates.has(Gate::NotServer))
}

/// Whether tokens are refreshed there. `POST /widgets/refresh` is called like a refresh and renews something else.
fn is_refresh(fact: &Fact) -> bool {
    const WORDS: &[&str] =
        &["auth", "oauth", "oauth2", "token", "tokens", "session", "sessions", "jwt", "sso", "login", "identity"];
    let evident = || fact.role_proven || fact.request.refresh_token.is_some() || !fact.delivered.is_empty();
    let named = || fact.path.split('/').any(|segment| WORDS.contains(&segment.to_ascii_lowercase().as_str()));
    fact.role == Role::Refresh && (evident() || named())
}

/// The refresh token that `fact` handed out.
pub(crate) fn rotated_to(fact: &Fact) -> Option<TokenId> {
    fact.delivered.iter().find(|d| d.purpose == Purpose::Refresh).map(|d| d.token).filter(|_| fact.succeeded())
}

/// Whether the refresh token of `fact` can be told from another one: what a sanitiser wrote is the same for every token.
pub(crate) fn is_known_token(case: &Case<'_>, fact: &Fact) -> bool {
    fact.request.refresh_token.is_some_and(|token| case.token(token).classified.kind != TokenKind::Redacted)
}

/// Whether `fact` traded its refresh token for another one.
pub(crate) fn rotates(fact: &Fact) -> bool {
    rotated_to(fact).is_some_and(|next| fact.request.refresh_token.is_some_and(|presented| presented != next))
}

/// The refused API calls of a client, by session and in order of their end: what a refresh may have been triggered by.
pub(crate) struct Triggers<'a>(HashMap<Option<SessionId>, Vec<&'a Fact>>);

impl<'a> Triggers<'a> {
    pub(crate) fn of(case: &Case<'a>) -> Self {
        let mut triggers: HashMap<Option<SessionId>, Vec<&'a Fact>> = HashMap::new();
        let mut refusals: Vec<&Fact> = case.refusals().filter(|f| !f.role.is_identity()).collect();
        refusals.sort_by_key(|f| f.ended_nanos());
        for fact in refusals {
            triggers.entry(fact.session).or_default().push(fact);
        }
        Self(triggers)
    }

    /// Those of `session` that ended in `from..=until`, in nanoseconds.
    pub(crate) fn ended_in(&self, session: Option<SessionId>, from: i64, until: i64) -> impl Iterator<Item = &'a Fact> {
        let all = self.0.get(&session).map_or(&[][..], Vec::as_slice);
        let start = all.partition_point(|f| f.ended_nanos() < from);
        all[start..].iter().copied().take_while(move |f| f.ended_nanos() <= until)
    }
}

/// Recorders round to the millisecond, start and duration each: two exchanges that touch may seem to overlap by this much.
pub(crate) const ROUNDING: i64 = 2_000_000;

/// Whether `later` was sent while `earlier` was still in flight.
pub(crate) fn overlap(earlier: &Fact, later: &Fact) -> bool {
    later.started_nanos() + ROUNDING < earlier.ended_nanos()
}

/// `attempts`, which are in time order, split into callers: each attempt continues the caller whose previous attempt
/// ended last before it began, within `gap`; where no caller is free it is a new one.
pub(crate) fn chains<'a>(attempts: &[&'a Fact], gap: i64) -> Vec<Vec<&'a Fact>> {
    let mut chains: Vec<Vec<&'a Fact>> = Vec::new();
    // Callers that a later attempt may continue, with their last attempt: time only moves on.
    let mut open: Vec<(usize, &'a Fact)> = Vec::new();
    for &fact in attempts {
        let began = fact.started_nanos();
        open.retain(|(_, last)| began - last.ended_nanos() <= gap);
        let free = |(_, last): &&mut (usize, &Fact)| {
            began - last.ended_nanos() >= -ROUNDING && last.request.refresh_token == fact.request.refresh_token
        };
        match open.iter_mut().filter(free).max_by_key(|(chain, last)| (last.ended_nanos(), *chain)) {
            Some((chain, last)) => {
                chains[*chain].push(fact);
                *last = fact;
            }
            None => {
                open.push((chains.len(), fact));
                chains.push(vec![fact]);
            }
        }
    }
    chains
}

/// A duration in words: `850 ms`, `12.4 s`, `3 min`, `5 h`, `9 days`.
pub(crate) fn in_words(nanos: i64) -> String {
    match nanos / 1_000_000 {
        ms if ms < 1_000 => format!("{ms} ms"),
        ms if ms < 120_000 => format!("{:.1} s", ms as f64 / 1_000.0),
        ms if ms < 7_200_000 => format!("{} min", ms / 60_000),
        ms if ms < 172_800_000 => format!("{} h", ms / 3_600_000),
        ms => format!("{} days", ms / 86_400_000),
    }
}

/// `once`, `3 times`.
pub(crate) fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
