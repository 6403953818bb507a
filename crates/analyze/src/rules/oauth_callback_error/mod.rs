//! AUTH090: the provider answered an authorization request with an error.

use std::time::Duration;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, gate::Gate, oauth::Oauth, outcome::OutcomeClass, role::Role},
    finding::{Reason, Severity},
    flows::{Flows, Told, is_silent_error},
    lookup::Sign,
    rule::{Check, Draft, Findings, Rule},
    text::Text,
    thresholds::{nanos, thresholds},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH090",
        id: "oauth-callback-error",
        title: "The provider answered the login with an error",
        severity: Severity::High,
        layer: Layer::Session,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["idp.redirect-uri", "idp.client-settings"],
    },
    check: Check::Timeline(check),
};

// How far a refused consent reaches.
thresholds! {
    /// A login that succeeds within this time makes a refused consent a change of mind.
    second_try: time = Duration::from_secs(300),
}

/// An error of the provider, where it was seen best.
struct Failure<'a> {
    fact: &'a Fact,
    oauth: &'a Oauth,
    error: Text,
    description: Option<Text>,
    part: Text,
    /// The page of the provider itself shows it; the user never comes back.
    page: bool,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let flows = Flows::of(case);
    let mut told: Vec<Failure<'_>> = Vec::new();
    let mut known = Told::default();
    // The callback is where the application learns of it; the provider's redirect and its page come after.
    let found = flows.steps().filter(|(f, o)| flows.is_callback(f, o)).filter_map(|(f, o)| at_callback(f, o));
    let redirects = flows.steps().filter_map(|(f, o)| in_redirect(f, o));
    let pages = flows.steps().filter_map(|(f, o)| on_page(f, o));
    for failure in found.chain(redirects).chain(pages) {
        if !is_asked_silently(&flows, &failure) && known.is_new(&failure.error, failure.fact.started_nanos()) {
            told.push(failure);
        }
    }
    told.sort_by_key(|failure| failure.fact.started_nanos());
    for failure in &told {
        out.add(draft(case, &flows, failure));
    }
}

fn at_callback<'a>(fact: &'a Fact, oauth: &'a Oauth) -> Option<Failure<'a>> {
    let asked = &oauth.asked;
    (!fact.gates.has(Gate::NotServer)).then_some(())?;
    let (error, part) = (asked.error.clone()?, asked.part.clone()?);
    Some(Failure { fact, oauth, error, description: asked.description.clone(), part, page: false })
}

/// The provider's redirect: from its authorization endpoint or its login, or with the state of the request.
fn in_redirect<'a>(fact: &'a Fact, oauth: &'a Oauth) -> Option<Failure<'a>> {
    let answered = &oauth.answered;
    let by_provider = fact.role == Role::Authorize || (answered.state.is_some() && fact.role != Role::Callback);
    (by_provider && fact.outcome.class == OutcomeClass::Redirect && oauth.asked.error.is_none()).then_some(())?;
    let (error, part) = (answered.error.clone()?, answered.part.clone()?);
    Some(Failure { fact, oauth, error, description: answered.description.clone(), part, page: false })
}

/// A page of the provider instead of an answer: what it does not trust, it does not redirect to (RFC 6749 §4.1.2.1).
fn on_page<'a>(fact: &'a Fact, oauth: &'a Oauth) -> Option<Failure<'a>> {
    let authorize = fact.role == Role::Authorize && fact.role_proven;
    // An offer to sign in by Kerberos, with a form for whoever cannot.
    let offers = fact.challenges.iter().any(|c| c.is("negotiate"));
    let refuses = fact.status.is_some_and(|s| (400..429).contains(&s)) && !offers;
    let named =
        oauth.answered.error.clone().filter(|_| oauth.answered.part.as_deref() != Some("response.header.location"));
    // With 200 only the provider's own error codes count: a login page may speak of anything.
    let says = named.as_deref().is_some_and(|error| error.starts_with("AADSTS") || error == "redirect_uri_mismatch");
    let shows = fact.outcome.class == OutcomeClass::Success && says;
    (authorize && !oauth.silent && (refuses || shows) && !fact.gates.any(&[Gate::Probe, Gate::Blocked]))
        .then_some(())?;
    let at = if named.is_some() { "response.body" } else { "response.status" };
    let error = named.unwrap_or_else(|| Text::from(fact.status.unwrap_or_default().to_string()));
    let description = oauth.answered.description.clone();
    Some(Failure { fact, oauth, error, description, part: Text::from(at), page: true })
}

/// `prompt=none` asks whether somebody is signed in; what comes back is AUTH093's.
fn is_asked_silently(flows: &Flows<'_>, failure: &Failure<'_>) -> bool {
    let state = failure.oauth.asked.state.or(failure.oauth.answered.state);
    let request = state.and_then(|state| flows.request_with(state, failure.fact.started_nanos()));
    is_silent_error(&failure.error) || failure.oauth.silent || request.is_some_and(|(_, oauth)| oauth.silent)
}

/// Whether the person said no, as far as the provider says.
fn is_refused_by_person(failure: &Failure<'_>) -> bool {
    const WORDS: &[&str] = &[
        "user denied",
        "user has denied",
        "user did not",
        "user declined",
        "cancel",
        "resource owner denied",
        "denied access",
        "declined to consent",
        "aadsts65004",
        "user_denied",
        "denied the request",
    ];
    let said = failure.description.as_deref().unwrap_or_default().to_ascii_lowercase();
    matches!(&*failure.error, "access_denied" | "user_cancelled_authorize" | "user_cancelled_login" | "user_denied")
        && (WORDS.iter().any(|word| said.contains(word)) || failure.error.starts_with("user_"))
}

