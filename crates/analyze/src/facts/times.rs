//! Moments of an exchange in half the memory: a capture may hold a million of them.

use std::time::Duration;

use authtrace_parse::{Timestamp, Timing};
use serde::{Deserialize, Serialize};

/// A moment, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<i64>", into = "Option<i64>")]
pub struct Moment(i64);

impl Moment {
    /// No moment. The value itself is a day in 1677 that no capture names.
    pub const NONE: Self = Self(i64::MIN);

    /// The last one, in the year 2188: two moments from 1970 to then are never further apart than nanoseconds can count.
    const LAST: i64 = i64::MAX / 4 * 3;

    /// The moment, where there is one.
    pub fn get(self) -> Option<Timestamp> {
        (self != Self::NONE).then(|| Timestamp::from_nanos(self.0))
    }
}

impl From<Moment> for Option<i64> {
    fn from(moment: Moment) -> Self {
        moment.get().map(Timestamp::nanos)
    }
}

impl From<Option<i64>> for Moment {
    fn from(nanos: Option<i64>) -> Self {
        nanos.map(Timestamp::from_nanos).into()
    }
}

/// A clock that names a day before 1970 or after 2188 says nothing.
impl From<Option<Timestamp>> for Moment {
    fn from(at: Option<Timestamp>) -> Self {
        let nanos = at.map(Timestamp::nanos).filter(|nanos| (0..=Self::LAST).contains(nanos));
        nanos.map_or(Self::NONE, Self)
    }
}

/// When the parts of an exchange were seen (see [`Timing`]).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Times {
    started: Moment,
    sent: Moment,
    first_byte: Moment,
    ended: Moment,
    /// Nanoseconds; `u64::MAX` where the input states none.
    #[serde(with = "stated")]
    duration: u64,
}

/// A duration in nanoseconds as a table holds it: absent where the input states none.
mod stated {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(nanos: &u64, to: S) -> Result<S::Ok, S::Error> {
        i64::try_from(*nanos).ok().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let nanos = Option::<i64>::deserialize(from)?;
        Ok(nanos.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(u64::MAX))
    }
}

impl Times {
    /// When the client began the exchange.
    pub fn started(self) -> Option<Timestamp> {
        self.started.get()
    }

    /// First byte of the request sent.
    pub fn sent(self) -> Option<Timestamp> {
        self.sent.get()
    }

    /// First byte of the response received.
    pub fn first_byte(self) -> Option<Timestamp> {
        self.first_byte.get()
    }

    /// Last byte of the response received.
    pub fn ended(self) -> Option<Timestamp> {
        self.ended.get()
    }

    /// Whole duration as the input states it.
    pub fn duration(self) -> Option<Duration> {
        (self.duration != u64::MAX).then(|| Duration::from_nanos(self.duration))
    }
}

impl From<&Timing> for Times {
    fn from(timing: &Timing) -> Self {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self {
            started: timing.started.into(),
            sent: timing.sent.into(),
            first_byte: timing.first_byte.into(),
            ended: timing.ended.into(),
            duration: timing.duration.map_or(u64::MAX, nanos),
        }
    }
}
