//! The capture's profile: what each route, API group and origin accepts and refuses, by associative counts only.
//!
//! It is one pass over the facts that adds up, so partial profiles of several captures do, too (DESIGN §4).

use std::collections::{BTreeMap, HashMap};

use crate::{
    facts::{Fact, credential::Method, outcome::OutcomeClass, role::Role},
    text::Text,
    token::TokenKind,
    tokens::TokenStore,
};

/// Counts of one group of exchanges, split by whether and how they carried a credential.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// With a credential and accepted.
    pub credentialed_ok: u32,
    /// With a credential and refused.
    pub credentialed_refused: u32,
    /// With a credential, answered in another way.
    pub credentialed_other: u32,
    /// Without any credential and accepted.
    pub bare_ok: u32,
    /// Without any credential and refused.
    pub bare_refused: u32,
    /// Pages that were loaded with cookies only, however they were answered; they are in the cells above, too.
    pub pages_with_cookies: u32,
    /// Accepted, by the method of the main credential; pages with cookies say nothing of an API and are left out.
    pub accepted_methods: BTreeMap<Method, u32>,
    /// Accepted, by kind of the main credential (`jwt`, `opaque`…).
    pub accepted_kinds: BTreeMap<Text, u32>,
    /// Accepted, by Authorization scheme in lower case.
    pub accepted_schemes: BTreeMap<Text, u32>,
}

impl Counts {
    /// Exchanges with a credential.
    pub fn credentialed(&self) -> u32 {
        self.credentialed_ok + self.credentialed_refused + self.credentialed_other
    }

    /// Whether a request whose main credential travels by `method` was ever accepted.
    pub fn accepts(&self, method: Method) -> bool {
        self.accepted_methods.contains_key(&method)
    }

    fn add(&mut self, row: &Row<'_>, count: u32) {
        use OutcomeClass as O;
        let cell = match (row.carried.is_some(), row.outcome) {
            (true, O::Success | O::Redirect) => &mut self.credentialed_ok,
            (true, O::Refused) => &mut self.credentialed_refused,
            (true, _) => &mut self.credentialed_other,
            (false, O::Success | O::Redirect) => &mut self.bare_ok,
            (false, O::Refused) => &mut self.bare_refused,
            (false, _) => return,
        };
        *cell += count;
        // A redirect says nothing about the credential: only 2xx and 304 accept it.
        // A page gets its cookies from the browser, whatever the API behind it reads.
        let Some(carried) = row.carried else { return };
        if row.is_document && carried.method == Method::Cookie {
            self.pages_with_cookies += count;
        } else if row.outcome == O::Success {
            *self.accepted_methods.entry(carried.method).or_default() += count;
            *self.accepted_kinds.entry(Text::from(carried.kind.name())).or_default() += count;
            if let Some(scheme) = carried.scheme {
                *self.accepted_schemes.entry(scheme.to_ascii_lowercase().into()).or_default() += count;
            }
        }
    }
}

/// How an origin treated the tokens of one signer (detectors AUTH030 c).
#[derive(Clone, Debug, Default)]
pub struct SignerCounts {
    /// Accepted requests.
    pub accepted: u32,
    /// Refused requests.
    pub refused: u32,
}

/// Who signed a token, as far as its header and payload say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signer {
    /// `iss`
    pub iss: Option<Text>,
    /// `kid`
    pub kid: Option<Text>,
    /// `alg`
    pub alg: Option<Text>,
}

/// What the capture shows of every route, API group and origin.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    routes: HashMap<(Text, Text), Counts, foldhash::fast::RandomState>,
    groups: HashMap<(Text, Text), Counts, foldhash::fast::RandomState>,
    origins: BTreeMap<Text, Counts>,
    signers: BTreeMap<(Text, Signer), SignerCounts>,
}

static NOTHING: Counts = Counts {
    credentialed_ok: 0,
    credentialed_refused: 0,
    credentialed_other: 0,
    bare_ok: 0,
    bare_refused: 0,
    pages_with_cookies: 0,
    accepted_methods: BTreeMap::new(),
    accepted_kinds: BTreeMap::new(),
    accepted_schemes: BTreeMap::new(),
};

