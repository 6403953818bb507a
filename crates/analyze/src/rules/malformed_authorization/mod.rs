//! AUTH011: the value of `Authorization` breaks its grammar, or the token in it has lost characters.

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, credential::Credential},
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::{answered, times},
    token::{Defect, TokenKind},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH011",
        id: "malformed-authorization",
        title: "Authorization header is malformed",
        severity: Severity::High,
        layer: Layer::Client,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["fe.header-format"],
    },
    check: Check::Timeline(check),
};

/// Refusals that a malformed value explains: nothing usable was seen, it did not parse, or its signature was cut.
const EXPLAINED: &[ErrorClass] = &[
    ErrorClass::Missing,
    ErrorClass::MissingOrWrongScheme,
    ErrorClass::WrongScheme,
    ErrorClass::MissingOrInvalid,
    ErrorClass::Malformed,
    ErrorClass::Invalid,
    ErrorClass::ApiKeyInvalid,
    ErrorClass::ApiKeyMissing,
    ErrorClass::ClientAuth,
    ErrorClass::Algorithm,
];

fn check(case: &Case<'_>, out: &mut Findings) {
    let broken = case.refusals().filter(|fact| malformed(case, fact).is_some());
    let groups =
        Case::grouped(broken, |f| (f.origin.clone(), f.route.clone(), f.session, f.authorization().map(|c| c.token)));
    for facts in groups.into_values() {
        if let Some((&first, (credential, defect))) = facts.first().and_then(|f| Some((f, malformed(case, f)?))) {
            out.add(draft(case, first, credential, defect, &facts));
        }
    }
}

/// The malformed `Authorization` of a refusal that it explains, and the defect to name.
fn malformed<'f>(case: &Case<'_>, fact: &'f Fact) -> Option<(&'f Credential, Defect)> {
    let credential = fact.authorization()?;
    if matches!(credential.kind, TokenKind::Placeholder | TokenKind::Redacted) {
        return None;
    }
    let telling = |d: &&Defect| **d != Defect::NonconformantBase64 || fact.outcome.says(&[ErrorClass::Malformed]);
    let defect = *credential.defects.iter().find(telling)?;
    let cut =
        |d: &Defect| d.is_truncation() || matches!(d, Defect::SignatureLength { .. } | Defect::SegmentNotBase64(_));
    let by_signature = fact.outcome.says(&[ErrorClass::Signature]) && credential.defects.iter().any(cut);
    let explained = fact.outcome.error.is_none() || fact.outcome.says(EXPLAINED) || by_signature;
    (explained && !is_accepted_form(case, fact, credential)).then_some((credential, defect))
}

/// Whether the origin accepts the same departure elsewhere: then it is this API's own grammar.
fn is_accepted_form(case: &Case<'_>, fact: &Fact, credential: &Credential) -> bool {
    let same = |c: &Credential| c.defects == credential.defects;
    case.lookup().authorized_at(&fact.origin).any(|a| same(a.credential))
}

fn draft(case: &Case<'_>, first: &Fact, credential: &Credential, defect: Defect, facts: &[&Fact]) -> Draft {
    let cut = credential.defects.iter().copied().find(|d| d.is_truncation());
    let named = cut.unwrap_or(defect);
    let mut accepted = case.lookup().authorized_at(&first.origin);
    let control = accepted.find(|a| a.credential.well_formed).map(|a| a.fact);
    let draft = Draft::new(&RULE.meta, first)
        .variant(if cut.is_some() { "truncated" } else { named.name() })
        .message(message(case, first, credential, named, facts.len()))
        .because(Reason::WireFact)
        .because_if(control.is_some(), Reason::Control)
        .because_if(first.outcome.says(&[ErrorClass::Malformed]), Reason::ServerText)
        .primary(first.id, "request.header.authorization", shape(case, credential, named))
        .server_says(first)
        .credential(credential.token)
        .also(facts.iter().map(|f| f.id))
        .cause(named.name());
    match control {
        Some(good) => draft.related(good.id, "request.header.authorization", "well formed, and accepted"),
        None => draft,
    }
}

/// The masked shape of the value: scheme, defect, and the lengths that tell a cut token.
fn shape(case: &Case<'_>, credential: &Credential, defect: Defect) -> String {
    let scheme = credential.scheme.as_deref().map_or(String::new(), |s| format!("{s} "));
    let jose = case.token(credential.token).classified.jose.as_ref();
    let segments = jose.map(|jose| {
        let lengths: Vec<String> = jose.segments.iter().map(u32::to_string).collect();
        format!(", segments of {} characters", lengths.join(", "))
    });
    format!("{}: {scheme}{}{}", defect.name(), case.capture().describe(credential.token), segments.unwrap_or_default())
}

fn message(case: &Case<'_>, fact: &Fact, credential: &Credential, defect: Defect, n: usize) -> String {
    let scheme = credential.scheme.as_deref().unwrap_or("Bearer");
    let alg = case
        .token(credential.token)
        .classified
        .jose
        .as_ref()
        .and_then(|j| j.header.alg.as_deref())
        .unwrap_or("its algorithm");
    format!(
        "The Authorization of {} {}; the request {}{}.",
        fact.route,
        says(defect, scheme, alg),
        answered(fact.status),
        times(n)
    )
}

/// What is wrong, as a predicate.
fn says(defect: Defect, scheme: &str, alg: &str) -> String {
    match defect {
        Defect::Empty => format!("ends after `{scheme}`"),
        Defect::MissingScheme => "holds the bare token without a scheme such as `Bearer`".into(),
        Defect::DoubledScheme => format!("says the scheme twice (`{scheme} {scheme} …`)"),
        Defect::SchemeInsideValue => format!("has a second scheme after `{scheme}`"),
        Defect::SchemePunctuation => format!("has a colon or an equals sign after `{scheme}` where one space belongs"),
        Defect::Quoted => "has quotation marks around the token".into(),
        Defect::PercentSpace => "has an encoded space (`%20`) where a plain one belongs".into(),
        Defect::EscapedNewline => "ends in a literal `\\n` that was never turned into a line end".into(),
        Defect::TrailingNewline => "ends in a line break, which came with the token from a file or variable".into(),
        Defect::Invisible => "holds an invisible character, such as a byte order mark".into(),
        Defect::InnerWhitespace => "has white space inside the token".into(),
        Defect::Comma => "holds a comma, as when two values are joined".into(),
        Defect::NotB64Token => "holds characters that its scheme does not allow".into(),
        Defect::SegmentCount(n) => format!("holds a JWT of {n} segments instead of 3"),
        Defect::SegmentNotBase64(n) => format!("holds a JWT whose segment {} is not base64url", n + 1),
        Defect::HeaderNotJson => "holds a JWT whose header is not JSON".into(),
        Defect::AlgMissing => "holds a JWT whose header names no algorithm".into(),
        Defect::PayloadNotJson => "holds a JWT whose payload is not JSON, as when it was cut or edited".into(),
        Defect::SignatureLength { found, expected } if found < expected => {
            format!("holds a cut JWT: its signature has {found} characters, {alg} makes {expected}")
        }
        Defect::SignatureLength { found, expected } => {
            format!("holds a JWT whose signature has {found} characters where {alg} makes {expected}")
        }
        Defect::NonconformantBase64 => "holds a JWT in ordinary base64 instead of base64url".into(),
        Defect::CutAtLimit => "ends exactly at 4096 or 8192 bytes, where fields and columns are cut".into(),
    }
}
