//! Phrases that several outputs share: how a number, a request, a certainty reads.

use authtrace_analyze::{Confidence, facts::Fact};

/// `1 request`, `3 requests`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `POST /api/v1/books/ → 401`
pub(crate) fn request_line(fact: &Fact) -> String {
    format!("{} → {}", fact.route, answer(fact))
}

/// How it was answered: a status, or why there is none.
pub(crate) fn answer(fact: &Fact) -> String {
    match (fact.status, fact.failure.as_deref()) {
        (Some(status), _) => status.to_string(),
        (None, Some(failure)) => no_answer(failure),
        (None, None) => "no answer".to_owned(),
    }
}

/// The same as a predicate: `was answered 401`, `had no answer (net::ERR_FAILED)`.
pub(crate) fn answered(fact: &Fact) -> String {
    match (fact.status.or(fact.outcome.status), fact.failure.as_deref()) {
        (Some(status), _) => format!("was answered {status}"),
        (None, Some(failure)) => format!("had no answer ({failure})"),
        (None, None) => "had no answer".to_owned(),
    }
}

/// A browser's error text; of a refused WebSocket it holds the status.
fn no_answer(failure: &str) -> String {
    match failure.split_once("Unexpected response code: ") {
        Some((_, status)) => format!("{status} to the handshake"),
        None => failure.to_owned(),
    }
}

/// `98 % (certain)`; nothing is a hundred.
pub(crate) fn certainty(confidence: Confidence) -> String {
    let percent = (confidence.value() * 100.0).round();
    let percent = if percent > 99.0 { "over 99".to_owned() } else { percent.to_string() };
    format!("{percent} % ({})", confidence.band())
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn joined(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The first `most` of `items` in words, and how many more there are.
pub(crate) fn some(items: &[String], most: usize) -> String {
    match items.len().checked_sub(most) {
        None | Some(0) => joined(items),
        Some(more) => format!("{} and {more} more", items[..most].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_prose() {
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!([joined(&items[..1]), joined(&items), some(&items, 2)], ["a", "a, b and c", "a, b and 1 more"]);
    }
}
