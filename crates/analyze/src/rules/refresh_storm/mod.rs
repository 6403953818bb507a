//! AUTH041: far more refreshes than a token's life asks for.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, outcome::OutcomeClass},
    finding::{Reason, Severity},
    refreshes::{self, Triggers, in_words},
    rule::{Check, Draft, Findings, Rule},
    text::Text,
    thresholds::{nanos, thresholds},
    tokens::{Purpose, TokenId},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH041",
        id: "refresh-storm",
        title: "Burst of refreshes",
        severity: Severity::High,
        layer: Layer::Session,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.single-flight-refresh", "fe.circuit-breaker"],
    },
    check: Check::Timeline(check),
};

// How many refreshes of one session within which time are a burst. A healthy client needs one per life of a token.
thresholds! {
    /// A short burst: this many within this time, per tab.
    short_count: count = 3,
    /// Within this time.
    short_within: time = Duration::from_secs(10),
    /// A longer one.
    long_count: count = 5,
    /// Within this time.
    long_within: time = Duration::from_secs(60),
    /// A rate limit or lock-out this soon after the burst is its consequence.
    lockout: time = Duration::from_secs(60),
    /// A refresh this soon after a refused call was triggered by it.
    trigger: time = Duration::from_secs(1),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let triggers = Triggers::of(case);
    for attempts in refreshes::grouped(case).values() {
        let sent = attempts.iter().copied().filter(|attempt| !never_left(attempt));
        for attempts in by_audience(case, sent).values() {
            let burst = burst(case, attempts);
            if let (Some(first), Some(last)) = (burst.first(), burst.last()) {
                out.add(draft(case, &triggers, &burst, first, last));
            }
        }
    }
}

/// The attempts by the audience of the access token that each brought: one refresh token may serve several APIs, which
/// are asked for one after the other. Those that brought none, or one that names nobody, belong together.
fn by_audience<'a>(
    case: &Case<'a>,
    attempts: impl Iterator<Item = &'a Fact>,
) -> BTreeMap<&'a [Box<str>], Vec<&'a Fact>> {
    let mut groups: BTreeMap<&[Box<str>], Vec<&Fact>> = BTreeMap::new();
    for attempt in attempts {
        let tokens = attempt.delivered.iter().map(|delivery| case.token(delivery.token));
        let mut access = tokens.filter(|token| token.purpose == Some(Purpose::Access));
        let audience = access.find_map(|token| Some(&*token.claims()?.aud)).unwrap_or_default();
        groups.entry(audience).or_default().push(attempt);
    }
    groups
}

/// Whether the client had no network: nobody was asked.
fn never_left(fact: &Fact) -> bool {
    const OFFLINE: &[&str] = &["INTERNET_DISCONNECTED", "NETWORK_CHANGED", "NAME_NOT_RESOLVED", "ADDRESS_UNREACHABLE"];
    fact.status.is_none() && fact.failure.as_deref().is_some_and(|f| OFFLINE.iter().any(|word| f.contains(word)))
}

/// The attempts that lie in some window with too many of them.
fn burst<'a>(case: &Case<'a>, attempts: &[&'a Fact]) -> Vec<&'a Fact> {
    let thresholds = Thresholds::of(case);
    let (short, long) =
        ((thresholds.short_count, thresholds.short_within), (thresholds.long_count, thresholds.long_within));
    let mut members = vec![false; attempts.len()];
    for (count, within) in [short, long] {
        let mut from = 0;
        let mut tabs = Tabs::default();
        // Everything before this one is a member or will never be.
        let mut settled = 0;
        for to in 0..attempts.len() {
            tabs.enter(attempts[to]);
            while attempts[to].started_nanos() - attempts[from].started_nanos() > nanos(within) {
                tabs.leave(attempts[from]);
                from += 1;
            }
            // Every tab may refresh once for itself.
            if to + 1 - from >= count * tabs.len() {
                members[from.max(settled)..=to].fill(true);
                settled = to + 1;
            }
        }
    }
    attempts.iter().zip(members).filter_map(|(fact, member)| member.then_some(*fact)).collect()
}

/// The recorder pages of the attempts in a window.
#[derive(Default)]
struct Tabs<'a>(BTreeMap<&'a Text, usize>);

