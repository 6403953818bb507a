//! Where hypotheses look things up: among everybody's facts, or among those of the client whose incident it is.
//!
//! A capture may hold thousands of clients with an incident each: none of them searches the facts of all the others.

use std::collections::BTreeMap;

use crate::{capture::Capture, facts::ClientId, finding::Finding, lookup::Lookup};

/// Indices of facts by id: of all, and of each client that a finding is about.
pub(super) struct Orders {
    all: Vec<u32>,
    clients: BTreeMap<ClientId, Vec<u32>>,
}

impl Orders {
    pub(super) fn new(capture: &Capture, findings: &[Finding]) -> Self {
        let mut clients: BTreeMap<ClientId, Vec<u32>> = findings.iter().map(|f| (f.client, Vec::new())).collect();
        for (index, fact) in (0..).zip(&capture.facts) {
            if let Some(order) = clients.get_mut(&fact.client) {
                order.push(index);
            }
        }
        Self { all: (0..).take(capture.facts.len()).collect(), clients }
    }
}

/// Lookups over [`Orders`].
pub(super) struct Lookups<'a> {
    all: Lookup<'a>,
    clients: BTreeMap<ClientId, Lookup<'a>>,
    nothing: Lookup<'a>,
}

impl<'a> Lookups<'a> {
    pub(super) fn new(capture: &'a Capture, orders: &'a Orders) -> Self {
        let of = |order: &'a [u32]| Lookup::new(capture, order);
        let clients = orders.clients.iter().map(|(client, order)| (*client, of(order)));
        Self { all: of(&orders.all), clients: clients.collect(), nothing: of(&[]) }
    }

    /// Over everybody's facts.
    pub(super) fn all(&self) -> &Lookup<'a> {
        &self.all
    }

    /// Over the facts of `client`, which a finding is about.
    pub(super) fn of(&self, client: ClientId) -> &Lookup<'a> {
        self.clients.get(&client).unwrap_or(&self.nothing)
    }
}
