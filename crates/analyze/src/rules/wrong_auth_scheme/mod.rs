//! AUTH012: the scheme in `Authorization` is not one that the API reads, or the credential stands where it does not look.

mod place;

use std::collections::BTreeSet;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, credential::Credential},
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::{Text, answered, times},
    thresholds::thresholds,
    token::TokenKind,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH012",
        id: "wrong-auth-scheme",
        title: "Authorization uses another scheme than the API reads",
        severity: Severity::High,
        layer: Layer::Client,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.scheme", "be.challenge"],
    },
    check: Check::Timeline(check),
};

// How many accepted requests show which scheme an API reads.
thresholds! {
    /// Accepted requests with another scheme; one may be a route of its own.
    control_min: count = 2,
}

/// Refusals that an unread scheme explains: to the verifier nothing was sent.
const EXPLAINED: &[ErrorClass] = &[
    ErrorClass::Missing,
    ErrorClass::MissingOrWrongScheme,
    ErrorClass::WrongScheme,
    ErrorClass::MissingOrInvalid,
    ErrorClass::ApiKeyMissing,
];

/// Why the scheme is wrong.
enum Wrong {
    /// Accepted requests use the same scheme in other letters.
    Case(Text),
    /// Accepted requests use other schemes.
    Control(Vec<Text>),
    /// The API's description asks for other schemes: where it says so, and which.
    Declared(String, Vec<Text>),
    /// The response asks for other schemes.
    Challenge(Vec<Text>),
    /// A header field of the server's own names the scheme that it reads: API Gateway in front of a route with IAM.
    Said(&'static str),
    /// The token is bound to a DPoP key and was sent as a plain bearer token.
    Dpop,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    for facts in Case::by_credential(case.refusals().filter(|fact| wrong(case, fact).is_some()), |f| {
        f.authorization().map(|c| c.token)
    }) {
        let Some(&first) = facts.first() else { continue };
        if let (Some(credential), Some(wrong)) = (first.authorization(), wrong(case, first)) {
            out.add(draft(case, first, credential, &wrong, &facts));
        }
    }
    place::check(case, out);
}

fn wrong(case: &Case<'_>, fact: &Fact) -> Option<Wrong> {
    // Token, introspection and revocation endpoints authenticate the client, by a scheme of its own.
    let credential = fact.authorization().filter(|_| !fact.role.is_identity())?;
    let scheme = credential.scheme.as_deref().filter(|_| case.read_elsewhere(fact).is_none())?;
    let explained =
        fact.outcome.error.is_none() || fact.outcome.says(EXPLAINED) || fact.outcome.says(&[ErrorClass::Dpop]);
    let names_error = fact.challenges.iter().any(|c| c.error().is_some_and(|e| e != "invalid_request"));
    if !explained || credential.kind == TokenKind::Placeholder || accepts_exactly(case, fact, scheme) {
        return None;
    }
    if scheme.eq_ignore_ascii_case("bearer")
        && is_bound(case, credential)
        && (challenges(fact, "dpop") || fact.outcome.says(&[ErrorClass::Dpop]))
    {
        return Some(Wrong::Dpop);
    }
    if names_error || !credential.well_formed {
        return None;
    }
    if let Some(other) = other_letters(case, fact, scheme) {
        return Some(Wrong::Case(other));
    }
    if let Some(declared) = case.capture().declared(fact).filter(|d| d.protected && d.is_met_by(fact) == Some(false)) {
        let schemes: Vec<Text> = declared.authorization_schemes().into_iter().map(Text::from).collect();
        if !schemes.is_empty() && !schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
            return Some(Wrong::Declared(declared.from(), schemes));
        }
    }
    let (control, _) = case.control(fact);
    let lower: Text = scheme.to_ascii_lowercase().into();
    let accepted: u32 = control.accepted_schemes.values().sum();
    if accepted as usize >= Thresholds::of(case).control_min && !control.accepted_schemes.contains_key(&lower) {
        return Some(Wrong::Control(control.accepted_schemes.keys().cloned().collect()));
    }
    if let Some(read) = said(fact).filter(|read| !scheme.eq_ignore_ascii_case(read)) {
        return Some(Wrong::Said(read));
    }
    let asked: BTreeSet<Text> = fact.challenges.iter().map(|c| Text::from(&*c.scheme)).collect();
    (!asked.is_empty() && !challenges(fact, scheme)).then(|| Wrong::Challenge(asked.into_iter().collect()))
}

