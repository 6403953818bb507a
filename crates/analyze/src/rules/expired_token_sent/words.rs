//! How late a token was, in words.

use super::{
    Late,
    end::{End, Word},
    ending,
};
use crate::{
    case::Case,
    facts::{
        Fact,
        clock::{Moment, Offset},
    },
    text::{answered, span, times},
};

/// What a promise is judged by.
const OWN_CLOCK: &str = "the capture's clock";

/// `exp 2026-01-01T12:00:00Z; sent 3 min 41 s later by the server's clock (±0.8 s)`.
pub(super) fn exp_text(case: &Case<'_>, fact: &Fact, end: End, late: Late) -> String {
    let exp = match end.by {
        Word::Claim => format!("exp {}", end.text()),
        Word::Promise => format!("good until {} by the word of this answer", end.text()),
        Word::Signature => format!("signed until {}", end.text()),
    };
    let clock = match end.by {
        Word::Promise => OWN_CLOCK.to_owned(),
        Word::Claim | Word::Signature => clock_text(case.clock(fact)),
    };
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

pub(super) fn message(case: &Case<'_>, fact: &Fact, late: Late, n: usize, recovered: bool) -> String {
    let answer = format!("{}{}", answered(fact.status), times(n));
    let credential = ending(case, fact);
    let start = match (late, credential.and_then(|c| End::of(case, fact, c))) {
        (Some(Moment::Ahead(left)), _) => format!(
            "{} {answer}, and the server calls its token expired although exp lies {} ahead: the clocks disagree.",
            fact.route,
            span(left)
        ),
        (Some(moment), Some(end)) => {
            let what = match end.by {
                Word::Claim => "a token",
                Word::Promise => "an opaque token",
                Word::Signature => "a signed URL",
            };
            let lived = lifetime(case, fact).map_or_else(String::new, |life| format!(" of {} lifetime", span(life)));
            let expiry = expiry_text(end.clock(case, fact), moment, fact.sent_nanos(), end);
            format!("{} was sent with {what}{lived} that {expiry}, and {answer}.", fact.route)
        }
        (None, Some(end)) if end.by == Word::Promise => format!(
            "{} {answer}, and the server says that its token had expired, which was promised until {}: the server ended it early.",
            fact.route,
            end.text()
        ),
        _ => format!(
            "{} {answer}, and the server says that its token had expired; the capture does not show the token's exp.",
            fact.route
        ),
    };
    if recovered {
        format!("{start} The client then sent another one, and the repeated request was accepted: a healthy renewal.")
    } else {
        start
    }
}

/// When the token expired, by the middle of what the clocks allow.
fn expiry_text(clock: Offset, moment: Moment, sent: i64, end: End) -> String {
    let late = sent.saturating_add(i64::midpoint(clock.low, clock.high)).saturating_sub(end.at);
    let (about, whose) = match end.by {
        Word::Promise => ("", "the word of the answer that delivered it"),
        _ if clock.samples == 0 => ("about ", OWN_CLOCK),
        _ => ("", "the server's clock"),
    };
    match moment {
        Moment::Past(_) => format!("had expired {about}{} before by {whose}", span(late)),
        _ if late > 0 => format!("had expired about {} before by {whose} (±{})", span(late), span(clock.uncertainty())),
        _ => format!("was to expire within {} by {whose} (±{})", span(late), span(clock.uncertainty())),
    }
}

/// From `iat` to `exp`, in nanoseconds.
fn lifetime(case: &Case<'_>, fact: &Fact) -> Option<i64> {
    let jose = case.token(ending(case, fact)?.token).classified.jose.as_ref()?;
    let claims = jose.claims.as_ref()?;
    let life = claims.exp?.intended().nanos_since(claims.iat?.intended());
    (life > 0).then_some(life)
}
