//! A redirect from https to http on the server's own host, which a page over https may not follow: the call ends there.

use authtrace_parse::target::Scheme;

use super::RULE;
use crate::{
    case::{Case, good_authorization},
    facts::{Fact, outcome::OutcomeClass, site::host_of},
    finding::Reason,
    rule::{Draft, Findings},
    text::times,
};

/// The browser blocks the next hop within this time, in nanoseconds.
const SOON: i64 = 2_000_000_000;

pub(super) fn check(case: &Case<'_>, out: &mut Findings) {
    let ended = case.facts().filter(|fact| blocked(case, fact).is_some());
    let groups = Case::grouped(ended, |fact| (fact.origin.clone(), fact.route.clone()));
    for facts in groups.into_values() {
        let first = facts.first().and_then(|first| Some((*first, blocked(case, first)?)));
        out.add_all(first.map(|(first, next)| draft(case, first, next, &facts)));
    }
}

/// The request over http that a redirect of `fact` led to and that never left the browser.
fn blocked<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    let to = fact.redirect.as_ref().filter(|_| fact.scheme == Scheme::Https)?;
    if !to.origin.starts_with("http://") || host_of(&to.origin) != &*fact.host || good_authorization(fact).is_none() {
        return None;
    }
    let mut next = case.lookup().between(fact.started_nanos(), fact.ended_nanos() + SOON);
    next.find(|f| f.origin == to.origin && f.path == to.path && f.outcome.class == OutcomeClass::NoAnswer)
}

fn draft(case: &Case<'_>, first: &Fact, next: &Fact, facts: &[&Fact]) -> Draft {
    let status = first.status.unwrap_or_default();
    let draft = Draft::new(&RULE.meta, first)
        .variant("downgrade")
        .title("Redirected from https to http, where a page may not follow")
        .because(Reason::WireFact)
        .because(Reason::Control)
        .also(facts.iter().map(|f| f.id).chain([next.id]))
        .primary(first.id, "response.header.location", format!("{status} to {}", next.origin))
        .related(next.id, "request", "blocked, as mixed content")
        .fixes(&["be.proxy-url", "be.relative-redirect", "fe.canonical-url"])
        .cause(format!("{} {}", first.origin, next.origin))
        .message(format!(
            "{} was redirected ({status}){} to {}{}: the server does not know that it is called over https, and the browser blocks the call before its credential is looked at.",
            first.route,
            times(facts.len()),
            next.origin,
            next.path
        ));
    match good_authorization(first) {
        Some(credential) => draft.credential(credential.token).related(
            first.id,
            "request.header.authorization",
            case.capture().describe(credential.token),
        ),
        None => draft,
    }
}
