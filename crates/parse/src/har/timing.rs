//! When the parts of an exchange happened, from `startedDateTime`, `time` and `timings`.

use std::time::Duration;

use super::{date, entry::Entry, lenient::Scalar, record::Shape};
use crate::{exchange::Timing, time::Timestamp};

/// Reads the times of an entry. `answered`: a response was seen; `sent`: the request reached the network.
pub(super) fn read(entry: &Entry<'_>, sent: bool, answered: bool) -> Timing {
    let started = date::timestamp(&entry.started);
    let timings = &entry.timings;
    let known = timings.shape == Shape::Object && [&timings.send, &timings.wait].iter().any(|t| phase(t).is_some());
    let sum = |phases: &[&Scalar<'_>]| phases.iter().filter_map(|p| phase(p)).sum::<Duration>();
    let before = sum(&[&timings.blocked, &timings.dns, &timings.connect]);
    let until_answer = sum(&[&timings.send, &timings.wait]);
    let duration = phase(&entry.time);
    let total = duration.or_else(|| known.then(|| before + until_answer + sum(&[&timings.receive])));
    let at = |after: Duration| started.map(|started| Timestamp::saturating_add(started, after));
    Timing {
        started,
        sent: at(before).filter(|_| known && sent),
        first_byte: at(before + until_answer).filter(|_| known && answered),
        ended: total.and_then(at),
        duration,
    }
}

/// A phase in milliseconds with fraction; negative numbers mean "does not apply". Longer than 30 years is no phase.
fn phase(value: &Scalar<'_>) -> Option<Duration> {
    let ms = value.number().filter(|ms| (0.0..1e12).contains(ms))?;
    Some(Duration::from_nanos((ms * 1e6).round() as u64))
}
