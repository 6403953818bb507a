//! AUTH020: the access token had already expired when it was sent.

mod end;
mod words;

use std::time::Duration;

use crate::{
    capture::Protection,
    case::{Case, Seen, presented},
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{
        Fact,
        clock::Moment,
        credential::{Credential, Method},
        gate::{Gate, NOT_A_FAILURE},
        outcome::OutcomeClass,
        role::Role,
    },
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    session_end,
    text::span,
    thresholds::{nanos, thresholds},
};
use end::{End, Word};
use words::{exp_text, message};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH020",
        id: "expired-token-sent",
        title: "Expired access token sent",
        severity: Severity::High,
        layer: Layer::Token,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.proactive", "be.leeway"],
    },
    check: Check::Timeline(check),
};

// How late a token may be.
thresholds! {
    /// Verifiers commonly accept a token this long after `exp`: Spring, Envoy and others allow 60 s.
    /// A refusal needs no leeway: it bounds the verifier's own.
    leeway: time = Duration::from_secs(60),
    /// A client that means to renew the session does so this soon after the refusal.
    reacts: time = Duration::from_secs(5),
    /// A file that is fetched again by a new URL within this time was not missed.
    refetched: time = Duration::from_secs(60),
}

/// Refusals that an expired token explains; any other class names another reason.
const EXPLAINED: &[ErrorClass] = &[ErrorClass::Expired, ErrorClass::Invalid, ErrorClass::MissingOrInvalid];

/// Where the end lay when the request reached the server; `None` where no end is told.
type Late = Option<Moment>;

fn check(case: &Case<'_>, out: &mut Findings) {
    let refused = case.facts().filter(|f| f.refused() || denies_link(f)).filter(|f| !f.gates.any(NOT_A_FAILURE));
    let refused = refused.filter(|f| !f.role.delivers());
    let judged: Vec<(&Fact, Late)> = refused.filter_map(|f| Some((f, refused_late(case, f)?))).collect();
    let groups = Case::grouped(judged.iter().map(|(fact, _)| *fact), |f| {
        (f.origin.clone(), f.route.clone(), f.session, f.gates.has(Gate::Recovered), ending(case, f).map(|c| c.token))
    });
    for facts in groups.into_values() {
        // The clearest case speaks for the group.
        let found =
            |f: &Fact| judged.binary_search_by_key(&(f.started_nanos(), f.id), |(j, _)| (j.started_nanos(), j.id));
        let late = |f: &Fact| found(f).ok().and_then(|index| judged[index].1);
        if let Some(first) = facts.iter().copied().min_by_key(|f| (late(f), f.id)) {
            out.add(refusal(case, first, late(first), &facts));
        }
    }
    for fact in case.api_calls() {
        if let Some(late) = accepted_late(case, fact) {
            out.add(accepted(case, fact, &late));
        }
    }
}

/// The credential of `fact` whose end is told, and judged: what it presents, or a cookie where the API takes cookies or says "expired".
fn ending<'f>(case: &Case<'_>, fact: &'f Fact) -> Option<&'f Credential> {
    let readable = |c: &&Credential| End::of(case, fact, c).is_some();
    let by_cookie = || case.control(fact).0.accepts(Method::Cookie) || fact.outcome.says(&[ErrorClass::Expired]);
    match presented(fact) {
        Some(credential) => Some(credential).filter(readable),
        None => fact.cookies().find(readable).filter(|_| by_cookie()),
    }
}

/// Whether a signed URL was denied, and nothing but the URL can be what was denied. CloudFront says "Access denied" whatever
/// was wrong with it.
fn denies_link(fact: &Fact) -> bool {
    fact.signed_until().is_some() && fact.outcome.class == OutcomeClass::Forbidden && fact.authorization().is_none()
}