/// The scheme that the server reads in place of the one that was sent, where a field of its answer says so.
fn said(fact: &Fact) -> Option<&'static str> {
    let in_field = fact.outcome.error_part.as_deref().is_some_and(|part| part.starts_with("response.header.x-amzn"));
    (in_field && fact.outcome.says(&[ErrorClass::WrongScheme])).then_some("AWS4-HMAC-SHA256")
}

fn challenges(fact: &Fact, scheme: &str) -> bool {
    fact.challenges.iter().any(|c| c.is(scheme))
}

/// `cnf.jkt`: such a token must come with a proof, under the scheme `DPoP` (RFC 9449 §7.1).
fn is_bound(case: &Case<'_>, credential: &Credential) -> bool {
    let jose = case.token(credential.token).classified.jose.as_ref();
    jose.and_then(|jose| jose.claims.as_ref()).is_some_and(|claims| claims.jkt.is_some())
}

fn accepted_schemes<'a>(case: &Case<'a>, fact: &Fact) -> impl Iterator<Item = &'a Text> {
    case.lookup().authorized_at(&fact.origin).filter_map(|a| a.credential.scheme.as_ref())
}

fn accepts_exactly(case: &Case<'_>, fact: &Fact, scheme: &str) -> bool {
    accepted_schemes(case, fact).any(|s| &**s == scheme)
}

/// The scheme as accepted requests write it, where only letter case differs: some servers compare bytes.
fn other_letters(case: &Case<'_>, fact: &Fact, scheme: &str) -> Option<Text> {
    accepted_schemes(case, fact).find(|s| s.eq_ignore_ascii_case(scheme)).cloned()
}

fn draft(case: &Case<'_>, first: &Fact, credential: &Credential, wrong: &Wrong, facts: &[&Fact]) -> Draft {
    let scheme = credential.scheme.as_deref().unwrap_or_default();
    let times = times(facts.len());
    let sent = format!("{} was sent with the scheme `{scheme}` and {}{times}", first.route, answered(first.status));
    let draft = Draft::new(&RULE.meta, first)
        .primary(
            first.id,
            "request.header.authorization",
            format!("scheme `{scheme}`, {}", case.capture().describe(credential.token)),
        )
        .server_says(first)
        .because(Reason::WireFact)
        .because_if(first.outcome.says(&[ErrorClass::WrongScheme, ErrorClass::Dpop]), Reason::ServerText)
        .credential(credential.token)
        .also(facts.iter().map(|f| f.id))
        .cause(format!("{} {scheme}", first.origin));
    let names = |list: &[Text]| list.iter().map(|s| format!("`{s}`")).collect::<Vec<_>>().join(" and ");
    match wrong {
        Wrong::Case(other) => draft
            .variant("scheme-case")
            .because(Reason::Control)
            .message(format!("{sent}; accepted requests write `{other}`. Schemes have no letter case (RFC 9110 §11.1), and this server compares it.")),
        Wrong::Control(others) => draft
            .because(Reason::Control)
            .message(format!("{sent}; every accepted request to this API uses {}. To the verifier nothing was sent.", names(others))),
        Wrong::Declared(from, schemes) => draft
            .because(Reason::Document)
            .related(first.id, "request", format!("{from}: needs {}", names(schemes)))
            .message(format!("{sent}; its description ({from}) asks for {}. To the verifier nothing was sent.", names(schemes))),
        Wrong::Challenge(asked) => draft
            .capped([Cap::NoControl])
            .because(Reason::ServerCode)
            .related(first.id, "response.header.www-authenticate", names(asked))
            .message(format!("{sent}; the response asks for {}.", names(asked))),
        Wrong::Said(read) => draft
            .because(Reason::ServerCode)
            .message(format!("{sent}; what answered reads `{read}` and could not make sense of it: the route wants signed requests, or the path is another one.")),
        Wrong::Dpop => draft
            .variant("dpop")
            .capped([Cap::TokenSays])
            .message(format!("{sent}; the token is bound to a DPoP key (cnf.jkt), so it must come as `DPoP` with a proof.")),
    }
}
