//! Contrast: what separates the failing exchanges of an API from the succeeding ones.
//!
//! Only exact separations are stated: a feature that every failing exchange has one way and every succeeding one the other.

use std::collections::BTreeSet;

use crate::{capture::Capture, case::good_authorization, facts::Fact, finding::Finding, lookup::Lookup, text::Text};

/// One feature that separates failing from succeeding exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contrast {
    /// The feature, as a statement that is true or false of an exchange.
    pub feature: String,
    /// How many failing exchanges have it, `0 of 3`.
    pub failing: String,
    /// How many succeeding exchanges have it, `14 of 14`.
    pub succeeding: String,
}

/// The separations between an incident's failing exchanges and the accepted ones of the same API.
pub(super) fn contrast(capture: &Capture, lookup: &Lookup<'_>, root: &Finding, members: &[&Finding]) -> Vec<Contrast> {
    let ids = members.iter().filter(|f| f.rule.code == root.rule.code).flat_map(|f| &f.exchanges);
    let mut failing: Vec<&Fact> = ids.filter_map(|id| capture.fact(*id)).filter(|f| !f.succeeded()).collect();
    failing.sort_by_key(|f| f.id);
    failing.dedup_by_key(|f| f.id);
    let Some(first) = failing.first() else { return Vec::new() };
    let comparable = |f: &&Fact| f.is_api_call() && f.succeeded();
    let routes: BTreeSet<&Text> = failing.iter().map(|f| &f.route).collect();
    let same_routes = routes.iter().flat_map(|route| lookup.on_route(&first.origin, route).iter());
    let mut succeeding: Vec<&Fact> = same_routes.filter(comparable).collect();
    if succeeding.is_empty() {
        succeeding = lookup.succeeded_in(&first.origin, &first.group).iter().filter(comparable).collect();
    }
    if succeeding.is_empty() {
        return Vec::new();
    }
    FEATURES
        .iter()
        .filter_map(|(name, has)| separates(name, |fact| has(capture, fact), &failing, &succeeding))
        .collect()
}

type Feature = (&'static str, fn(&Capture, &Fact) -> Option<bool>);

const FEATURES: &[Feature] = &[
    ("request has Authorization", |_, f| Some(f.authorization().is_some())),
    ("Authorization is well formed", |_, f| f.authorization().map(|_| good_authorization(f).is_some())),
    ("credential is a JWT", |_, f| f.authorization().map(|c| c.kind == crate::token::TokenKind::Jwt)),
    ("token has an aud claim", |c, f| claims(c, f).map(|claims| !claims.aud.is_empty())),
    ("token was expired when sent", |c, f| {
        let exp = claims(c, f)?.exp?.intended();
        Some(exp.nanos() < f.sent_nanos())
    }),
    ("request has a session cookie", |_, f| Some(f.cookies().next().is_some())),
    ("request was redirected here", |_, f| Some(f.redirected_from.is_some())),
    ("token verifies with a given key", |c, f| {
        let token = f.authorization()?.token;
        Some(c.key_results.get(&token)?.iter().any(|r| r.verified))
    }),
];

fn claims<'a>(capture: &'a Capture, fact: &Fact) -> Option<&'a crate::token::Claims> {
    capture.tokens.get(fact.authorization()?.token).classified.jose.as_ref()?.claims.as_ref()
}

fn separates(
    name: &str,
    has: impl Fn(&Fact) -> Option<bool>,
    failing: &[&Fact],
    succeeding: &[&Fact],
) -> Option<Contrast> {
    let count = |facts: &[&Fact]| {
        let known: Vec<bool> = facts.iter().filter_map(|f| has(f)).collect();
        (known.iter().filter(|yes| **yes).count(), known.len())
    };
    let (bad, all_bad) = count(failing);
    let (good, all_good) = count(succeeding);
    let known = all_bad == failing.len() && all_good == succeeding.len();
    let apart = (bad == 0 && good == all_good) || (bad == all_bad && good == 0);
    (known && apart).then(|| Contrast {
        feature: name.to_owned(),
        failing: format!("{bad} of {all_bad}"),
        succeeding: format!("{good} of {all_good}"),
    })
}
