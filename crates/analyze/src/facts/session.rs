//! Sessions: which exchanges belong to one authentication lifetime, found by joining the credentials that travel together.
//!
//! Two credentials belong to one session when one response delivers both, when a request presents one and its response
//! delivers the other, when one request carries both, or when both name the same `sid`.
//! `sub` alone does not join: one user may have several sessions (detectors §9).

use std::collections::{BTreeMap, HashMap};

use authtrace_parse::{ExchangeId, Timestamp};

use super::{ClientId, Fact, SessionId, role::Role};
use crate::{
    text::Text,
    token::{Fingerprinter, Identifier},
    tokens::{TokenId, TokenStore},
};

/// A refresh this soon after a refusal was caused by it, in nanoseconds.
const FOLLOWS: i64 = 2_000_000_000;

/// One authentication lifetime.
#[derive(Clone)]
pub struct Session {
    /// Fingerprint of the `sub` claim or the first credential's subject, where one is known.
    pub subject: Option<Text>,
    /// First exchange.
    pub first: Option<Timestamp>,
    /// Last exchange.
    pub last: Option<Timestamp>,
    /// Exchanges that belong to it.
    pub exchanges: u32,
    /// Of those, refused for authentication.
    pub refused: u32,
    /// First exchange's id.
    pub first_exchange: ExchangeId,
}

/// Assigns a session to every fact that has one and describes the sessions, in order of first sight.
pub(crate) fn assign(facts: &mut [Fact], order: &[u32], tokens: &TokenStore, names: &Fingerprinter) -> Vec<Session> {
    let mut sets = join(facts, tokens);
    follow_refusals(facts, order, tokens, &mut sets);
    let mut numbers: HashMap<u32, SessionId> = HashMap::new();
    for &index in order {
        let fact = &mut facts[index as usize];
        let Some(token) = identifying(fact) else { continue };
        let root = sets.find(token.0);
        let next = SessionId(u32::try_from(numbers.len()).unwrap_or(u32::MAX));
        fact.session = Some(*numbers.entry(root).or_insert(next));
    }
    adopt(facts, order);
    describe(facts, order, numbers.len(), tokens, names)
}

/// The credential that says which session an exchange belongs to: what it presents, else what it was given.
fn identifying(fact: &Fact) -> Option<TokenId> {
    let presented = fact.credentials.iter().filter(|c| c.well_formed).min_by_key(|c| c.method()).map(|c| c.token);
    presented.or_else(|| fact.delivered.first().map(|d| d.token))
}

fn join(facts: &[Fact], tokens: &TokenStore) -> Sets {
    let mut sets = Sets::new(tokens.len());
    for fact in facts {
        let own = fact.credentials.iter().filter(|c| c.well_formed).map(|c| c.token);
        let given = fact.delivered.iter().map(|d| d.token).filter(|_| fact.succeeded());
        // A login starts a session of its own: what the request still carried may belong to the one before.
        let carried: Vec<TokenId> = if fact.role == Role::Login { given.collect() } else { own.chain(given).collect() };
        for pair in carried.windows(2) {
            sets.union(pair[0].0, pair[1].0);
        }
    }
    let mut by_sid: BTreeMap<&Identifier, u32> = BTreeMap::new();
    for (id, token) in tokens.iter() {
        let Some(sid) = token.claims().and_then(|claims| claims.sid.as_ref()) else { continue };
        if let Some(&other) = by_sid.get(sid) {
            sets.union(other, id.0);
        } else {
            by_sid.insert(sid, id.0);
        }
    }
    sets
}

/// A refresh token that nothing else links belongs to the session whose refusal its refresh follows within [`FOLLOWS`].
fn follow_refusals(facts: &[Fact], order: &[u32], tokens: &TokenStore, sets: &mut Sets) {
    let mut refused: HashMap<ClientId, (TokenId, i64)> = HashMap::new();
    for fact in order.iter().map(|&index| &facts[index as usize]) {
        let alone = fact.credentials.len() == 1 && fact.delivered.is_empty();
        match (fact.request.refresh_token, fact.main_credential()) {
            (Some(token), _) if alone && tokens.get(token).delivered_by.is_none() => {
                if let Some((before, at)) = refused.get(&fact.client)
                    && fact.started_nanos() - at <= FOLLOWS
                {
                    sets.union(before.0, token.0);
                }
            }
            (None, Some(credential)) if fact.refused() => {
                refused.insert(fact.client, (credential.token, fact.ended_nanos()));
            }
            _ => {}
        }
    }
}

/// An exchange without credentials belongs to the session that the same client uses before and after it.
fn adopt(facts: &mut [Fact], order: &[u32]) {
    let mut before: HashMap<ClientId, SessionId> = HashMap::new();
    let mut waiting: HashMap<ClientId, Vec<u32>> = HashMap::new();
    for &index in order {
        let client = facts[index as usize].client;
        match facts[index as usize].session {
            None => waiting.entry(client).or_default().push(index),
            Some(session) => {
                let known = before.insert(client, session);
                for adopted in waiting.remove(&client).unwrap_or_default() {
                    if known.is_none_or(|known| known == session) {
                        facts[adopted as usize].session = Some(session);
                    }
                }
            }
        }
    }
    let mut rest: Vec<(ClientId, Vec<u32>)> = waiting.into_iter().collect();
    rest.sort_unstable();
    for (client, indices) in rest {
        for index in indices {
            facts[index as usize].session = before.get(&client).copied();
        }
    }
}

fn describe(facts: &[Fact], order: &[u32], count: usize, tokens: &TokenStore, names: &Fingerprinter) -> Vec<Session> {
    let mut sessions: Vec<Option<Session>> = vec![None; count];
    // A call counts once, however many views of it there are.
    for fact in order.iter().map(|&index| &facts[index as usize]).filter(|fact| fact.leg_of().is_none()) {
        let Some(session) = fact.session.and_then(|s| sessions.get_mut(s.0 as usize)) else { continue };
        let at = fact.timing.started();
        let session = session.get_or_insert_with(|| Session {
            subject: None,
            first: at,
            last: at,
            exchanges: 0,
            refused: 0,
            first_exchange: fact.id,
        });
        session.last = session.last.max(at);
        session.exchanges += 1;
        session.refused += u32::from(fact.refused());
        if session.subject.is_none() {
            session.subject = subject(fact, tokens, names);
        }
    }
    sessions.into_iter().flatten().collect()
}

fn subject(fact: &Fact, tokens: &TokenStore, names: &Fingerprinter) -> Option<Text> {
    let ids = fact.credentials.iter().map(|c| c.token).chain(fact.delivered.iter().map(|d| d.token));
    let sub = ids.filter_map(|id| tokens.get(id).claims()?.sub.as_ref()).next()?;
    Some(Text::from(names.of_identifier(sub)))
}

/// Disjoint sets with path halving.
struct Sets(Vec<u32>);

impl Sets {
    fn new(len: usize) -> Self {
        Self((0..u32::try_from(len).unwrap_or(u32::MAX)).collect())
    }

    fn find(&mut self, mut at: u32) -> u32 {
        while self.0[at as usize] != at {
            let parent = self.0[at as usize];
            self.0[at as usize] = self.0[parent as usize];
            at = self.0[at as usize];
        }
        at
    }

    fn union(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}
