//! The steps of a login at a provider, joined: the authorization request, its answer, the callback, the trade of the code.

use crate::{
    case::Case,
    facts::{Fact, mark::Mark, oauth::Oauth, role::Role},
};

/// Errors that a provider gives only where it was told to show nothing (OIDC Core §3.1.2.6).
const SILENT_ERRORS: &[&str] =
    &["login_required", "consent_required", "interaction_required", "account_selection_required"];

/// One client's exchanges that are part of a login at a provider, in time order.
pub(crate) struct Flows<'a> {
    steps: Vec<(&'a Fact, &'a Oauth)>,
}

impl<'a> Flows<'a> {
    /// Those of `case`.
    pub(crate) fn of(case: &Case<'a>) -> Self {
        Self::among(case.facts())
    }

    /// Those among `facts`, which are in time order.
    pub(crate) fn among(facts: impl Iterator<Item = &'a Fact>) -> Self {
        Self { steps: facts.filter_map(|fact| Some((fact, fact.oauth()?))).collect() }
    }

    /// Every step.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&'a Fact, &'a Oauth)> + use<'a, '_> {
        self.steps.iter().copied()
    }

    /// The authorization request with this `state`, the last before `at`.
    pub(crate) fn request_with(&self, state: Mark, at: i64) -> Option<(&'a Fact, &'a Oauth)> {
        let mut requests = self.requests().rev();
        requests.find(|(fact, oauth)| oauth.asked.state == Some(state) && fact.started_nanos() <= at)
    }

    /// Authorization requests.
    pub(crate) fn requests(&self) -> impl DoubleEndedIterator<Item = (&'a Fact, &'a Oauth)> + use<'a, '_> {
        self.steps.iter().copied().filter(|(fact, oauth)| fact.role == Role::Authorize && oauth.asked.error.is_none())
    }

    /// Where the provider's answer with `code` was received: the callback, else the redirect to it.
    pub(crate) fn code_delivery(&self, code: Mark) -> Option<(&'a Fact, &'a Oauth)> {
        let received = |oauth: &Oauth| oauth.asked.code == Some(code) && !oauth.trades_code;
        let landed = self.steps.iter().copied().find(|(_, oauth)| received(oauth));
        landed.or_else(|| self.steps.iter().copied().find(|(_, oauth)| oauth.answered.code == Some(code)))
    }

    /// Whether `fact` receives the answer of a provider. `code`, `error` and `state` are words that other parameters go by,
    /// too: a page, a path that says so, or the state of a request make it a callback.
    pub(crate) fn is_callback(&self, fact: &Fact, oauth: &Oauth) -> bool {
        const WORDS: &[&str] = &[
            "callback",
            "oauth",
            "oauth2",
            "oidc",
            "auth",
            "login",
            "sso",
            "signin",
            "signin-oidc",
            "cb",
            "connect",
            "acs",
        ];
        let asked = &oauth.asked;
        let answers = (asked.error.is_some() || asked.code.is_some()) && !oauth.trades_code;
        let named = || fact.path.split('/').any(|segment| WORDS.contains(&segment.to_ascii_lowercase().as_str()));
        let known = || {
            let same = |other: &Oauth| other.asked.state.is_some() && other.asked.state == asked.state;
            self.requests().any(|(_, request)| same(request))
        };
        let page = || fact.is_document && asked.error.as_deref().is_none_or(is_registered_error);
        let shaped = fact.role == Role::Callback || asked.state.is_some();
        let saml = asked.part.as_deref().is_some_and(|part| part.ends_with("SAMLResponse"));
        answers && (saml || (shaped && (page() || named() || known())))
    }

    /// The authorization request that `code` answers, by the state that came with it; where no state was kept, the only
    /// request there is.
    pub(crate) fn request_for_code(&self, code: Mark) -> Option<(&'a Fact, &'a Oauth)> {
        let (fact, oauth) = self.code_delivery(code)?;
        let state = oauth.asked.state.or(oauth.answered.state);
        match state {
            Some(state) => self.request_with(state, fact.started_nanos()),
            None => {
                let mut before = self.requests().filter(|(request, _)| request.started_nanos() <= fact.started_nanos());
                let only = before.next()?;
                before.next().is_none().then_some(only)
            }
        }
    }
}

/// Whether `error` is one of the registered names (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6), or made like one.
fn is_registered_error(error: &str) -> bool {
    const NAMES: &[&str] = &[
        "access_denied",
        "unauthorized_client",
        "server_error",
        "temporarily_unavailable",
        "registration_not_supported",
        "redirect_uri_mismatch",
        "application_suspended",
    ];
    let made_alike =
        ["invalid_", "unsupported_", "unmet_", "request_", "user_"].iter().any(|start| error.starts_with(start));
    NAMES.contains(&error) || is_silent_error(error) || made_alike
}

/// Whether `error` is one that only a request with `prompt=none` gets.
pub(crate) fn is_silent_error(error: &str) -> bool {
    SILENT_ERRORS.contains(&error)
}
