//! AUTH027: a credential in which nothing is wrong to the eye was refused, and nothing else explains it.

mod secret;
mod sent_away;
mod session;
mod token;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{
        Fact,
        clock::Moment,
        credential::Method,
        gate::{Gate, NOT_A_FAILURE},
    },
    finding::Severity,
    presented::Presented,
    rule::{Check, Explained, Findings, Rule},
    session_end,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH027",
        id: "valid-looking-token-rejected",
        title: "Token refused although nothing is visibly wrong with it",
        severity: Severity::High,
        layer: Layer::Token,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.log-reason", "be.challenge"],
    },
    check: Check::Residual(check),
};

fn check(case: &Case<'_>, explained: &Explained, out: &mut Findings) {
    sent_away::check(case, out);
    let lost = case.facts().filter(|f| !f.gates.any(NOT_A_FAILURE) && session_end::is_lost(case, f));
    let open = case.refusals().chain(lost).filter(|f| !f.role.is_identity() && f.kind == authtrace_parse::Kind::Http);
    // A server that asks for more, or says that this user may not, has accepted what there is: that is AUTH025's.
    const ACCEPTED: &[ErrorClass] =
        &[ErrorClass::StepUp, ErrorClass::Scope, ErrorClass::Restricted, ErrorClass::Forbidden];
    let open = open.filter(|f| !f.outcome.says(ACCEPTED) || session_end::is_lost(case, f));
    // A refresh that cured the refusal has shown that the token was past its time, whatever the clocks say (G8).
    for fact in open.filter(|f| !explained.contains(f.id) && (!f.gates.has(Gate::Recovered) || is_cut_short(case, f))) {
        // A credential that the server calls expired is AUTH020's, whether its end can be read or not.
        let open = !fact.outcome.says(&[ErrorClass::Expired]);
        let judged = open.then(|| token::judge(case, fact).or_else(|| secret::judge(case, fact))).flatten();
        let judged = judged.or_else(|| session::judge(case, fact));
        out.add_all(judged.map(|draft| match traded(case, fact) {
            Some(ok) => {
                let (severity, reason) = match is_cut_short(case, fact) {
                    true => (Severity::Medium, "the user had to sign in again before the token's time was over"),
                    false => (Severity::Low, "the client got another credential and was accepted"),
                };
                draft
                    .related(ok.id, "response.status", "the same call with another credential, accepted")
                    .severity(severity, reason)
            }
            None if is_link(fact) => draft.severity(Severity::Low, "a link that was used before, or is too old"),
            None if session_end::is_ordinary(case, fact) => draft.severity(Severity::Low, session_end::REASON),
            None => draft,
        }));
    }
}

/// Whether a token that the same call had accepted was refused before its time was over, and a person signed in anew: no
/// renewal, which a client does by itself.
fn is_cut_short(case: &Case<'_>, fact: &Fact) -> bool {
    let Some(jwt) = Presented::of(case, fact) else { return false };
    let Some(exp) = jwt.claims.exp.filter(|exp| !exp.milliseconds) else { return false };
    let good = matches!(case.clock(fact).moment(fact, exp.intended().nanos()), Moment::Ahead(_));
    let before = case.lookup().succeeded_with(&fact.origin, jwt.id()).before(fact.started_nanos());
    let signs_in = |f: &Fact| f.request.has_password && !f.delivered.is_empty();
    let again = || {
        let until = traded(case, fact).map_or(fact.ended_nanos(), Fact::started_nanos);
        case.lookup().between(fact.ended_nanos(), until).any(signs_in)
    };
    good && before.iter().any(|f| f.route == fact.route) && again()
}

/// Whether a person opened an address that carries its own credential.
fn is_link(fact: &Fact) -> bool {
    fact.is_document && fact.main_credential().is_some_and(|credential| credential.method() == Method::Query)
}

/// The same call accepted afterwards with a credential that the client had got in between: by signing in again, or as a step
/// on the way (macaroons that want a discharge, tickets that are traded).
fn traded<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    /// Calls that are looked at: a client that goes on being refused has not signed in.
    const NEAR: usize = 50;
    let own = fact.main_credential()?.token;
    let end = fact.ended_nanos();
    let later = case.lookup().on_route(&fact.origin, &fact.route).since(end);
    later.iter().take(NEAR).find(|f| {
        let got = f.main_credential().filter(|c| c.token != own).and_then(|c| case.token(c.token).delivered_by);
        f.accepted() && got.and_then(|by| case.fact(by)).is_some_and(|by| by.started_nanos() >= end)
    })
}

/// What the server says of the user or session behind a token that it could read.
fn about_user(fact: &Fact) -> Option<(&'static str, &'static str, &'static str)> {
    match fact.outcome.error? {
        ErrorClass::UserUnknown => Some((
            "user-unknown",
            "Token is good, but its user does not exist or is disabled",
            "the server could read the token and says that its user does not exist or may not sign in",
        )),
        ErrorClass::Revoked => Some((
            "revoked",
            "Token or its session was revoked",
            "the server could read the token and says that it or its session was revoked",
        )),
        _ => None,
    }
}
