//! A HAR and a packet capture of the same calls: their clocks are aligned by the calls that both show once, then every
//! recorded call finds its packets.

use std::collections::{BTreeMap, HashSet};

use super::super::{ClientId, Fact, role::Role};

const SECOND: i64 = 1_000_000_000;
/// A recorded call and its packets are this near once clocks are aligned: queueing, a preflight and a new connection lie
/// between the two.
const NEAR: i64 = 2 * SECOND;
/// Calls that must agree before two clients are held for one.
const ENOUGH: usize = 3;

/// Method, host, port and path.
type Call = (String, String, u16, String);

/// Points the packets of every recorded call to it; says which clients are one.
pub(super) fn find(facts: &mut [Fact]) -> Vec<(ClientId, ClientId)> {
    let (recorded, wire) = (calls(facts, false), calls(facts, true));
    let offset = offset(facts, &recorded, &wire);
    let mut pairs = Vec::new();
    for (call, entries) in &recorded {
        let Some(packets) = wire.get(call) else { continue };
        pairs.extend(nearest(facts, entries, packets, offset));
    }
    let mut agreeing: BTreeMap<(ClientId, ClientId), usize> = BTreeMap::new();
    for (entry, packets) in &pairs {
        *agreeing.entry((facts[*entry].client, facts[*packets].client)).or_default() += 1;
    }
    for (entry, packets) in pairs {
        let id = facts[entry].id;
        facts[packets].set_leg_of(id);
    }
    agreeing.into_iter().filter(|(_, calls)| *calls >= ENOUGH).map(|(clients, _)| clients).collect()
}

/// The calls of recordings or of packets, each list in time order. Inner hops are their outer view's.
fn calls(facts: &[Fact], packets: bool) -> BTreeMap<Call, Vec<usize>> {
    let mut calls: BTreeMap<Call, Vec<usize>> = BTreeMap::new();
    for (index, fact) in facts.iter().enumerate() {
        if fact.client_port.is_some() != packets || fact.leg_of().is_some() || fact.from_cache {
            continue;
        }
        let call = (fact.method.to_string(), fact.host.to_string(), fact.port, fact.path.to_string());
        calls.entry(call).or_default().push(index);
    }
    for list in calls.values_mut() {
        list.sort_by_key(|&index| (facts[index].sent_nanos(), facts[index].id));
    }
    calls
}

/// How far the packets' clock is ahead, in nanoseconds: the median over calls that both sides show equally often.
fn offset(facts: &[Fact], recorded: &BTreeMap<Call, Vec<usize>>, wire: &BTreeMap<Call, Vec<usize>>) -> i64 {
    let alike = recorded.iter().filter_map(|(call, entries)| Some((entries, wire.get(call)?)));
    let mut differences: Vec<i64> = alike
        .filter(|(entries, packets)| entries.len() == packets.len())
        .flat_map(|(entries, packets)| entries.iter().zip(packets))
        .map(|(&entry, &packets)| facts[packets].sent_nanos() - facts[entry].sent_nanos())
        .collect();
    differences.sort_unstable();
    differences.get(differences.len() / 2).copied().unwrap_or(0)
}

/// Pairs of entries and packets of one call, each used once, in time order.
fn nearest(facts: &[Fact], entries: &[usize], packets: &[usize], offset: i64) -> Vec<(usize, usize)> {
    let mut used: HashSet<usize> = HashSet::new();
    let mut pairs = Vec::new();
    let mut from = 0;
    for &entry in entries {
        let at = facts[entry].sent_nanos() + offset;
        while from < packets.len() && facts[packets[from]].sent_nanos() < at - NEAR {
            from += 1;
        }
        let within = packets[from..].iter().copied().take_while(|&other| facts[other].sent_nanos() <= at + NEAR);
        let fits = within.filter(|other| !used.contains(other) && agrees(&facts[entry], &facts[*other]));
        if let Some(best) = fits.min_by_key(|&other| (facts[other].sent_nanos() - at).abs()) {
            used.insert(best);
            pairs.push((entry, best));
        }
    }
    pairs
}

/// Whether packets may be what a recorder saw: the same answer, or one that it was not shown.
fn agrees(entry: &Fact, packets: &Fact) -> bool {
    let preflights = (entry.role == Role::Preflight) == (packets.role == Role::Preflight);
    preflights && (entry.status == packets.status || entry.status.is_none() || packets.status.is_none())
}
