//! AUTH003: one call site or route goes around the client that attaches the token.

use std::collections::BTreeSet;

use crate::{
    capture::Protection,
    case::{Case, Lack, Seen},
    catalogue::{Layer, RuleMeta},
    facts::{
        Fact,
        credential::Carrier,
        gate::{Gate, NOT_A_FAILURE},
        role::Role,
    },
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::{Text, answered},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH003",
        id: "auth-client-bypassed",
        title: "Call goes around the client that attaches the token",
        severity: Severity::High,
        layer: Layer::Client,
        spec: include_str!("spec.md"),
        fixes: &["fe.single-client"],
    },
    check: Check::Timeline(check),
};

/// When one way of calling an API stands out against the others.
struct Thresholds {
    /// Calls in the other group; two could be chance.
    others_min: usize,
    /// Share of the others that carries the token: the shared client always does, bar a slip at start-up.
    others_ratio: f64,
    /// Share of the suspect calls that may carry it: a wrapper that sometimes attaches it is no bypass.
    suspects_ratio: f64,
    /// A call with the token this long before proves that the page had it, in nanoseconds; longer ago it may be gone.
    overlap: i64,
}

const THRESHOLDS: Thresholds =
    Thresholds { others_min: 3, others_ratio: 0.9, suspects_ratio: 0.1, overlap: 60_000_000_000 };

fn check(case: &Case<'_>, out: &mut Findings) {
    let calls: Vec<Call<'_>> = case.api_calls().filter_map(|fact| Call::read(case, fact)).collect();
    let bare = |fact: &&Fact| !fact.role.delivers() && fact.redirected_from.is_none();
    let lacking = case.refusals().filter(bare).filter_map(|fact| Some((fact, case.lacks_credential(fact)?)));
    let lacking: Vec<(&Fact, Lack)> = lacking.collect();
    let mut proven: BTreeSet<(Text, Text)> = BTreeSet::new();
    for (fact, _) in &lacking {
        if had_token(case, &calls, fact).is_some() && split(&calls, fact).is_some() {
            proven.insert((fact.origin.clone(), fact.route.clone()));
        }
    }
    for (fact, lack) in &lacking {
        if !proven.contains(&(fact.origin.clone(), fact.route.clone())) {
            continue;
        }
        if let Some(split) = split(&calls, fact) {
            out.add(draft(case, &calls, fact, lack, &split));
        }
    }
}

/// An API call of which one knows whether it carried a token.
struct Call<'a> {
    fact: &'a Fact,
    carries: bool,
}

impl<'a> Call<'a> {
    fn read(case: &Case<'_>, fact: &'a Fact) -> Option<Self> {
        let counts = !fact.gates.any(NOT_A_FAILURE) && !fact.gates.has(Gate::Provisional);
        let carries = match case.authorization(fact) {
            Seen::Present | Seen::Set(_) => true,
            Seen::Absent { .. } => fact.credentials.iter().any(|c| !c.is_cookie() && c.well_formed),
            Seen::Unknown => return None,
        };
        let public = !carries && case.capture().protection(fact) == Protection::Public;
        (counts && !public).then_some(Self { fact, carries })
    }
}

/// How the suspect calls were told from the others.
struct Split<'a> {
    by_site: bool,
    suspects: (usize, usize),
    others: (usize, usize),
    same_group: bool,
    control: &'a Fact,
}

/// The call site, else what the client library shows of itself.
fn site(fact: &Fact) -> &str {
    match &fact.call_site {
        Some(site) => site,
        None => accept(fact),
    }
}

fn accept(fact: &Fact) -> &str {
    fact.client_signature.split("; content-type").next().unwrap_or_default()
}

/// Compares `fact`'s call site, then its route, with the other calls of its API group, else of its origin.
fn split<'a>(calls: &[Call<'a>], fact: &Fact) -> Option<Split<'a>> {
    let in_group = |f: &Fact| f.origin == fact.origin && same_api(f, fact);
    let in_origin = |f: &Fact| f.origin == fact.origin;
    let same_site = |f: &Fact| site(f) == site(fact);
    let same_route = |f: &Fact| f.route == fact.route;
    compare(calls, &in_group, &same_site, (true, true))
        .or_else(|| compare(calls, &in_group, &same_route, (false, true)))
        .or_else(|| compare(calls, &in_origin, &same_site, (true, false)))
        .or_else(|| compare(calls, &in_origin, &same_route, (false, false)))
}

/// One API group. Where paths are as short as `/api/orders`, a group is a single resource; then the prefix is the API.
fn same_api(a: &Fact, b: &Fact) -> bool {
    let resource = |f: &Fact| {
        let (prefix, last) = f.group.trim_start_matches('/').split_once('/')?;
        let version =
            |s: &str| s.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        ((matches!(prefix, "api" | "rest") || version(prefix)) && !version(last)).then(|| prefix.to_owned())
    };
    a.group == b.group || resource(a).is_some_and(|prefix| resource(b).is_some_and(|other| other == prefix))
}