impl Profile {
    /// Aggregates the facts.
    pub(crate) fn from_facts(facts: &[Fact], tokens: &TokenStore) -> Self {
        let mut rows: HashMap<Row<'_>, u32, foldhash::fast::RandomState> = HashMap::default();
        for row in facts.iter().filter_map(|fact| Row::of(fact, tokens)) {
            *rows.entry(row).or_default() += 1;
        }
        let mut profile = Self::default();
        #[expect(clippy::iter_over_hash_type, reason = "counts add up to the same in any order")]
        for (row, count) in rows {
            profile.routes.entry((row.origin.clone(), row.route.clone())).or_default().add(&row, count);
            profile.groups.entry((row.origin.clone(), row.group.clone())).or_default().add(&row, count);
            profile.origins.entry(row.origin.clone()).or_default().add(&row, count);
            if let Some(signer) = row.signer() {
                let signer = profile.signers.entry((row.origin.clone(), signer)).or_default();
                match row.outcome {
                    OutcomeClass::Success => signer.accepted += count,
                    OutcomeClass::Refused => signer.refused += count,
                    _ => {}
                }
            }
        }
        profile
    }

    /// Counts of a route (`METHOD template`) on an origin.
    pub fn route(&self, origin: &Text, route: &Text) -> &Counts {
        self.routes.get(&(origin.clone(), route.clone())).unwrap_or(&NOTHING)
    }

    /// Counts of an API group on an origin.
    pub fn group(&self, origin: &Text, group: &Text) -> &Counts {
        self.groups.get(&(origin.clone(), group.clone())).unwrap_or(&NOTHING)
    }

    /// Counts of an origin.
    pub fn origin(&self, origin: &Text) -> &Counts {
        self.origins.get(origin).unwrap_or(&NOTHING)
    }

    /// The signers whose tokens reached `origin`, with how they were treated.
    pub fn signers<'a>(&'a self, origin: &'a Text) -> impl Iterator<Item = (&'a Signer, &'a SignerCounts)> {
        self.signers.iter().filter(move |((at, _), _)| at == origin).map(|((_, signer), counts)| (signer, counts))
    }

    /// The counts to compare a request of this route with: its API group, else its origin (AUTH003's trap).
    /// The second value says whether it was the group.
    pub fn control(&self, origin: &Text, group: &Text) -> (&Counts, bool) {
        let counts = self.group(origin, group);
        if counts.credentialed_ok > 0 { (counts, true) } else { (self.origin(origin), false) }
    }
}

/// What a row of the profile counts alike: everything that the counts tell apart.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
struct Row<'a> {
    origin: &'a Text,
    group: &'a Text,
    route: &'a Text,
    outcome: OutcomeClass,
    is_document: bool,
    carried: Option<Carried<'a>>,
}

/// The main credential of a request, as far as it is counted.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
struct Carried<'a> {
    method: Method,
    kind: TokenKind,
    scheme: Option<&'a str>,
    iss: Option<&'a str>,
    kid: Option<&'a str>,
    alg: Option<&'a str>,
}

impl<'a> Row<'a> {
    /// The row of `fact`; `None` where it says nothing of how an API treats credentials (G3, G9, G14, G17), and for static
    /// files, which no API rule compares with.
    fn of(fact: &'a Fact, tokens: &'a TokenStore) -> Option<Self> {
        if fact.role == Role::Static || !fact.counts() {
            return None;
        }
        let carried = fact.main_credential().map(|credential| {
            let jose = tokens.get(credential.token).classified.jose.as_ref();
            Carried {
                method: credential.method(),
                kind: credential.kind,
                scheme: credential.scheme.as_deref(),
                iss: jose.and_then(|jose| jose.claims.as_ref()?.iss.as_deref()),
                kid: jose.and_then(|jose| jose.header.kid.as_deref()),
                alg: jose.and_then(|jose| jose.header.alg.as_deref()),
            }
        });
        let (origin, group, route) = (&fact.origin, &fact.group, &fact.route);
        let is_document = fact.resource_type.as_deref() == Some("document");
        Some(Self { origin, group, route, outcome: fact.outcome.class, is_document, carried })
    }

    /// Who signed the credential, where it says so.
    fn signer(&self) -> Option<Signer> {
        let carried = self.carried.filter(|carried| carried.iss.is_some() || carried.alg.is_some())?;
        let text = |value: Option<&str>| value.map(Text::from);
        Some(Signer { iss: text(carried.iss), kid: text(carried.kid), alg: text(carried.alg) })
    }
}
