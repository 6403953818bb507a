//! A signature over the request itself (AWS Signature Version 4, HTTP message signatures, signed URLs) that does not verify.

use super::RULE;
use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::{
        Fact,
        credential::{Carrier, Credential},
    },
    finding::Reason,
    rule::{Draft, Findings},
    text::{answered, times},
    token::TokenKind,
};

/// Query parameters that sign the URL that they are in.
const URL_SIGNATURES: &[&str] = &["x-amz-signature", "x-goog-signature", "sig", "signature"];

/// What the server says of signatures over requests: it computed another one.
pub(super) fn check(case: &Case<'_>, out: &mut Findings) {
    let refused = case.refusals().filter(|f| f.outcome.says(&[ErrorClass::Signature]) && signature(f).is_some());
    for facts in Case::by_credential(refused, |_| None) {
        if let Some(signature) = signature(facts[0]) {
            out.add(draft(case, &facts, signature));
        }
    }
}

fn signature(fact: &Fact) -> Option<&Credential> {
    fact.credentials.iter().find(|c| match &c.carrier {
        Carrier::Query(name) => URL_SIGNATURES.iter().any(|known| known.eq_ignore_ascii_case(name)),
        _ => matches!(c.kind, TokenKind::SigV4 | TokenKind::SignedRequest),
    })
}

fn draft(case: &Case<'_>, facts: &[&Fact], signature: &Credential) -> Draft {
    let fact = facts[0];
    Draft::new(&RULE.meta, fact)
        .variant("request")
        .title("Request is signed with another key, or was changed on its way")
        .message(format!(
            "{} {}{}: the server computes another signature. The secret key is not the one that belongs to the key's name, or something that was signed (host, path, a header, the body) arrived changed.",
            fact.route,
            answered(fact.status),
            times(facts.len())
        ))
        .because(Reason::WireFact)
        .because_server_says(fact)
        .primary(fact.id, &signature.carrier.to_string(), case.capture().describe(signature.token))
        .server_says(fact)
        .credential(signature.token)
        .also(facts.iter().map(|f| f.id))
        .fixes(&["be.request-signing", "be.env"])
        .cause(format!("{} request", fact.origin))
}
