//! Why a code could not be traded, as far as the wire shows.

use std::time::Duration;

use authtrace_parse::HeaderView;

use super::{Place, RULE};
use crate::{
    case::Case,
    facts::{Fact, oauth::Oauth, set_cookie::SetCookie, site},
    flows::Flows,
    rule::Draft,
    text::{Text, span},
    thresholds::{nanos, thresholds},
};

// How long a login and its code are good.
thresholds! {
    /// RFC 6749 §4.1.2 recommends ten minutes at most; many providers take one.
    code_age: time = Duration::from_secs(60),
    /// A person takes at most this long at the provider; state cookies live for 10 to 15 minutes.
    login: time = Duration::from_secs(900),
}

/// The cause, with the exchange that shows it.
pub(super) enum Cause<'a> {
    /// The same code was sent before; whether that was accepted.
    Replayed(&'a Fact, bool),
    /// The request had a challenge, and the trade has no verifier.
    NoVerifier(&'a Fact),
    /// The verifier does not fit the challenge.
    WrongVerifier(&'a Fact),
    /// The redirect URI is another one than in the request.
    RedirectUri(&'a Fact, Option<Text>),
    /// The state is not the one of any request that the capture shows.
    OtherState(&'a Fact),
    /// The cookies that the start of the login set did not come back.
    CookieLost(&'a Fact),
    /// The code was older than providers allow, in nanoseconds.
    Old(&'a Fact, i64),
    /// The server's words say it; nothing on the wire shows it.
    Said(&'static str),
    /// The server gives no reason.
    Unknown,
}

impl Cause<'_> {
    pub(super) fn variant(&self) -> &'static str {
        match self {
            Self::Replayed(..) => "code-replayed",
            Self::NoVerifier(_) => "verifier-missing",
            Self::WrongVerifier(_) => "verifier-mismatch",
            Self::RedirectUri(..) => "redirect-uri-mismatch",
            Self::OtherState(_) => "state-mismatch",
            Self::CookieLost(_) => "state-cookie-lost",
            Self::Old(..) => "code-expired",
            Self::Said(variant) => variant,
            Self::Unknown => "code-refused",
        }
    }

    pub(super) fn title(&self) -> &'static str {
        match self.variant() {
            "state-mismatch" if !self.is_seen() => "The application does not accept the state of the login",
            "code-replayed" => "The authorization code was traded twice",
            "verifier-missing" => "The code was traded without its PKCE verifier",
            "verifier-mismatch" => "The PKCE verifier does not fit the challenge",
            "redirect-uri-mismatch" => "The code was traded with another redirect URI",
            "state-mismatch" => "The state of the login is not the one that was sent",
            "state-cookie-lost" => "The state of the login was lost: its cookie did not come back",
            "code-expired" => "The authorization code was too old",
            _ => "The authorization code could not be traded",
        }
    }

    pub(super) fn fixes(&self) -> &'static [&'static str] {
        match self.variant() {
            "code-replayed" | "code-expired" => &["fe.one-exchange"],
            "verifier-missing" | "verifier-mismatch" => &["fe.pkce-store", "fe.one-exchange"],
            "redirect-uri-mismatch" => &["idp.redirect-uri"],
            "state-mismatch" | "state-cookie-lost" => &["be.state-cookie", "fe.pkce-store"],
            _ => &["be.log-reason", "fe.one-exchange"],
        }
    }

    /// Whether a fact on the wire shows it.
    pub(super) fn is_seen(&self) -> bool {
        !matches!(self, Self::Said(_) | Self::Unknown)
    }

    /// The earlier trade of the same code, where it was accepted.
    pub(super) fn first_success(&self) -> Option<&Fact> {
        match self {
            Self::Replayed(first, true) => Some(first),
            _ => None,
        }
    }

    pub(super) fn evidence(&self, draft: Draft) -> Draft {
        match self {
            Self::Replayed(first, true) => draft.primary(first.id, "request.code", "the same code, accepted"),
            Self::Replayed(first, false) => draft.primary(first.id, "request.code", "the same code, sent before"),
            Self::NoVerifier(request) => draft.primary(request.id, "request.query.code_challenge", "present"),
            Self::WrongVerifier(request) => {
                draft.primary(request.id, "request.query.code_challenge", "not what the verifier makes")
            }
            Self::RedirectUri(request, shown) => {
                let shown = shown.as_deref().unwrap_or("another redirect URI");
                draft.primary(request.id, "request.query.redirect_uri", shown)
            }
            Self::OtherState(request) => draft.primary(request.id, "request.query.state", "another state"),
            Self::CookieLost(start) => draft.primary(start.id, "response.header.set-cookie", "set for the login"),
            Self::Old(delivery, _) => draft.primary(delivery.id, "response.header.location", "the code was given"),
            Self::Said(_) | Self::Unknown => draft,
        }
    }

    pub(super) fn why(&self) -> String {
        match self {
            Self::Replayed(first, accepted) => format!(
                "the same code had been sent {}{}, and a code is good for one trade",
                if *accepted { "and accepted before, by " } else { "before, by " },
                first.route
            ),
            Self::NoVerifier(_) => "the login was started with a code_challenge, and no code_verifier came with the code".into(),
            Self::WrongVerifier(_) => "the code_verifier does not make the code_challenge that the login was started with: it was kept for another login, or lost and made anew".into(),
            Self::RedirectUri(_, shown) => match shown {
                Some(uri) => format!("its redirect_uri is not the one that the login was started with, {uri}"),
                None => "its redirect_uri is not the one that the login was started with".into(),
            },
            Self::OtherState(_) => "its state belongs to no login that was started in this capture, so it answers an older or a foreign one".into(),
            Self::CookieLost(start) => format!(
                "the request carries none of the cookies that {} had set on {} for this login, so the state cannot be checked",
                start.route, start.host
            ),
            Self::Old(_, age) => format!("the code was {} old", span(*age)),
            Self::Said(variant) => match *variant {
                "verifier-mismatch" => "the server says that the PKCE verifier is wrong".into(),
                "state-mismatch" => "the server says that the state of the login is missing or wrong".into(),
                "redirect-uri-mismatch" => "the server says that the redirect URI differs".into(),
                "code-expired" => "the server says that the code or the login has expired".into(),
                "code-replayed" => "the server says that the code was used before".into(),
                _ => "the server does not say why".into(),
            },
            Self::Unknown => "the server does not say why; a code that is too old, used before, or given to another client or redirect URI looks like this".into(),
        }
    }
}

/// The cause of the failed trade `fact`; what the wire shows comes before what the server says.
pub(super) fn of<'a>(case: &Case<'a>, flows: &Flows<'a>, fact: &Fact, oauth: &Oauth, place: Place) -> Cause<'a> {
    let request = oauth.asked.code.and_then(|code| flows.request_for_code(code));
    if let Some(first) = earlier(flows, fact, oauth, place) {
        return Cause::Replayed(first, first.succeeded() && first.oauth().is_none_or(|o| o.answered.error.is_none()));
    }
    if place == Place::TokenEndpoint
        && let Some((asked, with)) = request
    {
        if let Some(cause) = pkce(asked, with, oauth, fact) {
            return cause;
        }
        if let (Some(then), Some(now)) = (with.redirect_uri, oauth.redirect_uri)
            && then != now
        {
            return Cause::RedirectUri(asked, with.redirect_shown.clone());
        }
    }
    if place == Place::Callback
        && let Some(cause) = state(case, flows, fact, oauth)
    {
        return cause;
    }
    if let Some(variant) = said(fact, oauth) {
        return Cause::Said(variant);
    }
    let delivery = oauth.asked.code.and_then(|code| flows.code_delivery(code)).filter(|(d, _)| d.id != fact.id);
    let limit = nanos(Thresholds::of(case).code_age);
    match delivery.map(|(d, _)| (d, fact.started_nanos() - d.started_nanos())) {
        Some((delivery, age)) if age > limit => Cause::Old(delivery, age),
        _ => Cause::Unknown,
    }
}

/// An earlier request of the same sort with the same code.
fn earlier<'a>(flows: &Flows<'a>, fact: &Fact, oauth: &Oauth, place: Place) -> Option<&'a Fact> {
    let code = oauth.asked.code?;
    let trades = place == Place::TokenEndpoint;
    let mut same = flows
        .with_code(code)
        .filter(|(f, o)| o.trades_code == trades && f.origin == fact.origin && f.path == fact.path);
    same.find(|(f, _)| f.started_nanos() <= fact.started_nanos() && f.id < fact.id).map(|(f, _)| f)
}

/// The verifier against the challenge (RFC 7636 §4.6).
fn pkce<'a>(request: &'a Fact, with: &Oauth, trade: &Oauth, fact: &Fact) -> Option<Cause<'a>> {
    let challenge = with.challenge?;
    match trade.verifier {
        Some((hashed, plain)) => {
            let made = if with.plain { plain } else { hashed };
            (made != challenge).then_some(Cause::WrongVerifier(request))
        }
        None => fact.request.body_seen.then_some(Cause::NoVerifier(request)),
    }
}

