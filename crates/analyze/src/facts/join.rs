//! Joins between exchanges: a preflight and its request, a redirect and its target, and the gates that neighbours decide.

use std::collections::HashMap;

use authtrace_parse::{HeaderView, Target};

use super::{
    Fact,
    credential::{Carrier, Method},
    gate::Gate,
    outcome::OutcomeClass,
    role::Role,
};
use crate::{challenge::Challenge, dictionary::ErrorClass, text::Text};

const SECOND: i64 = 1_000_000_000;
/// A preflight and its request are at most this far apart; recorders list either first (detectors §14).
const PREFLIGHT_WINDOW: i64 = 2 * SECOND;
/// A redirect is followed within this time.
const REDIRECT_WINDOW: i64 = 2 * SECOND;
/// A challenge by design is answered within this time (G6).
const FIRST_401_FOLD: i64 = 5 * SECOND;
/// A person answers a dialogue for a password within this time.
const ASKS_PERSON: i64 = 300 * SECOND;
/// Refused, refreshed and repeated within this time is a healthy refresh (G8).
const RECOVERED_WINDOW: i64 = 5 * SECOND;
/// Refusals this long after a logout are its echo (G24).
const LOGOUT_GRACE: i64 = 2 * SECOND;

/// Joins the facts of one client, given in time order.
pub(crate) fn join(facts: &mut [&mut Fact]) {
    preflights(facts);
    redirects(facts);
    challenge_legs(facts);
    recoveries(facts);
    logouts(facts);
    probes(facts);
    anonymous_probes(facts);
    undefined_routes(facts);
}

fn preflights(facts: &mut [&mut Fact]) {
    let mut by_target: HashMap<(Text, Text, Text), Vec<usize>> = HashMap::new();
    for (index, fact) in facts.iter().enumerate().filter(|(_, f)| f.role != Role::Preflight && may_have_preflight(f)) {
        by_target.entry((fact.origin.clone(), fact.path.clone(), fact.method.clone())).or_default().push(index);
    }
    for index in 0..facts.len() {
        let asked = facts[index].cors.as_ref().and_then(|c| c.request_method.clone());
        let (Role::Preflight, Some(method)) = (facts[index].role, asked) else { continue };
        let key = (facts[index].origin.clone(), facts[index].path.clone(), method);
        let at = facts[index].started_nanos();
        let near = |i: &usize| (facts[*i].started_nanos() - at).abs();
        let Some(request) = by_target
            .get(&key)
            .into_iter()
            .flatten()
            .copied()
            .filter(|i| facts[*i].preflight.is_none() && near(i) <= PREFLIGHT_WINDOW)
            .min_by_key(near)
        else {
            continue;
        };
        facts[index].preflight_of = Some(facts[request].id);
        facts[request].preflight = Some(facts[index].id);
    }
}

/// Whether a request may have had a preflight: it names another origin, or it was held back and browsers list only what
/// its script set, without `Origin`.
fn may_have_preflight(fact: &Fact) -> bool {
    fact.is_cross_origin() || (fact.status.is_none() && fact.view == HeaderView::Provisional)
}

fn redirects(facts: &mut [&mut Fact]) {
    for index in 0..facts.len() {
        let Some(to) = facts[index].redirect.clone() else { continue };
        let (from, since, until) =
            (facts[index].id, facts[index].started_nanos(), facts[index].ended_nanos() + REDIRECT_WINDOW);
        let target = facts[index + 1..].iter_mut().take_while(|f| f.started_nanos() <= until).find(|f| {
            f.redirected_from.is_none()
                && f.started_nanos() >= since
                && f.origin == to.origin
                && f.path == to.path
                && f.role != Role::Preflight
        });
        if let Some(target) = target {
            target.redirected_from = Some(from);
        }
    }
}

/// G6 and G7: the first leg of a challenge-response is refused by design, if the next leg is not.
fn challenge_legs(facts: &mut [&mut Fact]) {
    for index in 0..facts.len() {
        let fact = &facts[index];
        let nonce = fact.challenges.iter().any(|c| c.error() == Some("use_dpop_nonce"))
            || fact.outcome.error_text.as_deref().is_some_and(|t| t.contains("use_dpop_nonce"));
        let by_design = fact.challenges.iter().any(is_answered_by_design);
        if !fact.refused() {
            continue;
        }
        if (by_design || nonce) && is_answered(facts, index) {
            facts[index].gates.add(if nonce { Gate::DpopNonce } else { Gate::ChallengeLeg });
        } else if fetches_what_it_names(facts, index) {
            facts[index].gates.add(Gate::ChallengeLeg);
        }
    }
}

/// Schemes whose clients wait for the challenge before they answer it.
fn is_answered_by_design(challenge: &Challenge) -> bool {
    ["basic", "digest", "ntlm", "negotiate"].iter().any(|scheme| challenge.is(scheme))
}

/// Whether the same call follows with credentials and is not refused. A program answers at once; a person who is asked
/// for a password by the browser takes a while, during which the page waits.
fn is_answered(facts: &[&mut Fact], index: usize) -> bool {
    let fact = &facts[index];
    let asks_person = fact.challenges.iter().any(|c| c.is("basic") || c.is("digest"));
    let until = fact.started_nanos() + if asks_person { ASKS_PERSON } else { FIRST_401_FOLD };
    let same = |f: &&&mut Fact| f.origin == fact.origin && f.route == fact.route;
    let mut later = facts[index + 1..].iter().take_while(|f| f.started_nanos() <= until).filter(same);
    later.any(|f| answers(f, fact) && f.status.is_some_and(|s| s != 401 && s != 407))
}

