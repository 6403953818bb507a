//! The JWT that a request presented, with what can be checked of it without a key.

use std::collections::{BTreeMap, BTreeSet};

use authtrace_parse::SecretStr;

use crate::{
    case::Case,
    dictionary::{ErrorClass, Resource, resources},
    facts::{Fact, clock::Offset, credential::Credential, gate::NOT_A_FAILURE, outcome::OutcomeClass},
    scrub::scrub,
    text::Text,
    token::{Claims, Jose, NumericDate, TokenKind, classify},
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

    /// The well-known API that alone accepts the token, where `fact` went elsewhere.
    pub(crate) fn reserved_for(&self, fact: &Fact) -> Option<&'static Resource> {
        let meant: Option<Vec<_>> = self.claims.aud.iter().map(|aud| resources().by_audience(aud)).collect();
        let meant = meant.filter(|apis| !apis.iter().any(|api| api.serves(&fact.host)))?;
        meant.first().copied()
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

/// A JWT that an origin accepted, with the first request that carried it.
pub(crate) type Control<'a> = (&'a Fact, Presented<'a>);

/// What one origin refused, beside what it accepted.
pub(crate) struct Judged<'a> {
    /// Refused API calls that presented a JWT.
    pub(crate) refused: Vec<(&'a Fact, Presented<'a>)>,
    /// The JWTs that the origin accepted because of themselves, each once, in order of first sight: a route that accepts
    /// requests without a credential proves nothing (gate G4).
    pub(crate) controls: Vec<Control<'a>>,
    /// Requests that were accepted with them.
    pub(crate) accepted: usize,
}

/// Issuer and audience of a token.
type Realm<'a> = (Option<&'a str>, &'a [Box<str>]);

/// What accepted tokens have in common, so that ten thousand refused ones are not compared with each of them.
pub(crate) struct Accepted<'a> {
    /// Issuer, `kid` and algorithm of each.
    signers: BTreeSet<(Option<&'a str>, Option<&'a str>, Option<&'a str>)>,
    /// Issuer and audience, where all of them share them.
    realm: Option<Realm<'a>>,
}

impl<'a> Judged<'a> {
    /// What the accepted tokens have in common.
    pub(crate) fn accepted(&self) -> Accepted<'a> {
        let mut realms = self.controls.iter().map(|(_, jwt)| realm(jwt));
        let first = realms.next();
        Accepted {
            signers: self.controls.iter().map(|(_, jwt)| signer(jwt)).collect(),
            realm: first.filter(|first| realms.all(|other| other == *first)),
        }
    }
}

impl Accepted<'_> {
    /// Whether a token of the same issuer, key name and algorithm is accepted.
    pub(crate) fn has_signer(&self, jwt: &Presented<'_>) -> bool {
        self.signers.contains(&signer(jwt))
    }

    /// Whether every accepted token is of the same issuer and audience.
    pub(crate) fn is_all_of_realm(&self, jwt: &Presented<'_>) -> bool {
        self.realm == Some(realm(jwt))
    }

    /// Whether some accepted token has this algorithm.
    pub(crate) fn has_algorithm(&self, alg: Option<&str>) -> bool {
        self.signers.iter().any(|(_, _, other)| *other == alg)
    }

    /// Whether every accepted token has this algorithm and names its key.
    pub(crate) fn is_all_named(&self, alg: Option<&str>) -> bool {
        self.signers.iter().all(|(_, kid, other)| kid.is_some() && *other == alg)
    }
}

fn signer<'a>(jwt: &Presented<'a>) -> (Option<&'a str>, Option<&'a str>, Option<&'a str>) {
    (jwt.claims.iss.as_deref(), jwt.jose.header.kid.as_deref(), jwt.jose.header.alg.as_deref())
}

fn realm<'a>(jwt: &Presented<'a>) -> Realm<'a> {
    (jwt.claims.iss.as_deref(), &jwt.claims.aud)
}

/// The JWTs that were refused, origin by origin, with those that the same origin accepted.
pub(crate) fn by_origin<'a>(case: &Case<'a>) -> impl Iterator<Item = Judged<'a>> {
    let mut origins: BTreeMap<&'a Text, Judged<'a>> = BTreeMap::new();
    for (fact, jwt) in refused(case) {
        let none = || Judged { refused: Vec::new(), controls: Vec::new(), accepted: 0 };
        origins.entry(&fact.origin).or_insert_with(none).refused.push((fact, jwt));
    }
    for (origin, judged) in &mut origins {
        let mut seen = BTreeSet::new();
        let counts = |f: &&Fact| f.is_api_call() && f.outcome.class == OutcomeClass::Success && !f.bare_accepted;
        let by_server = |f: &&Fact| !f.from_cache && !f.gates.any(NOT_A_FAILURE);
        for fact in case.lookup().succeeded_at(origin).iter().filter(counts).filter(by_server) {
            let Some(jwt) = Presented::of(case, fact) else { continue };
            judged.accepted += 1;
            if seen.insert(jwt.id()) {
                judged.controls.push((fact, jwt));
            }
        }
    }
    origins.into_values()
}

/// Whether the server left the reason open, or named none.
pub(crate) fn reason_is_open(fact: &Fact) -> bool {
    fact.outcome.error.is_none_or(|error| error.is_general() || error == ErrorClass::Claim)
}

/// Distinct values of a claim of `tokens`, in order, each quoted, for a message.
pub(crate) fn quoted<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let distinct: BTreeSet<&str> = values.collect();
    // A UUID in a claim names an application or a tenant: it is an identifier, not a session.
    let is_name = |value: &str| classify(SecretStr::new(value), None).kind == TokenKind::UuidOpaque;
    let shown = |value: &str| if is_name(value) { value.to_owned() } else { scrub(value) };
    distinct.into_iter().map(|value| format!("`{}`", shown(value))).collect::<Vec<_>>().join(", ")
}
