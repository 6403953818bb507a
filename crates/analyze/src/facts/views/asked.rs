//! What a gateway asks another service before it lets a request through (nginx `auth_request`, Traefik ForwardAuth, Caddy
//! `forward_auth`): a part of the answer to that request, and no call of anybody.

use std::{collections::HashMap, net::IpAddr};

use super::super::{
    Fact,
    client::{Client, machine},
};
use crate::tokens::TokenId;

/// Requests under way at one gateway with one path that are looked at for one question.
const LOOK_BACK: usize = 64;

/// Lets every question point to the request that it is asked about, where the capture shows that one.
pub(super) fn find(facts: &mut [Fact], clients: &[Client]) {
    if !facts.iter().any(|fact| fact.asked_for().is_some()) {
        return;
    }
    let asked = requests(facts);
    let found = facts.iter().enumerate().filter(|(_, fact)| fact.leg_of().is_none()).filter_map(|(index, fact)| {
        let from = clients.get(fact.sender.0 as usize).and_then(Client::address).map(machine)?;
        let candidates = asked.get(&(from, fact.asked_for()?))?;
        let begun = candidates.partition_point(|&other| facts[other].started_nanos() <= fact.started_nanos());
        let near = candidates[begun.saturating_sub(LOOK_BACK)..begun].iter().rev();
        let within =
            |other: &&usize| facts[**other].id != fact.id && facts[**other].ended_nanos() >= fact.ended_nanos();
        // Of several the one with the same credential, then the latest.
        let mut near = near.filter(within).peekable();
        let latest = *near.peek()?;
        let same = near.find(|&&other| token(&facts[other]) == token(fact)).unwrap_or(latest);
        Some((index, facts[*same].id))
    });
    for (index, id) in found.collect::<Vec<_>>() {
        facts[index].set_leg_of(id);
    }
}

fn token(fact: &Fact) -> Option<TokenId> {
    fact.main_credential().map(|credential| credential.token)
}

/// The requests to each address by path, in the order in which they began.
fn requests(facts: &[Fact]) -> HashMap<(IpAddr, &str), Vec<usize>> {
    let mut requests: HashMap<(IpAddr, &str), Vec<usize>> = HashMap::new();
    for (index, fact) in facts.iter().enumerate() {
        if let Some(server) = fact.server.filter(|_| fact.client_port.is_some() && fact.leg_of().is_none()) {
            requests.entry((machine(server.ip()), &*fact.path)).or_default().push(index);
        }
    }
    requests.values_mut().for_each(|list| list.sort_by_key(|&index| facts[index].started_nanos()));
    requests
}
