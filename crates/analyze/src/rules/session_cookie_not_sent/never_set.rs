//! A sign-in that was accepted and gave the client nothing to keep: no cookie, no token. What follows goes out with nothing.

use authtrace_parse::HeaderView;

use super::RULE;
use crate::{
    case::Case,
    facts::{Fact, outcome::OutcomeClass, role::Role, site},
    finding::{Cap, Reason},
    rule::{Draft, Findings},
    text::answered,
};

pub(super) fn check(case: &Case<'_>, out: &mut Findings) {
    for login in case.facts().filter(|f| gives_nothing(case, f)) {
        let bare: Vec<&Fact> = case.refusals().filter(|f| follows_bare(case, login, f)).collect();
        if !bare.is_empty() && !is_signed_in(case, login) {
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

/// A call to the same site after it, without any credential or cookie, that was refused before anybody signed in again.
fn follows_bare(case: &Case<'_>, login: &Fact, fact: &Fact) -> bool {
    let next = case.facts().find(|f| f.role == Role::Login && f.started_nanos() > login.started_nanos());
    let before = next.is_none_or(|next| fact.started_nanos() < next.started_nanos());
    let nothing = fact.credentials.is_empty() && !fact.has_cookies && fact.view == HeaderView::Full;
    fact.started_nanos() >= login.ended_nanos() && before && nothing && site::same_site(&fact.host, &login.host)
}

/// Whether anything is accepted with a credential afterwards: then the client got one in a way that the capture does not show.
fn is_signed_in(case: &Case<'_>, login: &Fact) -> bool {
    let mut later = case.facts().filter(|f| f.started_nanos() > login.started_nanos());
    later.any(|f| f.accepted() && (!f.credentials.is_empty() || !f.delivered.is_empty()))
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
