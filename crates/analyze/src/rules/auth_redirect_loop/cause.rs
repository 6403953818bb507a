//! Why a loop does not end, as far as its own hops tell.

use authtrace_parse::HeaderView;

use super::cycle::Cycle;
use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::{Fact, credential::Carrier, role::Role},
    text::Text,
};

/// What keeps a loop going.
pub(super) enum Cause<'a> {
    /// A session cookie that a hop sets is on no later request to the same origin.
    CookieLost {
        /// The hop that sets it.
        set_by: &'a Fact,
        /// Its name.
        name: Text,
    },
    /// The answers name the reason.
    Said {
        /// One of them.
        fact: &'a Fact,
        /// What it is about.
        about: &'static str,
    },
    /// The callback itself is protected: it redirects to sign-in before it has read the code.
    CallbackProtected(&'a Fact),
    /// The cookie comes back and is not honoured, or nothing is known of it.
    Unknown,
}

impl Cause<'_> {
    pub(super) fn variant(&self) -> &'static str {
        match self {
            Self::CookieLost { .. } => "cookie-lost",
            Self::Said { about: "clock", .. } => "clock",
            Self::Said { .. } => "token-refused",
            Self::CallbackProtected(_) => "callback-protected",
            Self::Unknown => "loop",
        }
    }

    pub(super) fn fixes(&self) -> &'static [&'static str] {
        match self {
            Self::CookieLost { .. } => &["be.cookie-attributes", "be.forwarded"],
            Self::Said { about: "clock", .. } => &["be.leeway"],
            Self::Said { .. } => &["idp.instance", "be.keys"],
            Self::CallbackProtected(_) => &["be.callback-open"],
            Self::Unknown => &["be.callback-open", "be.cookie-attributes", "be.forwarded"],
        }
    }

    pub(super) fn sentence(&self) -> String {
        match self {
            Self::CookieLost { set_by, name } => format!(
                "{} sets the session cookie {name}, and no later request to {} carries it: each turn starts without a session.",
                set_by.route, set_by.origin
            ),
            Self::Said { fact, about } => format!(
                "{} says why it starts over: \"{}\"{}.",
                fact.route,
                fact.outcome.error_text.as_deref().unwrap_or_default(),
                if *about == "clock" { ", so the clocks disagree" } else { "" }
            ),
            Self::CallbackProtected(callback) => format!(
                "{} redirects to sign-in and sets no session: the check that protects the application protects its callback, too.",
                callback.route
            ),
            Self::Unknown => "Each side takes the other's answer for a missing session.".to_owned(),
        }
    }
}

pub(super) fn of<'a>(case: &Case<'a>, cycle: &Cycle<'a>) -> Cause<'a> {
    if let Some(cause) = said(cycle) {
        return cause;
    }
    if let Some((set_by, name)) = lost(case, cycle) {
        return Cause::CookieLost { set_by, name };
    }
    let sets_nothing = |f: &&Fact| f.redirect.is_some() && f.set_cookies.iter().all(|cookie| cookie.deletes);
    let callback = cycle.hops.iter().copied().find(|f| f.role == Role::Callback && f.role_proven);
    match callback.filter(sets_nothing) {
        Some(callback) if reads_all(case, callback) => Cause::CallbackProtected(callback),
        _ => Cause::Unknown,
    }
}

fn said<'a>(cycle: &Cycle<'a>) -> Option<Cause<'a>> {
    use ErrorClass as E;
    cycle.hops.iter().copied().find_map(|fact| match fact.outcome.error? {
        E::NotYetValid => Some(Cause::Said { fact, about: "clock" }),
        E::Signature | E::UnknownKey | E::Algorithm | E::Issuer | E::Audience | E::AuthorizedParty => {
            Some(Cause::Said { fact, about: "token" })
        }
        _ => None,
    })
}

/// A session cookie that a hop of the loop sets and no later hop to its origin sends.
fn lost<'a>(case: &Case<'a>, cycle: &Cycle<'a>) -> Option<(&'a Fact, Text)> {
    for (index, &hop) in cycle.hops.iter().enumerate() {
        for delivery in &hop.delivered {
            let Carrier::SetCookie(name) = &delivery.carrier else { continue };
            let later = cycle.hops[index + 1..].iter().filter(|f| f.origin == hop.origin);
            let mut later = later.filter(|f| reads_all(case, f)).peekable();
            let sends = |f: &&Fact| f.cookies().any(|c| c.carrier == Carrier::Cookie(name.clone()));
            if later.peek().is_some() && !later.any(sends) {
                return Some((hop, name.clone()));
            }
        }
    }
    None
}

fn reads_all(case: &Case<'_>, fact: &Fact) -> bool {
    fact.view == HeaderView::Full && !case.capture().is_sanitized(fact.source.input)
}
