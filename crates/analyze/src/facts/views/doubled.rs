//! A connection that was captured twice: on two interfaces, on both sides of a router, in two files.
//!
//! Copies that share their addresses within one capture are one stream to the reader already. What reaches this point are
//! copies under translated addresses, in another input, or long after the first. Where both handshakes were captured, the
//! initial sequence numbers tell; else the ports do, with the time.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    num::{NonZeroU16, NonZeroU64},
};

use super::super::{Connection, Fact, client::Client};
use crate::coverage::{Input, InputFormat};

/// Clocks of two capturing machines may be this far apart, in nanoseconds; ports are not used again within it.
const NEAR: i64 = 2_000_000_000;
/// Calls of the fuller copy that may lie between two of the other.
const LOOK_AHEAD: usize = 1024;

/// One copy: its input and the first frame of the connection.
type Copy = (u16, u32);
/// Both ends of a connection.
type Ends = (IpAddr, NonZeroU16, SocketAddr);

/// Points every call of a copy to the same call of the fullest one.
pub(super) fn find(facts: &mut [Fact], clients: &[Client], inputs: &[Input]) {
    let mut pairs = by_opening(facts);
    let paired: HashSet<usize> = pairs.iter().map(|(copy, _)| *copy).collect();
    let packets = inputs.iter().filter(|input| input.format != InputFormat::Har).count();
    if packets > 1 {
        pairs.extend(by_ends(facts, clients, &paired));
    }
    for (copy, call) in pairs {
        let id = facts[call].id;
        facts[copy].set_leg_of(id);
    }
}

fn copy_of(fact: &Fact) -> Option<Copy> {
    match fact.connection {
        Some(Connection::FirstFrame(frame)) => Some((fact.source.input, frame)),
        Some(Connection::Named(_)) | None => None,
    }
}

/// Pairs of calls in connections that opened with the same sequence numbers.
fn by_opening(facts: &[Fact]) -> Vec<(usize, usize)> {
    let mut first: HashMap<NonZeroU64, Copy, foldhash::fast::RandomState> = HashMap::default();
    let mut doubled: HashSet<NonZeroU64> = HashSet::new();
    for fact in facts {
        let Some((opening, copy)) = fact.opening.zip(copy_of(fact)) else { continue };
        if *first.entry(opening).or_insert(copy) != copy {
            doubled.insert(opening);
        }
    }
    if doubled.is_empty() {
        return Vec::new();
    }
    let mut copies: BTreeMap<NonZeroU64, BTreeMap<Copy, Vec<usize>>> = BTreeMap::new();
    for (index, fact) in facts.iter().enumerate() {
        let opening = fact.opening.filter(|opening| doubled.contains(opening));
        if let Some((opening, copy)) = opening.zip(copy_of(fact)) {
            copies.entry(opening).or_default().entry(copy).or_default().push(index);
        }
    }
    copies.into_values().flat_map(|copies| pairs(facts, copies, |_| i64::MIN, |_, _| true)).collect()
}

/// Pairs of calls between the same ports in different inputs, at the same time, where a handshake is missing.
fn by_ends(facts: &[Fact], clients: &[Client], paired: &HashSet<usize>) -> Vec<(usize, usize)> {
    let mut by_ends: HashMap<Ends, BTreeMap<u16, Vec<usize>>> = HashMap::new();
    for (index, fact) in facts.iter().enumerate().filter(|(index, _)| !paired.contains(index)) {
        let address = clients.get(fact.sender.0 as usize).and_then(Client::address);
        if let (Some(address), Some(port), Some(server)) = (address, fact.client_port, fact.server) {
            by_ends.entry((address, port, server)).or_default().entry(fact.source.input).or_default().push(index);
        }
    }
    let earliest = |copy: &Fact| copy.sent_nanos().saturating_sub(NEAR);
    // Two handshakes that were captured have told already.
    let same = |call: &Fact, copy: &Fact| {
        (call.opening.is_none() || copy.opening.is_none())
            && call.sent_nanos().abs_diff(copy.sent_nanos()) <= NEAR.unsigned_abs()
    };
    let doubled = by_ends.into_values().filter(|inputs| inputs.len() > 1);
    let mut pairs: Vec<(usize, usize)> = doubled.flat_map(|inputs| pairs(facts, inputs, earliest, same)).collect();
    pairs.sort_unstable();
    pairs
}

/// Pairs every call of the lesser copies with one of the fullest, in order: the next that is the `same` and was not sent
/// before the `earliest` time that it may have.
fn pairs<K>(
    facts: &[Fact],
    copies: BTreeMap<K, Vec<usize>>,
    earliest: impl Fn(&Fact) -> i64,
    same: impl Fn(&Fact, &Fact) -> bool,
) -> Vec<(usize, usize)> {
    let mut copies: Vec<Vec<usize>> = copies.into_values().collect();
    let answered = |copy: &Vec<usize>| copy.iter().filter(|&&index| facts[index].status.is_some()).count();
    // Of equal ones, the first.
    copies.sort_by_key(|copy| std::cmp::Reverse((copy.len(), answered(copy))));
    let Some((fullest, rest)) = copies.split_first() else { return Vec::new() };
    let mut pairs = Vec::new();
    for copy in rest {
        let mut from = 0;
        for &index in copy {
            let earliest = earliest(&facts[index]);
            from += fullest[from..].iter().take_while(|&&other| facts[other].sent_nanos() < earliest).count();
            let within = fullest[from..].iter().take(LOOK_AHEAD);
            let fits =
                |other: &usize| is_same_call(&facts[*other], &facts[index]) && same(&facts[*other], &facts[index]);
            if let Some(at) = within.copied().position(|other| fits(&other)) {
                pairs.push((index, fullest[from + at]));
                from += at + 1;
            }
        }
    }
    pairs
}

fn is_same_call(call: &Fact, copy: &Fact) -> bool {
    call.method == copy.method
        && call.path == copy.path
        && call.query_keys == copy.query_keys
        && (call.status == copy.status || call.status.is_none() || copy.status.is_none())
}
