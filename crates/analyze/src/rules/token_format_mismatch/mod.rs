//! AUTH013: another kind of credential than the API takes, such as a session id where a JWT belongs.

use std::collections::BTreeMap;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, credential::Credential},
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::{Text, answered, times},
    token::TokenKind,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH013",
        id: "token-format-mismatch",
        title: "Credential is of another kind than the API takes",
        severity: Severity::High,
        layer: Layer::Token,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["fe.right-token", "idp.audience"],
    },
    check: Check::Timeline(check),
};

/// Refusals at or before the token's structure; a later stage means that the token was read as what it is.
const EXPLAINED: &[ErrorClass] = &[
    ErrorClass::Malformed,
    ErrorClass::Invalid,
    ErrorClass::MissingOrInvalid,
    ErrorClass::WrongTokenType,
    ErrorClass::UnknownKey,
    ErrorClass::Algorithm,
];

/// What shows that the kind is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The value names something and proves nothing.
    Identifier,
    /// Accepted requests carry another kind.
    Control(TokenKind),
    /// The server could not parse it as what it expects.
    Text,
    /// Only the provider that encrypted it can read it.
    Encrypted,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    for facts in Case::by_credential(case.refusals().filter(|fact| mismatch(case, fact).is_some()), |f| {
        f.authorization().map(|c| c.token)
    }) {
        let Some(&first) = facts.first() else { continue };
        if let (Some(credential), Some(why)) = (first.authorization(), mismatch(case, first)) {
            out.add(draft(case, first, credential, why, &facts));
        }
    }
}

fn mismatch(case: &Case<'_>, fact: &Fact) -> Option<Why> {
    let credential = fact.authorization().filter(|c| c.well_formed && is_token(c.kind) && !fact.role.is_identity())?;
    let explained = fact.outcome.error.is_none() || fact.outcome.says(EXPLAINED);
    if !explained {
        return None;
    }
    let accepted = accepted_kinds(case, fact);
    if accepted.contains_key(&credential.kind) {
        return None;
    }
    let taken = accepted.iter().max_by_key(|(_, n)| **n).map(|(kind, _)| *kind);
    match (credential.kind, taken) {
        (TokenKind::Identifier | TokenKind::ApiKey { publishable: true }, _) => Some(Why::Identifier),
        (_, Some(kind)) => Some(Why::Control(kind)),
        (TokenKind::Jwe, None) => Some(Why::Encrypted),
        (kind, None) if !kind.is_jose() && fact.outcome.says(&[ErrorClass::Malformed]) => Some(Why::Text),
        _ => None,
    }
}

/// Kinds of bearer-like credentials; the other schemes decide the kind by themselves.
fn is_token(kind: TokenKind) -> bool {
    use TokenKind as K;
    !matches!(
        kind,
        K::Placeholder | K::Redacted | K::Basic | K::Digest | K::Negotiate | K::Ntlm | K::SigV4 | K::SignedRequest
    )
}

/// Kinds of the `Authorization` that the API group accepted, else the origin, with how often.
fn accepted_kinds(case: &Case<'_>, fact: &Fact) -> BTreeMap<TokenKind, usize> {
    let kinds = |group: Option<&Text>| -> BTreeMap<TokenKind, usize> {
        let accepted = case.lookup().accepted_kinds(&fact.origin, group).into_iter().flatten();
        accepted.filter(|(kind, _)| is_token(**kind)).map(|(kind, count)| (*kind, *count)).collect()
    };
    Some(kinds(Some(&fact.group))).filter(|kinds| !kinds.is_empty()).unwrap_or_else(|| kinds(None))
}

fn draft(case: &Case<'_>, first: &Fact, credential: &Credential, why: Why, facts: &[&Fact]) -> Draft {
    let sent = noun(case, credential);
    let times = times(facts.len());
    let lead =
        format!("{} was sent with {sent} as its bearer token and {}{times}", first.route, answered(first.status));
    let malformed = first.outcome.says(&[ErrorClass::Malformed]);
    let control = match why {
        Why::Control(kind) => Some(kind),
        _ => accepted_kinds(case, first).into_keys().next(),
    };
    let draft = Draft::new(&RULE.meta, first)
        .because_if(why != Why::Encrypted && !matches!(why, Why::Control(_)), Reason::WireFact)
        .because_if(control.is_some(), Reason::Control)
        .because_if(why == Why::Encrypted, Reason::WireFact)
        .because_if(malformed, Reason::ServerText)
        .capped((why == Why::Encrypted && !malformed).then_some(Cap::NoControl))
        .primary(
            first.id,
            "request.header.authorization",
            format!("{sent}: {}", case.capture().describe(credential.token)),
        )
        .server_says(first)
        .credential(credential.token)
        .also(facts.iter().map(|f| f.id))
        .cause(credential.kind.name());
    let draft = match accepted_with(case, first, control) {
        Some(good) => {
            draft.related(good.id, "request.header.authorization", format!("{}, accepted", kind_noun(control)))
        }
        None => draft,
    };
    match (why, control) {
        (Why::Identifier, Some(kind)) => draft.variant("identifier").message(format!(
            "{lead}; an id names a session or user and proves nothing, and the same API accepted {}.",
            kind_noun(Some(kind))
        )),
        (Why::Identifier, None) => draft.variant("identifier").message(format!(
            "{lead}; an id names a session or user and proves nothing, so no verifier can accept it."
        )),
        (Why::Encrypted, _) => draft
            .variant("encrypted")
            .message(format!("{lead}; its content is encrypted, so only the provider that made it can read it.")),
        (Why::Text, _) => draft.message(format!("{lead}; the server tried to parse a JWT and could not.")),
        (Why::Control(kind), _) => {
            draft.message(format!("{lead}; accepted requests to the same API carry {}.", kind_noun(Some(kind))))
        }
    }
}

fn accepted_with<'a>(case: &Case<'a>, fact: &Fact, kind: Option<TokenKind>) -> Option<&'a Fact> {
    let kind = kind?;
    let mut accepted = case.lookup().authorized_at(&fact.origin).filter(|a| a.fact.is_api_call());
    accepted.find(|a| a.credential.kind == kind).map(|a| a.fact)
}

/// What was sent, with its public prefix and length where that helps to find it.
fn noun(case: &Case<'_>, credential: &Credential) -> String {
    let token = case.token(credential.token);
    let length = token.classified.length;
    match (credential.kind, token.value.word()) {
        (TokenKind::Identifier, Some("sess")) => format!("a session id (`sess_…`, {length} characters)"),
        (TokenKind::Identifier, Some(word)) => format!("an id (`{word}_…`, {length} characters)"),
        (TokenKind::ApiKey { publishable: true }, _) => "a publishable key".to_owned(),
        (kind, _) => kind_noun(Some(kind)),
    }
}

fn kind_noun(kind: Option<TokenKind>) -> String {
    match kind {
        None => "a token".into(),
        Some(TokenKind::Jwt) => "a JWT".into(),
        Some(TokenKind::Jwe) => "an encrypted token (JWE)".into(),
        Some(TokenKind::Opaque) => "an opaque token".into(),
        Some(TokenKind::UuidOpaque) => "a UUID".into(),
        Some(TokenKind::Identifier) => "an id".into(),
        Some(TokenKind::LowEntropy) => "a short plain value".into(),
        Some(TokenKind::ApiKey { .. }) => "an API key".into(),
        Some(TokenKind::FrameworkCookie(framework)) => format!("a {} session cookie's value", framework.name()),
        Some(kind) => format!("a token of kind {}", kind.name()),
    }
}
