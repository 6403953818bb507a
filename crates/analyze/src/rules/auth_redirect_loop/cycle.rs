//! Finds cycles among a client's navigations: the same stations of sign-in, in the same company, too often and too fast for
//! a person.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::RULE;
use crate::{
    case::Case,
    facts::{Fact, gate::Gate, role::Role},
    text::Text,
    thresholds::{nanos, thresholds},
};

thresholds! {
    /// Visits of one station that make a loop; Clerk's own guard stops at three.
    visits: count = 3,
    /// All of them within this time (detectors §14, `redirect_cycles`).
    within: time = Duration::from_secs(30),
    /// A person needs longer than this to read a page and act.
    pause: time = Duration::from_secs(5),
}

/// A loop.
pub(super) struct Cycle<'a> {
    /// The station of sign-in that it comes back to.
    pub(super) node: Text,
    /// How often it was visited; 1 where only the browser's error is seen.
    pub(super) visits: usize,
    /// Every navigation of the loop in time order.
    pub(super) hops: Vec<&'a Fact>,
    /// The navigation at which the browser gave up.
    pub(super) gave_up: Option<&'a Fact>,
    /// Whether an ordinary page came in the end.
    pub(super) ends_well: bool,
}

impl Cycle<'_> {
    /// The stations of one turn, in order of first visit.
    pub(super) fn routes(&self) -> Vec<Text> {
        let mut routes: Vec<Text> = Vec::new();
        for hop in &self.hops {
            if !routes.contains(&hop.route) {
                routes.push(hop.route.clone());
            }
        }
        routes
    }
}

type Station<'a> = (&'a Text, &'a Text);

pub(super) fn find<'a>(case: &Case<'a>) -> Vec<Cycle<'a>> {
    let thresholds = Thresholds::of(case);
    let navigations: Vec<&Fact> = case.facts().filter(|f| is_navigation(f)).collect();
    let mut visits: BTreeMap<Station<'_>, Vec<usize>> = BTreeMap::new();
    for (index, fact) in navigations.iter().enumerate().filter(|(_, f)| is_sign_in(f)) {
        visits.entry((&fact.origin, &fact.route)).or_default().push(index);
    }
    let mut found: Vec<Cycle<'a>> = Vec::new();
    let mut covered: BTreeSet<usize> = BTreeSet::new();
    for ((_, route), visits) in &visits {
        let mut from = 0;
        while from < visits.len() {
            let Some(length) = turns(&navigations, &visits[from..], &thresholds) else {
                from += 1;
                continue;
            };
            let (start, end) = (visits[from], visits[from + length - 1]);
            if !covered.contains(&start) && !covered.contains(&end) {
                let (start, end) = widened(&navigations, start, end, &thresholds);
                covered.extend(start..=end);
                found.push(cycle(&navigations, route, length, start, end));
            }
            from += length;
        }
    }
    let ends = case.facts().filter(|f| gave_up(f) && !in_any(&found, f));
    let by_error: Vec<Cycle<'a>> = ends.filter_map(|end| by_error(case, end)).collect();
    found.extend(by_error);
    found
}

/// Whether the browser itself moved there: a document, or a redirect on the way to one.
fn is_navigation(fact: &Fact) -> bool {
    let wants_page = fact.client_signature.starts_with("accept: text/html");
    let scripted = matches!(fact.resource_type.as_deref(), Some("xhr" | "fetch" | "image" | "script" | "ping"));
    !scripted && (fact.is_document || (wants_page && fact.redirect.is_some())) && !fact.gates.has(Gate::Preflight)
}

/// Whether the station belongs to signing in: by its role, or by whole segments of its path.
fn is_sign_in(fact: &Fact) -> bool {
    const WORDS: &[&str] = &[
        "authorize",
        "auth",
        "callback",
        "handshake",
        "login",
        "log-in",
        "logon",
        "oauth2",
        "oauth",
        "oidc",
        "saml",
        "saml2",
        "acs",
        "signin",
        "sign-in",
        "sign_in",
        "sign-in-with",
        "signin-oidc",
        "sso",
        "sso-callback",
    ];
    matches!(fact.role, Role::Login | Role::Authorize | Role::Callback)
        || fact.path.split('/').any(|segment| WORDS.contains(&segment.to_ascii_lowercase().as_str()))
}

