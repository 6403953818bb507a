//! The application's own key, which the same request carries as such, where the token of a signed-in user belongs: what
//! Supabase's client sends before it has a session. Whatever the server then says, it had nobody to ask about.

use super::Wrong;
use crate::{
    case::Case,
    facts::{Fact, credential::Method},
    finding::Reason,
    tokens::Purpose,
};

/// What is wrong with `fact`, if that is it.
pub(super) fn wrong(case: &Case<'_>, fact: &Fact) -> Option<Wrong> {
    if fact.role.delivers() || fact.role.is_identity() {
        return None;
    }
    let own = fact.authorization()?;
    let twin = fact.credentials.iter().find(|c| c.token == own.token && c.method() == Method::ApiKey)?;
    let accepted = || case.lookup().authorized_at(&fact.origin).any(|a| a.credential.token != own.token);
    let gives = |f: &Fact| f.delivered.iter().any(|d| d.purpose == Purpose::Access && d.token != own.token);
    let has_user = accepted() || case.facts().any(|f| f.origin == fact.origin && gives(f));
    has_user.then(|| Wrong {
        token: own.token,
        noun: "the application's own key",
        wanted: "the token of a signed-in user",
        part: "request.header.authorization".into(),
        says: format!("the value that {} carries, too", twin.carrier),
        reason: Reason::WireFact,
        claimed: false,
    })
}
