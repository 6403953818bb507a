//! A key that names its project, on the host of another one (Supabase, "Understanding API keys": the claim `ref`).

use super::RULE;
use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::{Fact, credential::Credential},
    finding::Reason,
    presented::{quoted, reason_is_open},
    rule::{Draft, Findings},
    text::{answered, times},
};

/// Below this every project has a name of its own.
const DOMAIN: &str = ".supabase.co";
const ISSUER: &str = "supabase";

/// Reports refused calls with the key of another project.
pub(super) fn check(case: &Case<'_>, out: &mut Findings) {
    let foreign = case.refusals().filter(|f| foreign_key(case, f).is_some());
    for facts in Case::by_credential(foreign, |f| foreign_key(case, f).map(|(key, _)| key.token)) {
        out.add_all(facts.first().and_then(|first| draft(case, first, &facts)));
    }
}

/// The key of another project that `fact` presents, and that project.
fn foreign_key<'a>(case: &Case<'a>, fact: &'a Fact) -> Option<(&'a Credential, &'a str)> {
    let own = fact.host.strip_suffix(DOMAIN)?;
    let may_be = reason_is_open(fact) || fact.outcome.says(&[ErrorClass::ApiKeyInvalid]);
    let named = |credential: &'a Credential| {
        let claims = case.token(credential.token).claims()?;
        let project = claims.project.as_deref().filter(|_| claims.iss.as_deref() == Some(ISSUER))?;
        (project != own).then_some((credential, project))
    };
    fact.credentials.iter().filter(|_| may_be).find_map(named)
}

fn draft<'a>(case: &Case<'a>, first: &'a Fact, facts: &[&Fact]) -> Option<Draft> {
    let (key, project) = foreign_key(case, first)?;
    let project = quoted([project].into_iter());
    let draft = Draft::new(&RULE.meta, first)
        .variant("project")
        .title("Key of another project")
        .credential(key.token)
        .because(Reason::WireFact)
        .because_server_says(first)
        .primary(first.id, "token.claim.ref", project.clone())
        .related(first.id, "request.header.host", quoted([&*first.host].into_iter()))
        .related(first.id, &key.carrier.to_string(), case.capture().describe(key.token))
        .server_says(first)
        .also(facts.iter().map(|f| f.id))
        .cause(format!("{} project", first.origin))
        .message(format!(
            "{} {}{}: the key is of the project {project}, and the call goes to {}.",
            first.route,
            answered(first.status),
            times(facts.len()),
            first.host
        ));
    Some(draft)
}
