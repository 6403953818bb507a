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

/// Whether `error` is one that only a request with `prompt=none` gets.
pub(crate) fn is_silent_error(error: &str) -> bool {
    SILENT_ERRORS.contains(&error)
}

/// Whether `fact` receives the answer of a provider: by its shape, or because such an answer names it.
pub(crate) fn is_callback(fact: &Fact, oauth: &Oauth) -> bool {
    let answers = oauth.asked.error.is_some() || oauth.asked.code.is_some();
    fact.role == Role::Callback || (answers && oauth.asked.state.is_some() && !oauth.trades_code)
}
