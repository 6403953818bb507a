//! Clients by their names in a dataset.

use std::fmt;

/// Who sent: the 32 hex digits of the column `client` ([`ClientNames`](authtrace_analyze::ties::ClientNames)), as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientName(u128);

impl ClientName {
    /// What the column says; `None` where that is no name.
    pub fn parse(text: &str) -> Option<Self> {
        u128::from_str_radix(text, 16).ok().map(Self)
    }

    /// Where its rows lie in a dataset of so many `buckets` a day: chosen by the first half of its name.
    pub(crate) fn bucket(self, buckets: u16) -> u16 {
        let half = (self.0 >> 64) % u128::from(buckets.max(1));
        u16::try_from(half).unwrap_or_default()
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