/// The state that came back against those that were sent, and the cookies in which the application keeps its own.
fn state<'a>(case: &Case<'a>, flows: &Flows<'a>, fact: &Fact, oauth: &Oauth) -> Option<Cause<'a>> {
    let state = oauth.asked.state?;
    if let Some(start) = cookie_lost(case, fact) {
        return Some(Cause::CookieLost(start));
    }
    if flows.request_with(state, fact.started_nanos()).is_some() {
        return None;
    }
    // A login that began before the capture has a state of its own; only where another one was started is this odd.
    let mut before = flows.requests().rev().filter(|(f, _)| f.started_nanos() <= fact.started_nanos());
    before.find(|(_, request)| request.asked.state.is_some()).map(|(last, _)| Cause::OtherState(last))
}

/// The exchange with the callback's own host, or with another one of its site that kept its cookies to itself, that set cookies
/// on the way to the provider, none of which came back.
fn cookie_lost<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    let visible = fact.view == HeaderView::Full && !case.capture().hides_headers(fact.source.input);
    if !visible || fact.has_cookies {
        return None;
    }
    // A login is a matter of minutes.
    let from = fact.started_nanos().saturating_sub(nanos(Thresholds::of(case).login));
    let mut earlier = case.lookup().between(from, fact.started_nanos()).rev().filter(|f| f.id != fact.id);
    let own = |f: &&Fact| f.redirect.is_some() && f.host == fact.host && !f.set_cookies.is_empty();
    let start = earlier.find(|f| own(f) || is_start_elsewhere(f, fact))?;
    start.set_cookies.iter().any(|cookie| !cookie.deletes).then_some(start)
}

