//! What facts add up to, one row a sum: the form in which partial profiles leave a program and are added by another.

use serde::{Deserialize, Serialize};

use crate::{
    facts::{Fact, credential::Method, outcome::OutcomeClass, silent::Rests},
    text::Text,
    token::TokenKind,
};

/// What is counted. Counts of equal measures add up, whoever counted them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Measure {
    /// Exchanges that the profile does not tell apart.
    Exchanges(Alike),
    /// Accepted API calls of a group, with `Authorization` or without.
    Accepted {
        /// Origin of the API.
        origin: Text,
        /// Group of routes.
        group: Text,
        /// Whether they carried `Authorization`.
        authorized: bool,
    },
    /// Responses whose `Date` bounds the clock of their server in this way.
    Clock {
        /// Origin of the server.
        origin: Text,
        /// Least offset of its clock against the capture's, in nanoseconds.
        low: i64,
        /// Greatest offset.
        high: i64,
    },
    /// What so many bounds of one server's clock come to: somebody else has intersected them.
    Offset {
        /// Origin of the server.
        origin: Text,
        /// Least offset, in nanoseconds.
        low: i64,
        /// Greatest offset.
        high: i64,
        /// Whether all bounds agree.
        consistent: bool,
    },
    /// Responses that handed out a token.
    Delivers {
        /// Who handed it out.
        origin: Text,
    },
    /// Requests with at least one header.
    Headers {
        /// Number of their input.
        input: u16,
    },
    /// An exchange about the keys of an issuer, which all timelines look at.
    Keys {
        /// The exchange.
        fact: Box<Fact>,
    },
}

/// Everything by which the profile tells exchanges apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Alike {
    /// Origin of the API.
    pub origin: Text,
    /// Group of routes.
    pub group: Text,
    /// Method and template of the path.
    pub route: Text,
    /// How it ended.
    pub outcome: OutcomeClass,
    /// What else decides how it ended, where that is not known yet.
    pub rests: Option<Rests>,
    /// Whether a page was loaded.
    pub is_document: bool,
    /// The main credential.
    pub carried: Option<Carried>,
}

/// The main credential of a request, as far as it is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Carried {
    /// How it travels.
    pub method: Method,
    /// What it is.
    pub kind: TokenKind,
    /// Authorization scheme.
    pub scheme: Option<Text>,
    /// `iss`
    pub iss: Option<Text>,
    /// `kid`
    pub kid: Option<Text>,
    /// `alg`
    pub alg: Option<Text>,
}
