//! Whether an exporter removed credentials: DevTools does so by default since Chrome 130 (gate G1, CAP200).
//!
//! The headers are removed, not blanked, so every request looks unauthenticated. Only tells that a capture without
//! authentication cannot show count: a preflight that asks for `Authorization`, a login, a redaction marker,
//! or header bytes that the exporter counted before it removed them.

use std::collections::BTreeSet;

use crate::{
    coverage::{Input, InputFormat},
    facts::{Fact, role::Role},
    token::TokenKind,
};

/// Least entries for the weak tell.
const MIN_ENTRIES: u32 = 20;
/// Least entries when a preflight or a marker tells.
const MIN_ENTRIES_STRONG: u32 = 5;

#[derive(Default)]
struct Tells {
    entries: u32,
    credentials: bool,
    marker: bool,
    asks_authorization: bool,
    removed_bytes: bool,
    login: bool,
    accepted_after_login: bool,
}

/// Indices of the HAR inputs that lost their credentials.
pub(crate) fn inputs(facts: &[Fact], inputs: &[Input]) -> BTreeSet<u16> {
    let har = |index: &u16| inputs.get(usize::from(*index)).is_none_or(|input| input.format == InputFormat::Har);
    let indices: BTreeSet<u16> = facts.iter().map(|fact| fact.source.input).collect();
    indices.into_iter().filter(har).filter(|&index| tells(facts, index).sanitized()).collect()
}

fn tells(facts: &[Fact], input: u16) -> Tells {
    let mut tells = Tells::default();
    for fact in facts.iter().filter(|fact| fact.source.input == input) {
        tells.entries += 1;
        let in_header = |c: &crate::facts::credential::Credential| c.is_authorization() || c.is_cookie();
        let redacted = fact.credentials.iter().any(|c| c.kind == TokenKind::Redacted);
        tells.marker |= redacted;
        tells.credentials |=
            fact.has_cookies || !fact.set_cookies.is_empty() || fact.credentials.iter().any(in_header) && !redacted;
        tells.asks_authorization |= fact.cors.as_ref().is_some_and(|c| c.asks_authorization());
        tells.removed_bytes |= fact.removed_header_bytes;
        let api = fact.role == Role::Other
            && fact.succeeded()
            && fact.resource_type.as_deref().is_none_or(|t| t != "document");
        tells.accepted_after_login |= tells.login && api;
        tells.login |= fact.role == Role::Login && fact.role_proven && fact.succeeded();
    }
    tells
}

impl Tells {
    fn sanitized(&self) -> bool {
        let strong = self.asks_authorization || self.marker || self.removed_bytes;
        let weak = self.login && self.accepted_after_login;
        !self.credentials && ((strong && self.entries >= MIN_ENTRIES_STRONG) || (weak && self.entries >= MIN_ENTRIES))
    }
}