fn refused_late(case: &Case<'_>, fact: &Fact) -> Option<Late> {
    let says_expired = fact.outcome.says(&[ErrorClass::Expired]);
    // "Not authenticated" is what many a framework says of a token that it has read and dropped.
    let dropped = fact.outcome.error.is_some_and(ErrorClass::is_missing) && fact.authorization().is_some();
    if !(fact.outcome.error.is_none() || fact.outcome.says(EXPLAINED) || denies_link(fact) || dropped) {
        return None;
    }
    let Some(credential) = ending(case, fact) else {
        let unseen = matches!(case.authorization(fact), Seen::Set(_) | Seen::Unknown);
        return (says_expired && (unseen || presented(fact).is_some())).then_some(None);
    };
    let end = End::of(case, fact, credential)?;
    match end.moment(case, fact) {
        // A malformed value may be refused for its form; only the server's word makes its age the reason.
        late @ Moment::Past(_) if credential.well_formed || says_expired => Some(Some(late)),
        Moment::Unsure if says_expired || !dropped && accepted_before(case, fact, credential).is_some() => {
            Some(Some(Moment::Unsure))
        }
        // No clock is wrong: the server ended the token before the time that it had promised.
        Moment::Ahead(_) if says_expired && end.by == Word::Promise => Some(None),
        late @ Moment::Ahead(_) if says_expired => Some(Some(late)),
        _ => None,
    }
}

/// An earlier request to the same origin that was accepted with the same token: it was good until it expired.
fn accepted_before<'a>(case: &Case<'a>, fact: &Fact, credential: &Credential) -> Option<&'a Fact> {
    let with = case.lookup().succeeded_with(&fact.origin, credential.token);
    with.before(fact.started_nanos()).iter().rfind(|f| f.is_api_call())
}

/// A token that was accepted after its end.
struct AcceptedLate<'f> {
    credential: &'f Credential,
    end: End,
    /// In nanoseconds.
    by: i64,
}

/// A token accepted later than any common leeway, on a route that was seen to check tokens. A server may keep its word
/// longer than it promised.
fn accepted_late<'f>(case: &Case<'_>, fact: &'f Fact) -> Option<AcceptedLate<'f>> {
    let by_server =
        !fact.gates.any(&[Gate::NotServer, Gate::HealthCheck, Gate::Provisional]) && fact.status != Some(304);
    if !by_server || fact.outcome.class != OutcomeClass::Success || fact.role == Role::Static {
        return None;
    }
    let credential = fact.authorization().filter(|c| c.well_formed)?;
    let counts = case.route(fact);
    let checks = counts.bare_refused + counts.credentialed_refused > 0
        && case.capture().protection(fact) == Protection::Protected;
    let end = End::of(case, fact, credential).filter(|end| end.by == Word::Claim)?;
    match end.moment(case, fact) {
        Moment::Past(by) if by > nanos(Thresholds::of(case).leeway) && checks => {
            Some(AcceptedLate { credential, end, by })
        }
        _ => None,
    }
}

