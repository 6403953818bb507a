//! Puts IP packets together again that were sent in fragments (RFC 791 §3.2, RFC 8200 §4.5).
//!
//! A pure value with three bounds: how long a datagram may wait, how many may wait, how many bytes they may hold.
//! Fragments may come in any order, twice, and overlap; where two disagree, the later one counts.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use etherparse::{IpFragOffset, IpNumber, defrag::IpDefragBuf};

use super::layer::Transport;
use crate::time::Timestamp;

/// Longest time between the first and the last fragment of a datagram, in nanoseconds: what Linux waits.
const LONGEST_WAIT: i64 = 30_000_000_000;
/// Most datagrams that wait for fragments.
const MOST_DATAGRAMS: usize = 4096;
/// Most bytes that they hold together: 256 of the longest.
const MOST_BYTES: usize = 16 << 20;

/// What the fragments of one datagram share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) identification: u32,
    /// Part of the identity in IPv4; zero in IPv6.
    pub(super) protocol: u8,
}

/// One fragment, complete itself.
#[derive(Clone, Copy)]
pub(super) struct Fragment<'a> {
    pub(super) key: Key,
    /// What the datagram carries, as this fragment says; the first fragment's word counts.
    pub(super) protocol: IpNumber,
    pub(super) offset: IpFragOffset,
    /// Whether others follow.
    pub(super) more: bool,
    pub(super) bytes: &'a [u8],
}

/// A datagram that is whole again.
pub(super) struct Whole {
    key: Key,
    protocol: IpNumber,
    bytes: Vec<u8>,
}

impl Whole {
    /// It, as an IP packet's payload.
    pub(super) fn transport(&self) -> Transport<'_> {
        Transport {
            source: self.key.source,
            destination: self.key.destination,
            protocol: self.protocol.0,
            payload: &self.bytes,
            cut: 0,
        }
    }
}

/// A datagram that waits for fragments.
struct Partial {
    buffer: IpDefragBuf,
    protocol: IpNumber,
    first_seen: Option<Timestamp>,
    /// Its place in the order of age.
    serial: u64,
}

impl Partial {
    fn bytes(&self) -> usize {
        self.buffer.data().len()
    }
}

/// The datagrams that wait.
#[derive(Default)]
pub(super) struct Defrag {
    waiting: HashMap<Key, Partial>,
    by_age: BTreeMap<u64, Key>,
    next_serial: u64,
    bytes: usize,
    /// Datagrams given up, because they waited too long or a bound was reached.
    pub(super) dropped: u64,
    /// Fragments that no datagram can have: beyond its end, or of an odd length in its middle.
    pub(super) refused: u64,
}

impl Defrag {
    /// Takes a fragment that was captured at `now`; returns the datagram that it completes.
    pub(super) fn push(&mut self, fragment: Fragment<'_>, now: Option<Timestamp>) -> Option<Whole> {
        self.drop_stale(&fragment.key, now);
        let serial = self.next_serial;
        let partial = self.waiting.entry(fragment.key).or_insert_with(|| Partial {
            buffer: IpDefragBuf::new(fragment.protocol, Vec::new(), Vec::new()),
            protocol: fragment.protocol,
            first_seen: now,
            serial,
        });
        if partial.serial == serial {
            self.next_serial += 1;
            self.by_age.insert(serial, fragment.key);
        }
        if fragment.offset.value() == 0 {
            partial.protocol = fragment.protocol;
        }
        let before = partial.bytes();
        if partial.buffer.add(fragment.offset, fragment.more, fragment.bytes).is_err() {
            self.refused += 1;
        }
        self.bytes = self.bytes - before + partial.bytes();
        if partial.buffer.is_complete() {
            return self.take(&fragment.key).map(|partial| Whole {
                key: fragment.key,
                protocol: partial.protocol,
                bytes: partial.buffer.take_bufs().0,
            });
        }
        self.keep_bounds();
        None
    }

    /// How many datagrams still wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn take(&mut self, key: &Key) -> Option<Partial> {
        let partial = self.waiting.remove(key)?;
        self.by_age.remove(&partial.serial);
        self.bytes -= partial.bytes();
        Some(partial)
    }

    /// Gives up the datagram `key` if its first fragment is too old: the identification was used again.
    fn drop_stale(&mut self, key: &Key, now: Option<Timestamp>) {
        let first_seen = self.waiting.get(key).and_then(|partial| partial.first_seen);
        let age = now.zip(first_seen).map(|(now, first)| now.nanos_since(first).saturating_abs());
        if age.is_some_and(|age| age > LONGEST_WAIT) {
            self.take(key);
            self.dropped += 1;
        }
    }

    fn keep_bounds(&mut self) {
        while self.waiting.len() > MOST_DATAGRAMS || self.bytes > MOST_BYTES {
            let Some((_, key)) = self.by_age.pop_first() else { return };
            self.take(&key);
            self.dropped += 1;
        }
    }
}
