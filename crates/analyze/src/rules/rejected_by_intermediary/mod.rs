//! AUTH072: something in front of the application refused the request; the application never saw it.

mod responder;
mod words;

use crate::{
    case::{Case, Seen, good_authorization},
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::{ErrorClass, ResponderKind},
    facts::{
        Fact,
        credential::Credential,
        gate::{Gate, NOT_A_FAILURE},
        outcome::OutcomeClass,
    },
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Explained, Findings, Rule},
    thresholds::thresholds,
};
use words::{fixes, message, part, shows, title, variant};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH072",
        id: "rejected-by-intermediary",
        title: "A proxy or gateway refused the request before the application saw it",
        severity: Severity::High,
        layer: Layer::Transport,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["be.gateway-policy", "be.gateway-credential"],
    },
    check: Check::Residual(check),
};

// When the size of a request's fields is the likelier reason for a 400.
thresholds! {
    /// Bytes of all fields. Servers allow 8 KiB for a field or for all of them; at three quarters it is worth a look.
    head: count = 8192,
}

/// How one knows that it was not the application.
pub(super) enum Sign<'a> {
    /// 407: a proxy between client and server wants a credential of its own (RFC 9110 §15.5.8).
    Proxy,
    /// The request's fields are larger than the first hop reads.
    TooLarge,
    /// The words are a gateway's, which wants to know who calls.
    Identity,
    /// The gateway asks for Basic, and `Authorization` is taken by the application's token.
    TwoLogins(Option<&'a Fact>),
    /// The gateway wants a key of its own beside the token.
    Key,
    /// The gateway has no such route, and says so in words of authentication.
    NoRoute,
    /// A gateway's own answer to a token that the application accepts.
    Policy(&'a Fact),
    /// Another server answered than the one that accepts this token.
    OtherServer(&'a Fact, bool),
}

fn check(case: &Case<'_>, explained: &Explained, out: &mut Findings) {
    const OUT: &[Gate] = &[Gate::Recovered];
    let failed = |f: &Fact| !f.gates.any(NOT_A_FAILURE) || is_no_route(f);
    let facts = case.facts().filter(|f| failed(f) && !f.gates.any(OUT) && f.leg_of().is_none());
    for fact in facts.filter(|f| !explained.contains(f.id)) {
        if let Some(sign) = sign(case, fact) {
            out.add(draft(case, fact, &sign));
        }
    }
}

fn sign<'a>(case: &Case<'a>, fact: &Fact) -> Option<Sign<'a>> {
    if fact.status == Some(407) {
        return Some(Sign::Proxy);
    }
    if is_too_large(case, fact) {
        return Some(Sign::TooLarge);
    }
    if is_no_route(fact) {
        return Some(Sign::NoRoute);
    }
    let refused = fact.refused() || fact.outcome.class == OutcomeClass::Forbidden;
    if !refused || fact.role.delivers() {
        return None;
    }
    let authorization = good_authorization(fact);
    if let Some(credential) = authorization
        && asks_basic_beside(fact, credential)
        && case.read_elsewhere(fact).is_none()
    {
        let with_basic = case.lookup().authorized_at(&fact.origin).find(|a| has_scheme(a.credential, "basic"));
        return Some(Sign::TwoLogins(with_basic.map(|a| a.fact)));
    }
    let accepted = authorization.and_then(|credential| accepted_with(case, fact, credential));
    if fact.outcome.says(&[ErrorClass::GatewayDenied]) {
        if let Some(accepted) = accepted {
            return Some(Sign::Policy(accepted));
        }
        if !is_plain_lack(case, fact) && !may_be_plain_lack(case, fact) {
            return Some(Sign::Identity);
        }
    }
    if fact.outcome.says(&[ErrorClass::ApiKeyMissing]) && authorization.is_some() {
        return Some(Sign::Key);
    }
    let accepted = accepted?;
    if let Some(hop) = fact.hops.iter().find(|hop| hop.own) {
        let gateway = matches!(hop.kind, ResponderKind::Proxy | ResponderKind::Gateway | ResponderKind::IdentityProxy);
        return (gateway && is_policy(fact)).then_some(Sign::Policy(accepted));
    }
    // An application says something in JSON; a web server shows its own page, or nothing.
    let no_reason =
        fact.refused() && fact.outcome.error_text.is_none() && fact.outcome.error.is_none_or(|e| e.is_general());
    let other = no_reason && responder::is_another(case, fact);
    other.then(|| Sign::OtherServer(accepted, responder::is_quick(case, fact)))
}

/// Whether a call with a credential is told that it has none, on a route on which nothing else ever came back (G21): no failure
/// of authentication, and taken for one.
fn is_no_route(fact: &Fact) -> bool {
    fact.gates.has(Gate::UndefinedRoute) && good_authorization(fact).is_some()
}

/// 431 and nginx's 494, the words of servers, and a 400 to a request that is larger than what most servers read.
fn is_too_large(case: &Case<'_>, fact: &Fact) -> bool {
    let size = fact.head_bytes.unwrap_or_default();
    let by_proxy = || fact.hops.iter().any(|hop| hop.kind != ResponderKind::Application);
    matches!(fact.status, Some(431 | 494))
        || fact.outcome.says(&[ErrorClass::HeaderTooLarge])
        || (fact.status == Some(400)
            && size as usize >= Thresholds::of(case).head
            && fact.outcome.error.is_none()
            && by_proxy())
}

