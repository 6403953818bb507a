//! Times as text: RFC 3339 for programs, a short clock or an offset for people.

use authtrace_parse::Timestamp;
use jiff::tz::TimeZone;

/// How times are shown to people (`-t`).
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// Time of day in UTC.
    #[default]
    Utc,
    /// Time of day in a zone.
    Local(TimeZone),
    /// Since the first exchange of the capture.
    Relative,
    /// Since the row before.
    Delta,
    /// Seconds since 1970.
    Epoch,
}

/// A [`Clock`] at work: it knows the first row and the row before.
pub struct Ticker<'c> {
    clock: &'c Clock,
    first: Option<Timestamp>,
    before: Option<Timestamp>,
}

impl<'c> Ticker<'c> {
    /// Starts before the first row.
    pub fn new(clock: &'c Clock, first: Option<Timestamp>) -> Self {
        Self { clock, first, before: None }
    }

    /// The time of the next row; `-` where it is unknown.
    pub fn show(&mut self, at: Option<Timestamp>) -> String {
        let Some(at) = at else { return "-".to_owned() };
        let since = |start: Option<Timestamp>| at.nanos_since(start.unwrap_or(at)) as f64 / 1e9;
        let text = match self.clock {
            Clock::Utc => time_of_day(at, &TimeZone::UTC),
            Clock::Local(zone) => time_of_day(at, zone),
            Clock::Relative => format!("{:.3}", since(self.first)),
            Clock::Delta => format!("{:+.3}", since(self.before)),
            Clock::Epoch => {
                format!("{}.{:06}", at.nanos().div_euclid(1_000_000_000), at.nanos().rem_euclid(1_000_000_000) / 1000)
            }
        };
        self.before = Some(at);
        text
    }
}

impl Clock {
    /// The zone that dates are shown in.
    pub fn zone(&self) -> TimeZone {
        match self {
            Self::Local(zone) => zone.clone(),
            _ => TimeZone::UTC,
        }
    }
}

/// RFC 3339 in UTC, with as many digits of the second as are known.
pub fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at.nanos())).map(|t| t.to_string()).unwrap_or_default()
}

/// RFC 3339 in UTC with milliseconds, equally wide in every row of a table.
pub(crate) fn stamp(at: Timestamp) -> String {
    format_in(at, &TimeZone::UTC, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// `2026-11-21 10:22:03` in `zone`.
pub fn date_and_time(at: Timestamp, zone: &TimeZone) -> String {
    format_in(at, zone, "%Y-%m-%d %H:%M:%S")
}

/// `10:22:03.114` in `zone`.
pub fn time_of_day(at: Timestamp, zone: &TimeZone) -> String {
    format_in(at, zone, "%H:%M:%S.%3f")
}

fn format_in(at: Timestamp, zone: &TimeZone, format: &str) -> String {
    let Ok(stamp) = jiff::Timestamp::from_nanosecond(i128::from(at.nanos())) else { return "-".to_owned() };
    zone.to_datetime(stamp).strftime(format).to_string()
}

/// A length of time in words, from milliseconds to days: `804 ms`, `2.3 s`, `3 min 20 s`.
pub fn span(nanos: i64) -> String {
    let ms = nanos.unsigned_abs() / 1_000_000;
    let pair = |big: u64, unit: &str, small: u64, part: &str| match small {
        0 => format!("{big} {unit}"),
        _ => format!("{big} {unit} {small} {part}"),
    };
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => pair(ms / 60_000, "min", ms / 1000 % 60, "s"),
        3_600_000..172_800_000 => pair(ms / 3_600_000, "h", ms / 60_000 % 60, "min"),
        _ => pair(ms / 86_400_000, "d", ms / 3_600_000 % 24, "h"),
    }
}

/// A size in words: `812 bytes`, `12.4 kB`, `3.1 MB`.
pub fn bytes(size: u64) -> String {
    match size {
        0..1000 => format!("{size} bytes"),
        1000..1_000_000 => format!("{}.{} kB", size / 1000, size % 1000 / 100),
        1_000_000..1_000_000_000 => format!("{}.{} MB", size / 1_000_000, size % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", size / 1_000_000_000, size % 1_000_000_000 / 100_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        let at = Timestamp::from_nanos(1_700_000_000_123_456_789);
        assert_eq!(rfc3339(at), "2023-11-14T22:13:20.123456789Z");
        assert_eq!(time_of_day(at, &TimeZone::UTC), "22:13:20.123");
        let spans = [804, 2_345, 200_000, 7_500_000, 180_000_000].map(|ms| span(ms * 1_000_000));
        assert_eq!(spans, ["804 ms", "2.3 s", "3 min 20 s", "2 h 5 min", "2 d 2 h"]);
    }

    #[test]
    fn a_ticker_counts_from_the_row_before() {
        let clock = Clock::Delta;
        let mut ticker = Ticker::new(&clock, None);
        let at = |ms: i64| Some(Timestamp::from_nanos(ms * 1_000_000));
        assert_eq!([ticker.show(at(1000)), ticker.show(at(1500)), ticker.show(None)], ["+0.000", "+0.500", "-"]);
    }
}
