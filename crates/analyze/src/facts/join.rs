//! Joins between exchanges: a preflight and its request, a redirect and its target, and the gates that neighbours decide.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use authtrace_parse::HeaderView;

use super::{
    Fact,
    credential::{Carrier, Credential},
    gate::Gate,
    legs,
    role::Role,
    site::registrable,
};
use crate::{
    dictionary::ErrorClass,
    text::Text,
    token::TokenKind,
    tokens::{Token, TokenId, TokenStore},
};

const SECOND: i64 = 1_000_000_000;
/// A preflight and its request are at most this far apart; recorders list either first (detectors §14).
const PREFLIGHT_WINDOW: i64 = 2 * SECOND;
/// A redirect is followed within this time.
const REDIRECT_WINDOW: i64 = 2 * SECOND;
/// Refused, refreshed and repeated within this time is a healthy refresh (G8).
const RECOVERED_WINDOW: i64 = 5 * SECOND;
/// A request sent this soon after a refresh may still carry the old token: callers do not learn of it at once (AUTH026).
const CROSSING: i64 = SECOND / 2;
/// Refusals this long after a logout are its echo (G24).
const LOGOUT_GRACE: i64 = 2 * SECOND;

/// Joins the facts of one client, given in time order.
pub(crate) fn join(facts: &mut [&mut Fact], tokens: &TokenStore) {
    preflights(facts);
    redirects(facts);
    legs::challenge_legs(facts);
    login_routes(facts);
    recoveries(facts);
    renewals_out_of_sight(facts, tokens);
    logouts(facts);
    probes(facts);
    anonymous_probes(facts);
    undefined_routes(facts);
}

fn preflights(facts: &mut [&mut Fact]) {
    // Requests that still lack their preflight, by what a preflight names and then by time: a capture may hold 100,000 of
    // them in one window, so every search is a lookup.
    let mut open: HashMap<(Text, Text, Text), BTreeSet<(i64, usize)>> =
        facts.iter().filter_map(|f| Some((asked(f)?, BTreeSet::new()))).collect();
    if open.is_empty() {
        return;
    }
    for (index, fact) in facts.iter().enumerate().filter(|(_, f)| f.role != Role::Preflight && may_have_preflight(f)) {
        let target = (fact.origin.clone(), fact.path.clone(), fact.method.clone());
        if let Some(waiting) = open.get_mut(&target) {
            waiting.insert((fact.started_nanos(), index));
        }
    }
    for index in 0..facts.len() {
        let Some(waiting) = asked(facts[index]).and_then(|target| open.get_mut(&target)) else { continue };
        let Some(nearest) = nearest(waiting, facts[index].started_nanos()) else { continue };
        waiting.remove(&nearest);
        let request = nearest.1;
        facts[index].preflight_of = Some(facts[request].id);
        facts[request].preflight = Some(facts[index].id);
    }
}

/// Origin, path and method that a preflight asks for.
fn asked(fact: &Fact) -> Option<(Text, Text, Text)> {
    let method = fact.cors.as_ref().filter(|_| fact.role == Role::Preflight)?.request_method.clone()?;
    Some((fact.origin.clone(), fact.path.clone(), method))
}

/// Of the requests in the window around `at`, the one that is nearest in time; the first among equals.
fn nearest(waiting: &BTreeSet<(i64, usize)>, at: i64) -> Option<(i64, usize)> {
    let first_of = |(time, _): &(i64, usize)| waiting.range((*time, 0)..).next().copied();
    let before = waiting.range(..=(at, usize::MAX)).next_back().and_then(first_of);
    let after = waiting.range((at, usize::MAX)..).next().copied();
    let near = |(time, _): &(i64, usize)| (time - at).abs();
    before.into_iter().chain(after).filter(|found| near(found) <= PREFLIGHT_WINDOW).min_by_key(near)
}

/// Whether a request may have had a preflight: it names another origin, or it was held back and browsers list only what
/// its script set, without `Origin`.
fn may_have_preflight(fact: &Fact) -> bool {
    fact.is_cross_origin() || (fact.status.is_none() && fact.view == HeaderView::Provisional)
}

