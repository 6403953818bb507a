//! A session that is good is sent to sign in at times: one of several servers does not know it, or cannot read it.

use super::{
    RULE,
    session::{AT_TIMES, AT_TIMES_TITLE, SOME_SERVER},
};
use crate::{
    case::Case,
    facts::{Fact, gate::NOT_A_FAILURE, outcome::OutcomeClass, role::Role},
    finding::Reason,
    lookup::ends_session,
    rule::{Draft, Findings},
    rules::login_html_instead_of_api::leads_to_sign_in,
    text::times,
    tokens::TokenId,
};

/// Pages on either side of one that are looked at: a session that ended long ago is none that is good.
const NEAR: usize = 50;

/// Reports redirects to a sign-in of a cookie that the same call accepts before and after.
pub(super) fn check(case: &Case<'_>, out: &mut Findings) {
    let sent = case.facts().filter(|f| is_sent_to_sign_in(f) && accepted(case, f).is_some());
    for facts in Case::grouped(sent, |f| (f.origin.clone(), cookie(f))).into_values() {
        out.add_all(facts.first().and_then(|first| Some(draft(case, first, &accepted(case, first)?, &facts))));
    }
}

/// The same call, accepted with the same cookie.
struct Accepted<'a> {
    before: &'a Fact,
    after: &'a Fact,
}

fn cookie(fact: &Fact) -> Option<TokenId> {
    fact.main_credential().filter(|c| c.is_cookie()).map(|c| c.token)
}

fn is_sent_to_sign_in(fact: &Fact) -> bool {
    let asks =
        !fact.role.is_identity() && !fact.gates.any(NOT_A_FAILURE) && fact.outcome.class == OutcomeClass::Redirect;
    asks && cookie(fact).is_some() && leads_to_sign_in(fact)
}

/// When the same call was accepted with the same cookie, before and after `fact`, where nobody signed in or out in between.
fn accepted<'a>(case: &Case<'a>, fact: &Fact) -> Option<Accepted<'a>> {
    let token = cookie(fact)?;
    let same =
        |f: &&'a Fact| f.accepted() && !f.bare_accepted && f.path == fact.path && f.cookies().any(|c| c.token == token);
    let calls = case.lookup().on_route(&fact.origin, &fact.route);
    let before = calls.before(fact.started_nanos()).iter().rev().take(NEAR).find(same)?;
    let after = calls.since(fact.ended_nanos()).iter().take(NEAR).find(same)?;
    let signs =
        |f: &Fact| ends_session(f) || (matches!(f.role, Role::Login | Role::Callback) && !f.delivered.is_empty());
    let mut between = case.lookup().between(before.started_nanos(), after.started_nanos());
    (!between.any(signs)).then_some(Accepted { before, after })
}

fn draft(case: &Case<'_>, fact: &Fact, accepted: &Accepted<'_>, facts: &[&Fact]) -> Draft {
    let cookie = fact.main_credential();
    let carrier = cookie.map(|c| c.carrier.to_string()).unwrap_or_default();
    let draft = Draft::new(&RULE.meta, fact)
        .variant(AT_TIMES)
        .title(AT_TIMES_TITLE)
        .because(Reason::WireFact)
        .because(Reason::Control)
        .primary(fact.id, "response.header.location", fact.redirect.as_ref().map_or("", |to| &to.path))
        .related(accepted.before.id, "response.status", "the same call, accepted with this cookie before")
        .related(accepted.after.id, "response.status", "and accepted with it afterwards")
        .also(facts.iter().map(|f| f.id))
        .fixes(&["be.session-store", "be.log-reason"])
        .cause(format!("{} session", fact.origin))
        .message(format!(
            "{} sent the user to sign in{} with a session cookie that the same call accepts before and after: {SOME_SERVER}.",
            fact.route,
            times(facts.len())
        ));
    match cookie {
        Some(cookie) => {
            draft.credential(cookie.token).related(fact.id, &carrier, case.capture().describe(cookie.token))
        }
        None => draft,
    }
}
