//! How a session ends: in the ordinary way, when nothing was asked for a long while, or out of the blue.

use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::{Fact, login_page::LoginPage, outcome::OutcomeClass, role::Role},
};

/// Sessions that end for want of use end after this long or longer; in nanoseconds.
const IDLE: i64 = 30 * 60 * 1_000_000_000;
/// The client leads to a sign-in within this time, in nanoseconds.
const LEADS: i64 = 60 * 1_000_000_000;
/// Exchanges that are looked at on either side: in a flood of refusals nobody is idle.
const NEAR: usize = 200;

/// Why such a refusal does no harm.
pub(crate) const REASON: &str = "nothing was asked for half an hour or longer, and the user was led to sign in";

/// Whether `fact` was refused after its client had rested, and the client then turned to a sign-in, finished or not: captures
/// are often saved while the login page shows.
pub(crate) fn is_ordinary(case: &Case<'_>, fact: &Fact) -> bool {
    has_rested(case, fact) && leads_to_sign_in(case, fact)
}

fn has_rested(case: &Case<'_>, fact: &Fact) -> bool {
    let since = fact.started_nanos() - IDLE;
    let used = |f: &Fact| f.accepted() && !f.credentials.is_empty();
    let mut recent = case.lookup().between(since, fact.started_nanos()).rev().take(NEAR);
    let in_use = case.facts().next().is_some_and(|first| first.started_nanos() < since);
    in_use && !recent.any(used)
}

fn leads_to_sign_in(case: &Case<'_>, fact: &Fact) -> bool {
    let end = fact.ended_nanos();
    let mut next = case.lookup().between(end, end + LEADS).take(NEAR);
    next.any(|f| matches!(f.role, Role::Authorize | Role::Login) || f.login_page != LoginPage::No || is_for_login(f))
}

/// A page whose path says what it is for.
fn is_for_login(fact: &Fact) -> bool {
    let last = fact.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    fact.is_document && ["login", "log-in", "signin", "sign-in", "sign_in"].contains(&&*last)
}

/// Whether a 403 without a reason ends a session cookie's use: the same call was accepted with it before, and nothing is
/// after.
pub(crate) fn is_lost(case: &Case<'_>, fact: &Fact) -> bool {
    let open = fact.outcome.error.is_none_or(|error| error == ErrorClass::Forbidden);
    let Some(cookie) = fact.main_credential().filter(|c| c.is_cookie() && open) else { return false };
    if fact.outcome.class != OutcomeClass::Forbidden {
        return false;
    }
    let with = case.lookup().succeeded_with(&fact.origin, cookie.token);
    let before = with.before(fact.started_nanos()).iter().rev().take(NEAR).any(|f| f.route == fact.route);
    before && !with.since(fact.ended_nanos()).iter().take(NEAR).any(|f| !f.bare_accepted && f.is_api_call())
}
