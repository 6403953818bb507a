//! AUTH074: one application calls the same API under two addresses, and one of them is wrong.

use std::{
    cell::LazyCell,
    collections::{BTreeSet, HashMap},
};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, gate::Gate, role::Role, site},
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::Text,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH074",
        id: "api-base-url-drift",
        title: "Same API called under two addresses",
        severity: Severity::Medium,
        layer: Layer::Client,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["fe.base-url"],
    },
    check: Check::Timeline(check),
};

/// Static segments that two calls must share to belong to one API: fewer are shared by strangers (`/api`, `/v1`).
const SHARED_SEGMENTS: usize = 2;

fn check(case: &Case<'_>, out: &mut Findings) {
    // An address that answered once is a real one: a server that restarts is no drift.
    let answered: BTreeSet<Text> = case.facts().filter(|f| f.status.is_some()).map(|f| f.origin.clone()).collect();
    let accepting: BTreeSet<Text> = case.facts().filter(|f| f.accepted()).map(|f| f.origin.clone()).collect();
    let twins = || Twins::of(case.api_calls().filter(|f| f.accepted() && f.redirected_from.is_none()));
    let twins = LazyCell::new(twins);
    let calls = case.api_calls().filter(|f| !f.gates.has(Gate::BrowserItself));
    for fact in calls.filter(|f| nobody_answers(f) && !answered.contains(&f.origin)) {
        if let Some(twin) = twins.near(fact) {
            out.add(unreachable(fact, twin, preflight(case, fact)));
        }
    }
    for fact in case.refusals().filter(|f| f.role == Role::Other && f.redirected_from.is_none()) {
        if accepting.contains(&fact.origin) {
            continue;
        }
        if let Some(twin) = twins.same_with_credential(fact) {
            out.add(refused(case, fact, twin));
        }
    }
}

/// Whether nothing listens at the address, or its name does not resolve.
fn nobody_answers(fact: &Fact) -> bool {
    const WORDS: &[&str] =
        &["CONNECTION_REFUSED", "ECONNREFUSED", "NAME_NOT_RESOLVED", "UNKNOWN_HOST", "ADDRESS_UNREACHABLE"];
    fact.status.is_none() && fact.failure.as_deref().is_some_and(|f| WORDS.iter().any(|word| f.contains(word)))
}

/// Accepted calls, by the service that an address may be meant for.
#[derive(Default)]
struct Twins<'a> {
    by_route: Map<'a>,
    by_route_with_credential: Map<'a>,
    by_group: Map<'a>,
}

/// By site and route or group: the first call, and the first one at another origin than that.
type Map<'a> = HashMap<(&'a str, &'a str), Vec<&'a Fact>>;

impl<'a> Twins<'a> {
    fn of(accepted: impl Iterator<Item = &'a Fact>) -> Self {
        let mut twins = Self::default();
        let mut accepted: Vec<&Fact> = accepted.collect();
        accepted.sort_by_key(|f| f.id);
        for fact in accepted {
            let site = service(fact);
            add(&mut twins.by_route, (site, &fact.route), fact);
            add(&mut twins.by_group, (site, &fact.group), fact);
            if fact.main_credential().is_some() {
                add(&mut twins.by_route_with_credential, (site, &fact.route), fact);
            }
        }
        twins
    }

    /// An accepted call of the same route, else of the same API, at a neighbouring address.
    fn near(&self, fact: &Fact) -> Option<&'a Fact> {
        let shares = fact.group.split('/').skip(1).count() >= SHARED_SEGMENTS;
        let in_group = || elsewhere(&self.by_group, (service(fact), &fact.group), fact).filter(|_| shares);
        elsewhere(&self.by_route, (service(fact), &fact.route), fact).or_else(in_group)
    }

    /// An accepted call of the same route, with a credential, at a neighbouring address.
    fn same_with_credential(&self, fact: &Fact) -> Option<&'a Fact> {
        elsewhere(&self.by_route_with_credential, (service(fact), &fact.route), fact)
    }
}

fn add<'a>(map: &mut Map<'a>, key: (&'a str, &'a str), fact: &'a Fact) {
    let known = map.entry(key).or_default();
    if known.len() < 2 && known.iter().all(|other| other.origin != fact.origin) {
        known.push(fact);
    }
}

fn elsewhere<'a>(map: &Map<'a>, key: (&str, &str), fact: &Fact) -> Option<&'a Fact> {
    map.get(&key)?.iter().copied().find(|other| other.origin != fact.origin)
}

/// Names what an address may be meant for: this machine under any name and port, or one site.
fn service(fact: &Fact) -> &str {
    if site::is_loopback(&fact.host) { "localhost" } else { site::registrable(&fact.host) }
}

/// The preflight that failed with the request, where the recorder lists it.
fn preflight<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    fact.preflight.and_then(|id| case.fact(id))
}

fn unreachable(fact: &Fact, twin: &Fact, preflight: Option<&Fact>) -> Draft {
    let failure = fact.failure.as_deref().unwrap_or_default();
    Draft::new(&RULE.meta, fact)
        .variant("unreachable")
        .title("API called at an address where nothing answers")
        .because(Reason::WireFact)
        .because(Reason::Control)
        .primary(fact.id, "request.url", format!("{}: {failure}", fact.origin))
        .related(twin.id, "request.url", format!("{}: {} answered", twin.origin, twin.route))
        .also(preflight.map(|p| p.id))
        .cause(format!("{} unreachable", fact.origin))
        .message(format!(
            "{} went to {}, where nothing answers ({failure}); the same client calls {} at {}, which answers.",
            fact.route,
            fact.origin,
            if twin.route == fact.route { "this route".to_owned() } else { format!("{}/…", fact.group) },
            twin.origin
        ))
}

fn refused(case: &Case<'_>, fact: &Fact, twin: &Fact) -> Draft {
    let lacks = twin.credentials.iter().any(|c| !fact.has_method(c.method()));
    let provable = case.lacks_credential(fact).is_some();
    let status = fact.status.unwrap_or_default();
    let difference = if lacks && provable { ", without the credential that goes there" } else { "" };
    Draft::new(&RULE.meta, fact)
        .variant("refused")
        .because(Reason::WireFact)
        .because_if(lacks && provable, Reason::Control)
        .primary(fact.id, "request.url", format!("{}: {status}", fact.origin))
        .related(twin.id, "request.url", format!("{}: accepted", twin.origin))
        .cause(format!("{} refused", fact.origin))
        .message(format!(
            "{} is accepted at {} and refused with {status} at {}{difference}; nothing is accepted there.",
            fact.route, twin.origin, fact.origin
        ))
}