fn refusal(case: &Case<'_>, first: &Fact, late: Late, facts: &[&Fact]) -> Draft {
    let credential = ending(case, first);
    let says_expired = first.outcome.says(&[ErrorClass::Expired]);
    let before = credential.and_then(|c| accepted_before(case, first, c));
    let recovered = first.gates.has(Gate::Recovered);
    let end = credential.and_then(|c| End::of(case, first, c));
    let signed = end.is_some_and(|end| end.by == Word::Signature);
    let draft = Draft::new(&RULE.meta, first)
        .title(if signed { "Signed URL used after it had expired" } else { RULE.meta.title })
        .message(message(case, first, late, facts.len(), recovered))
        .because_if(says_expired, first.outcome.error_weight.unwrap_or(Reason::ServerText))
        .because_if(matches!(late, Some(Moment::Past(_))), Reason::WireFact)
        .because_if(late == Some(Moment::Unsure), Reason::Timing)
        .because_if(before.is_some() && matches!(late, Some(Moment::Past(_) | Moment::Unsure)), Reason::Control)
        // The verifier's own word for it makes the claim more than the token's say.
        .capped((credential.is_some() && !says_expired).then_some(Cap::TokenSays))
        .also(facts.iter().map(|f| f.id))
        .cause(match (first.session, credential) {
            (Some(_), Some(_)) => case.session_mark(first),
            _ => first.origin.to_string(),
        });
    let draft = match credential.zip(end) {
        Some((c, end)) => draft
            .primary(
                end.promised_by(case, c).map_or(first.id, |by| by.id),
                end.part(),
                exp_text(case, first, end, late),
            )
            .related(first.id, &c.carrier.to_string(), case.capture().describe(c.token))
            .server_says(first)
            .credential(c.token),
        None => draft.primary(
            first.id,
            first.outcome.error_part.as_deref().unwrap_or("response.status"),
            first.outcome.error_text.as_deref().map_or_else(|| "expired".to_owned(), |text| format!("\"{text}\"")),
        ),
    };
    let draft = match before {
        Some(before) => draft.related(before.id, "request.header.authorization", "the same token, accepted before"),
        None => draft,
    };
    if session_end::is_ordinary(case, first) {
        return draft.variant("session-over").severity(Severity::Low, session_end::REASON);
    }
    if let Some(again) = dropped(case, first) {
        return draft
            .variant("dropped")
            .related(again.id, "request.header.authorization", "absent, and accepted")
            .severity(Severity::Low, "the client dropped the token, which the call does not need");
    }
    if session_was_over(case, first) {
        return draft
            .variant("session-over")
            .severity(Severity::Low, "the session was over, and the user signed in again");
    }
    if let Some(again) = first.signed_until().and_then(|_| fetched_anew(case, first)) {
        return draft
            .variant("signed-url")
            .related(again.id, "response.status", "the same file, by a new URL")
            .severity(Severity::Low, "the client got a new URL and went on");
    }
    match (recovered, late) {
        (true, _) => draft
            .variant("recovered")
            .severity(Severity::Info, "the client renewed the token and the repeated request was accepted"),
        (false, Some(Moment::Unsure)) => draft.variant("borderline"),
        (false, Some(Moment::Ahead(_))) => draft.variant("clocks-disagree"),
        _ if signed => draft.variant("signed-url").fixes(&["fe.sign-late", "be.leeway"]),
        _ => draft,
    }
}

/// Whether the refusal made the client try a refresh, which was refused, too, and the user then signed in: what a session's
/// end looks like.
fn session_was_over(case: &Case<'_>, fact: &Fact) -> bool {
    let soon = nanos(Thresholds::of(case).reacts);
    let mut tried = case.lookup().between(fact.ended_nanos(), fact.ended_nanos() + soon);
    let Some(refresh) = tried.find(|f| f.role == Role::Refresh) else { return false };
    let mut after = case.facts().filter(|f| f.started_nanos() > refresh.ended_nanos());
    let again = after.find(|f| f.role == Role::Refresh || (f.role == Role::Login && f.succeeded()));
    refresh.refused() && again.is_some_and(|f| f.role == Role::Login)
}

/// The same call soon after, without the token and accepted: it needs none, and the client has forgotten an old session.
fn dropped<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    let soon = fact.ended_nanos() + nanos(Thresholds::of(case).reacts);
    let later = case.lookup().on_route(&fact.origin, &fact.route).since(fact.ended_nanos());
    let mut soon = later.iter().take_while(|f| f.started_nanos() <= soon);
    soon.find(|f| f.accepted() && f.credentials.is_empty() && f.path == fact.path)
}

/// The next request for the same file, which a new signature made good.
fn fetched_anew<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    let until = fact.ended_nanos() + nanos(Thresholds::of(case).refetched);
    let later = case.lookup().between(fact.ended_nanos(), until);
    later.filter(|f| f.origin == fact.origin && f.path == fact.path).find(|f| f.succeeded())
}

fn accepted(case: &Case<'_>, fact: &Fact, late: &AcceptedLate<'_>) -> Draft {
    let AcceptedLate { credential, end, by } = *late;
    Draft::new(&RULE.meta, fact)
        .variant("accepted")
        .title("Expired token accepted")
        .severity(Severity::Low, "the server accepted the token all the same")
        .message(format!(
            "{} accepted a token that had expired {} before; the server does not check exp here, or allows much leeway.",
            fact.route, span(by)
        ))
        .because(Reason::WireFact)
        .capped([Cap::TokenSays])
        .primary(fact.id, end.part(), exp_text(case, fact, end, Some(Moment::Past(by))))
        .related(fact.id, "response.status", fact.status.map_or_else(String::new, |s| s.to_string()))
        .credential(credential.token)
        .fixes(&["be.leeway"])
        .cause(format!("accepted {}", fact.origin))
}
