//! The issuer's clock against the API's: what `iat` and two `Date` fields prove (detectors §12).
//!
//! A token that somebody sends was made before, so the issuer's clock had reached `iat` by then: that bounds it from below.
//! From above only the `Date` of the answer that delivered the token does.

use std::collections::BTreeMap;

use super::{RULE, Thresholds};
use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::{Fact, gate::Gate, outcome::OutcomeClass},
    finding::{Reason, Severity},
    presented::{Presented, reason_is_open},
    rule::Draft,
    text::{Text, span},
    thresholds::nanos,
};

/// Which clock is ahead, and at least by how much, in nanoseconds.
#[derive(Clone, Copy)]
enum Skew {
    /// The issuer's, as `iat` of the token proves.
    Issuer(i64),
    /// The API's, as its own `Date` proves against the issuer's.
    Api(i64),
    /// The verifier's, as it calls a token expired that by the issuer's `Date` has this long to live.
    Verifier(i64),
}

/// One API that receives tokens of one issuer.
struct Pair<'a> {
    skew: Skew,
    /// The request that shows it best.
    shown: &'a Fact,
    jwt: Presented<'a>,
    /// The answer that delivered the token, where it counts.
    delivery: Option<&'a Fact>,
    /// Refused for it.
    refused: Vec<&'a Fact>,
}

pub(super) fn check<'a>(case: &Case<'a>) -> Vec<Draft> {
    let mut pairs: BTreeMap<(&'a Text, Option<&'a str>, bool), Pair<'a>> = BTreeMap::new();
    let answered = |f: &&Fact| f.status.is_some() && !f.gates.any(&[Gate::NotServer, Gate::Probe, Gate::Provisional]);
    for fact in case.api_calls().filter(answered) {
        let Some(jwt) = Presented::of(case, fact) else { continue };
        let Some((skew, delivery)) = skew(case, fact, &jwt) else { continue };
        let key = (&fact.origin, jwt.claims.iss.as_deref(), matches!(skew, Skew::Issuer(_)));
        let pair = pairs.entry(key).or_insert_with(|| Pair { skew, shown: fact, jwt, delivery, refused: Vec::new() });
        if amount(skew) > amount(pair.skew) {
            (pair.skew, pair.shown, pair.jwt, pair.delivery) = (skew, fact, jwt, delivery);
        }
        if fact.refused() && explains(skew, fact) {
            pair.refused.push(fact);
        }
    }
    // One answer's `Date` may come from a cache that does not say so; where it is all there is, a refusal must confirm it.
    let sure = |pair: &Pair<'_>| !pair.refused.is_empty() || case.clock(pair.shown).samples > 1;
    pairs.into_values().filter(sure).map(|pair| draft(case, &pair)).collect()
}

fn amount(skew: Skew) -> i64 {
    match skew {
        Skew::Issuer(by) | Skew::Api(by) | Skew::Verifier(by) => by,
    }
}

/// Whether the skew is what the refusal is about: a token too young for a late clock, too old for an early one.
fn explains(skew: Skew, fact: &Fact) -> bool {
    let class = if matches!(skew, Skew::Issuer(_)) { ErrorClass::NotYetValid } else { ErrorClass::Expired };
    reason_is_open(fact) || fact.outcome.says(&[class])
}

fn skew<'a>(case: &Case<'a>, fact: &Fact, jwt: &Presented<'_>) -> Option<(Skew, Option<&'a Fact>)> {
    let counts = |by: i64| by > nanos(Thresholds::of(case).warn) && by < nanos(Thresholds::of(case).most);
    let api = case.clock(fact);
    let known = api.samples > 0 && api.consistent;
    let iat = jwt.claims.iat.filter(|iat| !iat.milliseconds).map(|iat| iat.intended().nanos());
    if let Some(lead) = iat.map(|iat| api.ahead(fact, iat)).filter(|lead| known && counts(*lead)) {
        return Some((Skew::Issuer(lead), None));
    }
    let delivery = jwt.token.delivered_by.and_then(|id| case.fact(id))?;
    // Two readings of one origin are one clock.
    let issuer = case.capture().profile.clocks.offset(&delivery.origin);
    if issuer.samples == 0 || !issuer.consistent {
        return None;
    }
    let lag = api.low.saturating_sub(issuer.high);
    if delivery.origin != fact.origin && known && counts(lag) {
        return Some((Skew::Api(lag), Some(delivery)));
    }
    let exp = jwt.claims.exp.filter(|exp| !exp.milliseconds)?.intended().nanos();
    let left = issuer.ahead(fact, exp);
    let of_session =
        fact.outcome.error_text.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains("session"));
    let expired = fact.outcome.class == OutcomeClass::Refused && fact.outcome.says(&[ErrorClass::Expired]);
    (expired && !of_session && counts(left)).then_some((Skew::Verifier(left), Some(delivery)))
}