fn redirects(facts: &mut [&mut Fact]) {
    let to = |fact: &Fact| fact.redirect.as_ref().map(|to| (to.origin.clone(), to.path.clone()));
    let mut targets: HashMap<(Text, Text), BTreeSet<usize>> =
        facts.iter().filter_map(|f| Some((to(f)?, BTreeSet::new()))).collect();
    if targets.is_empty() {
        return;
    }
    for (index, fact) in facts.iter().enumerate().filter(|(_, f)| f.role != Role::Preflight) {
        if let Some(found) = targets.get_mut(&(fact.origin.clone(), fact.path.clone())) {
            found.insert(index);
        }
    }
    for index in 0..facts.len() {
        let Some(found) = to(facts[index]).and_then(|to| targets.get_mut(&to)) else { continue };
        let until = facts[index].ended_nanos() + REDIRECT_WINDOW;
        let next = found.range(index + 1..).next().copied();
        // A request has one redirect behind it.
        if let Some(target) = next.filter(|&target| facts[target].started_nanos() <= until) {
            found.remove(&target);
            facts[target].redirected_from = Some(facts[index].id);
        }
    }
}

/// G5: what hands out the first token to whoever brings none is a login, whatever it is called. What it refused before was
/// a mistyped code, or came too early.
fn login_routes(facts: &mut [&mut Fact]) {
    let signs_in = |f: &Fact| f.succeeded() && !f.delivered.is_empty() && brings_nothing(f) && f.role != Role::Refresh;
    let route = |f: &Fact| (f.origin.clone(), f.route.clone());
    let mut last: HashMap<(Text, Text), usize> = HashMap::new();
    for (index, fact) in facts.iter().enumerate().filter(|(_, f)| signs_in(f)) {
        last.insert(route(fact), index);
    }
    if last.is_empty() {
        return;
    }
    for (index, fact) in facts.iter_mut().enumerate().filter(|(_, f)| f.refused() && brings_nothing(f)) {
        if last.get(&route(fact)).is_some_and(|&success| index < success) {
            fact.gates.add(Gate::LoginFailure);
        }
    }
}

/// Whether the request carries no credential but what its body may hold.
fn brings_nothing(fact: &Fact) -> bool {
    fact.credentials.iter().all(|c| matches!(c.carrier, Carrier::Body(_)))
}

/// G8: refused, a successful refresh, the same route accepted.
fn recoveries(facts: &mut [&mut Fact]) {
    let refreshes: Vec<usize> = (0..facts.len()).filter(|&i| refreshes(facts[i])).collect();
    if refreshes.is_empty() {
        return;
    }
    // A capture may hold 100,000 refusals in one window, so the repetitions are looked up instead of searched for.
    // A sanitised capture shows a credential on neither; else the repetition must carry one.
    let mut repetitions: HashMap<(Text, Text, bool), Vec<usize>> = HashMap::new();
    for (index, fact) in facts.iter().enumerate().filter(|(_, f)| f.succeeded()) {
        let key = |carries| (fact.origin.clone(), fact.route.clone(), carries);
        repetitions.entry(key(false)).or_default().push(index);
        if fact.main_credential().is_some() {
            repetitions.entry(key(true)).or_default().push(index);
        }
    }
    for index in 0..facts.len() {
        if !facts[index].refused() || facts[index].role.delivers() {
            continue;
        }
        let crossed = crosses(facts, &refreshes, index);
        let Some(refresh) = crossed.then_some(index + 1).or_else(|| at_or_after(&refreshes, index + 1)) else {
            continue;
        };
        let key = (facts[index].origin.clone(), facts[index].route.clone(), facts[index].main_credential().is_some());
        let repeated = repetitions.get(&key).and_then(|found| at_or_after(found, refresh));
        let until = facts[index].ended_nanos() + RECOVERED_WINDOW;
        let token = |at: usize| facts[at].main_credential().map(|c| c.token);
        // What crossed a refresh had the old token; the same one accepted later is another story.
        let renewed = |at: usize| !crossed || token(at) != token(index);
        if repeated.is_some_and(|at| facts[at].started_nanos() <= until && renewed(at)) {
            facts[index].gates.add(Gate::Recovered);
        }
    }
}

/// G8 where the refresh is not in the capture, as in a frame around the page: the next call of the route brings a JWT that
/// was not there before, of the same user, and is accepted.
fn renewals_out_of_sight(facts: &mut [&mut Fact], tokens: &TokenStore) {
    let jwt = |f: &Fact| f.authorization().filter(|c| c.kind == TokenKind::Jwt).map(|c| c.token);
    if !facts.iter().any(|f| f.refused() && jwt(f).is_some()) {
        return;
    }
    let mut first: HashMap<TokenId, usize> = HashMap::new();
    let mut accepted: HashMap<(Text, Text), Vec<usize>> = HashMap::new();
    for (index, fact) in facts.iter().enumerate() {
        let Some(token) = jwt(fact) else { continue };
        first.entry(token).or_insert(index);
        if fact.succeeded() {
            accepted.entry((fact.origin.clone(), fact.route.clone())).or_default().push(index);
        }
    }
    for index in 0..facts.len() {
        let Some(old) = jwt(facts[index]).filter(|old| may_be_over(facts[index], tokens.get(*old))) else { continue };
        let key = (facts[index].origin.clone(), facts[index].route.clone());
        let Some(next) = accepted.get(&key).and_then(|found| at_or_after(found, index + 1)) else { continue };
        let soon = facts[next].started_nanos() <= facts[index].ended_nanos() + RECOVERED_WINDOW;
        let new = jwt(facts[next]).filter(|new| is_same_holder(tokens.get(old), tokens.get(*new)));
        let fresh = new.and_then(|token| first.get(&token)).is_some_and(|&first| first > index);
        if soon && fresh {
            facts[index].gates.add(Gate::Recovered);
        }
    }
}

