//! A field that accepted calls carry and denied ones lack: the key of an application, a tenant, a namespace.

use std::collections::BTreeSet;

use authtrace_parse::HeaderView;

use crate::{case::Case, facts::Fact};

/// Words of a field's name that say whose or for whom a request is.
const TELLING: &[&str] = &[
    "key",
    "tenant",
    "namespace",
    "org",
    "organization",
    "organisation",
    "project",
    "account",
    "workspace",
    "subscription",
    "company",
    "team",
];

/// Fields whose names hold such a word and that are about something else.
const OTHERS: &[&str] = &["idempotency-key", "x-idempotency-key", "sec-websocket-key", "surrogate-key"];

/// An accepted call of the same API with the same credential, and the part of it that none of `denied` has.
pub(super) fn field<'a>(case: &Case<'a>, denied: &[&Fact]) -> Option<(&'a Fact, String)> {
    let first = denied.first()?;
    if denied.iter().any(|fact| fact.view != HeaderView::Full || case.capture().hides_headers(fact.source.input)) {
        return None;
    }
    let sent: BTreeSet<&str> = denied.iter().flat_map(|fact| fields(fact)).collect();
    let token = first.main_credential()?.token;
    let accepted = case.lookup().succeeded_with(&first.origin, token).iter();
    accepted.filter(|fact| fact.is_api_call() && fact.accepted()).find_map(|ok| {
        let name = fields(ok).find(|name| is_telling(name) && !sent.contains(name))?;
        Some((ok, format!("request.header.{name}")))
    })
}

fn fields(fact: &Fact) -> impl Iterator<Item = &str> {
    fact.request_fields.split(' ').filter(|name| !name.is_empty())
}

fn is_telling(name: &str) -> bool {
    !OTHERS.contains(&name) && name.split(['-', '_']).any(|word| TELLING.contains(&word))
}

/// What is to be said of it behind the message.
pub(super) fn words(lacking: Option<&(&Fact, String)>) -> String {
    lacking.map_or_else(String::new, |(ok, field)| {
        let name = field.rsplit('.').next().unwrap_or_default();
        format!(" {}, which is accepted, carries the header `{name}`, which this request lacks.", ok.route)
    })
}