fn draft(case: &Case<'_>, pair: &Pair<'_>) -> Draft {
    let about = pair.refused.first().copied().unwrap_or(pair.shown);
    let (skew, by) = (pair.skew, span(amount(pair.skew)));
    let unrecovered = pair.refused.iter().any(|f| !f.gates.has(Gate::Recovered));
    let draft = Draft::new(&RULE.meta, about)
        .variant(if matches!(skew, Skew::Issuer(_)) { "issuer-ahead" } else { "api-ahead" })
        .title("Clocks of token issuer and API disagree")
        .credential(pair.jwt.id())
        .message(message(pair, &by))
        .because(Reason::WireFact)
        .because_if(!pair.refused.is_empty(), Reason::Timing)
        .also([pair.shown.id])
        .also(pair.refused.iter().map(|f| f.id))
        .routes(routes(pair))
        .cause(format!("{} {}", about.origin, pair.jwt.claims.iss.as_deref().unwrap_or_default()))
        .fixes(&["be.leeway"]);
    let draft = match skew {
        Skew::Issuer(_) => draft
            .primary(
                pair.shown.id,
                "token.claim.iat",
                format!("at least {by} ahead of the API's clock when it was sent"),
            )
            .related(pair.shown.id, "response.header.date", clock(case, &pair.shown.origin)),
        Skew::Api(_) => draft.primary(pair.shown.id, "response.header.date", clock(case, &pair.shown.origin)),
        Skew::Verifier(_) => draft
            .primary(pair.shown.id, "token.claim.exp", format!("at least {by} ahead by the issuer's clock"))
            .server_says(pair.shown),
    };
    let draft = match pair.delivery {
        Some(delivery) => draft.related(delivery.id, "response.header.date", clock(case, &delivery.origin)),
        None => draft,
    };
    match unrecovered {
        true => draft.severity(Severity::High, "requests are refused for it"),
        false => draft,
    }
}

fn routes(pair: &Pair<'_>) -> Vec<Text> {
    let about = pair.refused.first().copied().unwrap_or(pair.shown);
    let mut routes = vec![about.route.clone()];
    for fact in &pair.refused {
        if !routes.contains(&fact.route) {
            routes.push(fact.route.clone());
        }
    }
    routes
}

fn clock(case: &Case<'_>, origin: &Text) -> String {
    let offset = case.capture().profile.clocks.offset(origin);
    let middle = i64::midpoint(offset.low, offset.high);
    let side = if middle < 0 { "behind" } else { "ahead of" };
    format!("{origin} is {} {side} the capture's clock (±{})", span(middle), span(offset.uncertainty()))
}

fn message(pair: &Pair<'_>, by: &str) -> String {
    let issuer = match (&pair.delivery, pair.jwt.claims.iss.as_deref()) {
        (Some(delivery), _) => delivery.origin.to_string(),
        (None, Some(iss)) => crate::presented::quoted([iss].into_iter()),
        (None, None) => "the token's issuer".to_owned(),
    };
    let api = &pair.shown.origin;
    let fact = match pair.skew {
        Skew::Issuer(_) => format!(
            "The clock of {issuer} is at least {by} ahead of that of {api}: {} carried a token whose iat is still to come there.",
            pair.shown.route
        ),
        Skew::Api(_) => {
            format!("The clock of {api} is at least {by} ahead of that of {issuer}, which issues its tokens.")
        }
        Skew::Verifier(_) => format!(
            "{} calls a token expired that has at least {by} to live by the clock of {issuer}, which issued it.",
            pair.shown.route
        ),
    };
    let so = match (pair.skew, pair.refused.len()) {
        (_, 0) => "Nothing was refused for it so far; a verifier with less leeway will.".to_owned(),
        (Skew::Issuer(_), n) => format!("Fresh tokens are not yet valid there: {} refused.", requests(n)),
        (_, n) => format!("Tokens expire early there: {} refused.", requests(n)),
    };
    format!("{fact} {so}")
}

fn requests(n: usize) -> String {
    if n == 1 { "1 request was".to_owned() } else { format!("{n} requests were") }
}
