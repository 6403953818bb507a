//! AUTH021: the token's `nbf` or `iat` lies in the verifier's future.

mod words;

use std::time::Duration;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, clock::Moment},
    finding::{Cap, Reason, Severity},
    presented::{Presented, reason_is_open},
    rule::{Check, Draft, Findings, Rule},
    thresholds::{nanos, thresholds},
    token::NumericDate,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH021",
        id: "token-not-yet-valid",
        title: "Token not yet valid when it was sent",
        severity: Severity::High,
        layer: Layer::Token,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["be.leeway", "idp.backdate"],
    },
    check: Check::Timeline(check),
};

thresholds! {
    /// A token that is accepted this soon after the refusal was only a moment too early: the user hardly notices
    /// (detectors §2, auto-bump).
    healed: time = Duration::from_secs(10),
}

/// How a refused token was too early.
#[derive(Clone, Copy, PartialEq)]
enum Early {
    /// The claim is in milliseconds: read as seconds it lies thousands of years ahead.
    Milliseconds(&'static str),
    /// The claim lies where it says, seen from the server's clock.
    At(&'static str, Moment),
    /// The server says so, and no claim can be read.
    Unread,
}

impl Early {
    /// The clearest first.
    fn rank(self) -> u8 {
        match self {
            Self::Milliseconds(_) => 0,
            Self::At(_, Moment::Ahead(_)) => 1,
            Self::At(_, Moment::Unsure) => 2,
            Self::At(_, Moment::Past(_)) => 3,
            Self::Unread => 4,
        }
    }
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let refused = case.refusals().filter(|f| !f.role.delivers() && (says_early(f) || is_silent(f)));
    for facts in Case::by_credential(refused, |f| Presented::of(case, f).map(|jwt| jwt.id())) {
        let early = facts.iter().filter_map(|&f| Some((f, early(case, f)?)));
        let early: Vec<(&Fact, Early)> = early.collect();
        if let Some(&(fact, how)) = early.iter().min_by_key(|(f, how)| (how.rank(), f.id)) {
            out.add(draft(case, fact, how, &early.iter().map(|(f, _)| *f).collect::<Vec<_>>()));
        }
    }
}

fn says_early(fact: &Fact) -> bool {
    fact.outcome.says(&[ErrorClass::NotYetValid])
}

/// No stated reason, and a token that is no cookie and not damaged: then its window may be the reason.
fn is_silent(fact: &Fact) -> bool {
    reason_is_open(fact) && fact.main_credential().is_some_and(|c| !c.is_cookie() && c.well_formed)
}

fn early(case: &Case<'_>, fact: &Fact) -> Option<Early> {
    let says = says_early(fact);
    let Some(jwt) = Presented::of(case, fact) else { return says.then_some(Early::Unread) };
    let dates = [("nbf", jwt.claims.nbf), ("iat", jwt.claims.iat)];
    let dates = dates.into_iter().filter_map(|(claim, date)| Some((claim, date?)));
    let ahead = dates.clone().map(|(claim, date)| place(case, fact, claim, date)).min_by_key(|early| early.rank());
    match ahead {
        // The server says so; the claims only say by how much.
        _ if says => Some(ahead.unwrap_or(Early::Unread)),
        // A verifier that took the token before does not look at this claim.
        Some(Early::Milliseconds("nbf")) | Some(Early::At("nbf", Moment::Ahead(_))) => {
            ahead.filter(|_| !accepted_before(case, fact, &jwt))
        }
        // Few verifiers look at `iat`; that the same token passes later tells those that do.
        Some(Early::At("iat", Moment::Ahead(_))) => {
            ahead.filter(|_| !accepted_before(case, fact, &jwt) && accepted_after(case, fact, &jwt).is_some())
        }
        _ => None,
    }
}

fn place(case: &Case<'_>, fact: &Fact, claim: &'static str, date: NumericDate) -> Early {
    if date.milliseconds {
        Early::Milliseconds(claim)
    } else {
        Early::At(claim, case.clock(fact).moment(fact, date.intended().nanos()))
    }
}

fn accepted_before(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>) -> bool {
    let with = case.lookup().succeeded_with(&fact.origin, jwt.id()).before(fact.started_nanos());
    with.iter().any(|f| f.is_api_call() && f.accepted() && !f.bare_accepted)
}

/// The next request that the origin accepted with the same token.
fn accepted_after<'a>(case: &Case<'a>, fact: &Fact, jwt: &Presented<'_>) -> Option<&'a Fact> {
    let with = case.lookup().succeeded_with(&fact.origin, jwt.id()).since(fact.ended_nanos());
    with.iter().find(|f| f.is_api_call() && f.accepted() && !f.bare_accepted)
}

fn draft(case: &Case<'_>, fact: &Fact, how: Early, facts: &[&Fact]) -> Draft {
    let jwt = Presented::of(case, fact);
    let last = facts.last().copied().unwrap_or(fact);
    let healed = jwt.and_then(|jwt| accepted_after(case, last, &jwt));
    let says = says_early(fact);
    let iss = jwt.and_then(|jwt| jwt.claims.iss.as_deref()).unwrap_or_default();
    let draft = Draft::new(&RULE.meta, fact)
        .message(words::message(case, fact, how, facts.len(), healed.map(|ok| (ok, last))))
        .because_if(says, fact.outcome.error_weight.unwrap_or(Reason::ServerText))
        .because_if(matches!(how, Early::Milliseconds(_) | Early::At(_, Moment::Ahead(_))), Reason::WireFact)
        .because_if(matches!(how, Early::At(_, Moment::Unsure)), Reason::Timing)
        .because_if(healed.is_some() && !matches!(how, Early::Unread), Reason::Control)
        .capped((jwt.is_some() && !says).then_some(Cap::TokenSays))
        .also(facts.iter().map(|f| f.id))
        .cause(format!("{} {iss}", fact.origin));
    let draft = match jwt {
        Some(jwt) => draft
            .credential(jwt.id())
            .related(fact.id, &jwt.part(), case.capture().describe(jwt.id()))
            .server_says(fact),
        None => draft,
    };
    let draft = match jwt.filter(|_| how != Early::Unread) {
        Some(jwt) => draft.primary(fact.id, words::part(how), words::claim(case, fact, &jwt, how)),
        None => draft.primary(
            fact.id,
            fact.outcome.error_part.as_deref().unwrap_or("response.status"),
            fact.outcome.error_text.as_deref().map_or_else(|| "not yet valid".to_owned(), |text| format!("\"{text}\"")),
        ),
    };
    let draft = match how {
        Early::Milliseconds(_) => draft.variant("milliseconds").fixes(&["idp.seconds"]),
        Early::At(_, Moment::Past(_)) => draft.variant("clocks-disagree"),
        _ => draft,
    };
    let Some(ok) = healed else { return draft };
    let after = ok.started_nanos() - last.started_nanos();
    let draft =
        draft.related(ok.id, "response.status", format!("the same token, accepted {} later", crate::text::span(after)));
    match after <= nanos(Thresholds::of(case).healed) {
        true => draft.severity(Severity::Medium, "the same token was accepted within ten seconds"),
        false => draft,
    }
}
