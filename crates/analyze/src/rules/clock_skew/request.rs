//! The clock of a client that signs its requests: the server compares the time in the request with its own.

use super::RULE;
use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::Fact,
    finding::{Reason, Severity},
    rule::Draft,
    text::{answered, times},
};

/// One finding for each route that refuses a request for the time in it.
pub(super) fn check(case: &Case<'_>) -> Vec<Draft> {
    let skewed = case.refusals().filter(|f| f.outcome.says(&[ErrorClass::ClockSkew]));
    Case::grouped(skewed, |f| (f.origin.clone(), f.route.clone())).values().map(|facts| draft(case, facts)).collect()
}

fn draft(case: &Case<'_>, facts: &[&Fact]) -> Draft {
    let fact = facts[0];
    let part = fact.outcome.error_part.as_deref().unwrap_or("response.status");
    let text = fact.outcome.error_text.as_deref().unwrap_or_default();
    let draft = Draft::new(&RULE.meta, fact)
        .variant("signed-request")
        .title("Signed request refused for the time in it")
        .severity(Severity::High, "every signed request of this client is refused")
        .message(format!(
            "{} {}{}: the time that the client signed is too far from the server's; its clock is wrong, or the request was held back or repeated long after it was signed.",
            fact.route,
            answered(fact.status),
            times(facts.len())
        ))
        .because_server_says(fact)
        .because(Reason::WireFact)
        .primary(fact.id, part, format!("\"{text}\""))
        .also(facts.iter().map(|f| f.id))
        .fixes(&["fe.clock"])
        .cause(&fact.origin);
    match fact.main_credential() {
        Some(c) => draft.credential(c.token).related(fact.id, &c.carrier.to_string(), case.capture().describe(c.token)),
        None => draft,
    }
}
