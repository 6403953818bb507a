//! AUTH104: what is seen contradicts what was declared in the settings or in an API description.

use crate::{
    case::{Case, Seen},
    catalogue::{Layer, RuleMeta, Tier},
    expect::Declared,
    facts::{Fact, gate::NOT_A_FAILURE, outcome::OutcomeClass},
    finding::{Reason, Severity},
    presented::{Presented, quoted},
    rule::{Check, Draft, Findings, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH104",
        id: "against-expectation",
        title: "Traffic contradicts what was declared",
        severity: Severity::Medium,
        layer: Layer::Hygiene,
        tier: Tier::T3,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.true-description"],
    },
    check: Check::Timeline(check),
};

fn check(case: &Case<'_>, out: &mut Findings) {
    let counted = case.facts().filter(|f| !f.gates.any(NOT_A_FAILURE));
    for fact in counted {
        if let Some(declared) = case.capture().declared(fact) {
            out.add_all(against_route(case, fact, &declared));
        }
        if fact.is_api_call() && fact.accepted() {
            out.add_all(against_token(case, fact));
        }
        out.add_all(to_undeclared_origin(case, fact));
    }
}

/// The route was treated in another way than is declared.
fn against_route(case: &Case<'_>, fact: &Fact, declared: &Declared<'_>) -> Option<Draft> {
    let says = || (declared.from(), declared.wants());
    let answered = fact.outcome.class == OutcomeClass::Success;
    match (declared.protected, answered) {
        (true, true) if is_bare(case, fact) => Some(
            base(fact, "served-without-credential", says())
                .title("Route that is declared protected answers without a credential")
                .primary(fact.id, "request.header.authorization", "absent, and no other credential")
                .message(answered_bare(fact, declared)),
        ),
        (true, true) if declared.is_met_by(fact) == Some(false) && has_credential(fact) => {
            let credential = fact.main_credential()?;
            Some(
                base(fact, "other-credential", says())
                    .title("Another credential is accepted than is declared")
                    .severity(Severity::Low, "the call works; the description does not")
                    .primary(fact.id, &credential.carrier.to_string(), case.capture().describe(credential.token))
                    .message(format!(
                        "{} accepted {}; {} says that it {}.",
                        fact.route,
                        credential.carrier,
                        declared.from(),
                        declared.wants()
                    )),
            )
        }
        (false, _) if fact.refused() && is_bare(case, fact) => Some(
            base(fact, "refused-though-public", says())
                .title("Route that is declared public refuses a request without a credential")
                .severity(Severity::Low, "the refusal has a finding of its own")
                .primary(fact.id, "request.header.authorization", "absent, and no other credential")
                .server_says(fact)
                .message(answered_bare(fact, declared)),
        ),
        _ => None,
    }
}

/// What became of a request without any credential, and what is declared.
fn answered_bare(fact: &Fact, declared: &Declared<'_>) -> String {
    format!(
        "{} answered {} to a request without any credential; {} says that it {}.",
        fact.route,
        status(fact),
        declared.from(),
        declared.wants()
    )
}

fn base(fact: &Fact, variant: &'static str, (from, wants): (String, String)) -> Draft {
    Draft::new(&RULE.meta, fact)
        .variant(variant)
        .because(Reason::WireFact)
        .because(Reason::Document)
        .related(fact.id, "request", format!("{from}: {wants}"))
        .cause(format!("{} {variant}", fact.origin))
}

/// Whether the request certainly carried nothing that could be a credential.
fn is_bare(case: &Case<'_>, fact: &Fact) -> bool {
    let absent = matches!(case.authorization(fact), Seen::Absent { ref caps, .. } if caps.is_empty());
    absent && !has_credential(fact) && !fact.has_cookies && !case.capture().hides_headers(fact.source.input)
}

fn has_credential(fact: &Fact) -> bool {
    !fact.credentials.is_empty()
}

/// An accepted token comes from an issuer, or is for an audience, that the settings do not name.
fn against_token(case: &Case<'_>, fact: &Fact) -> Option<Draft> {
    let expected = case.capture().expectations();
    if expected.issuers.is_empty() && expected.audiences.is_empty() || fact.bare_accepted {
        return None;
    }
    let jwt = Presented::of(case, fact)?;
    let issuer = jwt.claims.iss.as_deref().filter(|issuer| expected.is_foreign_issuer(issuer));
    let (variant, part, has) = match issuer {
        Some(issuer) => ("issuer", "token.claim.iss", quoted([issuer].into_iter())),
        None if jwt.claims.aud.is_empty() || !expected.are_foreign_audiences(&jwt.claims.aud) => return None,
        None => ("audience", "token.claim.aud", quoted(jwt.claims.aud.iter().map(|aud| &**aud))),
    };
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant)
        .title(format!("Token of an undeclared {variant} is accepted"))
        .credential(jwt.id())
        .because(Reason::WireFact)
        .because(Reason::Document)
        .primary(fact.id, part, has.clone())
        .cause(format!("{} {variant} {has}", fact.origin))
        .message(format!("{} accepted a token whose {variant} is {has}, which the settings do not name.", fact.route));
    Some(draft)
}

/// A credential went to an origin that the settings do not name.
fn to_undeclared_origin(case: &Case<'_>, fact: &Fact) -> Option<Draft> {
    if !case.capture().expectations().is_foreign_origin(&fact.origin) {
        return None;
    }
    let credential = fact.credentials.iter().find(|c| c.well_formed)?;
    let described = case.capture().describe(credential.token);
    let draft = Draft::new(&RULE.meta, fact)
        .variant("origin")
        .title("Credential sent to an origin that is not declared")
        .severity(Severity::High, "the settings list every origin that may have one")
        .credential(credential.token)
        .because(Reason::WireFact)
        .because(Reason::Document)
        .primary(fact.id, &credential.carrier.to_string(), format!("{described}, sent to {}", fact.origin))
        .cause(format!("{} origin", fact.origin))
        .fixes(&["fe.scoped-client"])
        .message(format!("{} sent {described} to {}, which the settings do not name.", fact.route, fact.origin));
    Some(draft)
}

fn status(fact: &Fact) -> String {
    fact.status.map_or_else(|| "nothing".to_owned(), |status| status.to_string())
}
