//! The capture's profile: what all clients together show, by associative sums only.
//!
//! Partial sums of several captures, or of parts of one, add up (DESIGN §4): [`measure::Measure`] is the form in which they
//! travel, and `tally` adds them.

pub mod measure;
pub(crate) mod tally;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use self::{
    measure::{Alike, Carried, Measure},
    tally::Tally,
};
use crate::{
    facts::{clock::Clocks, credential::Method, outcome::OutcomeClass, silent::Accepted},
    key_sets::KeySets,
    text::Text,
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

    fn add(&mut self, alike: &Alike, count: u32) {
        use OutcomeClass as O;
        let cell = match (alike.carried.is_some(), alike.outcome) {
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
        let Some(carried) = &alike.carried else { return };
        if alike.is_document && carried.method == Method::Cookie {
            self.pages_with_cookies += count;
        } else if alike.outcome == O::Success {
            *self.accepted_methods.entry(carried.method).or_default() += count;
            *self.accepted_kinds.entry(Text::from(carried.kind.name())).or_default() += count;
            if let Some(scheme) = &carried.scheme {
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

impl Signer {
    /// Who signed a credential, where it says so.
    fn of(carried: &Carried) -> Option<Self> {
        let Carried { iss, kid, alg, .. } = carried;
        (iss.is_some() || alg.is_some()).then(|| Self { iss: iss.clone(), kid: kid.clone(), alg: alg.clone() })
    }
}

/// What the capture shows of every route, API group and origin.
#[derive(Clone, Default)]
pub struct Profile {
    routes: HashMap<(Text, Text), Counts, foldhash::fast::RandomState>,
    groups: HashMap<(Text, Text), Counts, foldhash::fast::RandomState>,
    origins: BTreeMap<Text, Counts>,
    signers: BTreeMap<(Text, Signer), SignerCounts>,
    /// Clocks of servers.
    pub clocks: Clocks,
    /// Key sets that were seen, by whose keys they are.
    pub(crate) key_sets: KeySets,
    pub(crate) accepted: Accepted,
    delivering: BTreeSet<Text>,
    with_headers: BTreeSet<u16>,
}

/// Measures on their way to a profile: whoever counted them, they add up.
#[derive(Default)]
pub struct Sums(Tally);

impl Extend<(Measure, u64)> for Sums {
    fn extend<M: IntoIterator<Item = (Measure, u64)>>(&mut self, measures: M) {
        measures.into_iter().for_each(|(measure, count)| self.0.add(measure, count));
    }
}

impl Sums {
    /// The profile, now that these are all measures.
    pub fn profile(self) -> Profile {
        self.0.finish()
    }
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
    /// Counts what is alike.
    fn count(&mut self, alike: Alike, count: u32) {
        if let Some(signer) = alike.carried.as_ref().and_then(Signer::of) {
            let signer = self.signers.entry((alike.origin.clone(), signer)).or_default();
            match alike.outcome {
                OutcomeClass::Success => signer.accepted += count,
                OutcomeClass::Refused => signer.refused += count,
                _ => {}
            }
        }
        self.routes.entry((alike.origin.clone(), alike.route.clone())).or_default().add(&alike, count);
        self.groups.entry((alike.origin.clone(), alike.group.clone())).or_default().add(&alike, count);
        self.origins.entry(alike.origin.clone()).or_default().add(&alike, count);
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

    /// Whether `origin` handed out a token.
    pub fn delivers_tokens(&self, origin: &Text) -> bool {
        self.delivering.contains(origin)
    }

    /// Whether any request of the input has a header: a writer that recorded none says nothing of those that are missing.
    pub(crate) fn has_headers(&self, input: u16) -> bool {
        self.with_headers.contains(&input)
    }

    /// The counts to compare a request of this route with: its API group, else its origin (AUTH003's trap).
    /// The second value says whether it was the group.
    pub fn control(&self, origin: &Text, group: &Text) -> (&Counts, bool) {
        let counts = self.group(origin, group);
        if counts.credentialed_ok > 0 { (counts, true) } else { (self.origin(origin), false) }
    }
}
