//! The evidence chain: exchange by exchange, what stands there, what that proves and what it does not.

use std::collections::BTreeMap;

use authtrace_analyze::{Evidence, EvidenceRole};
use authtrace_parse::ExchangeId;

use super::{
    model::{Proof, Shown},
    scene::{Scene, began},
};
use crate::{moment::stamp, words::request_line};

/// Links of the chain: what repeats beyond this proves nothing new.
const LINKS: usize = 12;

/// The chain, in order of time.
pub(super) fn chain(scene: &Scene<'_>) -> Vec<Proof> {
    let mut by_exchange: BTreeMap<ExchangeId, Vec<&Evidence>> = BTreeMap::new();
    for evidence in scene.same.iter().flat_map(|finding| &finding.evidence) {
        let parts = by_exchange.entry(evidence.exchange).or_default();
        if !parts.iter().any(|known| known.part == evidence.part && known.says == evidence.says) {
            parts.push(evidence);
        }
    }
    let mut links: Vec<_> =
        by_exchange.into_iter().filter_map(|(id, parts)| Some((scene.view.analysis.fact(id)?, parts))).collect();
    // Proof before context, then in order of time.
    let primary = |parts: &[&Evidence]| parts.iter().any(|e| e.role == EvidenceRole::Primary);
    links.sort_by_key(|(fact, parts)| (!primary(parts), fact.started_nanos(), fact.id));
    links.truncate(LINKS);
    links.sort_by_key(|(fact, _)| (fact.started_nanos(), fact.id));
    let proof = |(number, (fact, mut parts)): (usize, (&authtrace_analyze::facts::Fact, Vec<&Evidence>))| {
        parts.sort_by_key(|evidence| evidence.role);
        let (mut proves, mut proves_not): (Vec<&str>, Vec<&str>) =
            parts.iter().map(|evidence| proves(&evidence.part, &evidence.says)).unzip();
        unrepeated(&mut proves);
        unrepeated(&mut proves_not);
        Proof {
            id: format!("E{}", number + 1),
            exchange: fact.id.0,
            request: request_line(fact),
            time: began(fact).map(stamp),
            primary: primary(&parts),
            facts: parts.iter().map(|e| Shown { part: e.part.to_string(), says: e.says.clone() }).collect(),
            proves,
            proves_not,
        }
    };
    links.into_iter().enumerate().map(proof).collect()
}

fn unrepeated(texts: &mut Vec<&'static str>) {
    let mut seen: Vec<&str> = Vec::new();
    texts.retain(|text| {
        let new = !text.is_empty() && !seen.contains(text);
        seen.push(text);
        new
    });
}

/// What a part of an exchange proves, and what it does not; the first prefix that fits.
const PROVES: &[(&str, &str, &str)] = &[
    ("token.signature", "Whether the signature verifies with a key that was given.", "Which key the server holds."),
    ("token.claim", "What the token says of itself.", "That its issuer said so: only a verified signature does."),
    ("token", "What the token is, by its bytes.", "That its issuer made it: only a verified signature does."),
    ("response.status", "How the server answered.", "Why: a status names no reason."),
    (
        "response.body",
        "What the answer says.",
        "That a server's words name the true cause: frameworks word one refusal in several ways.",
    ),
    (
        "response.header.www-authenticate",
        "Which credential the server asks for.",
        "Why the one sent was not taken, unless it names an error.",
    ),
    (
        "response.header.access-control",
        "What the server allows other origins.",
        "What the request would have been answered.",
    ),
    ("response.header", "What the answer carried.", ""),
    ("response.cookie", "What the server asked the browser to keep.", "That the browser kept it."),
    ("response", "That the answer came, and when.", ""),
    ("request.header", "What the request carried as it was recorded.", "Why the client built it so."),
    ("request.cookie", "Which cookie the request carried.", "That the server reads it."),
    ("request.body", "What the request body carried.", "Where the client had it from."),
    ("request.query", "What the URL carried.", "Who else read it: logs and Referer are not in the capture."),
    ("request", "That the request was sent, and when.", "Why the client sent it then."),
    ("websocket", "What was sent over the WebSocket.", ""),
];

/// Stated absence is a fact of its own.
fn proves(part: &str, says: &str) -> (&'static str, &'static str) {
    if says.starts_with("absent") && part.starts_with("request") {
        return ("The request left without it.", "Why the client had none, or did not attach it.");
    }
    PROVES.iter().find(|(prefix, ..)| part.starts_with(prefix)).map_or(("", ""), |(_, yes, no)| (yes, no))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_statement_comes_first() {
        for (index, (prefix, ..)) in PROVES.iter().enumerate() {
            let hidden = PROVES[..index].iter().find(|(earlier, ..)| prefix.starts_with(earlier));
            assert!(hidden.is_none(), "{prefix} is hidden by {hidden:?}");
        }
        assert_eq!(proves("request.header.authorization", "absent").0, "The request left without it.");
    }
}
