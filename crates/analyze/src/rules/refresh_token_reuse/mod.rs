//! AUTH043: one refresh token was presented again, at the same time or after it had been traded for another.

use std::time::Duration;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::Fact,
    finding::{Reason, Severity},
    refreshes::{self, in_words, rotated_to, rotates},
    rule::{Check, Draft, Findings, Rule},
    thresholds::{nanos, thresholds},
    tokens::{Purpose, TokenId},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH043",
        id: "refresh-token-reuse",
        title: "Rotated refresh token presented again",
        severity: Severity::High,
        layer: Layer::Session,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.single-flight-refresh", "be.refresh-grace"],
    },
    check: Check::Timeline(check),
};

// How long after a rotation the old token may still be meant in good faith.
thresholds! {
    /// Overlap that providers allow a client that lost the answer (Supabase 10 s, Okta 30 s, Cognito 0–60 s).
    grace: time = Duration::from_secs(10),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let with_token = refreshes::all(case).filter(|f| refreshes::is_known_token(case, f));
    for (token, uses) in Case::grouped(with_token, |f| f.request.refresh_token) {
        // A token that is never exchanged for another may be used as often as one likes.
        let (Some(token), Some(winner)) = (token, uses.iter().copied().find(|f| rotates(f))) else { continue };
        let others: Vec<&Fact> = uses.iter().copied().filter(|f| f.id != winner.id).collect();
        let (parallel, later): (Vec<&Fact>, Vec<&Fact>) = others
            .into_iter()
            .filter(|f| f.ended_nanos() >= winner.started_nanos())
            .partition(|f| refreshes::overlap(winner, f));
        if !parallel.is_empty() {
            out.add(concurrent(case, token, winner, &parallel));
        }
        let replays: Vec<&Fact> = later.into_iter().filter(|f| is_replay(case, winner, f)).collect();
        if !replays.is_empty() {
            out.add(replay(case, token, winner, &replays));
        }
    }
}

/// A later use that was refused, or that came after any grace period.
fn is_replay(case: &Case<'_>, winner: &Fact, fact: &Fact) -> bool {
    let grace = nanos(Thresholds::of(case).grace);
    fact.refused() || (fact.succeeded() && fact.started_nanos() - winner.ended_nanos() > grace)
}

fn concurrent(case: &Case<'_>, token: TokenId, winner: &Fact, parallel: &[&Fact]) -> Draft {
    let refused = parallel.iter().filter(|f| f.refused()).count();
    let all = parallel.len() + 1;
    let spread = parallel.iter().map(|f| (f.started_nanos() - winner.started_nanos()).abs()).max().unwrap_or_default();
    let draft = base(case, token, winner, parallel)
        .variant("concurrent")
        .title("Several refreshes in flight with one refresh token that rotates")
        .message(format!(
            "{} was sent {all} times within {} with the same refresh token; one of them rotated it and {refused} {}.",
            winner.route,
            in_words(spread),
            if refused == 1 { "was refused" } else { "were refused" }
        ));
    if refused == 0 {
        return draft.severity(Severity::Low, "The server accepted every one of them.");
    }
    draft
}

fn replay(case: &Case<'_>, token: TokenId, winner: &Fact, replays: &[&Fact]) -> Draft {
    let first = replays[0];
    let gap = in_words(first.started_nanos() - winner.ended_nanos());
    let refused = replays.iter().any(|f| f.refused());
    let answer = if refused { "refused" } else { "accepted" };
    let draft = base(case, token, winner, replays)
        .variant("replay")
        .message(format!(
            "{} was sent with a refresh token that had been traded for a new one {gap} before, and {answer}; {}.",
            first.route,
            if is_kept(case, winner) {
                "the new one is in use, too, so two callers share one session"
            } else {
                "the client did not keep the new one"
            }
        ))
        .fixes(&["fe.single-flight-refresh", "fe.token-store", "be.refresh-grace"]);
    match (refused, other_agent(winner, replays)) {
        (true, Some(_)) => draft
            .title("Rotated refresh token presented by another client: theft is possible")
            .severity(Severity::Critical, "Two different user agents presented the same refresh token."),
        (true, None) => draft,
        (false, _) => draft.severity(Severity::Low, "The server still accepts the old token."),
    }
}

/// Whether a token that `winner` was given is sent by anybody.
fn is_kept(case: &Case<'_>, winner: &Fact) -> bool {
    winner.delivered.iter().any(|d| d.purpose != Purpose::Session && case.token(d.token).sent_count > 0)
}

/// A use of the token by another program than the one that traded it.
fn other_agent<'a>(winner: &Fact, replays: &[&'a Fact]) -> Option<&'a Fact> {
    replays
        .iter()
        .copied()
        .find(|f| f.user_agent.is_some() && winner.user_agent.is_some() && f.user_agent != winner.user_agent)
}

fn base(case: &Case<'_>, token: TokenId, winner: &Fact, others: &[&Fact]) -> Draft {
    let part = winner.credentials.iter().find(|c| c.token == token).map(|c| c.carrier.to_string());
    let part = part.unwrap_or_else(|| "request.body.refresh_token".to_owned());
    let says_reused = others.iter().find(|f| f.outcome.says(&[ErrorClass::RefreshReused]));
    let mut draft = Draft::new(&RULE.meta, winner)
        .credential(token)
        .because(Reason::WireFact)
        .because_if(others.iter().any(|f| f.refused()), Reason::Control)
        .related(winner.id, "response.body.refresh_token", rotation(case, winner))
        .also(others.iter().map(|f| f.id))
        .cause(format!("{} {} {}", winner.origin, case.session_mark(winner), case.token_mark(Some(token))));
    for other in others.iter().take(4) {
        let when = in_words((other.started_nanos() - winner.started_nanos()).abs());
        let order = if other.started_nanos() < winner.started_nanos() { "before" } else { "after" };
        let status = other.status.unwrap_or_default();
        draft = draft.primary(
            other.id,
            &part,
            format!("the same token, sent {when} {order} the one that rotated it, answered {status}"),
        );
    }
    if let Some(said) = says_reused {
        draft = draft.because_server_says(said).server_says(said);
    }
    match family_death(case, winner) {
        Some(death) => {
            draft.related(death.id, "response.status", "the new refresh token was refused, too: the family is revoked")
        }
        None => draft,
    }
}

fn rotation(case: &Case<'_>, winner: &Fact) -> String {
    rotated_to(winner).map_or_else(String::new, |next| format!("replaced by {}", case.capture().describe(next)))
}

/// The refused use of the token that the winner received (RFC 9700 §4.14.2: on reuse the provider revokes the active one).
fn family_death<'a>(case: &Case<'a>, winner: &Fact) -> Option<&'a Fact> {
    let next = rotated_to(winner)?;
    refreshes::all(case).find(|f| f.refused() && f.request.refresh_token == Some(next))
}
