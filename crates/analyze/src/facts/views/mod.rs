//! Views: one call that a capture shows more than once: in front of a proxy and behind it, on two interfaces, in a HAR and
//! in packets.
//!
//! One view stands for the call, the one nearest to the client that knows most; the others point to it (`leg_of`), are left
//! out of timelines and ratios, and lend it what it does not show itself.

mod asked;
mod calls;
mod doubled;
mod proxied;
mod recorded;

use std::collections::HashMap;

use authtrace_parse::{ExchangeId, HeaderView};

use super::{ClientId, Fact, client::Client};
use crate::{
    coverage::{Input, InputFormat},
    tokens::TokenId,
};

/// Finds the views of one call among `facts`, which are in order of id and sent by `clients`, and says which clients turned out to be one.
pub(crate) fn find(facts: &mut [Fact], clients: &[Client], inputs: &[Input]) -> Vec<(ClientId, ClientId)> {
    let packets = |fact: &Fact| fact.client_port.is_some();
    if !facts.iter().any(packets) {
        return Vec::new();
    }
    doubled::find(facts, clients, inputs);
    proxied::find(facts, clients);
    asked::find(facts, clients);
    let is_har =
        |fact: &Fact| inputs.get(usize::from(fact.source.input)).is_some_and(|input| input.format == InputFormat::Har);
    let same = if facts.iter().any(is_har) { recorded::find(facts) } else { Vec::new() };
    resolve(facts);
    lend(facts);
    same
}

/// The credential that names the principal, by which views are compared.
fn token(fact: &Fact) -> Option<TokenId> {
    fact.main_credential().map(|credential| credential.token)
}

/// Lets every view point to the one that stands for the call.
fn resolve(facts: &mut [Fact]) {
    let direct: HashMap<ExchangeId, ExchangeId> = facts.iter().filter_map(|f| Some((f.id, f.leg_of()?))).collect();
    for fact in facts.iter_mut().filter(|fact| fact.leg_of().is_some()) {
        let mut at = fact.id;
        // A view points to an earlier hop or to a recording, never back; the bound is for what is not meant to be.
        for _ in 0..direct.len() {
            let Some(next) = direct.get(&at) else { break };
            at = *next;
        }
        fact.set_leg_of(at);
    }
}

/// What a view on the wire shows and the recording does not: the answer that CORS hid, the headers that an export lost.
fn lend(facts: &mut [Fact]) {
    let mut lenders: Vec<(ExchangeId, usize)> =
        facts.iter().enumerate().filter_map(|(index, fact)| Some((fact.leg_of()?, index))).collect();
    // The outer view before the inner ones: what the client sent before what a proxy made of it.
    lenders.sort_by_key(|(to, index)| (*to, facts[*index].started_nanos()));
    for (to, from) in lenders {
        let Ok(to) = facts.binary_search_by_key(&to, |fact| fact.id) else { continue };
        let lender = facts[from].clone();
        complete(&mut facts[to], &lender);
    }
}

fn complete(call: &mut Fact, view: &Fact) {
    if call.status.is_none() && view.status.is_some() {
        call.outcome = view.outcome.clone();
        call.delivered = view.delivered.clone();
        call.set_cookies = view.set_cookies.clone();
        let common = call.common_mut();
        common.status = view.status;
        common.challenges = view.challenges.clone();
        common.response_body_seen = view.response_body_seen;
        common.responder = view.responder.clone();
        common.cors = view.cors.clone().or_else(|| common.cors.clone());
    } else if call.outcome.error.is_none() && view.outcome.error.is_some() && call.status == view.status {
        // The recording lost the answer's body, or whoever asked kept the reason to itself.
        call.outcome = view.outcome.clone();
        call.common_mut().response_body_seen |= view.response_body_seen;
    }
    if view.view == HeaderView::Full && !call.on_wire {
        call.on_wire = true;
        if !view.credentials.is_empty() {
            call.credentials = view.credentials.clone();
        }
        let common = call.common_mut();
        common.view = HeaderView::Full;
        common.has_cookies |= view.has_cookies;
    }
}