impl<'a> Tabs<'a> {
    fn enter(&mut self, fact: &'a Fact) {
        if let Some(page) = &fact.page {
            *self.0.entry(page).or_default() += 1;
        }
    }

    fn leave(&mut self, fact: &Fact) {
        let Some(page) = &fact.page else { return };
        if let Some(left) = self.0.get_mut(page) {
            *left -= 1;
            if *left == 0 {
                self.0.remove(page);
            }
        }
    }

    /// Distinct pages; one where the recorder names none.
    fn len(&self) -> usize {
        self.0.len().max(1)
    }
}

fn draft(case: &Case<'_>, triggers: &Triggers<'_>, burst: &[&Fact], first: &Fact, last: &Fact) -> Draft {
    let refused = burst.iter().filter(|f| f.refused()).count();
    let tokens: BTreeSet<TokenId> = burst.iter().filter_map(|f| f.request.refresh_token).collect();
    let triggered = burst.iter().filter(|f| trigger(case, triggers, f).is_some()).count();
    let span = last.started_nanos() - first.started_nanos();
    let parallel = burst.windows(2).filter(|pair| refreshes::overlap(pair[0], pair[1])).count();
    let mut draft = Draft::new(&RULE.meta, first)
        .message(message(first, burst.len(), span, refused, parallel))
        .because(Reason::WireFact)
        .because_if(triggered > 0 || refused > 1, Reason::Timing)
        .primary(first.id, "request", format!("the first of {} within {}", burst.len(), in_words(span)))
        .related(last.id, "request", format!("the last of them; smallest pause {}", in_words(smallest_pause(burst))))
        .also(burst.iter().map(|f| f.id))
        .cause(format!(
            "{} {} {}",
            first.origin,
            case.session_mark(first),
            case.token_mark(tokens.first().copied().filter(|_| first.session.is_none()))
        ));
    if let [token] = tokens.into_iter().collect::<Vec<_>>()[..] {
        draft = draft.related(
            first.id,
            "request.body.refresh_token",
            format!("{} in every one", case.capture().describe(token)),
        );
    }
    if let Some(refusal) = trigger(case, triggers, first) {
        draft = draft.related(refusal.id, "response.status", format!("{} was refused just before", refusal.route));
    }
    match lockout(case, first, last) {
        Some(limit) => draft
            .related(limit.id, "response.status", "a rate limit or lock-out follows")
            .severity(Severity::Critical, "The burst ran into a rate limit or lock-out."),
        None => draft,
    }
}

/// The refused call that triggered a refresh.
fn trigger<'a>(case: &Case<'a>, triggers: &Triggers<'a>, refresh: &Fact) -> Option<&'a Fact> {
    let began = refresh.started_nanos();
    let just_before = triggers.ended_in(refresh.session, began - nanos(Thresholds::of(case).trigger), began);
    just_before.min_by_key(|f| (f.started_nanos(), f.id))
}

fn lockout<'a>(case: &Case<'a>, first: &Fact, last: &Fact) -> Option<&'a Fact> {
    let until = last.ended_nanos() + nanos(Thresholds::of(case).lockout);
    case.lookup().between(first.started_nanos(), until).find(|f| {
        f.origin == first.origin
            && (f.status == Some(429) && f.outcome.class == OutcomeClass::Blocked
                || f.outcome.says(&[ErrorClass::AccountLocked]))
            && (f.session == first.session || f.route == first.route)
    })
}

fn smallest_pause(burst: &[&Fact]) -> i64 {
    burst.windows(2).map(|pair| pair[1].started_nanos() - pair[0].started_nanos()).min().unwrap_or_default()
}

fn message(first: &Fact, count: usize, span: i64, refused: usize, parallel: usize) -> String {
    let answered = match refused {
        0 => "none was refused".to_owned(),
        all if all == count => "all were refused".to_owned(),
        1 => "one was refused".to_owned(),
        some => format!("{some} were refused"),
    };
    let order = match parallel {
        0 => "one after the other, without back-off",
        some if some * 2 > count => "most of them in flight at the same time",
        _ => "some of them in flight at the same time",
    };
    format!("{} was called {count} times in {} for one session, {order}; {answered}.", first.route, in_words(span))
}
