//! A key, a password, a signed request or an opaque token: nothing in it can be checked but its form.

use super::{RULE, about_user};
use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::{
        Fact,
        credential::{Credential, Method},
    },
    finding::{Cap, Reason, Severity},
    rule::Draft,
    text::{answered, span},
    token::TokenKind,
};

/// What sort of secret was refused.
#[derive(Clone, Copy, PartialEq)]
enum Sort {
    /// A key that stands for an application.
    Key,
    /// A user's name and password, or the proof of one (Basic, Digest, NTLM, Kerberos).
    Login,
    /// A signature over the request.
    Signed,
    /// An opaque token.
    Opaque,
}

/// The refusal of a secret that only the server can check, or of one that was not recognised as such.
pub(super) fn judge(case: &Case<'_>, fact: &Fact) -> Option<Draft> {
    let named = fact.outcome.says(&[ErrorClass::ApiKeyInvalid]);
    if fact.credentials.is_empty() && named {
        return Some(unplaced(fact));
    }
    let credential = fact.main_credential().filter(|c| !c.is_cookie() && c.well_formed)?;
    // What the server itself calls a key is one, whatever it looks like: Supabase's keys are JWTs.
    let is_key = named && credential.kind != TokenKind::Redacted;
    let sort = sort(credential).or_else(|| is_key.then_some(Sort::Key))?;
    // Nobody else explains it, so whatever the server names is about this credential, unless it saw none.
    let seen = fact.outcome.error.is_none_or(|error| !error.is_missing());
    seen.then(|| draft(case, fact, credential, sort))
}

fn sort(credential: &Credential) -> Option<Sort> {
    use TokenKind as K;
    Some(match credential.kind {
        K::Basic | K::Digest | K::Negotiate | K::Ntlm => Sort::Login,
        K::SigV4 | K::SignedRequest => Sort::Signed,
        K::ApiKey { .. } => Sort::Key,
        // Its claims were looked at, and some rule or none had something to say.
        K::Jwt | K::Jws | K::SdJwt | K::Jwe | K::Redacted | K::Placeholder | K::Identifier => return None,
        _ if matches!(credential.method(), Method::ApiKey | Method::Query) => Sort::Key,
        K::LowEntropy => return None,
        _ => Sort::Opaque,
    })
}

fn draft(case: &Case<'_>, fact: &Fact, credential: &Credential, sort: Sort) -> Draft {
    let with = case.lookup().succeeded_with(&fact.origin, credential.token);
    let mut with = with.iter().filter(|f| f.is_api_call() && f.accepted() && !f.bare_accepted);
    let elsewhere = with.find(|f| f.main_credential().is_some_and(|c| c.token == credential.token));
    let control = elsewhere.is_some() || case.control(fact).0.credentialed_ok > 0;
    let mut draft = Draft::new(&RULE.meta, fact)
        .variant(variant(sort))
        .title(title(sort))
        .credential(credential.token)
        .message(message(fact, sort, elsewhere))
        .because(Reason::WireFact)
        .because_server_says(fact)
        .because_if(elsewhere.is_some(), Reason::Control)
        .capped((!control && about_user(fact).is_none()).then_some(Cap::NoControl))
        .primary(fact.id, &credential.carrier.to_string(), case.capture().describe(credential.token))
        .server_says(fact)
        .fixes(if sort == Sort::Opaque { RULE.meta.fixes } else { &["be.log-reason"] })
        .cause(format!("{} {:?} {:?}", fact.origin, sort as u8, fact.outcome.error));
    if let Some((variant, title, _)) = about_user(fact) {
        draft = draft.variant(variant).title(title);
    }
    if fact.status == Some(403) && fact.outcome.error.is_none() && fact.challenges.is_empty() {
        draft = draft.severity(Severity::Medium, "A 403 without words may have nothing to do with the credential.");
    }
    // What a browser asks for in a dialogue, a person types (G5).
    if sort == Sort::Login && fact.is_document {
        draft = draft.severity(Severity::Low, "a person typed it into the browser's dialogue");
    }
    match elsewhere {
        Some(ok) => draft.related(ok.id, "response.status", format!("the same credential, accepted on {}", ok.route)),
        None => draft,
    }
}

/// A server that calls a key bad has found one, in a place where nobody looks for keys.
fn unplaced(fact: &Fact) -> Draft {
    let part = fact.outcome.error_part.as_deref().unwrap_or("response.status");
    let text = fact.outcome.error_text.as_deref().unwrap_or_default();
    Draft::new(&RULE.meta, fact)
        .variant(variant(Sort::Key))
        .title(title(Sort::Key))
        .message(format!(
            "{} {}: the server found a key and does not accept it; which part of the request holds it is not known here.",
            fact.route,
            answered(fact.status)
        ))
        .because_server_says(fact)
        .primary(fact.id, part, format!("\"{text}\""))
        .cause(format!("{} unplaced", fact.origin))
}

fn variant(sort: Sort) -> &'static str {
    match sort {
        Sort::Key => "api-key",
        Sort::Login => "login",
        Sort::Signed => "signed-request",
        Sort::Opaque => "opaque",
    }
}

fn title(sort: Sort) -> &'static str {
    match sort {
        Sort::Key => "Key refused although its form is right",
        Sort::Login => "User name or password refused",
        Sort::Signed => "Signed request refused",
        Sort::Opaque => "Opaque token refused although its form is right",
    }
}

fn message(fact: &Fact, sort: Sort, elsewhere: Option<&Fact>) -> String {
    let head = format!("{} {}", fact.route, answered(fact.status));
    if let Some((_, _, says)) = about_user(fact) {
        return format!("{head}: {says}.");
    }
    if let Some(ok) = elsewhere {
        let earlier = ok.started_nanos() < fact.started_nanos();
        return match (ok.route == fact.route, earlier) {
            (true, true) => format!(
                "{head} with a credential that it had accepted {} before: it was revoked or replaced since, or what it stands for may no longer call this.",
                span(fact.started_nanos() - ok.started_nanos())
            ),
            (true, false) => format!("{head} with a credential that it accepts later: something changed in between."),
            (false, _) => format!(
                "{head} with a credential that {} {}: the server knows it, so the refusal is this endpoint's own, or something changed in between.",
                ok.route,
                if earlier { "had accepted before" } else { "accepts later" }
            ),
        };
    }
    // What the server names beside its status needs no guess.
    let says = fact.outcome.error_text.as_deref().filter(|text| text.split_whitespace().count() > 1);
    if let Some(says) = says.filter(|_| fact.outcome.error.is_some_and(|error| !error.is_general())) {
        return format!("{head}: the server says \"{says}\".");
    }
    let open = match sort {
        Sort::Key => {
            "with a key of the right form: it was revoked, belongs to another account or environment, or was copied wrongly"
        }
        Sort::Login => {
            "with a name and password of the right form: one of them is wrong, or the account may not sign in"
        }
        Sort::Signed => {
            "with a signature of the right form: the secret key is another one, the request was changed after it was signed, or the key may not do this"
        }
        Sort::Opaque => {
            "with an opaque token of the right form: it expired, was revoked, or was never this server's; only the server that keeps such tokens knows"
        }
    };
    format!("{head} {open}; the wire cannot show which.")
}
