//! The client's clock against the servers': a browser's recording is dated by the clock that its scripts read.
//!
//! Packets are dated by whoever captured them, so only recordings are judged.

use std::collections::BTreeSet;

use super::{RULE, Thresholds};
use crate::{
    case::Case,
    coverage::InputFormat,
    facts::{Fact, clock::Offset, role::Role, site},
    finding::{Reason, Severity},
    rule::Draft,
    text::{Text, count, span},
    thresholds::nanos,
    token::{Claims, NumericDate},
    tokens::Purpose,
};

/// How the client's clock differs from those of the servers.
struct Wrong<'a> {
    /// Nanoseconds that it is ahead; negative where it is behind.
    ahead: i64,
    /// The origins that agree on it.
    origins: Vec<(&'a Text, Offset)>,
}

pub(super) fn check(case: &Case<'_>) -> Option<Draft> {
    let recorded = |f: &Fact| {
        let input = case.capture().inputs.get(usize::from(f.source.input));
        input.is_none_or(|input| input.format == InputFormat::Har)
    };
    let wrong = wrong(case).filter(|_| case.facts().all(recorded))?;
    // Who reads no expiry has no use for a clock.
    let dated = case.facts().find(|f| access(case, f).is_some_and(|claims| claims.exp.is_some()))?;
    let fast = wrong.ahead > 0;
    if let Some(delivery) = case.facts().find(|f| fast && expired_on_arrival(case, f)) {
        return Some(on_arrival(case, delivery, &wrong));
    }
    let early = if fast { early_refreshes(case, &wrong) } else { Vec::new() };
    Some(match early.as_slice() {
        [first, .., last] if early.len() >= Thresholds::of(case).early => too_early(&early, first, last, &wrong),
        _ => latent(dated, &wrong),
    })
}

/// The client's clock is wrong where the servers of two sites agree on it, or where there is only one to ask.
fn wrong<'a>(case: &Case<'a>) -> Option<Wrong<'a>> {
    let (warn, most) = (nanos(Thresholds::of(case).warn), nanos(Thresholds::of(case).most));
    let of_client: BTreeSet<&Text> = case.facts().map(|f| &f.origin).collect();
    let clocks =
        case.capture().profile.clocks.iter().filter(|(origin, offset)| offset.consistent && of_client.contains(origin));
    let clocks: Vec<(&Text, Offset)> = clocks.collect();
    let off = |low: i64, high: i64| (high < -warn && low > -most) || (low > warn && high < most);
    let low = clocks.iter().map(|(_, offset)| offset.low).max()?;
    let high = clocks.iter().map(|(_, offset)| offset.high).min()?;
    // Honest servers agree within a second or two; where they do not, one of them may be wrong instead.
    let slack = 2_000_000_000;
    (low <= high + slack && clocks.iter().all(|(_, offset)| off(offset.low, offset.high)))
        .then(|| Wrong { ahead: -i64::midpoint(low, high), origins: clocks })
}

/// Claims of the access token that `fact` delivered.
fn access<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Claims> {
    let delivered = fact.delivered.iter().find(|d| d.purpose == Purpose::Access && fact.succeeded())?;
    case.token(delivered.token).claims()
}

/// From `iat` to `exp`, and `exp`, in nanoseconds.
fn life(claims: &Claims) -> Option<(i64, i64)> {
    let date = |date: Option<NumericDate>| date.filter(|d| !d.milliseconds).map(|d| d.intended().nanos());
    let (iat, exp) = (date(claims.iat)?, date(claims.exp)?);
    (exp > iat).then_some((exp.saturating_sub(iat), exp))
}

/// Whether a token was past its expiry by the client's clock when it arrived.
fn expired_on_arrival(case: &Case<'_>, fact: &Fact) -> bool {
    let life = access(case, fact).and_then(life);
    life.is_some_and(|(_, exp)| exp <= fact.ended_nanos())
}