/// Whether another host of the callback's site set what a library keeps of a login, for itself alone: `www.x.dev` beside
/// `x.dev`, `localhost` beside `127.0.0.1`.
fn is_start_elsewhere(start: &Fact, callback: &Fact) -> bool {
    const OF_LOGIN: &[&str] = &["state", "pkce", "verifier", "nonce", "correlation"];
    let of_login = |name: &str| {
        let name = name.to_ascii_lowercase();
        OF_LOGIN.iter().any(|word| name.contains(word))
    };
    let alone = |cookie: &SetCookie| !cookie.deletes && cookie.domain.is_none() && of_login(&cookie.name);
    let near = site::same_site(&start.host, &callback.host)
        || (site::is_loopback(&start.host) && site::is_loopback(&callback.host));
    start.host != callback.host && near && start.set_cookies.iter().any(alone)
}

/// What the server's words say, in the spelling of many libraries.
fn said(fact: &Fact, oauth: &Oauth) -> Option<&'static str> {
    const WORDS: &[(&str, &str)] = &[
        ("verifier", "verifier-mismatch"),
        ("pkce", "verifier-mismatch"),
        ("code_challenge", "verifier-mismatch"),
        ("code challenge", "verifier-mismatch"),
        ("redirect", "redirect-uri-mismatch"),
        ("already been used", "code-replayed"),
        ("already redeemed", "code-replayed"),
        ("already used", "code-replayed"),
        ("aadsts54005", "code-replayed"),
        ("aadsts70008", "code-expired"),
        ("flow_state_expired", "code-expired"),
        ("expired", "code-expired"),
        ("flow_state_not_found", "state-mismatch"),
        ("bad_oauth_state", "state-mismatch"),
        ("invalid_state", "state-mismatch"),
        ("correlation_failed", "state-mismatch"),
        ("authorization_request_not_found", "state-mismatch"),
        ("csrf", "state-mismatch"),
        ("state", "state-mismatch"),
    ];
    let texts = [&oauth.answered.error, &oauth.answered.description, &fact.outcome.error_text];
    let said = texts.into_iter().flatten().map(|t| t.to_ascii_lowercase()).collect::<Vec<_>>().join(" ");
    // "invalid or expired" names no reason.
    let open = said.contains("invalid or expired") || said.contains("expired or") || said.contains(" or ");
    WORDS
        .iter()
        .find(|(words, variant)| said.contains(words) && !(open && *variant == "code-expired"))
        .map(|(_, v)| *v)
        .filter(|variant| !(open && matches!(*variant, "code-expired" | "code-replayed")))
        .filter(|variant| !(open && *variant == "redirect-uri-mismatch"))
}
