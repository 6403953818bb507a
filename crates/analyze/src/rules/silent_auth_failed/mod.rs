//! AUTH093: a renewal without the user (`prompt=none`) failed.

use std::time::Duration;

use authtrace_parse::HeaderView;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, gate::Gate, oauth::Oauth, role::Role, site},
    finding::{Cap, Reason, Severity},
    flows::{Flows, Told, is_silent_error},
    lookup::{Sign, ends_session},
    rule::{Check, Draft, Findings, Rule},
    text::Text,
    thresholds::thresholds,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH093",
        id: "silent-auth-failed",
        title: "Silent renewal of the login failed",
        severity: Severity::Medium,
        layer: Layer::Session,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["idp.silent-renewal", "fe.proactive"],
    },
    check: Check::Timeline(check),
};

// When an answer counts as missing.
thresholds! {
    /// Libraries give up on the hidden frame after this time; auth0-spa-js waits 60 s.
    frame: time = Duration::from_secs(60),
}

/// A silent request that failed.
struct Failure<'a> {
    /// Where the error was seen.
    fact: &'a Fact,
    part: Text,
    /// `None` where no answer came.
    error: Option<Text>,
    /// The request with `prompt=none`, where it was seen.
    request: Option<&'a Fact>,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let flows = Flows::of(case);
    let mut told: Vec<Failure<'_>> = Vec::new();
    let mut known = Told::default();
    for failure in flows.steps().filter_map(|(fact, oauth)| failure(case, &flows, fact, oauth)) {
        if known.is_new(failure.error.as_deref().unwrap_or_default(), failure.fact.started_nanos()) {
            told.push(failure);
        }
    }
    for failure in &told {
        out.add(draft(case, failure));
    }
}

fn failure<'a>(case: &Case<'a>, flows: &Flows<'a>, fact: &'a Fact, oauth: &'a Oauth) -> Option<Failure<'a>> {
    if fact.gates.any(&[Gate::NotServer, Gate::Probe]) {
        return None;
    }
    let silent_request = fact.role == Role::Authorize && oauth.silent;
    if silent_request && oauth.answered.error.is_none() && is_unanswered(case, fact) {
        let part = Text::from("response.status");
        return Some(Failure { fact, part, error: None, request: Some(fact) });
    }
    let told = [&oauth.answered, &oauth.asked].into_iter().find(|m| m.error.is_some() && m.part.is_some())?;
    let state = told.state.or(oauth.asked.state);
    let earlier = state.and_then(|state| flows.request_with(state, fact.started_nanos())).filter(|(_, o)| o.silent);
    let request = silent_request.then_some(fact).or(earlier.map(|(f, _)| f));
    let error = told.error.clone()?;
    // Only these are ever the answer to `prompt=none`; others count where the request was seen.
    let in_flow = matches!(fact.role, Role::Authorize | Role::Callback) || state.is_some();
    let silent = is_silent_error(&error) && in_flow;
    (silent || request.is_some()).then_some(())?;
    Some(Failure { fact, part: told.part.clone()?, error: Some(error), request })
}

/// Whether the hidden frame got nothing that a page could read.
fn is_unanswered(case: &Case<'_>, fact: &Fact) -> bool {
    let waited = fact.timing.duration().is_some_and(|d| d >= Thresholds::of(case).frame);
    let blocked = fact.failure.as_deref().is_some_and(|f| f.contains("BLOCKED") || f.contains("blocked"));
    fact.status.is_none() && (waited || blocked)
}

/// Whether the request went to the provider without any cookie, and how sure that is.
enum Cookies {
    Sent,
    None(Vec<Cap>),
    Unknown,
}

fn cookies(case: &Case<'_>, failure: &Failure<'_>) -> Cookies {
    let Some(request) = failure.request else { return Cookies::Unknown };
    match request.has_cookies {
        true => Cookies::Sent,
        false if case.capture().hides_headers(request.source.input) => Cookies::Unknown,
        false if request.view != HeaderView::Full => Cookies::Unknown,
        false => Cookies::None(Vec::new()),
    }
}