/// Refreshes that renewed a token with more than half of its life left, because by the client's clock it was about to end.
fn early_refreshes<'a>(case: &Case<'a>, wrong: &Wrong<'_>) -> Vec<&'a Fact> {
    let renews = |f: &&Fact| matches!(f.role, Role::Refresh | Role::Mint) && access(case, f).is_some();
    let attempts: Vec<&Fact> = case.facts().filter(renews).collect();
    let is_early = |pair: &&[&'a Fact]| {
        let Some((life, exp)) = access(case, pair[0]).and_then(life) else { return false };
        let age = pair[1].started_nanos() - pair[0].ended_nanos();
        let looks_over = pair[1].started_nanos() + nanos(Thresholds::of(case).margin) >= exp;
        // Nobody refused the token in between: that would be a reason of its own.
        let refused = case.lookup().between(pair[0].ended_nanos(), pair[1].started_nanos()).any(|f| f.refused());
        age >= 0
            && age < life / 2
            && looks_over
            && !refused
            && wrong.ahead > life / 2 - nanos(Thresholds::of(case).margin)
    };
    attempts.windows(2).filter(is_early).map(|pair| pair[1]).collect()
}

fn draft(fact: &Fact, wrong: &Wrong<'_>, variant: &'static str) -> Draft {
    let start = Draft::new(&RULE.meta, fact)
        .variant(variant)
        .title("Client's clock is wrong")
        .because(Reason::WireFact)
        .because_if(sites(wrong) > 1, Reason::Control)
        .cause("client clock")
        .fixes(&["fe.proactive"]);
    start.primary(
        fact.id,
        "response.header.date",
        format!(
            "the client's clock is about {} {} it",
            span(wrong.ahead),
            if wrong.ahead > 0 { "ahead of" } else { "behind" }
        ),
    )
}

fn sites(wrong: &Wrong<'_>) -> usize {
    let mut sites: Vec<&str> = wrong.origins.iter().map(|(o, _)| site::registrable(site::host_of(o))).collect();
    sites.sort_unstable();
    sites.dedup();
    sites.len()
}

fn clocks(wrong: &Wrong<'_>) -> String {
    let side = if wrong.ahead > 0 { "ahead of" } else { "behind" };
    let whose = match wrong.origins.as_slice() {
        [(only, _)] => format!("{only}, the only server with a clock in this capture"),
        all => format!("all {} servers that tell the time", all.len()),
    };
    format!("The client's clock is about {} {side} {whose}", span(wrong.ahead))
}

fn on_arrival(case: &Case<'_>, delivery: &Fact, wrong: &Wrong<'_>) -> Draft {
    let after = |f: &&Fact| f.lifetime == delivery.lifetime && f.started_nanos() >= delivery.ended_nanos();
    let bare: Vec<&Fact> =
        case.refusals().filter(after).filter(|f| f.is_api_call() && case.lacks_credential(f).is_some()).collect();
    let what = match bare.len() {
        0 => "so to its scripts the token is dead before it is used".to_owned(),
        n => format!(
            "so its scripts take the token for dead and do not send it: {} without it",
            count(n, "call went out")
        ),
    };
    let draft = draft(delivery, wrong, "expired-on-arrival")
        .message(format!(
            "{}: the token that {} delivers has expired by that clock when it arrives, {what}.",
            clocks(wrong),
            delivery.route
        ))
        .related(delivery.id, "token.claim.exp", "past by the client's clock when the token arrived")
        .also(bare.iter().map(|f| f.id));
    match bare.first() {
        Some(first) => draft
            .related(first.id, "request.header.authorization", "absent")
            .severity(Severity::High, "calls go out without the token"),
        None => draft,
    }
}

fn too_early(early: &[&Fact], first: &Fact, last: &Fact, wrong: &Wrong<'_>) -> Draft {
    let within = span(last.started_nanos() - first.started_nanos());
    draft(first, wrong, "early-refresh").also(early.iter().map(|f| f.id)).message(format!(
        "{}: it renews tokens that have more than half of their life left, {} times within {within}.",
        clocks(wrong),
        early.len()
    ))
}

fn latent(fact: &Fact, wrong: &Wrong<'_>) -> Draft {
    let so = match wrong.ahead > 0 {
        true => "scripts that compare exp with it refresh too early or drop good tokens",
        false => "scripts that compare exp with it send expired tokens",
    };
    draft(fact, wrong, "client")
        .severity(Severity::Low, "nothing in the capture suffers from it")
        .message(format!("{}; {so}.", clocks(wrong)))
}
