//! Who answered a refusal, compared with who answers when a request is accepted (detectors §6.2).

use std::collections::BTreeSet;

use crate::{case::Case, dictionary::ResponderKind, facts::Fact};

/// Below this share of common header names two answers come from different programs (detectors §6.2).
const ALIKE: f64 = 0.5;
/// A refusal that takes less than this share of the usual time did not go all the way.
const QUICK: f64 = 0.2;
/// Accepted answers that make a usual time.
const USUAL: usize = 4;

/// `Server` and `Via` as the answer gave them; `-` for a missing one.
pub(super) fn server(fact: &Fact) -> &str {
    fact.responder.split(" | ").next().unwrap_or_default().trim_end_matches(" -")
}

fn names(fact: &Fact) -> BTreeSet<&str> {
    fact.responder
        .split_once(" | ")
        .map(|(_, names)| names.split(' ').filter(|n| !n.is_empty()).collect())
        .unwrap_or_default()
}

/// API calls to the same origin that were accepted: what the application's own answers look like.
fn accepted<'a>(case: &Case<'a>, fact: &Fact) -> impl Iterator<Item = &'a Fact> {
    let origin = case.lookup().succeeded_at(&fact.origin);
    origin.iter().filter(|f| f.accepted() && f.is_api_call() && !f.is_document && !f.from_cache)
}

/// Whether a web server, proxy or gateway answered, and every accepted answer of the same origin comes from something else
/// with other fields.
pub(super) fn is_another(case: &Case<'_>, fact: &Fact) -> bool {
    let in_front = fact.hops.iter().any(|hop| hop.kind != ResponderKind::Application)
        && !fact.hops.iter().any(|hop| hop.kind == ResponderKind::Application);
    if !in_front || server(fact) == "-" {
        return false;
    }
    let own = names(fact);
    let mut accepted = accepted(case, fact).peekable();
    accepted.peek().is_some() && accepted.all(|f| server(f) != server(fact) && likeness(&own, &names(f)) < ALIKE)
}

/// Common names over all names (Jaccard).
fn likeness(a: &BTreeSet<&str>, b: &BTreeSet<&str>) -> f64 {
    let (common, all) = (a.intersection(b).count(), a.union(b).count());
    if all == 0 { 1.0 } else { common as f64 / all as f64 }
}

/// Whether the refusal came much faster than accepted answers of the same API do.
pub(super) fn is_quick(case: &Case<'_>, fact: &Fact) -> bool {
    let took = |f: &Fact| f.ended_nanos().saturating_sub(f.sent_nanos());
    let mut usual: Vec<i64> = accepted(case, fact).map(took).collect();
    usual.sort_unstable();
    usual.len() >= USUAL && (took(fact) as f64) < QUICK * usual[usual.len() / 2] as f64
}