/// How many visits from the first on belong to one loop; `None` where there is none.
fn turns(navigations: &[&Fact], visits: &[usize], thresholds: &Thresholds) -> Option<usize> {
    let first = *visits.first()?;
    let company = |from: usize, to: usize| -> BTreeSet<Station<'_>> {
        navigations[from + 1..to].iter().map(|f| (&f.origin, &f.route)).collect()
    };
    let mut length = 1;
    let mut known = None;
    for pair in visits.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        // Cheap first: a long capture has many visits that are far apart.
        let in_time = navigations[to].started_nanos() - navigations[first].started_nanos() <= nanos(thresholds.within);
        if !in_time {
            break;
        }
        let others = company(from, to);
        let same = known.get_or_insert_with(|| others.clone()) == &others;
        let turn = &navigations[from..=to];
        if !same || !is_by_itself(turn, thresholds) || !is_redirected(turn) || !leaves(&others, navigations[from]) {
            break;
        }
        length += 1;
    }
    (length >= thresholds.visits).then_some(length)
}

/// Whether the turn passes another station than the one that it starts from.
fn leaves(others: &BTreeSet<Station<'_>>, from: &Fact) -> bool {
    others.iter().any(|(origin, route)| (*origin, *route) != (&from.origin, &from.route))
}

/// Whether nobody acted: no pause, no typed password, no logout, and each navigation began after the one before it.
fn is_by_itself(turn: &[&Fact], thresholds: &Thresholds) -> bool {
    turn.windows(2).all(|pair| {
        let gap = pair[1].started_nanos() - pair[0].ended_nanos();
        let overlaps = pair[1].started_nanos() < pair[0].started_nanos().saturating_add(1);
        !overlaps && gap <= nanos(thresholds.pause)
    }) && !turn.iter().any(|f| f.request.has_password || f.role == Role::Logout)
}

/// Whether a server sent the browser on: a person who goes to and fro between two pages is redirected nowhere.
fn is_redirected(turn: &[&Fact]) -> bool {
    turn.iter().any(|f| f.redirect.is_some())
}

/// The loop from the page that it started at to where it led.
fn widened(navigations: &[&Fact], start: usize, end: usize, thresholds: &Thresholds) -> (usize, usize) {
    let station = |index: usize| (&navigations[index].origin, &navigations[index].route);
    let inside: BTreeSet<Station<'_>> = (start..=end).map(station).collect();
    let mut start = start;
    while start > 0 && inside.contains(&station(start - 1)) && is_by_itself(&navigations[start - 1..=start], thresholds)
    {
        start -= 1;
    }
    let mut end = end;
    while end + 1 < navigations.len()
        && inside.contains(&station(end + 1))
        && is_by_itself(&navigations[end..=end + 1], thresholds)
    {
        end += 1;
    }
    (start, end)
}

fn cycle<'a>(navigations: &[&'a Fact], node: &Text, visits: usize, start: usize, end: usize) -> Cycle<'a> {
    let hops = navigations[start..=end].to_vec();
    let last = navigations[end];
    let after = navigations.get(end + 1).copied();
    let gave_up = hops.iter().copied().chain(after).find(|f| gave_up(f));
    let page = |f: &Fact| f.accepted() && !is_sign_in(f);
    // A script on the last page would have gone on: it is a page to look at where nothing follows.
    let ends_well = gave_up.is_none() && (after.is_some_and(page) || (after.is_none() && page(last)));
    Cycle { node: node.clone(), visits, hops, gave_up, ends_well }
}

/// Browsers' words for a chain that they stopped following (Fetch, "HTTP-redirect fetch": at most 20).
fn gave_up(fact: &Fact) -> bool {
    const WORDS: &[&str] =
        &["TOO_MANY_REDIRECTS", "REDIRECT_LOOP", "MAXREDIRECTS", "TOO MANY REDIRECTS", "REDIRECT COUNT EXCEEDED"];
    let failure = fact.failure.as_deref().map(str::to_ascii_uppercase).unwrap_or_default();
    WORDS.iter().any(|word| failure.contains(word))
}

fn in_any(found: &[Cycle<'_>], fact: &Fact) -> bool {
    found.iter().any(|cycle| cycle.gave_up.is_some_and(|end| end.id == fact.id))
}

/// A chain that the browser gave up, where one of its stations belongs to signing in.
fn by_error<'a>(case: &Case<'a>, end: &'a Fact) -> Option<Cycle<'a>> {
    let mut hops = vec![end];
    while let Some(before) = hops.last().and_then(|f| case.fact(f.redirected_from?)).filter(|_| hops.len() < 40) {
        hops.push(before);
    }
    hops.reverse();
    let node = hops.iter().find(|f| is_sign_in(f))?;
    let stations: BTreeSet<Station<'_>> = hops.iter().map(|f| (&f.origin, &f.route)).collect();
    let visits = hops.iter().filter(|f| f.route == node.route && f.origin == node.origin).count();
    // A page that only changes its scheme or its host goes round for another reason.
    let paths: BTreeSet<&Text> = hops.iter().map(|f| &f.path).collect();
    (stations.len() == 1 || paths.len() > 1).then(|| Cycle {
        node: node.route.clone(),
        visits,
        hops: hops.clone(),
        gave_up: Some(end),
        ends_well: false,
    })
}
