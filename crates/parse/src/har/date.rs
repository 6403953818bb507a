//! Dates in every form that HAR writers use.

use jiff::{civil, fmt::rfc2822, fmt::strtime, tz::TimeZone};

use super::lenient::Scalar;
use crate::time::Timestamp;

/// Formats tried, in order, where a date is neither ISO 8601 nor RFC 2822. Without a zone, UTC is assumed.
const OTHER_FORMATS: [&str; 4] = [
    // asctime (RFC 9110 §5.6.7)
    "%a %b %e %H:%M:%S %Y",
    // Date.prototype.toString in JavaScript
    "%a %b %d %Y %H:%M:%S GMT%z",
    "%Y/%m/%d %H:%M:%S",
    "%d/%b/%Y:%H:%M:%S %z",
];

/// Reads a date; a number counts seconds, milli-, micro- or nanoseconds since 1970, whichever gives a year near ours.
pub(super) fn timestamp(value: &Scalar<'_>) -> Option<Timestamp> {
    match value {
        Scalar::Number(number) => epoch(*number),
        Scalar::Text(text) => from_text(text.trim()),
        _ => None,
    }
}

fn from_text(text: &str) -> Option<Timestamp> {
    iso(text).or_else(|| text.parse().ok().and_then(epoch)).or_else(|| other(text))
}

/// ISO 8601 with `T` or a space; without a zone it is read as UTC, the only zone that all machines share.
fn iso(text: &str) -> Option<Timestamp> {
    let instant = text.parse::<jiff::Timestamp>().or_else(|_| utc(text.parse::<civil::DateTime>()?)).ok();
    let spaced = || text.rsplit_once(' ').filter(|(_, zone)| zone.starts_with(['+', '-']) || *zone == "Z");
    let instant = instant.or_else(|| spaced().and_then(|(date, zone)| format!("{date}{zone}").parse().ok()));
    nanos(instant?)
}

fn other(text: &str) -> Option<Timestamp> {
    if let Ok(zoned) = rfc2822::parse(text) {
        return nanos(zoned.timestamp());
    }
    let text = text.split(" (").next().unwrap_or(text).trim_end_matches(" GMT").trim_end_matches(" UTC");
    OTHER_FORMATS.iter().find_map(|format| {
        let parts = strtime::parse(format, text).ok()?;
        let instant = parts.to_timestamp().or_else(|_| utc(parts.to_datetime()?)).ok()?;
        nanos(instant)
    })
}

fn utc(datetime: civil::DateTime) -> Result<jiff::Timestamp, jiff::Error> {
    TimeZone::UTC.to_timestamp(datetime)
}

fn nanos(instant: jiff::Timestamp) -> Option<Timestamp> {
    i64::try_from(instant.as_nanosecond()).ok().map(Timestamp::from_nanos)
}

/// Nanoseconds per unit, by magnitude: 1e11 seconds is the year 5138, 1e11 milliseconds is 1973.
fn epoch(number: f64) -> Option<Timestamp> {
    let scale = match number {
        n if !n.is_finite() || n <= 0.0 => return None,
        n if n < 1e11 => 1e9,
        n if n < 1e14 => 1e6,
        n if n < 1e17 => 1e3,
        n if n < 9e18 => 1.0,
        _ => return None,
    };
    // Whole units and fraction apart: one multiplication would lose the last hundred nanoseconds.
    let whole = number.trunc() as i64;
    let fraction = ((number - number.trunc()) * scale).round() as i64;
    Some(Timestamp::from_nanos(whole.checked_mul(scale as i64)?.checked_add(fraction)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_521_589_650_000_000_000; // 2018-03-20T23:47:30Z

    #[track_caller]
    fn check(text: &str, nanos: Option<i64>) {
        assert_eq!(from_text(text).map(Timestamp::nanos), nanos, "{text}");
    }

    #[test]
    fn reads_every_odd_form() {
        check("2018-03-20T23:47:30Z", Some(NOON));
        check("2018-03-20T23:47:30.5Z", Some(NOON + 500_000_000));
        check("2018-03-20T23:47:30.123456789Z", Some(NOON + 123_456_789));
        check("2018-03-21T01:47:30+02:00", Some(NOON));
        check("2018-03-21T01:47:30+0200", Some(NOON));
        check("2018-03-21T01:47:30.000+02", Some(NOON));
        check("2018-03-20 23:47:30Z", Some(NOON));
        check("2018-03-21 01:47:30 +0200", Some(NOON));
        check("2018-03-20 23:47:30 Z", Some(NOON));
        check("2018-03-20T23:47:30", Some(NOON));
        check("2018-03-20 23:47:30.5", Some(NOON + 500_000_000));
        check("1521589650", Some(NOON));
        check("1521589650.5", Some(NOON + 500_000_000));
        check("1521589650500", Some(NOON + 500_000_000));
        check("Tue, 20 Mar 2018 23:47:30 GMT", Some(NOON));
        check("Tue, 20 Mar 2018 23:47:30 +0000", Some(NOON));
        check("Tue Mar 20 23:47:30 2018", Some(NOON));
        check("Sun Mar  4 00:00:00 2018", Some(1_520_121_600_000_000_000));
        check("Wed Mar 21 2018 01:47:30 GMT+0200 (Eastern European Standard Time)", Some(NOON));
        check("2018/03/20 23:47:30", Some(NOON));
        check("+02:002009-04-16T12:07:25.123", None);
        check("yesterday", None);
        check("", None);
        check("-1", None);
        check("9e300", None);
    }
}
