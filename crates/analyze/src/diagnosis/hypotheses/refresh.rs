//! "The refresh fails": why, and why so often? (detectors §5.3)

use super::{Contradiction, Hypothesis, Scene, Sign, shows};
use crate::{dictionary::ErrorClass, facts::Fact, refreshes::overlap, text::span};

pub(super) static TABLE: &[Hypothesis] = &[
    Hypothesis {
        id: "refresh-loop",
        statement: "A failed refresh triggers another refresh",
        rules: &["AUTH042:"],
        reject: no_loop,
        needs: "a capture that runs until the client gives up",
    },
    Hypothesis {
        id: "refresh-parallel",
        statement: "Several callers refresh at the same time",
        rules: &["AUTH043:concurrent"],
        reject: no_overlap,
        needs: "a capture of all tabs",
    },
    Hypothesis {
        id: "refresh-token-reused",
        statement: "A rotated refresh token was presented again",
        rules: &["AUTH043", "AUTH040:reused"],
        reject: never_rotated,
        needs: "a capture that starts before the previous refresh",
    },
    Hypothesis {
        id: "refresh-token-expired",
        statement: "The refresh token had expired or was revoked",
        rules: &["AUTH040:expired", "AUTH040:revoked"],
        reject: refresh_token_alive,
        needs: "the provider's log for this refresh token, or its expiry",
    },
    Hypothesis {
        id: "user-needed",
        statement: "The provider wants to see the user: a second factor, consent, a fresh sign-in",
        rules: &["AUTH040:interaction-required"],
        reject: other_reason,
        needs: "the provider's answer",
    },
    Hypothesis {
        id: "client-clock-fast",
        statement: "The client's clock is ahead, so good tokens look expired to it",
        rules: &["AUTH022:early-refresh", "AUTH022:expired-on-arrival"],
        reject: clock_is_right,
        needs: "a recording made in the browser, which is dated by its clock",
    },
    Hypothesis {
        id: "transient-network",
        statement: "The refresh failed for a moment (network, provider outage)",
        rules: &[],
        reject: answered_4xx,
        needs: "the status of the refresh answers",
    },
    Hypothesis {
        id: "refresh-endpoint-broken",
        statement: "The refresh endpoint itself does not work",
        rules: &[],
        reject: refresh_works,
        needs: "one successful refresh in the capture",
    },
    Hypothesis {
        id: "stored-token-corrupted",
        statement: "The client stores or sends the refresh token damaged",
        rules: &["AUTH040:damaged"],
        reject: issued_as_sent,
        needs: "a capture that starts at the login, with its response body",
    },
];

fn refreshes<'a>(scene: &Scene<'a>) -> impl Iterator<Item = &'a Fact> + Clone + use<'a> {
    let session = scene.root.session;
    scene.signs(Sign::Refresh).filter(move |f| session.is_none() || f.session == session)
}

/// A provider that wants the user says so in a code of its own (OIDC Core §3.1.2.6).
fn other_reason(scene: &Scene<'_>) -> Option<Contradiction> {
    let told =
        refreshes(scene).find(|f| f.refused() && f.outcome.error.is_some_and(|error| error != ErrorClass::StepUp))?;
    Contradiction::new(
        "The server gives another reason.",
        shows(
            told,
            told.outcome.error_part.as_deref()?,
            told.outcome.error_text.as_deref().unwrap_or_default().to_owned(),
        ),
    )
}

fn no_loop(scene: &Scene<'_>) -> Option<Contradiction> {
    let failed: Vec<&Fact> = refreshes(scene).filter(|f| f.refused()).collect();
    let sequential = failed.windows(2).any(|pair| pair[1].started_nanos() >= pair[0].ended_nanos());
    let first = failed.first().copied()?;
    (!sequential).then_some(())?;
    Contradiction::new(
        "No refresh was sent after another one had failed.",
        shows(first, "response.status", "refused once"),
    )
}