/// Whether a refusal may be for the age of the token, as far as words and claims go: clocks are minutes apart at most.
fn may_be_over(fact: &Fact, token: &Token) -> bool {
    const APART: i64 = 300 * SECOND;
    let says = fact.outcome.error.is_none_or(|error| error.is_general() || error == ErrorClass::Expired);
    let exp = token.claims().and_then(|claims| claims.exp).map(|exp| exp.intended().nanos());
    fact.refused() && says && exp.is_none_or(|exp| exp <= fact.started_nanos().saturating_add(APART))
}

/// Whether two tokens name the same issuer and user, or one of them names none.
fn is_same_holder(old: &Token, new: &Token) -> bool {
    let Some((old, new)) = old.claims().zip(new.claims()) else { return true };
    !differ(old.sub.as_ref(), new.sub.as_ref()) && !differ(old.iss.as_ref(), new.iss.as_ref())
}

/// Whether both are there, and not the same.
fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

/// Whether the request crossed a refresh: it went out while the new token was on its way, or had hardly come.
fn crosses(facts: &[&mut Fact], refreshes: &[usize], index: usize) -> bool {
    let before = refreshes[..refreshes.partition_point(|&refresh| refresh < index)].last();
    before.is_some_and(|&refresh| facts[index].started_nanos() < facts[refresh].ended_nanos() + CROSSING)
}

fn refreshes(fact: &Fact) -> bool {
    matches!(fact.role, Role::Refresh | Role::Mint | Role::Token) && fact.succeeded()
}

/// The first of the ascending `indices` that is not below `least`.
pub(super) fn at_or_after(indices: &[usize], least: usize) -> Option<usize> {
    indices.get(indices.partition_point(|&index| index < least)).copied()
}

/// G24: what was in flight while the user logged out.
fn logouts(facts: &mut [&mut Fact]) {
    let logouts: Vec<usize> =
        (0..facts.len()).filter(|&at| facts[at].role == Role::Logout && facts[at].succeeded()).collect();
    if logouts.is_empty() {
        return;
    }
    // Where logins take place: a logout there ends the sessions of every site that trusts it.
    let signs_in = |f: &&&mut Fact| f.role.is_identity() && f.role != Role::Logout;
    let identity: BTreeSet<Text> = facts.iter().filter(signs_in).map(|f| site_of(f)).collect();
    let mut everywhere = Echoes::default();
    let mut by_site: BTreeMap<Text, Echoes> = BTreeMap::new();
    for fact in logouts.into_iter().map(|at| &*facts[at]) {
        let site = site_of(fact);
        if fact.is_document || identity.contains(&site) {
            everywhere.add(fact);
        }
        by_site.entry(site).or_default().add(fact);
    }
    for fact in facts.iter_mut().filter(|f| f.refused()) {
        if everywhere.cover(fact) || by_site.get(&site_of(fact)).is_some_and(|echoes| echoes.cover(fact)) {
            fact.gates.add(Gate::LoggingOut);
        }
    }
}

fn site_of(fact: &Fact) -> Text {
    registrable(&fact.host).into()
}

/// When each of some logouts began, ascending, and until when any of those so far echoes.
#[derive(Default)]
struct Echoes(Vec<(i64, i64)>);

impl Echoes {
    fn add(&mut self, logout: &Fact) {
        let latest = self.0.last().map_or(i64::MIN, |(_, latest)| *latest);
        self.0.push((logout.started_nanos(), latest.max(logout.ended_nanos() + LOGOUT_GRACE)));
    }

    /// Whether the refusal of `fact` may be an echo: a call sent before the logout and answered after it is in flight, too.
    fn cover(&self, fact: &Fact) -> bool {
        let begun = self.0.partition_point(|(began, _)| *began <= fact.ended_nanos());
        self.0[..begun].last().is_some_and(|(_, until)| fact.started_nanos() <= *until)
    }
}