/// Whether the client had been signed in before, and nothing since ended that.
fn was_signed_in<'a>(case: &Case<'a>, at: i64) -> Option<&'a Fact> {
    let mut signs = case.lookup().signs(Sign::SignedIn).before(at).iter();
    let signed_in = signs.rfind(|fact| !ends_session(fact))?;
    let ended = case.lookup().between(signed_in.ended_nanos(), at).any(ends_session);
    (!ended).then_some(signed_in)
}

fn draft(case: &Case<'_>, failure: &Failure<'_>) -> Draft {
    let fact = failure.fact;
    let at = failure.request.unwrap_or(fact).started_nanos();
    let before = was_signed_in(case, at);
    let cookies = cookies(case, failure);
    let cross_site = failure.request.is_some_and(|request| is_cross_site(case, request));
    let blocked = matches!(cookies, Cookies::None(_)) && cross_site;
    let says = failure.error.as_deref().unwrap_or("no answer");
    let draft = Draft::new(&RULE.meta, fact)
        .variant(if blocked { "cookies-withheld" } else { variant(failure) })
        .because(Reason::WireFact)
        .because_if(failure.error.is_some(), Reason::ServerCode)
        .because_if(before.is_some(), Reason::Control)
        .primary(fact.id, &failure.part, says)
        .also(failure.request.map(|request| request.id))
        .cause(&failure.request.unwrap_or(fact).origin)
        .message(message(failure, &cookies, cross_site, before.is_some()));
    let draft = match before {
        Some(before) => draft.related(before.id, "request", "the client was signed in before"),
        None => draft.severity(Severity::Info, "nobody had signed in before: the first look for a session"),
    };
    match (&cookies, failure.request) {
        (Cookies::None(caps), Some(request)) => {
            draft.capped(caps.iter().copied()).related(request.id, "request.header.cookie", "absent")
        }
        (Cookies::Sent, Some(request)) => draft.related(request.id, "request.header.cookie", "present"),
        _ => draft,
    }
}

/// Whether the page that asks belongs to another site than the provider: then browsers may withhold its cookies.
fn is_cross_site(case: &Case<'_>, request: &Fact) -> bool {
    let page = request.oauth().and_then(|oauth| oauth.redirect_shown.as_deref()).map(site::host_of);
    let page = page.filter(|host| !host.is_empty());
    let app = || case.page(request).find(|f| f.is_document && f.id != request.id).map(|f| &*f.host);
    page.or_else(app).is_some_and(|host| !site::same_site(host, &request.host))
}

fn variant(failure: &Failure<'_>) -> &'static str {
    match failure.error.as_deref() {
        None => "no-answer",
        Some("login_required") => "login-required",
        Some("consent_required") => "consent-required",
        Some("interaction_required" | "account_selection_required") => "interaction-required",
        Some(_) => "error",
    }
}

fn message(failure: &Failure<'_>, cookies: &Cookies, cross_site: bool, signed_in: bool) -> String {
    let route = &failure.request.unwrap_or(failure.fact).route;
    let what = match &failure.error {
        Some(error) => format!("{route} with prompt=none was answered {error}"),
        None => format!("{route} with prompt=none got no answer"),
    };
    let why = match (cookies, variant(failure)) {
        (Cookies::None(_), _) if cross_site => {
            "; it went to the provider without any cookie, as browsers that block third-party cookies send a hidden frame"
        }
        (Cookies::None(_), _) => "; it went to the provider without any cookie",
        (Cookies::Sent, "login-required") => "; the provider got its cookies, so its own session is over",
        (_, "consent-required") => "; the user has not agreed to what is asked for",
        (_, "interaction-required") => {
            "; the provider wants to see the user: a second factor, new terms or another account"
        }
        (_, "no-answer") => "; the browser blocked the frame or the provider refuses to be framed",
        _ => "; the provider has no session of the user, or did not get its cookie",
    };
    let so = if signed_in { ". The application must send the user to sign in again" } else { "" };
    format!("{what}{why}{so}.")
}