fn draft(case: &Case<'_>, flows: &Flows<'_>, failure: &Failure<'_>) -> Draft {
    let Failure { fact, oauth, error, .. } = failure;
    let state = oauth.asked.state.or(oauth.answered.state);
    let request =
        state.and_then(|state| flows.request_with(state, fact.started_nanos())).filter(|(f, _)| f.id != fact.id);
    let asked = request.map_or(*oauth, |(_, oauth)| oauth);
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant(failure))
        .because(Reason::WireFact)
        .because_if(error.starts_with(|c: char| c.is_ascii_alphabetic()), Reason::ServerCode)
        .primary(fact.id, &failure.part, quoted(failure))
        .also(request.map(|(request, _)| request.id))
        .fixes(fixes(failure))
        .cause(format!("{} {error}", asked.redirect_shown.as_deref().unwrap_or(&fact.origin)))
        .message(message(failure, asked));
    let draft = match asked.redirect_shown.as_deref() {
        Some(uri) => draft.related(request.map_or(fact.id, |(f, _)| f.id), "request.query.redirect_uri", uri),
        None => draft,
    };
    milder(case, flows, failure, draft)
}

/// A person may say no; that is no fault, above all where the same person then says yes.
fn milder(case: &Case<'_>, flows: &Flows<'_>, failure: &Failure<'_>, draft: Draft) -> Draft {
    let denied = matches!(variant(failure), "denied");
    if is_refused_by_person(failure) {
        return draft.severity(Severity::Low, "the person refused or cancelled it");
    }
    if denied && signs_in_later(case, flows, failure.fact) {
        return draft.severity(Severity::Low, "a second try succeeded");
    }
    match denied && failure.description.is_none() {
        true => draft.severity(Severity::Medium, "the person may have cancelled: the provider does not say"),
        false => draft,
    }
}

/// A token, or at least another answer with a code, soon after.
fn signs_in_later(case: &Case<'_>, flows: &Flows<'_>, fact: &Fact) -> bool {
    let until = fact.started_nanos().saturating_add(nanos(Thresholds::of(case).second_try));
    let (after, soon) = (|f: &Fact| f.started_nanos() > fact.ended_nanos(), |f: &Fact| f.started_nanos() <= until);
    let mut signs = case.lookup().signs(Sign::Delivers).since(fact.ended_nanos()).iter();
    signs.next().is_some_and(soon)
        || flows.steps().any(|(f, oauth)| oauth.asked.code.is_some() && f.succeeded() && after(f) && soon(f))
}

fn variant(failure: &Failure<'_>) -> &'static str {
    let error = failure.error.to_ascii_lowercase();
    if failure.part.ends_with("SAMLResponse") {
        return "saml";
    }
    match &*error {
        _ if names_redirect(failure)
            || error.contains("redirect")
            || matches!(&*error, "aadsts50011" | "aadsts900971" | "aadsts700054") =>
        {
            "redirect-uri"
        }
        "access_denied" | "user_cancelled_authorize" | "user_cancelled_login" | "user_denied" => "denied",
        "unauthorized_client" | "invalid_client" | "unsupported_response_type" | "aadsts700016" | "aadsts7000112" => {
            "client"
        }
        "invalid_scope" | "aadsts70011" | "aadsts650053" => "scope",
        "server_error" | "temporarily_unavailable" => "provider-failed",
        "invalid_request" => "request",
        _ if failure.page => "page",
        _ => "error",
    }
}

/// Whether the words beside the code are about the redirect URI: many providers call that an invalid request or client.
fn names_redirect(failure: &Failure<'_>) -> bool {
    let said = failure.description.as_deref().unwrap_or_default().to_ascii_lowercase();
    said.contains("redirect_uri") || said.contains("redirect uri")
}

fn fixes(failure: &Failure<'_>) -> &'static [&'static str] {
    match variant(failure) {
        "redirect-uri" => &["idp.redirect-uri"],
        "denied" => &["idp.login-policy", "fe.callback-errors"],
        "saml" => &["idp.login-policy", "idp.client-settings"],
        "provider-failed" => &["idp.log", "fe.callback-errors"],
        "page" => &["idp.redirect-uri", "idp.client-settings"],
        _ => &["idp.client-settings", "idp.redirect-uri"],
    }
}

fn quoted(failure: &Failure<'_>) -> String {
    match &failure.description {
        Some(description) => format!("{}: \"{description}\"", failure.error),
        None => failure.error.to_string(),
    }
}

fn message(failure: &Failure<'_>, asked: &Oauth) -> String {
    let fact = failure.fact;
    let why = match variant(failure) {
        "redirect-uri" => match &asked.redirect_shown {
            Some(uri) => {
                format!(": the redirect URI {uri} is not one that is registered for this client, byte for byte")
            }
            None => ": the redirect URI is not one that is registered for this client, byte for byte".into(),
        },
        "denied" => ": the person or a policy of the provider refused".into(),
        "client" => ": the client is unknown there, or may not use this flow".into(),
        "scope" => ": it does not grant a scope that was asked for".into(),
        "provider-failed" => ": the provider itself failed".into(),
        "request" => ": a parameter of the authorization request is missing or wrong".into(),
        "saml" => ", in its SAML status".into(),
        "page" => ", on a page of its own, and does not send the user back".into(),
        _ => String::new(),
    };
    let (error, client) = (quoted(failure), asked.client_id.as_deref());
    let client = client.map_or_else(String::new, |id| format!(" to client {id}"));
    format!("The provider answered{client} with {error} ({}){why}.", fact.route)
}