/// G17: test suites send wrong tokens on purpose.
fn probes(facts: &mut [&mut Fact]) {
    const AGENTS: &[&str] =
        &["curl/", "python-requests", "pytest", "PostmanRuntime", "HTTPie", "insomnia", "k6/", "Playwright/"];
    let is_wrong = |c: &&Credential| !c.well_formed || c.kind == TokenKind::LowEntropy;
    let mut tries: HashMap<TokenId, usize> = HashMap::new();
    for wrong in facts.iter().filter_map(|fact| fact.authorization().filter(is_wrong)) {
        *tries.entry(wrong.token).or_default() += 1;
    }
    for fact in facts.iter_mut() {
        let agent = fact.user_agent.as_deref().unwrap_or_default();
        let by_hand = || AGENTS.iter().any(|a| agent.contains(a));
        // Who tries what happens tries it once; what is sent again and again is meant.
        let wrong = fact.authorization().filter(is_wrong).is_some_and(|c| tries[&c.token] == 1);
        // A test of an API without a browser tries what happens without a token, too.
        let bare = fact.refused() && fact.credentials.is_empty() && agent.starts_with("Playwright/");
        if (wrong && by_hand()) || bare {
            fact.gates.add(Gate::Probe);
        }
    }
}

/// G25: "who am I" before the first login, and any call before a login that the capture shows: nobody was signed in yet.
/// A page that gets a token without a login was signed in all along: that is a race.
fn anonymous_probes(facts: &mut [&mut Fact]) {
    let first_credential = facts.iter().position(|f| f.main_credential().is_some() && f.role != Role::Preflight);
    let first_identity = facts.iter().position(|f| {
        matches!(f.role, Role::Login | Role::Callback | Role::Authorize) || (f.role.delivers() && f.succeeded())
    });
    let signs_in = facts.iter().position(|f| is_sign_in(f));
    // An interactive login is sent while nothing is signed in; what was answered before it went out saw nobody, too.
    if let Some(login) = signs_in.filter(|login| first_credential.is_none_or(|first| first >= *login)) {
        let sent = facts[login].started_nanos();
        for fact in facts[..login].iter_mut().filter(|f| f.refused() && is_anonymous(f) && f.ended_nanos() <= sent) {
            fact.gates.add(Gate::AnonymousProbe);
        }
    }
    let logs_in =
        first_identity.is_some_and(|i| matches!(facts[i].role, Role::Login | Role::Callback | Role::Authorize));
    let end = match (first_identity, first_credential) {
        (Some(identity), Some(credential)) => identity.min(credential),
        (Some(at), None) | (None, Some(at)) => at,
        (None, None) => facts.len(),
    };
    if first_credential.is_some() && !logs_in {
        return;
    }
    for fact in facts[..end].iter_mut().filter(|f| f.role == Role::Userinfo && f.refused() && is_anonymous(f)) {
        fact.gates.add(Gate::AnonymousProbe);
    }
}

/// Whether nobody is signed in, as far as the request shows. A server that wants a client certificate asks who the machine
/// is, whoever is signed in.
fn is_anonymous(fact: &Fact) -> bool {
    fact.credentials.is_empty() && !fact.outcome.says(&[ErrorClass::ClientCertificate])
}

/// A login with a password or code in its body that the server took, or a page that was sent to the provider to sign in:
/// not one that asks in a hidden frame whether somebody is signed in already (`prompt=none`).
fn is_sign_in(fact: &Fact) -> bool {
    let by_password = fact.role == Role::Login && fact.request.has_password;
    let asks_silently = fact.query_keys.iter().any(|key| &**key == "prompt");
    let by_redirect = fact.role == Role::Authorize && fact.is_document && !asks_silently;
    fact.succeeded() && (by_password || by_redirect)
}

/// G21: a gateway's "missing token" for a route on which nothing else ever came back.
fn undefined_routes(facts: &mut [&mut Fact]) {
    if !facts.iter().any(|f| f.outcome.says(&[ErrorClass::GatewayUndefinedRoute])) {
        return;
    }
    let mut known: HashMap<(Text, Text), bool> = HashMap::new();
    for fact in facts.iter() {
        *known.entry((fact.origin.clone(), fact.route.clone())).or_default() |= fact.status.is_some_and(|s| s != 403);
    }
    for fact in facts.iter_mut().filter(|f| f.outcome.says(&[ErrorClass::GatewayUndefinedRoute])) {
        if known.get(&(fact.origin.clone(), fact.route.clone())) == Some(&false) {
            fact.gates.add(Gate::UndefinedRoute);
        }
    }
}
