//! AUTH042: a failed refresh triggers the next one, or a refresh that changes nothing is repeated.

use std::time::Duration;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::Fact,
    finding::{Reason, Severity},
    refreshes::{self, Triggers, in_words},
    rule::{Check, Draft, Findings, Rule},
    thresholds::{nanos, thresholds},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH042",
        id: "refresh-loop",
        title: "Refresh loop: a refused refresh triggers the next one",
        severity: Severity::Critical,
        layer: Layer::Session,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.no-refresh-on-refresh", "fe.circuit-breaker"],
    },
    check: Check::Timeline(check),
};

// What makes refreshes follow from each other.
thresholds! {
    /// A refused refresh and the next one are at most this far apart.
    gap: time = Duration::from_secs(2),
    /// Code that reacts to the refusal itself sends the next one within this time.
    reaction: time = Duration::from_millis(300),
    /// Refused refreshes in a row from which it is a loop without further signs.
    certain: count = 3,
    /// Refused, refreshed and refused again this often is an ineffective refresh.
    cycles: count = 2,
    /// Refusal, refresh and repeat belong together within this time.
    cycle: time = Duration::from_secs(5),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let triggers = Triggers::of(case);
    for attempts in refreshes::grouped(case).values() {
        for run in runs_of_refusals(attempts) {
            let chains = refreshes::chains(&run, nanos(Thresholds::of(case).gap));
            let loops: Vec<Vec<&Fact>> = chains.into_iter().filter(|chain| is_loop(case, &triggers, chain)).collect();
            if !loops.is_empty() {
                out.add(recursive(case, &triggers, &run, &loops));
            }
        }
        ineffective(case, attempts, out);
    }
}

/// Refused attempts without a success or a new document between them.
fn runs_of_refusals<'a>(attempts: &[&'a Fact]) -> Vec<Vec<&'a Fact>> {
    let mut runs: Vec<Vec<&Fact>> = vec![Vec::new()];
    for &fact in attempts {
        let new_page = runs.last().and_then(|run| run.last()).is_some_and(|last| last.page != fact.page);
        if fact.succeeded() || new_page {
            runs.push(Vec::new());
        }
        if fact.refused() {
            runs.last_mut().into_iter().for_each(|run| run.push(fact));
        }
    }
    runs
}

/// Three refusals in a row, or two where nothing but the first can have caused the second.
fn is_loop(case: &Case<'_>, triggers: &Triggers<'_>, chain: &[&Fact]) -> bool {
    chain.len() >= Thresholds::of(case).certain || (chain.len() == 2 && direct_links(case, triggers, chain) == 1)
}

/// Pairs in which the next attempt follows at once and no other refused call lies between that could have caused it.
fn direct_links(case: &Case<'_>, triggers: &Triggers<'_>, chain: &[&Fact]) -> usize {
    let direct = |pair: &&[&Fact]| {
        let (from, to) = (pair[0].ended_nanos(), pair[1].started_nanos());
        to - from <= nanos(Thresholds::of(case).reaction)
            && triggers.ended_in(pair[1].session, from, to).next().is_none()
    };
    chain.windows(2).filter(direct).count()
}

/// `all` refusals of one run, and the `loops` that they form; what is left over was sent beside a loop.
fn recursive(case: &Case<'_>, triggers: &Triggers<'_>, all: &[&Fact], loops: &[Vec<&Fact>]) -> Draft {
    let (first, last) = (all[0], all[all.len() - 1]);
    let direct: usize = loops.iter().map(|chain| direct_links(case, triggers, chain)).sum();
    let mut gaps: Vec<i64> = loops.iter().flat_map(|chain| pauses(chain)).collect();
    gaps.sort_unstable();
    let pause = gaps.get(gaps.len() / 2).copied().unwrap_or_default();
    let mut draft = Draft::new(&RULE.meta, first)
        .message(message(case, all, pause))
        .because(if direct > 0 || all.len() > Thresholds::of(case).certain { Reason::WireFact } else { Reason::Timing })
        .because(Reason::Timing)
        .because_if(all.len() < Thresholds::of(case).certain, Reason::ServerText)
        .primary(first.id, "response.status", format!("{}, the first of {} in a row", status(first), all.len()))
        .also(all.iter().map(|f| f.id))
        .cause(format!(
            "{} {} {}",
            first.origin,
            case.session_mark(first),
            case.token_mark(first.request.refresh_token)
        ));
    for pair in loops.iter().flat_map(|chain| chain.windows(2)).take(3) {
        let after = in_words((pair[1].started_nanos() - pair[0].ended_nanos()).max(0));
        draft = draft.related(pair[1].id, "request", format!("sent {after} after the refusal before it"));
    }
    draft = match first.request.refresh_token.filter(|_| refreshes::is_known_token(case, first)) {
        Some(token) => draft.credential(token).related(
            last.id,
            "request.body.refresh_token",
            format!("{} every time", case.capture().describe(token)),
        ),
        None => draft,
    };
    if all.len() < Thresholds::of(case).certain {
        draft = draft.severity(Severity::Medium, "It stopped after two attempts.");
    }
    draft
}

