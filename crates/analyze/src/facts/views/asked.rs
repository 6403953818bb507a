//! What a gateway asks another service before it lets a request through (nginx `auth_request`, Traefik ForwardAuth, Caddy
//! `forward_auth`): a part of the answer to that request, and no call of anybody.

use super::{
    super::{
        Fact,
        client::{Client, machine},
    },
    calls::Calls,
    token,
};

/// Lets every question point to the request that it is asked about, where the capture shows that one.
pub(super) fn find(facts: &mut [Fact], clients: &[Client]) {
    if !facts.iter().any(|fact| fact.asked_for().is_some()) {
        return;
    }
    let calls = Calls::of(facts, |fact| &*fact.path);
    let found = facts.iter().enumerate().filter(|(_, fact)| fact.leg_of().is_none()).filter_map(|(index, fact)| {
        let from = clients.get(fact.sender.0 as usize).and_then(Client::address).map(machine)?;
        let near = calls.begun(facts, from, fact.asked_for()?, fact).iter().map(|&other| &facts[other]);
        let within = near.filter(|other| other.id != fact.id && other.ended_nanos() >= fact.ended_nanos());
        // Of several the one with the same credential, then the latest.
        let (_, about) = within.map(|other| (token(other) == token(fact), other)).max_by_key(|(same, _)| *same)?;
        Some((index, about.id))
    });
    for (index, id) in found.collect::<Vec<_>>() {
        facts[index].set_leg_of(id);
    }
}