fn no_overlap(scene: &Scene<'_>) -> Option<Contradiction> {
    let mut all: Vec<&Fact> = refreshes(scene).collect();
    all.sort_by_key(|f| f.started_nanos());
    let overlap = all.windows(2).any(|pair| overlap(pair[0], pair[1]));
    let first = all.first().copied()?;
    (!overlap).then_some(())?;
    Contradiction::new(
        "No two refreshes overlap: each starts after the one before has ended.",
        shows(first, "request", "alone in flight"),
    )
}

fn never_rotated(scene: &Scene<'_>) -> Option<Contradiction> {
    let presented = refreshes(scene).find_map(|f| f.request.refresh_token)?;
    let succeeded = refreshes(scene).find(|f| f.succeeded() && f.request.refresh_token == Some(presented));
    let first = refreshes(scene).next()?;
    succeeded.is_none().then_some(())?;
    Contradiction::new(
        "No refresh with this token had succeeded before, so it was not rotated in this capture.",
        shows(first, "request.body.refresh_token", "never traded for another"),
    )
}

fn refresh_token_alive(scene: &Scene<'_>) -> Option<Contradiction> {
    let fact = refreshes(scene).find(|f| f.request.refresh_token.is_some())?;
    let token = fact.request.refresh_token?;
    let used = refreshes(scene).filter(|f| f.request.refresh_token == Some(token));
    if let Some(ok) = used.clone().find(|ok| ok.succeeded() && used.clone().any(|f| f.refused() && overlap(ok, f))) {
        return Contradiction::new(
            "The same refresh token was accepted while the refused ones were in flight.",
            shows(ok, "response.status", "accepted"),
        );
    }
    let claims = scene.capture.tokens.get(token).claims()?;
    let clock = scene.capture.profile.clocks.offset(&fact.origin);
    let left = clock.ahead(fact, claims.exp?.intended().nanos());
    (left > 0).then_some(())?;
    Contradiction::new(
        format!("The refresh token names an expiry {} s in the future.", left / 1_000_000_000),
        shows(fact, "token.claim.exp", "in the future"),
    )
}

fn answered_4xx(scene: &Scene<'_>) -> Option<Contradiction> {
    let failed: Vec<&Fact> = refreshes(scene).filter(|f| !f.succeeded()).collect();
    let first = failed.first().copied()?;
    let all = failed.iter().all(|f| f.status.is_some_and(|s| (400..500).contains(&s)));
    all.then_some(())?;
    let status = first.status?;
    Contradiction::new(
        format!("The server answered every time, with {status}."),
        shows(first, "response.status", status.to_string()),
    )
}

fn refresh_works(scene: &Scene<'_>) -> Option<Contradiction> {
    let worked = scene.signs(Sign::Refresh).find(|f| f.succeeded())?;
    Contradiction::new("A refresh succeeded in this capture.", shows(worked, "response.status", "2xx"))
}

/// A recording is dated by the clock that the page reads; the answers' `Date` fields confirm it.
fn clock_is_right(scene: &Scene<'_>) -> Option<Contradiction> {
    const CLOSE: i64 = 30_000_000_000;
    let first = refreshes(scene).next()?;
    let input = scene.capture.inputs.get(usize::from(first.source.input));
    let recorded = input.is_none_or(|input| input.format == crate::coverage::InputFormat::Har);
    let offset = scene.capture.profile.clocks.offset(&first.origin);
    (recorded && offset.samples > 0 && offset.low > -CLOSE && offset.high < CLOSE).then_some(())?;
    Contradiction::new(
        format!("The client's clock and the server's agree within {}.", span(offset.high.max(-offset.low))),
        shows(first, "response.header.date", "agrees with the recording"),
    )
}

fn issued_as_sent(scene: &Scene<'_>) -> Option<Contradiction> {
    let token = refreshes(scene).find_map(|f| f.request.refresh_token)?;
    let issuer = scene.capture.tokens.get(token).delivered_by?;
    let fact = scene.capture.fact(issuer)?;
    Contradiction::new(
        "The refresh token is byte for byte the one that was issued.",
        shows(fact, "response.body.refresh_token", "same fingerprint"),
    )
}
