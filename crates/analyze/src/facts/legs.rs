//! Refusals by design: the first leg of a challenge-response, whose answer follows (gates G6 and G7).

use std::collections::HashMap;

use authtrace_parse::Target;

use super::{
    Fact,
    credential::{Carrier, Method},
    gate::Gate,
    join::at_or_after,
};
use crate::{challenge::Challenge, text::Text};

const SECOND: i64 = 1_000_000_000;
/// A challenge by design is answered within this time (G6).
const FIRST_401_FOLD: i64 = 5 * SECOND;
/// A person answers a dialogue for a password, or signs in elsewhere, within this time.
const ASKS_PERSON: i64 = 300 * SECOND;

/// G6 and G7: the first leg of a challenge-response is refused by design, if the next leg is not.
pub(super) fn challenge_legs(facts: &mut [&mut Fact]) {
    let (answers, fetches, sign_ins) = (answers(facts), Fetches::of(facts), SignIns::of(facts));
    for index in 0..facts.len() {
        if !facts[index].refused() {
            continue;
        }
        let gate = is_leg(facts[index]).filter(|_| is_answered(facts, index, &answers));
        let told = || fetches.follow(facts, index) || sign_ins.follow(facts, index);
        if let Some(gate) = gate.or_else(|| told().then_some(Gate::ChallengeLeg)) {
            facts[index].gates.add(gate);
        }
    }
}

/// The gate of a refusal that may be the first leg of a challenge-response scheme.
fn is_leg(fact: &Fact) -> Option<Gate> {
    let nonce = fact.challenges.iter().any(|c| c.error() == Some("use_dpop_nonce"))
        || fact.outcome.error_text.as_deref().is_some_and(|t| t.contains("use_dpop_nonce"));
    if nonce {
        return Some(Gate::DpopNonce);
    }
    let by_design = |c: &Challenge| is_answered_by_design(c) || (fact.is_from_program() && names_source(c));
    fact.challenges.iter().any(by_design).then_some(Gate::ChallengeLeg)
}

/// Whether it says where tokens come from. The SDKs of a vendor's APIs ask without a token first, to be told; a page of the
/// team's own would not.
fn names_source(challenge: &Challenge) -> bool {
    ["authorization", "authorization_uri", "resource_metadata"].iter().any(|name| challenge.get(name).is_some())
}

/// Schemes whose clients wait for the challenge before they answer it.
fn is_answered_by_design(challenge: &Challenge) -> bool {
    ["basic", "digest", "ntlm", "negotiate", "otp"].iter().any(|scheme| challenge.is(scheme))
}

/// Per route that a challenge refused: the requests with credentials, in time order.
fn answers(facts: &[&mut Fact]) -> HashMap<(Text, Text), Vec<usize>> {
    let legs = facts.iter().filter(|f| f.refused() && is_leg(f).is_some());
    let mut answers: HashMap<(Text, Text), Vec<usize>> =
        legs.map(|f| ((f.origin.clone(), f.route.clone()), Vec::new())).collect();
    if answers.is_empty() {
        return answers;
    }
    for (index, fact) in facts.iter().enumerate().filter(|(_, f)| !f.credentials.is_empty()) {
        if let Some(found) = answers.get_mut(&(fact.origin.clone(), fact.route.clone())) {
            found.push(index);
        }
    }
    answers
}

/// Whether the same call follows with credentials. A leg that carried some itself needs an answer that is not refused,
/// else the credentials are what is wrong; one without did its part, whatever becomes of the answer. A program answers at
/// once; a person who is asked for a password by the browser takes a while, during which the page waits.
fn is_answered(facts: &[&mut Fact], index: usize, answers: &HashMap<(Text, Text), Vec<usize>>) -> bool {
    let fact = &facts[index];
    let asks_person = fact.challenges.iter().any(|c| c.is("basic") || c.is("digest") || c.is("otp"));
    let until = fact.started_nanos() + if asks_person { ASKS_PERSON } else { FIRST_401_FOLD };
    let found = answers.get(&(fact.origin.clone(), fact.route.clone())).map_or(&[][..], Vec::as_slice);
    let later = found[found.partition_point(|&next| next <= index)..].iter().map(|&next| &facts[next]);
    let passed = |f: &Fact| f.status.is_some_and(|s| s != 401 && s != 407);
    if in_space(facts, index) {
        return true;
    }
    later
        .take_while(|next| next.started_nanos() <= until)
        .any(|next| carries_answer(next, fact) && (passed(next) || !carries_answer(fact, fact)))
}

/// Whether another call to the same server answers at once: Digest holds for a whole server (RFC 7616 §3.3), so clients ask
/// one route for the nonce and then call others.
fn in_space(facts: &[&mut Fact], index: usize) -> bool {
    let fact = &facts[index];
    let digest = |f: &Fact| {
        f.authorization().and_then(|c| c.scheme.as_deref()).is_some_and(|s| s.eq_ignore_ascii_case("digest"))
    };
    if !fact.credentials.is_empty() || !fact.challenges.iter().any(|c| c.is("digest")) {
        return false;
    }
    let soon = facts[index + 1..].iter().take_while(|f| f.started_nanos() <= fact.ended_nanos() + FIRST_401_FOLD);
    soon.into_iter().any(|f| f.origin == fact.origin && digest(f) && f.status.is_some_and(|s| s != 401))
}

