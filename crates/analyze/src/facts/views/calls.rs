//! Calls that packets show, by where they went and what else a search goes by: what was under way there at a moment.

use std::{collections::HashMap, hash::Hash, net::IpAddr};

use super::super::{Fact, client::machine};

/// Calls that are looked at for one: those under way at one address, not all of a day.
const LOOK_BACK: usize = 64;

/// Indices of calls by address and `K`, in the order in which they began.
pub(super) struct Calls<K>(HashMap<(IpAddr, K), Vec<usize>>);

impl<K: Hash + Eq> Calls<K> {
    /// Those of `facts` that stand for themselves; `key` says what else one looks for.
    pub(super) fn of<'f>(facts: &'f [Fact], key: impl Fn(&'f Fact) -> K) -> Self {
        let mut calls: HashMap<(IpAddr, K), Vec<usize>> = HashMap::new();
        for (index, fact) in facts.iter().enumerate() {
            if let Some(server) = fact.server.filter(|_| fact.client_port.is_some() && fact.leg_of().is_none()) {
                calls.entry((machine(server.ip()), key(fact))).or_default().push(index);
            }
        }
        calls.values_mut().for_each(|list| list.sort_by_key(|&index| facts[index].started_nanos()));
        Self(calls)
    }

    /// The last ones to `address` that had begun when `fact` did.
    pub(super) fn begun(&self, facts: &[Fact], address: IpAddr, key: K, fact: &Fact) -> &[usize] {
        let calls = self.0.get(&(address, key)).map_or(&[][..], Vec::as_slice);
        let begun = calls.partition_point(|&other| facts[other].started_nanos() <= fact.started_nanos());
        &calls[begun.saturating_sub(LOOK_BACK)..begun]
    }
}
