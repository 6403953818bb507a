//! Calls told apart: by who made them or where they went, and by whether they carried the token.

use super::THRESHOLDS;
use crate::{
    capture::Protection,
    case::{Case, Seen},
    facts::{
        Fact,
        gate::{Gate, NOT_A_FAILURE},
        role::Role,
    },
};

/// An API call of which one knows whether it carried a token.
pub(super) struct Call<'a> {
    fact: &'a Fact,
    carries: bool,
}

impl<'a> Call<'a> {
    pub(super) fn read(case: &Case<'_>, fact: &'a Fact) -> Option<Self> {
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
pub(super) struct Split<'a> {
    pub(super) by_site: bool,
    pub(super) suspects: (usize, usize),
    pub(super) others: (usize, usize),
    pub(super) same_group: bool,
    pub(super) control: &'a Fact,
}

/// The call site, else what the client library shows of itself.
fn site(fact: &Fact) -> &str {
    match &fact.call_site {
        Some(site) => site,
        None => accept(fact),
    }
}

pub(super) fn accept(fact: &Fact) -> &str {
    fact.client_signature.split("; content-type").next().unwrap_or_default()
}

/// Compares `fact`'s call site, then its route, with the other calls of its API group, else of its origin.
pub(super) fn split<'a>(calls: &[Call<'a>], fact: &Fact) -> Option<Split<'a>> {
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
pub(super) fn had_token<'a>(case: &Case<'_>, calls: &[Call<'a>], fact: &Fact) -> Option<&'a Fact> {
    let before = carriers(calls, fact)
        .filter(|f| (0..=THRESHOLDS.overlap).contains(&(fact.started_nanos() - f.started_nanos())) && f.id != fact.id)
        .last()?;
    let ended = case.page(fact).any(|f| {
        (before.started_nanos()..=fact.started_nanos()).contains(&f.started_nanos())
            && (f.role == Role::Logout && f.succeeded() || f.role.delivers() && f.refused())
    });
    (!ended || carried_after(calls, fact).is_some()).then_some(before)
}

pub(super) fn carried_after<'a>(calls: &[Call<'a>], fact: &Fact) -> Option<&'a Fact> {
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
