//! The JWT that a request presented, with what can be checked of it without a key.

use std::collections::BTreeSet;

use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::{Fact, clock::Offset, credential::Credential, gate::NOT_A_FAILURE, outcome::OutcomeClass},
    token::{Claims, Jose, NumericDate},
    tokens::{Token, TokenId},
};

/// A JWT on a request.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    /// Where and how it was sent.
    pub(crate) credential: &'a Credential,
    /// The token.
    pub(crate) token: &'a Token,
    /// Its header.
    pub(crate) jose: &'a Jose,
    /// Its claims, unverified.
    pub(crate) claims: &'a Claims,
}

/// Where a token's window lies, seen from the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// Past `exp`, whatever the clocks.
    Over,
    /// Before `nbf`, whatever the clocks.
    NotYet,
    /// Inside, or too close to an end to tell, or without ends.
    Open,
}

impl<'a> Presented<'a> {
    /// The JWT that `fact` presents: in `Authorization` before any other carrier.
    pub(crate) fn of(case: &Case<'a>, fact: &'a Fact) -> Option<Self> {
        let jwt = |credential: &'a Credential| {
            let token = case.token(credential.token);
            let jose = token.classified.jose.as_ref()?;
            Some(Self { credential, token, jose, claims: jose.claims.as_ref()? })
        };
        // The credential that counts decides: a JWT in a cookie beside another Authorization is not what was judged.
        let main = fact.main_credential().filter(|c| !c.is_cookie());
        main.or_else(|| fact.credentials.iter().find(|c| case.token(c.token).classified.jose.is_some())).and_then(jwt)
    }

    /// The id of the token.
    pub(crate) fn id(&self) -> TokenId {
        self.credential.token
    }

    /// The part of the request that holds the token.
    pub(crate) fn part(&self) -> String {
        self.credential.carrier.to_string()
    }

    /// The window of validity when `fact` was sent.
    pub(crate) fn window(&self, case: &Case<'_>, fact: &Fact) -> Window {
        window(self.claims, fact.sent_nanos(), case.clock(fact))
    }

    /// Whether both tokens name the same issuer, algorithm and key.
    pub(crate) fn same_signer(&self, other: &Presented<'_>) -> bool {
        self.claims.iss == other.claims.iss
            && self.jose.header.kid == other.jose.header.kid
            && self.jose.header.alg == other.jose.header.alg
    }
}

fn window(claims: &Claims, sent: i64, clock: Offset) -> Window {
    let nanos = |date: Option<NumericDate>| date.map(|d| d.intended().nanos());
    if nanos(claims.exp).is_some_and(|exp| sent.saturating_add(clock.low) >= exp) {
        Window::Over
    } else if nanos(claims.nbf).is_some_and(|nbf| sent.saturating_add(clock.high) < nbf) {
        Window::NotYet
    } else {
        Window::Open
    }
}

/// The refused API calls of a client that presented a JWT, over HTTP: a refused WebSocket names no reason of its own.
pub(crate) fn refused<'a>(case: &Case<'a>) -> impl Iterator<Item = (&'a Fact, Presented<'a>)> {
    case.refusals()
        .filter(|fact| !fact.role.is_identity() && fact.kind == authtrace_parse::Kind::Http)
        .filter_map(|fact| Some((fact, Presented::of(case, fact)?)))
}

/// A refused call with its JWT, and the accepted ones of its origin to compare it with.
pub(crate) struct Disputed<'a> {
    /// The call.
    pub(crate) fact: &'a Fact,
    /// Its token.
    pub(crate) jwt: Presented<'a>,
    /// Accepted calls and their tokens.
    pub(crate) controls: Vec<(&'a Fact, Presented<'a>)>,
}

/// The refused calls for which the server names one of `classes` or leaves the reason open.
pub(crate) fn disputed<'a>(case: &Case<'a>, classes: &[ErrorClass]) -> impl Iterator<Item = Disputed<'a>> {
    let about = refused(case).filter(|(fact, _)| fact.outcome.says(classes) || reason_is_open(fact));
    about.map(|(fact, jwt)| Disputed { fact, jwt, controls: accepted(case, fact).collect() })
}

/// The API calls of a client that presented a JWT to the origin of `fact` and were accepted because of it:
/// a route that accepts requests without a credential proves nothing (gate G4).
pub(crate) fn accepted<'a>(case: &Case<'a>, fact: &Fact) -> impl Iterator<Item = (&'a Fact, Presented<'a>)> {
    let origin = fact.origin.clone();
    let inner = *case;
    case.api_calls()
        .filter(move |f| f.outcome.class == OutcomeClass::Success && !f.bare_accepted && f.origin == origin)
        .filter(move |f| !f.from_cache && !f.gates.any(NOT_A_FAILURE))
        .filter_map(move |f| Some((f, Presented::of(&inner, f)?)))
}

/// Whether the server left the reason open, or named none.
pub(crate) fn reason_is_open(fact: &Fact) -> bool {
    fact.outcome.error.is_none_or(|error| error.is_general() || error == ErrorClass::Claim)
}

/// Distinct values of a claim of `tokens`, in order, each quoted, for a message.
pub(crate) fn quoted<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let distinct: BTreeSet<&str> = values.collect();
    distinct.into_iter().map(|value| format!("`{}`", crate::scrub::scrub(value))).collect::<Vec<_>>().join(", ")
}
