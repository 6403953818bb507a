//! A call in front of a proxy and the same call behind it: the inner one runs within the outer one, from where the outer
//! one went to.

use std::{collections::HashSet, net::IpAddr};

use super::{
    super::{
        Fact,
        client::{Client, machine},
    },
    calls::Calls,
    token,
};

/// Marks the inner views among `facts`.
pub(super) fn find(facts: &mut [Fact], clients: &[Client]) {
    let address = |fact: &Fact| clients.get(fact.sender.0 as usize).and_then(Client::address).map(machine);
    let proxies: HashSet<IpAddr> = facts.iter().filter_map(|fact| Some(machine(fact.server?.ip()))).collect();
    let inner = (0..facts.len()).filter(|&index| {
        let fact = &facts[index];
        fact.leg_of().is_none() && address(fact).is_some_and(|from| may_be_inner(fact, from, &proxies))
    });
    let inner: Vec<usize> = inner.collect();
    if inner.is_empty() {
        return;
    }
    let mut matched: HashSet<usize> = HashSet::new();
    let mut found = Vec::new();
    // A proxy may take a prefix off the path.
    let outer = Calls::of(facts, |fact| (&*fact.method, last_segment(&fact.path)));
    for index in inner {
        let fact = &facts[index];
        let Some(from) = address(fact) else { continue };
        let near = outer.begun(facts, from, (&*fact.method, last_segment(&fact.path)), fact);
        let fits = near.iter().filter(|&&other| !matched.contains(&other) && is_view(&facts[other], fact));
        let best = fits.max_by_key(|&&other| likeness(&facts[other], fact));
        if let Some(&best) = best {
            matched.insert(best);
            found.push((index, facts[best].id));
        }
    }
    for (index, id) in found {
        facts[index].set_leg_of(id);
    }
}

/// Whether a call may come from a proxy: it comes from where others went to, and says so, or no browser lives there.
fn may_be_inner(fact: &Fact, from: IpAddr, proxies: &HashSet<IpAddr>) -> bool {
    proxies.contains(&from) && (fact.forwarded || !from.is_loopback())
}

fn last_segment(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Whether `inner` is what a proxy made of `outer`.
fn is_view(outer: &Fact, inner: &Fact) -> bool {
    outer.id != inner.id
        && outer.server != inner.server
        && (outer.status == inner.status || inner.status.is_none())
        && outer.ended_nanos() >= inner.ended_nanos()
        && outer.query_keys == inner.query_keys
        && is_rewritten(&outer.path, &inner.path)
}

/// Whether one path is the other without a prefix, as proxies are told to rewrite it.
fn is_rewritten(outer: &str, inner: &str) -> bool {
    let ends = |long: &str, short: &str| {
        long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || short.starts_with('/') || rest.ends_with('/'))
    };
    ends(outer, inner) || ends(inner, outer)
}

/// How much two views have in common: the same trace, the same credential, then the later beginning.
fn likeness(outer: &Fact, inner: &Fact) -> (bool, bool, i64) {
    let traced = outer.trace.is_some() && outer.trace == inner.trace;
    (traced, token(outer) == token(inner), outer.started_nanos())
}
