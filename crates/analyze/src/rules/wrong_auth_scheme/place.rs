//! A credential in a place where the API does not look: it takes the same one elsewhere, or says that it found none.

use authtrace_parse::Kind;

use super::{EXPLAINED, RULE};
use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::{
        Fact,
        credential::{Credential, Method},
        gate::NOT_A_FAILURE,
        outcome::OutcomeClass,
    },
    finding::{Cap, Reason},
    rule::{Draft, Findings},
    text::{answered, times},
};

pub(super) fn check(case: &Case<'_>, out: &mut Findings) {
    // A WebSocket takes its credential elsewhere than a call by nature.
    // Where the same call takes the same credential, a 403 is no matter of rights either.
    let denied =
        |f: &&Fact| f.outcome.class == OutcomeClass::Forbidden && !f.gates.any(NOT_A_FAILURE) && is_taken(case, f);
    let calls = case.refusals().chain(case.facts().filter(denied));
    let calls = calls.filter(|fact| fact.kind == Kind::Http && !fact.role.is_identity());
    let refused = calls.filter(|fact| misplaced(case, fact).is_some());
    for facts in Case::by_credential(refused, |f| f.main_credential().map(|c| c.token)) {
        if let Some((&first, misplaced)) = facts.first().and_then(|first| Some((first, misplaced(case, first)?))) {
            out.add(draft(case, first, &misplaced, &facts));
        }
    }
}

/// Whether the same call is accepted with the same credential in another place or under another scheme.
fn is_taken(case: &Case<'_>, fact: &Fact) -> bool {
    case.read_elsewhere(fact).is_some_and(|(ok, _)| ok.route == fact.route)
}

/// A credential that was not read.
struct Misplaced<'a> {
    sent: &'a Credential,
    /// An accepted call, and the same credential in it.
    read: Option<(&'a Fact, &'a Credential)>,
}

fn misplaced<'a>(case: &Case<'a>, fact: &'a Fact) -> Option<Misplaced<'a>> {
    let bad = [ErrorClass::ApiKeyInvalid, ErrorClass::Invalid];
    let denied = fact.outcome.says(&[ErrorClass::Forbidden]) && is_taken(case, fact);
    if !denied && fact.outcome.error.is_some() && !fact.outcome.says(EXPLAINED) && !fact.outcome.says(&bad) {
        return None;
    }
    if let Some((ok, read)) = case.read_elsewhere(fact) {
        let sent = fact.credentials.iter().find(|c| c.token == read.token)?;
        return Some(Misplaced { sent, read: Some((ok, read)) });
    }
    // Whoever says "no key" to a request with a key in a field of its own reads another field. A field whose name proxies drop
    // is another matter (AUTH073).
    let missing = fact.outcome.says(&[ErrorClass::ApiKeyMissing]) && fact.authorization().is_none();
    let sent = fact.credentials.iter().find(|c| c.method() == Method::ApiKey && c.kind.is_credential())?;
    (missing && !sent.carrier.to_string().contains('_')).then_some(Misplaced { sent, read: None })
}

/// Where it stands, with its scheme where there may be one.
fn placed(credential: &Credential) -> String {
    match &credential.scheme {
        Some(scheme) => format!("{} with the scheme `{scheme}`", credential.carrier),
        None if credential.is_authorization() => format!("{} without a scheme", credential.carrier),
        None => credential.carrier.to_string(),
    }
}

fn draft(case: &Case<'_>, first: &Fact, misplaced: &Misplaced<'_>, facts: &[&Fact]) -> Draft {
    let Misplaced { sent, read } = misplaced;
    let (place, sent_in) = (sent.carrier.to_string(), placed(sent));
    let answer = format!("{}{}", answered(first.status), times(facts.len()));
    let head = format!("{} was sent with its credential in {sent_in} and {answer}", first.route);
    let draft = Draft::new(&RULE.meta, first)
        .variant("place")
        .title("Credential sent in another place than the API reads")
        .credential(sent.token)
        .because(Reason::WireFact)
        .because_if(first.outcome.says(&[ErrorClass::ApiKeyMissing]), Reason::ServerText)
        .because_if(read.is_some(), Reason::Control)
        .capped(read.is_none().then_some(Cap::NoControl))
        .primary(first.id, &place, case.capture().describe(sent.token))
        .server_says(first)
        .also(facts.iter().map(|f| f.id))
        .cause(format!("{} {sent_in}", first.origin));
    match read {
        Some((ok, there)) => draft
            .related(ok.id, &there.carrier.to_string(), format!("the same credential, accepted on {}", ok.route))
            .message(format!(
                "{head}; {} accepts the same one in {}. To the verifier nothing was sent.",
                ok.route,
                placed(there)
            )),
        None => draft.message(format!("{head}, as if there were none: the API reads another field, or a parameter.")),
    }
}
