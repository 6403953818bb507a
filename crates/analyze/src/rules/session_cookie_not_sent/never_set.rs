//! A sign-in that was accepted and gave the client nothing to keep: no cookie, no token. What follows goes out with nothing.

use authtrace_parse::HeaderView;

use super::RULE;
use crate::{
    case::Case,
    facts::{Fact, gate::NOT_A_FAILURE, outcome::OutcomeClass, role::Role, site},
    finding::{Cap, Reason},
    rule::{Draft, Findings},
    text::answered,
};

pub(super) fn check(case: &Case<'_>, out: &mut Findings) {
    // Whoever is accepted with a credential later got one in a way that the capture does not show.
    let used = |f: &&Fact| f.accepted() && (!f.credentials.is_empty() || !f.delivered.is_empty());
    let last_used = case.facts().rev().find(used).map(Fact::started_nanos);
    let logins: Vec<&Fact> = case.facts().filter(|f| f.role == Role::Login).collect();
    for (at, login) in logins.iter().enumerate().filter(|(_, login)| gives_nothing(case, login)) {
        if last_used.is_some_and(|used| used > login.started_nanos()) {
            continue;
        }
        // Until somebody signs in again.
        let next = logins[at + 1..].iter().map(|next| next.started_nanos()).find(|next| *next > login.started_nanos());
        let after = case.lookup().between(login.ended_nanos(), next.map_or(i64::MAX, |next| next - 1));
        let bare: Vec<&Fact> = after.filter(|f| is_refused_bare(login, f)).collect();
        if !bare.is_empty() {
            out.add(draft(login, &bare));
        }
    }
}

/// A login with a password that was answered with data, and whose whole answer was seen.
fn gives_nothing(case: &Case<'_>, fact: &Fact) -> bool {
    let seen = fact.response_body_seen && !case.capture().hides_headers(fact.source.input);
    let nothing = fact.set_cookies.is_empty() && fact.delivered.is_empty();
    fact.role == Role::Login
        && fact.request.has_password
        && fact.outcome.class == OutcomeClass::Success
        && fact.view == HeaderView::Full
        && seen
        && nothing
}

/// A call to the same site that went out without any credential or cookie and was refused.
fn is_refused_bare(login: &Fact, fact: &Fact) -> bool {
    let failed = fact.refused() && !fact.gates.any(NOT_A_FAILURE);
    let nothing = fact.credentials.is_empty() && !fact.has_cookies && fact.view == HeaderView::Full;
    failed && nothing && site::same_site(&fact.host, &login.host)
}

fn draft(login: &Fact, bare: &[&Fact]) -> Draft {
    let first = bare[0];
    Draft::new(&RULE.meta, first)
        .variant("never-set")
        .title("The sign-in was accepted and gave nothing to keep")
        .because(Reason::WireFact)
        .because(Reason::Timing)
        .because_server_says(first)
        .capped([Cap::NoControl])
        .primary(login.id, "response.header.set-cookie", "absent, and no token in the body")
        .primary(first.id, "request", "neither a cookie nor Authorization")
        .server_says(first)
        .also(bare.iter().map(|f| f.id).chain([login.id]))
        .fixes(&["be.session-cookie", "be.cookie-attributes"])
        .cause(format!("{} sets nothing", login.origin))
        .message(format!(
            "{} {}, set no cookie and gave no token; {} went out with nothing and {}. A server that takes itself to be called over http leaves Secure cookies out (Express behind a proxy that it does not trust).",
            login.route,
            answered(login.status),
            first.route,
            answered(first.status)
        ))
}
