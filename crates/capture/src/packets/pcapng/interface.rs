//! An interface as its section describes it: what frames start with, how its clock counts, what it lost.

use authtrace_parse::{LinkType, Timestamp};

use super::{MOST_BLOCK, options};
use crate::packets::{order::Order, record::most_captured};

/// Packets that never reached the capture, as the capturing program counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Lost by the interface for want of resources; `None` where nobody counted.
    pub interface: Option<u64>,
    /// Lost by the operating system; `None` where nobody counted.
    pub system: Option<u64>,
}

impl Drops {
    /// Frames lost, as far as anybody counted.
    pub fn total(self) -> u64 {
        self.interface.unwrap_or(0).saturating_add(self.system.unwrap_or(0))
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| a.map_or(b, |a| Some(a.saturating_add(b.unwrap_or(0))));
        Self { interface: sum(self.interface, other.interface), system: sum(self.system, other.system) }
    }

    /// The higher of two counts of the same.
    pub(super) fn at_least(self, other: Self) -> Self {
        Self { interface: self.interface.max(other.interface), system: self.system.max(other.system) }
    }
}

/// One interface of the current section.
pub(super) struct Interface {
    pub(super) link: LinkType,
    /// Bytes kept of each frame; zero for all.
    pub(super) snaplen: u32,
    /// Captured bytes beyond which a frame's length is nonsense.
    pub(super) most_captured: u32,
    unit: Unit,
    /// Nanoseconds to add to every timestamp.
    offset: i64,
    pub(super) drops: Drops,
}

/// How units of a timestamp become nanoseconds.
#[derive(Clone, Copy)]
enum Unit {
    /// So many nanoseconds each.
    Nanos(u64),
    /// So many make a nanosecond.
    PerNano(u64),
    /// 2ⁿ make a second.
    PowerOfTwo(u8),
}

impl Unit {
    /// From `if_tsresol`: its top bit chooses between negative powers of 10 and of 2.
    fn from_resolution(resolution: u8) -> Self {
        let exponent = resolution & 0x7f;
        if resolution & 0x80 != 0 {
            return Self::PowerOfTwo(exponent);
        }
        match 9u32.checked_sub(u32::from(exponent)) {
            Some(power) => Self::Nanos(10u64.pow(power)),
            // Beyond 10⁻²⁸ s all timestamps are zero or one, which is what the division gives, too.
            None => Self::PerNano(10u64.checked_pow(u32::from(exponent) - 9).unwrap_or(u64::MAX)),
        }
    }

    #[inline]
    fn nanos(self, units: u64) -> Option<i64> {
        let nanos = match self {
            Self::Nanos(nanos) => units.checked_mul(nanos)?,
            Self::PerNano(units_per_nano) => units / units_per_nano,
            Self::PowerOfTwo(exponent) => {
                let scaled = u128::from(units) * 1_000_000_000;
                u64::try_from(scaled >> exponent).ok()?
            }
        };
        i64::try_from(nanos).ok()
    }
}

impl Interface {
    /// Reads the body of an Interface Description Block.
    pub(super) fn read(order: Order, body: &[u8]) -> Self {
        let snaplen = order.u32(body, 4);
        let mut interface = Self {
            link: LinkType(order.u16(body, 0)),
            snaplen,
            most_captured: most_captured(snaplen).min(MOST_BLOCK),
            unit: Unit::from_resolution(6),
            offset: 0,
            drops: Drops::default(),
        };
        for (code, value) in options::options(order, body.get(8..).unwrap_or_default()) {
            match (code, value) {
                (options::TIME_RESOLUTION, &[resolution]) => interface.unit = Unit::from_resolution(resolution),
                (options::TIME_OFFSET, &[_, _, _, _, _, _, _, _]) => {
                    interface.offset = order.u64(value, 0).cast_signed().saturating_mul(1_000_000_000);
                }
                _ => {}
            }
        }
        interface
    }

    /// A timestamp of this interface; `None` beyond the years that [`Timestamp`] can say.
    #[inline]
    pub(super) fn time(&self, high: u32, low: u32) -> Option<Timestamp> {
        let nanos = self.unit.nanos(u64::from(high) << 32 | u64::from(low))?;
        nanos.checked_add(self.offset).map(Timestamp::from_nanos)
    }

    /// Takes the counters of an Interface Statistics Block's body; they count from the start of the capture, so a later block
    /// replaces an earlier one.
    pub(super) fn read_statistics(&mut self, order: Order, body: &[u8]) {
        for (code, value) in options::options(order, body.get(12..).unwrap_or_default()) {
            if value.len() == 8 {
                match code {
                    options::INTERFACE_DROPS => self.drops.interface = Some(order.u64(value, 0)),
                    options::SYSTEM_DROPS => self.drops.system = Some(order.u64(value, 0)),
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(resolution: u8, units: u64, nanos: Option<i64>) {
        assert_eq!(Unit::from_resolution(resolution).nanos(units), nanos, "{resolution:#x}");
    }

    #[test]
    fn units_become_nanoseconds() {
        check(6, 1_700_000_000_000_001, Some(1_700_000_000_000_001_000));
        check(9, 1_700_000_000_000_000_001, Some(1_700_000_000_000_000_001));
        check(0, 1_700_000_000, Some(1_700_000_000_000_000_000));
        check(3, 1, Some(1_000_000));
        check(12, 5_999, Some(5));
        check(127, u64::MAX, Some(1));
        check(0x80 | 20, 3 << 19, Some(1_500_000_000));
        check(0x80 | 32, 1 << 31, Some(500_000_000));
        check(0x80, 7, Some(7_000_000_000));
        check(0xff, u64::MAX, Some(0));
        check(6, u64::MAX, None);
        check(0x80, u64::MAX, None);
    }
}
