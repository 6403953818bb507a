//! When a credential ends, by whose word, and by which clock that is judged.

use crate::{
    case::Case,
    facts::{
        Fact,
        clock::{Moment, Offset},
        credential::{Credential, Method},
    },
};

/// The end of a credential.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// In nanoseconds since 1970.
    pub(super) at: i64,
    /// Who says so.
    pub(super) by: Word,
}

/// Whose word an end is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The token's own `exp`.
    Claim,
    /// `expires_in` of the answer that delivered the token.
    Promise,
    /// The signature of a URL.
    Signature,
}

impl End {
    /// The end of `credential`, where one is told. An `exp` written in milliseconds lies thousands of years away for a
    /// verifier: it never expires.
    pub(super) fn of(case: &Case<'_>, fact: &Fact, credential: &Credential) -> Option<Self> {
        if let Some(at) = fact.signed_until().filter(|_| credential.method() == Method::Query) {
            return Some(Self { at: at.nanos(), by: Word::Signature });
        }
        let token = case.token(credential.token);
        match token.claims() {
            Some(claims) => {
                let exp = claims.exp.filter(|exp| !exp.milliseconds)?;
                Some(Self { at: exp.intended().nanos(), by: Word::Claim })
            }
            None => token.lasts_until.map(|at| Self { at: at.nanos(), by: Word::Promise }),
        }
    }

    /// The clock that the end is judged by: a promise counts from when its answer arrived, by the capture's own clock.
    pub(super) fn clock(self, case: &Case<'_>, fact: &Fact) -> Offset {
        match self.by {
            Word::Promise => Offset { low: 0, high: 0, samples: 0, consistent: true },
            Word::Claim | Word::Signature => case.clock(fact),
        }
    }

    /// Where the end lay when `fact` reached the server.
    pub(super) fn moment(self, case: &Case<'_>, fact: &Fact) -> Moment {
        self.clock(case, fact).moment(fact, self.at)
    }

    /// The exchange whose answer promised it.
    pub(super) fn promised_by<'a>(self, case: &Case<'a>, credential: &Credential) -> Option<&'a Fact> {
        let by = (self.by == Word::Promise).then(|| case.token(credential.token).delivered_by)??;
        case.fact(by)
    }

    /// The part of the exchange that tells it.
    pub(super) fn part(self) -> &'static str {
        match self.by {
            Word::Claim => "token.claim.exp",
            Word::Promise => "response.body.expires_in",
            Word::Signature => "request.query",
        }
    }

    /// The whole second that it lies in (RFC 3339).
    pub(super) fn text(self) -> String {
        let second = jiff::Timestamp::from_second(self.at.div_euclid(1_000_000_000));
        second.map_or_else(|_| "out of range".to_owned(), |t| t.to_string())
    }
}
