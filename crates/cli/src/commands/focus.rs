//! Which exchanges are in focus: `--filter`, `--since`, `--until`, `--host`, `--session`; and how times are shown.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use authtrace_analyze::{Analysis, facts::Fact};
use authtrace_parse::{ExchangeId, Timestamp};
use authtrace_report::Clock;

use crate::args::InspectArgs;

/// The exchanges in focus; `None` where nothing narrows it.
pub(super) fn exchanges(args: &InspectArgs, analysis: &Analysis) -> anyhow::Result<Option<BTreeSet<ExchangeId>>> {
    let bounds = Bounds::parse(args)?;
    let matching = args.filter.as_ref().map(|filter| analysis.capture.matching(filter)).transpose()?;
    if matching.is_none() && bounds.is_open() {
        return Ok(None);
    }
    let matching: Option<BTreeSet<ExchangeId>> = matching.map(|ids| ids.into_iter().collect());
    let facts = analysis.capture.facts.iter().filter(|fact| bounds.admit(fact)).map(|fact| fact.id);
    Ok(Some(facts.filter(|id| matching.as_ref().is_none_or(|ids| ids.contains(id))).collect()))
}

/// What the focus flags ask for.
struct Bounds {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    host: Option<String>,
    session: Option<String>,
}

impl Bounds {
    fn parse(args: &InspectArgs) -> anyhow::Result<Self> {
        let time = |flag: &str, text: &Option<String>| text.as_deref().map(|text| time(flag, text)).transpose();
        Ok(Self {
            since: time("--since", &args.since)?,
            until: time("--until", &args.until)?,
            host: args.host.as_deref().map(str::to_ascii_lowercase),
            session: args.session.as_deref().map(str::to_ascii_uppercase),
        })
    }

    fn is_open(&self) -> bool {
        self.since.is_none() && self.until.is_none() && self.host.is_none() && self.session.is_none()
    }

    fn admit(&self, fact: &Fact) -> bool {
        let at = fact.timing.started().or(fact.timing.sent());
        self.since.is_none_or(|since| at.is_some_and(|at| at >= since))
            && self.until.is_none_or(|until| at.is_some_and(|at| at <= until))
            && self
                .host
                .as_deref()
                .is_none_or(|host| *host == *fact.host || *host == format!("{}:{}", fact.host, fact.port))
            && self.session.as_deref().is_none_or(|name| fact.session.is_some_and(|s| s.to_string() == name))
    }
}

/// RFC 3339, or a date and time without a zone, taken as UTC.
pub(super) fn time(flag: &str, text: &str) -> anyhow::Result<Timestamp> {
    let zoned = text.parse::<jiff::Timestamp>();
    let civil = || jiff::tz::TimeZone::UTC.to_timestamp(text.parse::<jiff::civil::DateTime>().ok()?).ok();
    let stamp = zoned.ok().or_else(civil);
    let nanos = stamp.and_then(|stamp| i64::try_from(stamp.as_nanosecond()).ok());
    let nanos = nanos.with_context(|| format!("{flag} {text}: no time; write 2026-11-21T10:00:00Z"))?;
    Ok(Timestamp::from_nanos(nanos))
}

/// The clock that `-t` asks for.
pub(super) fn clock(args: &InspectArgs) -> anyhow::Result<Option<Clock>> {
    Ok(Some(match args.time.as_deref() {
        None => return Ok(None),
        Some("utc") => Clock::Utc,
        Some("local") => Clock::Local(jiff::tz::TimeZone::system()),
        Some("relative") => Clock::Relative,
        Some("delta") => Clock::Delta,
        Some("epoch") => Clock::Epoch,
        Some(other) => bail!("-t {other}: no such time style; use utc, local, relative, delta or epoch"),
    }))
}