fn pauses(chain: &[&Fact]) -> Vec<i64> {
    chain.windows(2).map(|pair| pair[1].started_nanos() - pair[0].ended_nanos()).collect()
}

fn message(case: &Case<'_>, all: &[&Fact], pause: i64) -> String {
    let (first, last) = (all[0], all[all.len() - 1]);
    let span = in_words(last.ended_nanos() - first.started_nanos());
    let token = if refreshes::is_known_token(case, first) { " with the same refresh token" } else { "" };
    let side = all.windows(2).any(|pair| refreshes::overlap(pair[0], pair[1]));
    let callers = if side { "; several callers loop side by side" } else { "" };
    format!(
        "{} was sent {} times in {span}{token} and refused with {} every time; a new attempt follows each refusal after {} (median){callers}.",
        first.route,
        all.len(),
        status(first),
        in_words(pause.max(0))
    )
}

fn status(fact: &Fact) -> u16 {
    fact.status.unwrap_or_default()
}

/// Routes that are refused, refreshed for, and refused again.
fn ineffective(case: &Case<'_>, attempts: &[&Fact], out: &mut Findings) {
    let Some(any) = attempts.iter().find(|f| f.succeeded()) else { return };
    let of_session = case.lookup().session(any.session);
    let calls = of_session.iter().filter(|f| f.is_api_call() && f.status.is_some());
    for ((_, route), calls) in Case::grouped(calls, |f| (f.origin.clone(), f.route.clone())) {
        let mut cycles: Vec<(&Fact, &Fact, &Fact)> = Vec::new();
        for pair in calls.windows(2) {
            let cycle = in_vain(case, attempts, pair[0], pair[1]).map(|refresh| (pair[0], refresh, pair[1]));
            match cycle {
                Some(cycle) => cycles.push(cycle),
                None if pair[1].succeeded() => flush(case, &route, &mut cycles, out),
                None => {}
            }
        }
        flush(case, &route, &mut cycles, out);
    }
}

/// The successful refresh between two refusals of one route, close to both.
fn in_vain<'a>(case: &Case<'a>, attempts: &[&'a Fact], before: &Fact, after: &Fact) -> Option<&'a Fact> {
    let within = nanos(Thresholds::of(case).cycle);
    if !(before.refused() && after.refused()) {
        return None;
    }
    let refused = before.ended_nanos();
    let next = attempts.partition_point(|refresh| refresh.started_nanos() < refused);
    let mut soon = attempts[next..].iter().copied().take_while(|refresh| refresh.started_nanos() - refused <= within);
    soon.find(|refresh| refresh.succeeded() && (0..=within).contains(&(after.started_nanos() - refresh.ended_nanos())))
}

fn flush(case: &Case<'_>, route: &str, cycles: &mut Vec<(&Fact, &Fact, &Fact)>, out: &mut Findings) {
    if cycles.len() >= Thresholds::of(case).cycles {
        out.add(in_vain_draft(case, route, cycles));
    }
    cycles.clear();
}

fn in_vain_draft(case: &Case<'_>, route: &str, cycles: &[(&Fact, &Fact, &Fact)]) -> Draft {
    let (first, refresh, again) = cycles[0];
    let unused = cycles.iter().filter(|(before, _, after)| token_of(before) == token_of(after)).count();
    let why = if unused == cycles.len() {
        "the repeat still carries the old token"
    } else {
        "the new token is refused as well, so its age is not the reason"
    };
    let mut draft = Draft::new(&RULE.meta, refresh)
        .variant("ineffective-refresh")
        .title("Refresh loop: every refresh succeeds and changes nothing")
        .message(format!(
            "{route} was refused, {} succeeded and {route} was refused again, {} times in a row; {why}.",
            refresh.route,
            cycles.len()
        ))
        .severity(Severity::High, "The session is alive; one API refuses it.")
        .because(Reason::WireFact)
        .because(Reason::Timing)
        .primary(refresh.id, "response.status", format!("{}, and the call is refused again", status(refresh)))
        .related(first.id, "response.status", format!("{} before the refresh", status(first)))
        .related(again.id, "response.status", format!("{} after it", status(again)))
        .also(cycles.iter().flat_map(|(before, refresh, after)| [before.id, refresh.id, after.id]))
        .cause(format!("{} {} {route}", first.origin, case.session_mark(first)))
        .fixes(if unused == cycles.len() {
            &["fe.fresh-token", "fe.no-blind-retry"]
        } else {
            &["fe.no-blind-retry", "be.log-reason"]
        });
    if let Some(token) = token_of(again) {
        draft = draft.related(again.id, "request.header.authorization", case.capture().describe(token));
    }
    draft.server_says(again)
}

fn token_of(fact: &Fact) -> Option<crate::tokens::TokenId> {
    fact.main_credential().map(|c| c.token)
}