/// Whether `next` carries what the challenge of `refused` asks for (RFC 9110 §11.6.2, §11.7.2).
fn answers(next: &Fact, refused: &Fact) -> bool {
    match refused.status {
        Some(407) => {
            next.credentials.iter().any(|c| matches!(&c.carrier, Carrier::Header(n) if &**n == "proxy-authorization"))
        }
        _ => next.has_method(Method::Authorization),
    }
}

/// Whether the challenge says where to get a token, the client went there, and the API then accepted one: so work the
/// registries of container images (`Bearer realm="https://…"`) and RFC 9728 (`resource_metadata`).
fn fetches_what_it_names(facts: &[&mut Fact], index: usize) -> bool {
    const SOURCES: &[&str] = &["realm", "resource_metadata", "authorization_uri"];
    let fact = &facts[index];
    let named = |c: &Challenge| SOURCES.iter().filter_map(|name| Target::parse(c.get(name)?)).collect::<Vec<_>>();
    let sources: Vec<Target> = fact.challenges.iter().flat_map(named).collect();
    if sources.is_empty() {
        return false;
    }
    let until = fact.ended_nanos() + ASKS_PERSON;
    let mut later = facts[index + 1..].iter().take_while(|f| f.started_nanos() <= until);
    let is_source = |f: &Fact| sources.iter().any(|s| *s.origin() == *f.origin && s.path.expose() == &*f.path);
    // The iterator goes on behind the fetch: what counts is what the client did with the answer.
    later.any(|f| f.started_nanos() >= fact.ended_nanos() && is_source(f) && f.succeeded())
        && later.any(|f| f.origin == fact.origin && f.has_method(Method::Authorization) && f.accepted())
}

/// G8: refused, a successful refresh, the same route accepted.
fn recoveries(facts: &mut [&mut Fact]) {
    let refreshes: Vec<usize> = (0..facts.len()).filter(|&i| refreshes(facts[i])).collect();
    // A capture may hold 100,000 refusals in one window, so the repetitions are looked up instead of searched for.
    // A sanitised capture shows a credential on neither; else the repetition must carry one.
    let mut repetitions: HashMap<(Text, Text, bool), Vec<usize>> = HashMap::new();
    for (index, fact) in facts.iter().enumerate().filter(|(_, f)| !refreshes.is_empty() && f.succeeded()) {
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
        let Some(refresh) = at_or_after(&refreshes, index + 1) else { continue };
        let key = (facts[index].origin.clone(), facts[index].route.clone(), facts[index].main_credential().is_some());
        let repeated = repetitions.get(&key).and_then(|found| at_or_after(found, refresh));
        let until = facts[index].ended_nanos() + RECOVERED_WINDOW;
        if repeated.is_some_and(|repeated| facts[repeated].started_nanos() <= until) {
            facts[index].gates.add(Gate::Recovered);
        }
    }
}

fn refreshes(fact: &Fact) -> bool {
    matches!(fact.role, Role::Refresh | Role::Mint | Role::Token) && fact.succeeded()
}

/// The first of the ascending `indices` that is not below `least`.
fn at_or_after(indices: &[usize], least: usize) -> Option<usize> {
    indices.get(indices.partition_point(|&index| index < least)).copied()
}

/// G24: what was in flight while the user logged out.
fn logouts(facts: &mut [&mut Fact]) {
    for index in 0..facts.len() {
        if facts[index].role != Role::Logout || !facts[index].succeeded() {
            continue;
        }
        let (since, until) = (facts[index].started_nanos(), facts[index].ended_nanos() + LOGOUT_GRACE);
        // A call sent before the logout and answered after it is in flight, too.
        let in_flight = |f: &Fact| f.started_nanos() <= until && f.ended_nanos() >= since;
        for fact in facts.iter_mut().filter(|f| f.refused() && in_flight(f)) {
            fact.gates.add(Gate::LoggingOut);
        }
    }
}

/// G17: test suites send wrong tokens on purpose.
fn probes(facts: &mut [&mut Fact]) {
    const AGENTS: &[&str] = &["curl/", "python-requests", "pytest", "PostmanRuntime", "HTTPie", "insomnia", "k6/"];
    for fact in facts.iter_mut() {
        let agent = fact.user_agent.as_deref().unwrap_or_default();
        let by_hand = AGENTS.iter().any(|a| agent.contains(a));
        let wrong =
            fact.authorization().is_some_and(|c| !c.well_formed || c.kind == crate::token::TokenKind::LowEntropy);
        if by_hand && wrong {
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
        for fact in
            facts[..login].iter_mut().filter(|f| f.refused() && f.credentials.is_empty() && f.ended_nanos() <= sent)
        {
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
    for fact in facts[..end].iter_mut().filter(|f| f.role == Role::Userinfo && f.refused() && f.credentials.is_empty())
    {
        fact.gates.add(Gate::AnonymousProbe);
    }
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
    let mut known: HashMap<(Text, Text), bool> = HashMap::new();
    for fact in facts.iter() {
        *known.entry((fact.origin.clone(), fact.route.clone())).or_default() |= fact.status.is_some_and(|s| s != 403);
    }
    for fact in facts.iter_mut().filter(|f| f.outcome.says(&[ErrorClass::GatewayUndefinedRoute])) {
        if known.get(&(fact.origin.clone(), fact.route.clone())) == Some(&false)
            && fact.outcome.class == OutcomeClass::Refused
        {
            fact.gates.add(Gate::UndefinedRoute);
        }
    }
}
