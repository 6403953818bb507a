//! A sign-in on a device without a browser: the client asks the token endpoint again and again until a person has confirmed
//! it elsewhere, has refused it, or let it lapse (RFC 8628 §3.5).

use super::{RULE, said_at, says};
use crate::{
    case::Case,
    facts::{
        Fact,
        oauth::{Oauth, is_wait},
    },
    finding::{Reason, Severity},
    lookup::Sign,
    rule::Draft,
    text::span,
};

/// How it ended without a token.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    /// Nobody confirmed it in time.
    Lapsed,
    /// The person, or a policy, refused.
    Denied,
    /// The provider does not know the code.
    Unknown,
}

/// How the sign-in that `fact` asks about ended; `None` where it asks about none, or is still to wait.
pub(super) fn end(fact: &Fact, oauth: &Oauth) -> Option<End> {
    (fact.asks_for_device() && fact.delivered.is_empty()).then_some(())?;
    match oauth.answered.error.as_deref()? {
        "expired_token" | "code_expired" => Some(End::Lapsed),
        "access_denied" | "authorization_declined" => Some(End::Denied),
        "bad_verification_code" | "incorrect_device_code" | "invalid_grant" => Some(End::Unknown),
        _ => None,
    }
}

pub(super) fn draft(case: &Case<'_>, fact: &Fact, oauth: &Oauth, end: End) -> Draft {
    let waited = first_asked(case, fact);
    let signed_in = case.lookup().signs(Sign::Delivers).since(fact.ended_nanos()).iter().next();
    let (variant, title, fixes): (_, _, &[&'static str]) = match end {
        End::Lapsed => ("device-expired", "Nobody confirmed the sign-in of the device in time", &["fe.device-again"]),
        End::Denied => {
            ("device-denied", "The sign-in of the device was refused", &["idp.login-policy", "fe.device-again"])
        }
        End::Unknown => ("device-unknown", "The provider does not know the device's code", &["fe.device-again"]),
    };
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant)
        .title(title)
        .because(Reason::WireFact)
        .because(Reason::ServerCode)
        .primary(fact.id, said_at(oauth), says(fact, oauth))
        .fixes(fixes)
        .cause(format!("{} {variant}", fact.origin))
        .message(message(fact, oauth, end, waited));
    let draft = match waited {
        Some(first) => draft.related(first.id, "request.body.grant_type", "asked for the first time"),
        None => draft,
    };
    match (signed_in, end) {
        (Some(_), _) => draft.severity(Severity::Low, "a later sign-in succeeded"),
        (None, End::Denied) => draft.severity(Severity::Low, "the person or a policy of the provider refused it"),
        (None, End::Lapsed) => draft.severity(Severity::Medium, "a person has to start it again"),
        (None, End::Unknown) => draft,
    }
}

/// The first time that the client asked the same endpoint, where that was before.
fn first_asked<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    let same = case.lookup().on_route(&fact.origin, &fact.route);
    let answered = |f: &Fact| f.oauth().and_then(|o| o.answered.error.as_deref()).is_some_and(is_wait);
    same.iter().find(|f| f.asks_for_device() && answered(f) && f.started_nanos() < fact.started_nanos())
}

fn message(fact: &Fact, oauth: &Oauth, end: End, waited: Option<&Fact>) -> String {
    let time = waited
        .map_or_else(String::new, |first| format!(" after {}", span(fact.started_nanos() - first.started_nanos())));
    let why = match end {
        End::Lapsed => "nobody entered the user code and confirmed before it lapsed",
        End::Denied => "whoever entered the user code refused, or may not sign in",
        End::Unknown => "the device code was used before, belongs to another client, or is not the one that was given",
    };
    format!("{} gave no token{time} ({}): {why}.", fact.route, says(fact, oauth))
}
