//! Clients: who sent the requests of one timeline (detectors §9).
//!
//! A recorder is one client. On the wire a client is an address with what it calls itself: one address may be a browser, a
//! script and the server behind it, and a connection of a proxy carries many users, so neither tells alone.

use std::{collections::HashMap, hash::Hash, net::IpAddr};

use authtrace_parse::Exchange;
use indexmap::IndexSet;

use super::{ClientId, Fact};
use crate::{text::Text, tokens::TokenId};

/// What a client is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// The browser or tool that recorded this input.
    Recorder(u16),
    /// Whoever sent from this address under this `User-Agent`.
    Address(IpAddr, Option<Text>),
}

impl Client {
    /// Its address, where the wire shows it.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Recorder(_) => None,
            Self::Address(address, _) => Some(*address),
        }
    }
}

/// The clients of a capture, numbered as they are met.
#[derive(Default)]
pub(crate) struct Clients {
    known: IndexSet<Client, foldhash::fast::RandomState>,
}

impl Clients {
    /// The client that sent `exchange`.
    pub(crate) fn of(&mut self, exchange: &Exchange, user_agent: Option<&Text>) -> ClientId {
        self.by(exchange.client.map(|client| client.ip()), exchange.source.input, user_agent)
    }

    /// The client at `address`; where the wire does not show one, the recorder of `input`.
    pub(crate) fn by(&mut self, address: Option<IpAddr>, input: u16, user_agent: Option<&Text>) -> ClientId {
        let client = match address {
            Some(address) => Client::Address(address.to_canonical(), user_agent.cloned()),
            None => Client::Recorder(input),
        };
        let (index, _) = self.known.insert_full(client);
        ClientId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Those met so far.
    pub(crate) fn list(&self) -> Vec<Client> {
        self.known.iter().cloned().collect()
    }

    pub(crate) fn into_list(self) -> Vec<Client> {
        self.known.into_iter().collect()
    }
}

/// One address for all loopback addresses: they are one machine, whichever of them a name resolved to.
pub(crate) fn machine(address: IpAddr) -> IpAddr {
    if address.to_canonical().is_loopback() { IpAddr::from([127, 0, 0, 1]) } else { address }
}

/// Joins clients that are one and numbers them by the first of `facts`, which are in order of id: the order in which
/// exchanges arrived does not show. `same` are pairs that are one client for another reason.
pub(crate) fn settle(facts: &mut [Fact], clients: &[Client], same: Vec<(ClientId, ClientId)>) {
    let mut roots: Vec<u32> = (0..).take(clients.len()).collect();
    for (a, b) in same.into_iter().chain(on_one_machine(clients)).chain(sharing_a_refresh_token(facts)) {
        union(&mut roots, a.0, b.0);
    }
    let mut numbers: HashMap<u32, ClientId, foldhash::fast::RandomState> = HashMap::default();
    for fact in facts {
        let root = find(&mut roots, fact.client.0);
        let next = ClientId(u32::try_from(numbers.len()).unwrap_or(u32::MAX));
        fact.client = *numbers.entry(root).or_insert(next);
    }
}

/// Clients on several loopback addresses that call themselves the same.
fn on_one_machine(clients: &[Client]) -> Vec<(ClientId, ClientId)> {
    let mut first: HashMap<Option<&Text>, ClientId> = HashMap::new();
    let local = (0..).map(ClientId).zip(clients).filter_map(|(id, client)| match client {
        Client::Address(address, agent) if address.is_loopback() => Some((id, agent.as_ref())),
        _ => None,
    });
    local.map(|(id, agent)| (*first.entry(agent).or_insert(id), id)).collect()
}

/// Clients that presented one refresh token: one lineage is one holder's, or was taken from them (DESIGN §4).
fn sharing_a_refresh_token(facts: &[Fact]) -> Vec<(ClientId, ClientId)> {
    let mut holders: HashMap<TokenId, ClientId, foldhash::fast::RandomState> = HashMap::default();
    let mut pairs = Vec::new();
    for fact in facts {
        let Some(token) = fact.request.refresh_token else { continue };
        let holder = *holders.entry(token).or_insert(fact.client);
        if holder != fact.client {
            pairs.push((holder, fact.client));
        }
    }
    pairs
}

fn union(roots: &mut [u32], a: u32, b: u32) {
    let (a, b) = (find(roots, a), find(roots, b));
    // The lower number stays, so the result does not depend on the order of unions.
    let (low, high) = (a.min(b), a.max(b));
    roots[high as usize] = low;
}

fn find(roots: &mut [u32], mut at: u32) -> u32 {
    while roots[at as usize] != at {
        let parent = roots[roots[at as usize] as usize];
        roots[at as usize] = parent;
        at = parent;
    }
    at
}