/// Whether `next` carries what the challenge of `refused` asks for (RFC 9110 §11.6.2, §11.7.2).
fn carries_answer(next: &Fact, refused: &Fact) -> bool {
    match refused.status {
        Some(407) => {
            next.credentials.iter().any(|c| matches!(&c.carrier, Carrier::Header(n) if &**n == "proxy-authorization"))
        }
        _ => next.has_method(Method::Authorization),
    }
}

/// Parameters of a challenge that may say where tokens are handed out: `realm` as the registries of container images use
/// it, RFC 9728, and what Microsoft's APIs send.
const SOURCES: &[&str] = &["realm", "resource_metadata", "authorization_uri"];

/// Origin and path of every place that a challenge of `fact` names as a source of tokens.
fn sources(fact: &Fact) -> impl Iterator<Item = (Text, Text)> {
    let named = fact.challenges.iter().flat_map(|c| SOURCES.iter().filter_map(|name| Target::parse(c.get(name)?)));
    named.map(|target| (target.origin().into(), target.path.expose().into()))
}

/// What became of the sources of tokens that challenges name; empty where none names any.
struct Fetches {
    /// Requests to a source, in time order.
    fetched: HashMap<(Text, Text), Vec<usize>>,
    /// Requests with `Authorization` that passed, by origin, in time order.
    accepted: HashMap<Text, Vec<usize>>,
}

impl Fetches {
    fn of(facts: &[&mut Fact]) -> Self {
        let named = facts.iter().filter(|f| f.refused()).flat_map(|f| sources(f));
        let mut fetched: HashMap<_, Vec<usize>> = named.map(|source| (source, Vec::new())).collect();
        let mut accepted: HashMap<Text, Vec<usize>> = HashMap::new();
        if fetched.is_empty() {
            return Self { fetched, accepted };
        }
        for (index, fact) in facts.iter().enumerate() {
            // One that is not there is looked for elsewhere (RFC 9728 §3.1): that the client went is what counts.
            if let Some(found) = fetched.get_mut(&(fact.origin.clone(), fact.path.clone())) {
                found.push(index);
            }
            // What is not there is looked for behind the door.
            if fact.has_method(Method::Authorization) && (fact.accepted() || fact.status == Some(404)) {
                accepted.entry(fact.origin.clone()).or_default().push(index);
            }
        }
        Self { fetched, accepted }
    }

    /// Whether the client went where the challenge of `facts[index]` sends it, and the API then accepted a token.
    ///
    /// A client without a token that goes to learn how to get one has been told to (RFC 9728 §5.1), whether its user then
    /// agrees or not.
    fn follow(&self, facts: &[&mut Fact], index: usize) -> bool {
        let fact = &facts[index];
        let names = |c: &Challenge| c.get("resource_metadata").is_some() || c.get("realm").is_some();
        let learns = |source| self.fetched.get(&source).and_then(|found| at_or_after(found, index + 1)).is_some();
        if fact.credentials.is_empty() && fact.challenges.iter().any(names) && sources(fact).any(learns) {
            return true;
        }
        sources(fact).any(|source| {
            let fetch = self.fetched.get(&source).and_then(|found| at_or_after(found, index + 1));
            let used = fetch.and_then(|at| at_or_after(self.accepted.get(&fact.origin)?, at + 1));
            used.is_some_and(|used| facts[used].started_nanos() <= fact.ended_nanos() + ASKS_PERSON)
        })
    }
}

/// What programs do when they are told to sign in; empty where no program was.
#[derive(Default)]
struct SignIns {
    /// Answers that handed out tokens, in time order.
    delivered: Vec<usize>,
    /// Requests with `Authorization` that passed, by origin and route, in time order.
    accepted: HashMap<(Text, Text), Vec<usize>>,
}

impl SignIns {
    fn of(facts: &[&mut Fact]) -> Self {
        let mut found = Self::default();
        if !facts.iter().any(|f| Self::is_told(f)) {
            return found;
        }
        for (index, fact) in facts.iter().enumerate() {
            if !fact.delivered.is_empty() {
                found.delivered.push(index);
            } else if fact.has_method(Method::Authorization) && fact.accepted() {
                found.accepted.entry((fact.origin.clone(), fact.route.clone())).or_default().push(index);
            }
        }
        found
    }

    /// Whether a program that had no token got one after it was refused, not before the refusal had arrived, and its repeated
    /// call was accepted: it asks first, and signs in when it is told to. A token that was on its way already is late.
    fn follow(&self, facts: &[&mut Fact], index: usize) -> bool {
        let fact = &facts[index];
        let had_one = self.delivered.first().is_some_and(|&first| first < index);
        if had_one || !Self::is_told(fact) {
            return false;
        }
        let Some(signed_in) = at_or_after(&self.delivered, index + 1) else { return false };
        let repeated = self.accepted.get(&(fact.origin.clone(), fact.route.clone()));
        let repeated = repeated.and_then(|accepted| at_or_after(accepted, signed_in + 1));
        facts[signed_in].started_nanos() >= fact.ended_nanos()
            && repeated.is_some_and(|at| {
                facts[at].path == fact.path && facts[at].started_nanos() <= fact.ended_nanos() + ASKS_PERSON
            })
    }

    fn is_told(fact: &Fact) -> bool {
        let asked = fact.challenges.iter().any(|c| c.is("bearer"));
        fact.refused() && asked && fact.credentials.is_empty() && fact.is_from_program()
    }
}
