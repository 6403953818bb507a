//! A session that the server does not find again: it answers every request with a new session id (no shared store, no
//! sticky sessions), although the client sends back the id that it was given.

use std::collections::BTreeMap;

use super::RULE;
use crate::{
    case::Case,
    facts::{Delivery, Fact, credential::Carrier, gate::Gate, role::Role, set_cookie::base_name},
    finding::{Reason, Severity},
    rule::Draft,
    text::{Text, count, span},
    tokens::TokenId,
};

/// Answers in a row that replace the id they were asked with: fewer may be a login, an expiry and a rotation.
const IN_A_ROW: usize = 3;

/// Cookies that hold a bare id, which stays the same for a session. Others hold the session itself, sealed anew each time.
const ID_COOKIES: &[&str] = &[
    "jsessionid",
    "phpsessid",
    "connect.sid",
    "asp.net_sessionid",
    "sessionid",
    "session_id",
    "sid",
    "ci_session",
    "cfid",
];

/// One exchange that replaced a session id.
struct Replaced<'a> {
    fact: &'a Fact,
    sent: TokenId,
}

pub(super) fn check(case: &Case<'_>) -> Vec<Draft> {
    let mut rows: BTreeMap<(&Text, &Text), Vec<Replaced<'_>>> = BTreeMap::new();
    let mut drafts = Vec::new();
    for fact in case.facts().filter(|f| !f.gates.any(&[Gate::NotServer, Gate::Preflight, Gate::HealthCheck])) {
        for (name, sent) in session_ids(fact) {
            let row = rows.entry((&fact.origin, name)).or_default();
            // Requests in parallel send one id and may each get another one back: they count once.
            if row.last().is_some_and(|last| last.sent == sent) {
                continue;
            }
            if is_replaced(fact, name, sent) && !changes_session(fact) {
                row.push(Replaced { fact, sent });
            } else {
                // An answer that keeps the id has found the session.
                drafts.extend(judged(case, std::mem::take(row), name));
            }
        }
    }
    for ((_, name), row) in rows {
        drafts.extend(judged(case, row, name));
    }
    drafts
}

/// Session ids of the request, by the name of their cookie.
fn session_ids(fact: &Fact) -> impl Iterator<Item = (&Text, TokenId)> {
    fact.cookies().filter_map(|cookie| match &cookie.carrier {
        Carrier::Cookie(name) if ID_COOKIES.contains(&base_name(name).to_ascii_lowercase().as_str()) => {
            Some((name, cookie.token))
        }
        _ => None,
    })
}

/// Whether the answer sets another id under `name`. Of a refusal only the cookie's name is kept, so there the next request tells.
fn is_replaced(fact: &Fact, name: &Text, sent: TokenId) -> bool {
    let same = |d: &Delivery| d.token == sent && matches!(&d.carrier, Carrier::SetCookie(set) if set == name);
    fact.set_cookies.iter().any(|set| set.name == *name && !set.deletes) && !fact.delivered.iter().any(same)
}

/// A login, a logout and whatever belongs to them change the id on purpose (session fixation).
fn changes_session(fact: &Fact) -> bool {
    !matches!(fact.role, Role::Other | Role::Userinfo | Role::Static) || fact.request.has_password
}

fn judged(case: &Case<'_>, row: Vec<Replaced<'_>>, name: &Text) -> Option<Draft> {
    let [first, .., last] = row.as_slice() else { return None };
    (row.len() >= IN_A_ROW).then_some(())?;
    let refused: Vec<&Fact> = case
        .lookup()
        .between(first.fact.started_nanos(), last.fact.ended_nanos())
        .filter(|f| f.origin == first.fact.origin && f.refused())
        .collect();
    let draft = Draft::new(&RULE.meta, first.fact)
        .variant("session-store")
        .title("Server forgets the session with every request")
        .credential(first.sent)
        .message(format!(
            "{} answers {} in {} with a new {name}, each time to a request that sends back the id given before: the server does not find its own session again.",
            first.fact.origin,
            count(row.len(), "request"),
            span(last.fact.started_nanos() - first.fact.started_nanos())
        ))
        .because(Reason::WireFact)
        .because(Reason::Timing)
        .primary(first.fact.id, &format!("response.cookie.{name}"), "another id than the request sent")
        .related(last.fact.id, &format!("response.cookie.{name}"), "another one again")
        .also(row.iter().map(|r| r.fact.id))
        .also(refused.iter().map(|f| f.id))
        .cause(format!("{} {name}", first.fact.origin))
        .fixes(&["be.session-store"]);
    Some(match refused.first() {
        Some(refused) => draft
            .related(refused.id, "response.status", refused.status.map_or_else(String::new, |s| s.to_string()))
            .severity(Severity::High, "requests are refused for it"),
        None => draft,
    })
}
