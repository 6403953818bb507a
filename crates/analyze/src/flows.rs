//! The steps of a login at a provider, joined: the authorization request, its answer, the callback, the trade of the code.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use crate::{
    case::Case,
    facts::{Fact, mark::Mark, oauth::Oauth, role::Role},
    text::Text,
};

/// Errors that a provider gives only where it was told to show nothing (OIDC Core §3.1.2.6, SAML core §3.2.2.2).
const SILENT_ERRORS: &[&str] =
    &["login_required", "consent_required", "interaction_required", "account_selection_required", "NoPassive"];

/// An exchange with its step.
pub(crate) type Step<'a> = (&'a Fact, &'a Oauth);

/// One client's exchanges that are part of a login at a provider, in time order, found by state and code.
pub(crate) struct Flows<'a> {
    steps: Vec<Step<'a>>,
    requests: Vec<usize>,
    by_state: HashMap<Mark, Vec<usize>>,
    by_code: HashMap<Mark, Vec<usize>>,
    redirects_with: HashMap<Mark, usize>,
}

impl<'a> Flows<'a> {
    /// Those of `case`.
    pub(crate) fn of(case: &Case<'a>) -> Self {
        Self::among(case.facts())
    }

    /// Those among `facts`, which are in time order.
    pub(crate) fn among(facts: impl Iterator<Item = &'a Fact>) -> Self {
        let steps: Vec<Step<'a>> = facts.filter_map(|fact| Some((fact, fact.oauth()?))).collect();
        let mut flows = Self {
            steps,
            requests: Vec::new(),
            by_state: HashMap::new(),
            by_code: HashMap::new(),
            redirects_with: HashMap::new(),
        };
        for (index, (fact, oauth)) in flows.steps.iter().enumerate() {
            if fact.role == Role::Authorize && oauth.asked.error.is_none() {
                flows.requests.push(index);
                if let Some(state) = oauth.asked.state {
                    flows.by_state.entry(state).or_default().push(index);
                }
            }
            if let Some(code) = oauth.asked.code {
                flows.by_code.entry(code).or_default().push(index);
            }
            if let Some(code) = oauth.answered.code {
                flows.redirects_with.entry(code).or_insert(index);
            }
        }
        flows
    }

    /// Every step.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step<'a>> + use<'a, '_> {
        self.steps.iter().copied()
    }

    /// The authorization request with this `state`, the last before `at`.
    pub(crate) fn request_with(&self, state: Mark, at: i64) -> Option<Step<'a>> {
        let requests = self.by_state.get(&state)?.iter().rev().map(|&index| self.steps[index]);
        requests.into_iter().find(|(fact, _)| fact.started_nanos() <= at)
    }

    /// Authorization requests.
    pub(crate) fn requests(&self) -> impl DoubleEndedIterator<Item = Step<'a>> + use<'a, '_> {
        self.requests.iter().map(|&index| self.steps[index])
    }

    /// The requests that carry `code`: the callback, and those that trade it.
    pub(crate) fn with_code(&self, code: Mark) -> impl Iterator<Item = Step<'a>> + use<'a, '_> {
        self.by_code.get(&code).into_iter().flatten().map(|&index| self.steps[index])
    }

    /// Where the provider's answer with `code` was received: the callback, else the redirect to it.
    pub(crate) fn code_delivery(&self, code: Mark) -> Option<Step<'a>> {
        let landed = self.with_code(code).find(|(_, oauth)| !oauth.trades_code);
        landed.or_else(|| self.redirects_with.get(&code).map(|&index| self.steps[index]))
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
        let known = || asked.state.is_some_and(|state| self.by_state.contains_key(&state));
        let page = || fact.is_document && asked.error.as_deref().is_none_or(is_registered_error);
        let shaped = fact.role == Role::Callback || asked.state.is_some();
        let saml = asked.part.as_deref().is_some_and(|part| part.ends_with("SAMLResponse"));
        answers && (saml || (shaped && (page() || named() || known())))
    }

    /// The authorization request that `code` answers, by the state that came with it; where no state was kept, the only
    /// request there is.
    pub(crate) fn request_for_code(&self, code: Mark) -> Option<Step<'a>> {
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

/// Errors that were told already, with their times: the provider's redirect, the callback and what the application makes of
/// it repeat one answer.
#[derive(Default)]
pub(crate) struct Told(BTreeSet<(Text, i64)>);

impl Told {
    /// The redirect and the callback that it leads to are one answer within this time.
    const ONE_ANSWER: Duration = Duration::from_secs(10);

    /// Notes `error` at `at`, in nanoseconds; whether it is a new one. The empty text stands for no answer.
    pub(crate) fn is_new(&mut self, error: &str, at: i64) -> bool {
        let apart = i64::try_from(Self::ONE_ANSWER.as_nanos()).unwrap_or(i64::MAX);
        let error = Text::from(error);
        let near = (error.clone(), at.saturating_sub(apart))..=(error.clone(), at.saturating_add(apart));
        self.0.range(near).next().is_none() && self.0.insert((error, at))
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