fn compare<'a>(
    calls: &[Call<'a>],
    scope: &dyn Fn(&Fact) -> bool,
    suspect: &dyn Fn(&Fact) -> bool,
    (by_site, same_group): (bool, bool),
) -> Option<Split<'a>> {
    let (suspects, others): (Vec<_>, Vec<_>) =
        calls.iter().filter(|call| scope(call.fact)).partition(|call| suspect(call.fact));
    let carried = |calls: &[&Call<'_>]| (calls.iter().filter(|call| call.carries).count(), calls.len());
    let (a, b) = (carried(&others), carried(&suspects));
    let control = others.iter().find(|call| call.carries && call.fact.succeeded())?.fact;
    let ratio = |(with, all): (usize, usize)| with as f64 / all.max(1) as f64;
    let stands_out = a.1 >= THRESHOLDS.others_min
        && b.1 > 0
        && ratio(a) >= THRESHOLDS.others_ratio
        && ratio(b) <= THRESHOLDS.suspects_ratio;
    stands_out.then_some(Split { by_site, suspects: b, others: a, same_group, control })
}

/// A call of the same page that carried the token shortly before: the page had it, so this is no race.
/// Where the session may have ended in between, a later call that carries it must show that it had not.
fn had_token<'a>(case: &Case<'_>, calls: &[Call<'a>], fact: &Fact) -> Option<&'a Fact> {
    let before = carriers(calls, fact)
        .filter(|f| (0..=THRESHOLDS.overlap).contains(&(fact.started_nanos() - f.started_nanos())) && f.id != fact.id)
        .last()?;
    let ended = case.page(fact).any(|f| {
        (before.started_nanos()..=fact.started_nanos()).contains(&f.started_nanos())
            && (f.role == Role::Logout && f.succeeded() || f.role.delivers() && f.refused())
    });
    (!ended || carried_after(calls, fact).is_some()).then_some(before)
}

fn carried_after<'a>(calls: &[Call<'a>], fact: &Fact) -> Option<&'a Fact> {
    carriers(calls, fact).find(|f| (1..=THRESHOLDS.overlap).contains(&(f.started_nanos() - fact.started_nanos())))
}

/// Calls of the same page to the same origin that carried the token.
fn carriers<'a>(calls: &[Call<'a>], fact: &Fact) -> impl Iterator<Item = &'a Fact> {
    let (lifetime, origin) = (fact.lifetime, fact.origin.clone());
    calls
        .iter()
        .filter(move |call| call.carries && call.fact.lifetime == lifetime && call.fact.origin == origin)
        .map(|call| call.fact)
}

fn draft(case: &Case<'_>, calls: &[Call<'_>], fact: &Fact, lack: &Lack, split: &Split<'_>) -> Draft {
    let (before, after) = (had_token(case, calls, fact), carried_after(calls, fact));
    let draft = Draft::new(&RULE.meta, fact)
        .message(message(fact, split, before.is_some() && after.is_some()))
        // Without a word of the server that a credential is missing, only the comparison says why it refused.
        .because(if fact.outcome.error.is_some() || lack.says_missing || fact.status == Some(401) {
            Reason::WireFact
        } else {
            Reason::Timing
        })
        .because(Reason::Control)
        .because_server_says(fact)
        .capped(lack.caps.iter().copied().filter(|cap| *cap != Cap::NoControl))
        .capped((!split.same_group).then_some(Cap::NoControl))
        .primary(fact.id, "request.header.authorization", "absent")
        .related(
            split.control.id,
            "request.header.authorization",
            format!("present on {}, and accepted", split.control.route),
        )
        .server_says(fact)
        .cause(fact.call_site.as_deref().unwrap_or(&fact.origin));
    let draft = match before.filter(|before| before.id != split.control.id) {
        Some(before) => {
            draft.related(before.id, "request.header.authorization", "present on the same page before the call")
        }
        None => draft,
    };
    let draft = match after {
        Some(after) => draft.because(Reason::Timing).related(
            after.id,
            "request.header.authorization",
            "present on the same page after the call",
        ),
        None => draft,
    };
    let draft = match lack.preflight {
        Some(id) => {
            draft.related(id, "request.header.access-control-request-headers", "does not ask for authorization")
        }
        None => draft,
    };
    if split.by_site && accept(fact) != accept(split.control) {
        return draft.related(
            fact.id,
            "request.header.accept",
            format!("another HTTP client: `{}` here, `{}` there", accept(fact), accept(split.control)),
        );
    }
    draft
}

/// What the others carry, for messages.
fn carrier(control: &Fact) -> String {
    let others = || control.credentials.iter().find(|c| !c.is_cookie()).map(|c| &c.carrier);
    match (control.authorization(), others()) {
        (None, Some(Carrier::Header(name))) => format!("the header `{name}`"),
        (None, Some(Carrier::Query(name))) => format!("the query parameter `{name}`"),
        _ => "Authorization".to_owned(),
    }
}

fn message(fact: &Fact, split: &Split<'_>, enclosed: bool) -> String {
    let (without, all) = (split.suspects.1 - split.suspects.0, split.suspects.1);
    let (with, others) = split.others;
    let scope = if split.same_group { "the same API" } else { "the same origin" };
    let whose = match (&fact.call_site, split.by_site) {
        (Some(site), true) => format!("made by {site}"),
        (None, true) => format!("made by the HTTP client that sends `{}`", accept(fact)),
        _ => "to this route".to_owned(),
    };
    let what = if all == 1 { format!("the one call {whose}") } else { format!("{without} of {all} calls {whose}") };
    let when = if enclosed { "; the page's calls right before and after it carried it" } else { "" };
    format!(
        "{} {}: {what} went out without {}, while {with} of {others} other calls to {scope} carried it{when}.",
        fact.route,
        answered(fact.status),
        carrier(split.control)
    )
}
