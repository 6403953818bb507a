//! How late a token was, in words.

use super::{Late, expiry, is_signed_url, jwt};
use crate::{
    case::Case,
    facts::{
        Fact,
        clock::{Moment, Offset},
        credential::Credential,
    },
    text::{answered, span, times},
};

/// `exp 2026-01-01T12:00:00Z; sent 3 min 41 s later by the server's clock (±0.8 s)`.
pub(super) fn exp_text(case: &Case<'_>, fact: &Fact, credential: &Credential, late: Late) -> String {
    let exp = expiry(case, fact, credential).map_or_else(String::new, timestamp);
    let exp = if is_signed_url(fact, credential) { format!("signed until {exp}") } else { format!("exp {exp}") };
    let clock = clock_text(case.clock(fact));
    match late {
        Some(Moment::Past(by)) => format!("{exp}; sent at least {} later by {clock}", span(by)),
        Some(Moment::Ahead(left)) => format!("{exp}; sent at least {} earlier by {clock}", span(left)),
        _ => format!("{exp}; sent at about that time by {clock}"),
    }
}

fn clock_text(offset: Offset) -> String {
    if offset.samples == 0 {
        "the capture's clock, the server's being unknown".to_owned()
    } else {
        format!("the server's clock (±{})", span(offset.uncertainty()))
    }
}

fn timestamp(nanos: i64) -> String {
    let second = jiff::Timestamp::from_second(nanos.div_euclid(1_000_000_000));
    second.map_or_else(|_| "out of range".to_owned(), |t| t.to_string())
}

pub(super) fn message(case: &Case<'_>, fact: &Fact, late: Late, n: usize, recovered: bool) -> String {
    let answer = format!("{}{}", answered(fact.status), times(n));
    let credential = jwt(case, fact);
    let start = match (late, credential.and_then(|c| expiry(case, fact, c))) {
        (Some(Moment::Ahead(left)), _) => format!(
            "{} {answer}, and the server calls its token expired although exp lies {} ahead: the clocks disagree.",
            fact.route,
            span(left)
        ),
        (Some(moment), Some(exp)) => {
            let what = if credential.is_some_and(|c| is_signed_url(fact, c)) { "signed URL" } else { "token" };
            let lived = lifetime(case, fact).map_or_else(String::new, |life| format!(" of {} lifetime", span(life)));
            let expiry = expiry_text(case.clock(fact), moment, fact.sent_nanos(), exp);
            format!("{} was sent with a {what}{lived} that {expiry}, and {answer}.", fact.route)
        }
        _ => format!(
            "{} {answer}, and the server says that its token had expired; the capture does not show the token's exp.",
            fact.route
        ),
    };
    if recovered {
        format!("{start} The client refreshed it and the repeated request was accepted: a healthy refresh.")
    } else {
        start
    }
}

/// When the token expired, by the middle of what the clocks allow.
fn expiry_text(clock: Offset, moment: Moment, sent: i64, exp: i64) -> String {
    let late = sent.saturating_add(i64::midpoint(clock.low, clock.high)).saturating_sub(exp);
    let (about, whose) =
        if clock.samples == 0 { ("about ", "the capture's clock") } else { ("", "the server's clock") };
    match moment {
        Moment::Past(_) => format!("had expired {about}{} before by {whose}", span(late)),
        _ if late > 0 => format!("had expired about {} before by {whose} (±{})", span(late), span(clock.uncertainty())),
        _ => format!("was to expire within {} by {whose} (±{})", span(late), span(clock.uncertainty())),
    }
}

/// From `iat` to `exp`, in nanoseconds.
fn lifetime(case: &Case<'_>, fact: &Fact) -> Option<i64> {
    let jose = case.token(jwt(case, fact)?.token).classified.jose.as_ref()?;
    let claims = jose.claims.as_ref()?;
    let life = claims.exp?.intended().nanos_since(claims.iat?.intended());
    (life > 0).then_some(life)
}
