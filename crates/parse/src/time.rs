//! Points in time as the capture's clock gave them: nanoseconds, no zone, no clock of our own.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Nanoseconds since 1970-01-01T00:00:00Z on the clock of whoever captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the Unix epoch; saturates at the ends of the representable range (years 1677–2262).
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch, with fraction.
    pub fn seconds_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// This moment moved later by `by`; saturates.
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// Time from `earlier` to `self`; `None` where `earlier` is in fact later.
    pub fn duration_since(self, earlier: Self) -> Option<Duration> {
        u64::try_from(self.nanos_since(earlier)).ok().map(Duration::from_nanos)
    }

    /// Signed nanoseconds from `earlier` to `self`; negative where `earlier` is in fact later.
    pub const fn nanos_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}
