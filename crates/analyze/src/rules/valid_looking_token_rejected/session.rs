//! A session cookie that was good, and is refused: the session ended, or the server lost it.

use super::{RULE, about_user};
use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::{Fact, credential::Credential, role::Role},
    finding::{Reason, Severity},
    presented::reason_is_open,
    rule::Draft,
    session_end,
    text::{answered, span},
};

/// A session that is refused at times and accepted at others.
pub(super) const AT_TIMES: &str = "session-at-times";
pub(super) const AT_TIMES_TITLE: &str = "Session that is good is refused at times";
/// What that means.
pub(super) const SOME_SERVER: &str =
    "what answers differs from time to time, so one of several servers does not know the session, or cannot read it";

/// Why one knows that the cookie stands for somebody: every site hands session cookies to strangers, too.
enum Was<'a> {
    /// The same call was accepted with it before.
    Accepted(&'a Fact),
    /// A sign-in set it.
    SignedIn(&'a Fact),
    /// It was accepted with another value, before the second answer set this one.
    Replaced(&'a Fact, &'a Fact),
    /// The server says that it ended.
    Ended,
}

/// The refusal of a session cookie.
pub(super) fn judge(case: &Case<'_>, fact: &Fact) -> Option<Draft> {
    let cookie = fact.main_credential().filter(|c| c.is_cookie())?;
    let missing = fact.outcome.error.is_some_and(ErrorClass::is_missing);
    let ended = fact.outcome.says(&[ErrorClass::Expired]);
    let lost = session_end::is_lost(case, fact);
    if !(lost || reason_is_open(fact) || missing || ended || about_user(fact).is_some()) {
        return None;
    }
    let was = accepted(case, fact)
        .map(|ok| replacing(case, fact, ok).map_or(Was::Accepted(ok), |by| Was::Replaced(ok, by)))
        .or_else(|| signed_in(case, fact).map(Was::SignedIn))
        .or_else(|| ended.then_some(Was::Ended))?;
    Some(draft(case, fact, cookie, &was))
}

/// The last time that the same call was accepted with a cookie of this name; its value may change with every answer.
fn accepted<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    // A value that no accepted answer set is another session: a refusal may hand out the session of a stranger.
    let renewed =
        |own: &Credential, c: &Credential| own.token == c.token || case.token(own.token).delivered_by.is_some();
    let same = |f: &Fact| f.cookies().any(|c| fact.cookies().any(|own| own.carrier == c.carrier && renewed(own, c)));
    let calls = case.lookup().on_route(&fact.origin, &fact.route).before(fact.started_nanos());
    calls.iter().rfind(|f| f.accepted() && !f.bare_accepted && f.authorization().is_none() && same(f))
}

/// The answer that replaced the cookie which `ok` was accepted with, where it was asked for before: whoever asked was not
/// signed in yet, and its answer came last.
fn replacing<'a>(case: &Case<'a>, fact: &Fact, ok: &Fact) -> Option<&'a Fact> {
    let changed = fact.cookies().find(|own| {
        let same = ok.cookies().find(|c| c.carrier == own.carrier);
        same.is_some_and(|c| c.token != own.token)
    })?;
    let by = case.fact(case.token(changed.token).delivered_by?)?;
    (by.started_nanos() < ok.started_nanos() && by.ended_nanos() < fact.started_nanos()).then_some(by)
}

/// The sign-in that set one of the cookies.
fn signed_in<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    fact.cookies().find_map(|cookie| {
        let by = case.fact(case.token(cookie.token).delivered_by?)?;
        (matches!(by.role, Role::Login | Role::Callback) && by.succeeded() && by.client == fact.client).then_some(by)
    })
}

fn draft(case: &Case<'_>, fact: &Fact, cookie: &Credential, was: &Was<'_>) -> Draft {
    let again = case.lookup().on_route(&fact.origin, &fact.route).since(fact.ended_nanos());
    let again = again.iter().find(|f| f.accepted() && f.cookies().next().is_some());
    // The same cookie is good again: the session never ended, and one of several servers does not know it.
    let same = again.filter(|f| f.cookies().any(|c| c.token == cookie.token));
    let draft = Draft::new(&RULE.meta, fact)
        .variant("session")
        .title("Session that was good is refused")
        .credential(cookie.token)
        .message(message(fact, was))
        .because(Reason::WireFact)
        .because_server_says(fact)
        .because_if(matches!(was, Was::Accepted(_)), Reason::Control)
        .primary(fact.id, &cookie.carrier.to_string(), case.capture().describe(cookie.token))
        .server_says(fact)
        .fixes(&["be.log-reason", "fe.session-end", "be.session-store"])
        .cause(format!("{} session", fact.origin));
    let draft = match was {
        Was::Accepted(ok) => draft.related(ok.id, "response.status", "the same call, accepted with this cookie before"),
        Was::SignedIn(by) => draft.related(by.id, "response", format!("{} set it", by.route)),
        Was::Replaced(ok, by) => draft
            .variant("session-replaced")
            .title("Session cookie was replaced by a late answer")
            .related(ok.id, "response.status", "the same call, accepted with another value of the cookie")
            .related(by.id, "response.header.set-cookie", format!("{} set this value", by.route)),
        Was::Ended => draft,
    };
    if let Some(ok) = same {
        return draft.variant(AT_TIMES).title(AT_TIMES_TITLE).message(at_times(fact)).because(Reason::Control).related(
            ok.id,
            "response.status",
            "the same call, accepted with this cookie afterwards",
        );
    }
    match again {
        Some(ok) => draft
            .related(ok.id, "response.status", "the same call, accepted again later")
            .severity(Severity::Low, "the client signed in again, and the call was accepted"),
        None => draft,
    }
}

fn at_times(fact: &Fact) -> String {
    format!(
        "{} {} with a session cookie that the same call accepts before or after: {SOME_SERVER}.",
        fact.route,
        answered(fact.status)
    )
}

fn message(fact: &Fact, was: &Was<'_>) -> String {
    let head = format!("{} {} with a session cookie", fact.route, answered(fact.status));
    match was {
        Was::Accepted(ok) => format!(
            "{head} that it had accepted {} before: the session ended or was revoked, or the server that keeps it lost it.",
            span(fact.started_nanos() - ok.started_nanos())
        ),
        Was::SignedIn(by) => format!(
            "{head} that {} set {} before: this part of the server does not know the session, or takes no cookies from where the request comes.",
            by.route,
            span(fact.started_nanos() - by.ended_nanos())
        ),
        Was::Replaced(ok, by) => format!(
            "{head} that is not the one that it accepted {} before: {}, which was asked before the sign-in and answered late, had set another session in its place.",
            span(fact.started_nanos() - ok.started_nanos()),
            by.route
        ),
        Was::Ended => format!("{head}, and the server says that the session is over."),
    }
}
