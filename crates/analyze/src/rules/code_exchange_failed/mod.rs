//! AUTH091: the login came back with a code, and the code could not be traded.

mod cause;
mod device;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, gate::Gate, oauth::Oauth, outcome::OutcomeClass},
    finding::{Cap, Reason, Severity},
    flows::Flows,
    rule::{Check, Draft, Findings, Rule},
};
use cause::Cause;

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH091",
        id: "code-exchange-failed",
        title: "The authorization code could not be traded",
        severity: Severity::High,
        layer: Layer::Session,
        tier: Tier::T2,
        thresholds: cause::Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.one-exchange", "idp.redirect-uri"],
    },
    check: Check::Timeline(check),
};

fn check(case: &Case<'_>, out: &mut Findings) {
    let flows = Flows::of(case);
    for (fact, oauth) in flows.steps().filter(|(f, _)| !f.gates.any(&[Gate::NotServer, Gate::Probe, Gate::Blocked])) {
        if let Some(end) = device::end(fact, oauth) {
            out.add(device::draft(case, fact, oauth, end));
        } else if oauth.trades_code && is_refused_trade(fact, oauth) {
            out.add(draft(case, &flows, fact, oauth, Place::TokenEndpoint));
        } else if flows.is_callback(fact, oauth)
            && oauth.asked.error.is_none()
            && is_failed_callback(fact, oauth)
            && !is_traded(&flows, oauth)
        {
            out.add(draft(case, &flows, fact, oauth, Place::Callback));
        }
    }
}

/// Where the trade was refused.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// By the provider, as the client saw it.
    TokenEndpoint,
    /// By the application's server, which trades the code out of sight or does not get that far.
    Callback,
}

/// Refused for the code: not for the client (AUTH092), not by a limit, not by a failure of the server.
fn is_refused_trade(fact: &Fact, oauth: &Oauth) -> bool {
    let said = oauth.answered.error.as_deref().unwrap_or_default();
    let of_client = fact.outcome.says(&[ErrorClass::ClientAuth, ErrorClass::Dpop])
        || super::client_authentication_failed::is_about_client(fact, oauth);
    let refused = fact.status.is_some_and(|s| (400..429).contains(&s) && s != 407)
        // GitHub and Slack answer 200 whatever happened.
        || (fact.status == Some(200) && !said.is_empty() && fact.delivered.is_empty());
    refused && !of_client
}

/// Whether the application's own endpoint failed with the code that the provider had given it: an error status, or a
/// redirect to a page that names an error.
fn is_failed_callback(fact: &Fact, oauth: &Oauth) -> bool {
    if oauth.asked.code.is_none() {
        return false;
    }
    let to_error = || {
        fact.redirect.as_ref().is_some_and(|to| {
            let last = to.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            // Auth.js, OmniAuth and Spring have an error page; a code in the Location is a hop of a longer login.
            matches!(&*last, "error" | "failure" | "auth-error" | "login-error")
        })
    };
    let says_error = oauth.answered.error.is_some() && oauth.answered.code.is_none();
    match fact.outcome.class {
        OutcomeClass::Redirect => says_error || to_error(),
        OutcomeClass::Success | OutcomeClass::Blocked | OutcomeClass::NoAnswer | OutcomeClass::Unknown => false,
        OutcomeClass::Unreadable => false,
        _ => fact.status.is_some_and(|s| s >= 400 && s != 502 && s != 503 && s != 504),
    }
}

/// Whether the code gave tokens all the same: the page traded it by itself, whatever the callback's address answered.
fn is_traded(flows: &Flows<'_>, oauth: &Oauth) -> bool {
    let given = |code| flows.with_code(code).any(|(f, o)| o.trades_code && f.succeeded() && !f.delivered.is_empty());
    oauth.asked.code.is_some_and(given)
}

fn draft(case: &Case<'_>, flows: &Flows<'_>, fact: &Fact, oauth: &Oauth, place: Place) -> Draft {
    let cause = cause::of(case, flows, fact, oauth, place);
    let said = oauth.answered.error.as_deref();
    let draft = Draft::new(&RULE.meta, fact)
        .variant(cause.variant())
        .title(cause.title())
        .because(Reason::WireFact)
        .because_if(said.is_some(), Reason::ServerCode)
        .because_if(cause.is_seen(), Reason::Control)
        .capped((place == Place::Callback && said.is_none() && !cause.is_seen()).then_some(Cap::NoControl))
        .primary(fact.id, said_at(oauth), says(fact, oauth))
        .fixes(cause.fixes())
        .cause(format!("{} {}", fact.origin, cause.variant()))
        .message(message(fact, oauth, &cause, place));
    let draft = cause.evidence(draft);
    match cause.first_success() {
        Some(first) if revoked(case, first, fact) => draft.message(message(fact, oauth, &cause, place) + REVOKED),
        Some(_) => draft.severity(Severity::Medium, "the same code had been traded before, so the login itself worked"),
        None => draft,
    }
}

/// RFC 6749 §4.1.2: a provider that sees a code twice should revoke what it gave for it.
const REVOKED: &str = " What the first trade gave is refused since: the provider took it back.";

/// Whether a token that `first` delivered was refused after the second trade.
fn revoked(case: &Case<'_>, first: &Fact, second: &Fact) -> bool {
    let given = |f: &Fact| f.credentials.iter().any(|c| first.delivered.iter().any(|d| d.token == c.token));
    case.refusals().any(|f| f.started_nanos() >= second.started_nanos() && given(f))
}

fn said_at(oauth: &Oauth) -> &str {
    oauth.answered.part.as_deref().unwrap_or("response.status")
}

fn says(fact: &Fact, oauth: &Oauth) -> String {
    let status = fact.status.map_or_else(|| "no answer".to_owned(), |s| s.to_string());
    match (&oauth.answered.error, &oauth.answered.description) {
        (Some(error), Some(text)) => format!("{status} {error}: \"{text}\""),
        (Some(error), None) => format!("{status} {error}"),
        _ => status,
    }
}

fn message(fact: &Fact, oauth: &Oauth, cause: &Cause<'_>, place: Place) -> String {
    let what = match place {
        Place::TokenEndpoint => format!("{} did not trade the authorization code", fact.route),
        Place::Callback => format!("{} got an authorization code and did not sign the user in", fact.route),
    };
    format!("{what} ({}): {}.", says(fact, oauth), cause.why())
}
