//! How early a token was, in words.

use super::Early;
use crate::{
    case::Case,
    facts::{Fact, clock::Moment},
    presented::Presented,
    text::{answered, span, times},
};

/// The part of the token that is ahead of its time.
pub(super) fn part(how: Early) -> &'static str {
    match how {
        Early::Milliseconds("iat") | Early::At("iat", _) => "token.claim.iat",
        _ => "token.claim.nbf",
    }
}

/// The claim's date, and where it lies.
pub(super) fn claim(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, how: Early) -> String {
    let date = if part(how) == "token.claim.iat" { jwt.claims.iat } else { jwt.claims.nbf };
    let Some(date) = date else { return "absent".to_owned() };
    let second = jiff::Timestamp::from_second(date.intended().nanos().div_euclid(1_000_000_000));
    let at = second.map_or_else(|_| "out of range".to_owned(), |at| at.to_string());
    match how {
        Early::Milliseconds(_) => format!("{at}, written in milliseconds"),
        Early::At(_, Moment::Ahead(by)) => format!("{at}, at least {} ahead of {}", span(by), clock(case, fact)),
        Early::At(_, Moment::Past(by)) => format!("{at}, at least {} past by {}", span(by), clock(case, fact)),
        _ => format!("{at}, about now by {}", clock(case, fact)),
    }
}

fn clock(case: &Case<'_>, fact: &Fact) -> String {
    let offset = case.clock(fact);
    match offset.samples {
        0 => "the capture's clock, the server's being unknown".to_owned(),
        _ => format!("the server's clock (±{})", span(offset.uncertainty())),
    }
}

pub(super) fn message(case: &Case<'_>, fact: &Fact, how: Early, n: usize, healed: Option<(&Fact, &Fact)>) -> String {
    let head = format!("{} {}{}", fact.route, answered(fact.status), times(n));
    let body = match how {
        Early::Milliseconds(claim) => format!(
            "{head}: its token states {claim} in milliseconds, and a verifier that reads seconds waits for it for thousands of years."
        ),
        Early::At(claim, Moment::Ahead(by)) => format!(
            "{head}: its token's {claim} lies at least {} ahead of {}, so the verifier takes it for not yet valid.",
            span(by),
            clock(case, fact)
        ),
        Early::At(claim, Moment::Unsure) => format!(
            "{head}: the server calls its token not yet valid; by the clocks that the capture shows, {claim} is about now (±{}).",
            span(case.clock(fact).uncertainty())
        ),
        Early::At(claim, Moment::Past(by)) => format!(
            "{head}: the server calls its token not yet valid although {claim} had passed at least {} before by {}: the verifier's clock is behind.",
            span(by),
            clock(case, fact)
        ),
        Early::Unread => format!(
            "{head}, and the server says that its token is not yet valid; the capture does not show the token's nbf or iat."
        ),
    };
    match healed {
        Some((ok, last)) => format!(
            "{body} {} accepted the same token {} later.",
            ok.route,
            span(ok.started_nanos() - last.started_nanos())
        ),
        None => body,
    }
}