fn has_scheme(credential: &Credential, name: &str) -> bool {
    credential.scheme.as_deref().is_some_and(|scheme| scheme.eq_ignore_ascii_case(name))
}

/// Only Basic is asked for, by a web server or proxy, and a bearer token stands in its place.
fn asks_basic_beside(fact: &Fact, credential: &Credential) -> bool {
    let basic_only = !fact.challenges.is_empty() && fact.challenges.iter().all(|c| c.is("basic"));
    let in_front = fact.outcome.says(&[ErrorClass::GatewayDenied])
        || (fact.hops.iter().any(|hop| hop.kind != ResponderKind::Application)
            && !fact.hops.iter().any(|hop| hop.kind == ResponderKind::Application)
            && fact.outcome.error.is_none_or(|e| e.is_general() || e.is_missing()));
    basic_only && in_front && has_scheme(credential, "bearer")
}

/// Whether simply no credential came where others do: the gateway checks for the application, and AUTH001 says it better.
fn is_plain_lack(case: &Case<'_>, fact: &Fact) -> bool {
    case.lacks_credential(fact).is_some_and(|lack| lack.has_control)
}

/// A web server's own 401 in a recording without credentials: whether one came cannot be told.
fn may_be_plain_lack(case: &Case<'_>, fact: &Fact) -> bool {
    let gateway = |kind| matches!(kind, ResponderKind::Gateway | ResponderKind::IdentityProxy);
    case.authorization(fact) == Seen::Unknown && !fact.hops.iter().any(|hop| gateway(hop.kind))
}

/// A request to the same origin that was accepted with the same token.
fn accepted_with<'a>(case: &Case<'a>, fact: &Fact, credential: &Credential) -> Option<&'a Fact> {
    let with = case.lookup().succeeded_with(&fact.origin, credential.token);
    with.iter()
        .find(|f| f.accepted() && f.is_api_call() && f.authorization().is_some_and(|c| c.token == credential.token))
}

/// Whether the gateway names no fault of the token: what it says of one is said for the application, and other rules read it.
fn is_policy(fact: &Fact) -> bool {
    use ErrorClass as E;
    fact.outcome.error.is_none_or(|error| error.is_general() || matches!(error, E::Forbidden | E::GatewayDenied))
}

fn draft(case: &Case<'_>, fact: &Fact, sign: &Sign<'_>) -> Draft {
    let hop = fact.hops.iter().find(|hop| hop.kind != ResponderKind::Application);
    let who = hop.map(|hop| &*hop.name);
    let said = fact.outcome.error.is_some()
        && matches!(sign, Sign::TooLarge | Sign::Identity | Sign::Key | Sign::TwoLogins(_) | Sign::NoRoute);
    let status = matches!(fact.status, Some(407 | 431 | 494)) || fact.outcome.says(&[ErrorClass::HeaderTooLarge]);
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant(sign))
        .title(title(sign))
        .because_if(status || matches!(sign, Sign::TwoLogins(_) | Sign::Key), Reason::WireFact)
        .because_if(said, Reason::ServerText)
        .because_if(status, Reason::ServerCode)
        .because_if(matches!(sign, Sign::Policy(_) | Sign::OtherServer(..) | Sign::TwoLogins(Some(_))), Reason::Control)
        .because_if(matches!(sign, Sign::Policy(_)), Reason::ServerCode)
        .because_if(matches!(sign, Sign::OtherServer(..)), Reason::ServerText)
        .because_if(matches!(sign, Sign::OtherServer(_, true)), Reason::Timing)
        .because_if(is_large(case, fact) && matches!(sign, Sign::TooLarge), Reason::WireFact)
        .because_if(matches!(sign, Sign::Identity), Reason::ServerCode)
        .capped(matches!(sign, Sign::Identity).then_some(Cap::NoControl).filter(|_| who.is_none() && !said))
        .primary(fact.id, part(fact, sign), shows(fact, sign))
        .server_says(fact)
        .fixes(fixes(sign))
        .cause(format!("{} {}", fact.origin, variant(sign)))
        .message(message(case, fact, sign, who));
    let draft = match hop {
        Some(hop) => {
            draft.related(fact.id, &format!("response.header.{}", hop.header), format!("{} answered", hop.name))
        }
        None => draft,
    };
    let draft = match good_authorization(fact) {
        Some(credential) => draft.credential(credential.token),
        None => draft,
    };
    let draft = match sign {
        Sign::Policy(other) | Sign::OtherServer(other, _) => {
            draft.related(other.id, "request.header.authorization", "the same token, accepted")
        }
        Sign::TwoLogins(Some(other)) => {
            draft.related(other.id, "request.header.authorization", "Basic, and let through")
        }
        _ => draft,
    };
    // One denied route may be meant to be denied.
    match sign {
        Sign::NoRoute => draft.severity(Severity::Low, "the call goes where nothing is, whatever it carries"),
        Sign::Policy(_) if fact.outcome.class == OutcomeClass::Forbidden => {
            draft.severity(Severity::Medium, "the gateway may mean to deny this route to this caller")
        }
        _ => draft,
    }
}

fn is_large(case: &Case<'_>, fact: &Fact) -> bool {
    fact.head_bytes.is_some_and(|bytes| bytes as usize >= Thresholds::of(case).head * 3 / 4)
}
