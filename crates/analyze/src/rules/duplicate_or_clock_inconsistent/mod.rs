//! CAP204: the capture holds exchanges twice, or its clocks contradict each other.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    hash::BuildHasher,
    time::Duration,
};

use crate::{
    capture::Capture,
    catalogue::{Layer, RuleMeta, Tier},
    coverage::Coverage,
    facts::{Fact, role::Role},
    finding::Severity,
    rule::{Check, Rule},
    thresholds::{nanos, thresholds},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "CAP204",
        id: "duplicate-or-clock-inconsistent",
        title: "The capture repeats itself or its clocks disagree",
        severity: Severity::Info,
        layer: Layer::Capture,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &[],
    },
    check: Check::Coverage(check),
};

// When repetition and disagreement are more than chance.
thresholds! {
    /// Exchanges that are there twice: two equal calls in one instant happen, three do not.
    duplicates: count = 3,
    /// A `Date` this far outside what the origin's other answers allow is another clock.
    clock_gap: time = Duration::from_secs(5),
    /// Answers by that other clock: one may be a stale cache.
    clock_answers: count = 2,
}

fn check(capture: &Capture) -> Vec<Coverage> {
    [repeated(capture), joined(capture), both_legs(capture), undated(capture)]
        .into_iter()
        .flatten()
        .chain(clocks(capture))
        .collect()
}

fn coverage(says: String, affects: &'static [&'static str], remedy: Option<&'static str>) -> Coverage {
    Coverage { rule: &RULE.meta, says, affects, remedy }
}

/// The same call at the same instant with the same answer: two exports of one recording, or two interfaces.
fn repeated(capture: &Capture) -> Option<Coverage> {
    let counts = |f: &Fact| f.status.is_some() && !f.from_cache && f.timing.started().is_some();
    let span = |f: &Fact| (f.started_nanos(), f.ended_nanos());
    let counted = capture.facts.iter().filter(|f| counts(f) && f.leg_of().is_none());
    // With the span beside it: a million facts lie far apart in memory.
    let mut order: Vec<_> = counted.map(|f| (span(f), f)).collect();
    order.sort_unstable_by_key(|(span, _)| *span);
    let call = |f: &Fact| (f.origin.clone(), f.method.clone(), f.path.clone(), f.status);
    let twice = |moment: &[(_, &Fact)]| match moment {
        [_] => 0,
        several => several.len() - several.iter().map(|(_, f)| call(f)).collect::<BTreeSet<_>>().len(),
    };
    let twice: usize = order.chunk_by(|(a, _), (b, _)| a == b).map(twice).sum();
    (twice >= Thresholds::of(capture).duplicates).then(|| {
        coverage(
            format!(
                "{twice} exchanges are there more than once, with equal times and answers: counts include them twice."
            ),
            &["AUTH041", "AUTH042", "AUTH044"],
            Some("Give each recording once; for packets record one interface (dumpcap -i lo or -i eth0, not -i any)."),
        )
    })
}

/// Views that were told to be of one call: in ratios and findings it counts once.
fn joined(capture: &Capture) -> Option<Coverage> {
    let views = capture.facts.iter().filter(|f| f.leg_of().is_some()).count();
    (views > 0).then(|| {
        let says = format!(
            "{} another view of a call that is there already, behind a proxy, on another interface or in another input: each call counts once.",
            if views == 1 { "1 exchange is".to_owned() } else { format!("{views} exchanges are") }
        );
        coverage(says, &[], None)
    })
}

/// Calls in front of a proxy and behind it, where addresses do not tell: the inner one runs within the outer one.
fn both_legs(capture: &Capture) -> Option<Coverage> {
    // One origin alone has no proxy in front of it.
    let first = capture.facts.first().map(|f| &f.origin);
    if capture.facts.iter().all(|f| Some(&f.origin) == first) {
        return None;
    }
    let hasher = foldhash::fast::RandomState::default();
    // By a hash of the call: comparing a million paths letter by letter takes seconds.
    let counted = capture.facts.iter().filter(|f| f.status.is_some() && f.role != Role::Static && f.leg_of().is_none());
    let key = |f: &Fact| (hasher.hash_one((&f.method, &f.path)), f.started_nanos(), Reverse(f.ended_nanos()));
    let mut order: Vec<_> = counted.map(|f| (key(f), f)).collect();
    order.sort_by_key(|(key, _)| *key);
    let mut pairs = 0;
    for call in
        order.chunk_by(|(a, one), (b, other)| a.0 == b.0 && (&one.method, &one.path) == (&other.method, &other.path))
    {
        let facts: Vec<&Fact> = call.iter().map(|(_, fact)| *fact).collect();
        let within = |pair: &&[&Fact]| {
            pair[0].origin != pair[1].origin
                && pair[0].status == pair[1].status
                && pair[0].redirect.is_none()
                && pair[0].client_port.is_none()
                && pair[1].started_nanos() > pair[0].started_nanos()
                && pair[1].ended_nanos() < pair[0].ended_nanos()
        };
        pairs += facts.windows(2).filter(within).count();
    }
    (pairs >= Thresholds::of(capture).duplicates).then(|| {
        coverage(
            format!("{pairs} calls are there twice, in front of a proxy and behind it: each is one call."),
            &["AUTH041", "AUTH042", "AUTH044"],
            Some("Record one side of the proxy only, for example with the capture filter \"tcp port 3000\"."),
        )
    })
}

/// Entries without a readable date have no place in the order of events.
fn undated(capture: &Capture) -> Option<Coverage> {
    let count = capture.facts.iter().filter(|f| f.timing.started().is_none() && f.timing.sent().is_none()).count();
    // One exchange alone is in order, whatever its time.
    (count > 0 && capture.facts.len() > 1).then(|| {
        coverage(
            format!(
                "{count} of {} exchanges have no readable time: their order is that of the file.",
                capture.facts.len()
            ),
            &["AUTH002", "AUTH020", "AUTH022", "AUTH043"],
            Some("Export the HAR from the browser itself: startedDateTime must be an ISO 8601 date with a time zone."),
        )
    })
}

/// Origins whose answers were dated by more than one clock.
fn clocks(capture: &Capture) -> Vec<Coverage> {
    let mut astray: BTreeMap<&str, usize> = BTreeMap::new();
    for fact in capture.facts.iter().filter(|f| f.role != Role::Static && is_astray(capture, f)) {
        *astray.entry(&fact.origin).or_default() += 1;
    }
    let told = astray.into_iter().filter(|(_, count)| *count >= Thresholds::of(capture).clock_answers);
    told.map(|(origin, count)| {
        let says = format!(
            "{count} answers of {origin} carry a Date that its other answers contradict by more than {} s: several servers with different clocks, or a cache.",
            nanos(Thresholds::of(capture).clock_gap) / 1_000_000_000
        );
        coverage(says, &["AUTH020", "AUTH021", "AUTH022"], Some("Compare the servers' clocks (chronyc tracking, timedatectl) and keep them on NTP."))
    })
    .collect()
}

/// Whether the answer's `Date` lies outside what most answers of its origin allow.
fn is_astray(capture: &Capture, fact: &Fact) -> bool {
    let offset = capture.profile.clocks.offset(&fact.origin);
    let (Some(date), false) = (fact.server_date.get(), offset.consistent) else { return false };
    let (low, high) = (date.nanos() - fact.ended_nanos(), date.nanos() + 1_000_000_000 - fact.started_nanos());
    low > offset.high + nanos(Thresholds::of(capture).clock_gap)
        || high < offset.low - nanos(Thresholds::of(capture).clock_gap)
}
