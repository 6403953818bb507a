//! Names of addresses, as Name Resolution Blocks carry them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::packets::order::Order;

const END: u16 = 0;
const IPV4: u16 = 1;
const IPV6: u16 = 2;

/// Most names kept from one file.
const MOST_NAMES: usize = 1 << 16;
/// Most names kept of one address.
const MOST_PER_ADDRESS: usize = 64;
/// Longest name that the domain name system has (RFC 1035 §2.3.4); what is longer is none.
const LONGEST_NAME: usize = 255;

/// Address to names, in the order in which the file gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    by_address: BTreeMap<IpAddr, Vec<Box<str>>>,
    kept: usize,
}

impl Names {
    /// The names of `address`.
    pub fn of(&self, address: IpAddr) -> &[Box<str>] {
        self.by_address.get(&address).map_or(&[], Vec::as_slice)
    }

    /// Every address that has a name, in order.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, &[Box<str>])> {
        self.by_address.iter().map(|(address, names)| (*address, names.as_slice()))
    }

    /// Whether no address has a name.
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// Reads the records of a block's body; `false` where there were more names than are kept.
    pub(super) fn read(&mut self, order: Order, body: &[u8]) -> bool {
        let mut rest = body;
        while let Some((head, tail)) = rest.split_first_chunk::<4>() {
            let (kind, length) = (order.u16(head, 0), usize::from(order.u16(head, 2)));
            let Some(value) = tail.get(..length).filter(|_| kind != END) else { break };
            if !record(kind, value).is_none_or(|(address, names)| self.add(address, names)) {
                return false;
            }
            rest = tail.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        true
    }

    /// Adds NUL-terminated names; an address without one is not kept either.
    fn add(&mut self, address: IpAddr, names: &[u8]) -> bool {
        let names = names.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok());
        for name in names.filter(|name| (1..=LONGEST_NAME).contains(&name.len())) {
            let known = self.of(address);
            if known.iter().any(|known| **known == *name) {
                continue;
            }
            if known.len() == MOST_PER_ADDRESS || self.kept == MOST_NAMES {
                return false;
            }
            self.kept += 1;
            self.by_address.entry(address).or_default().push(name.into());
        }
        true
    }
}

/// Address and NUL-terminated names of one record; other kinds name no IP address.
fn record(kind: u16, value: &[u8]) -> Option<(IpAddr, &[u8])> {
    match kind {
        IPV4 => value.split_first_chunk().map(|(address, names)| (Ipv4Addr::from(*address).into(), names)),
        IPV6 => value.split_first_chunk().map(|(address, names)| (Ipv6Addr::from(*address).into(), names)),
        _ => None,
    }
}
