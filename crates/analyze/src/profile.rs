//! The capture's profile: what each route, API group and origin accepts and refuses, by associative counts only.
//!
//! It is one group-by over the fact table, so partial profiles of several captures add up (DESIGN §4).

use std::collections::{BTreeMap, HashMap};

use polars::prelude::{DataFrame, IntoLazy, PolarsError, col, len};

use crate::{facts::credential::Method, table::Table, text::Text};

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

    fn add(&mut self, row: &Row, count: u32) {
        let cell = match (&row.method, row.outcome.as_str()) {
            (Some(_), "success" | "redirect") => &mut self.credentialed_ok,
            (Some(_), "refused") => &mut self.credentialed_refused,
            (Some(_), _) => &mut self.credentialed_other,
            (None, "success" | "redirect") => &mut self.bare_ok,
            (None, "refused") => &mut self.bare_refused,
            (None, _) => return,
        };
        *cell += count;
        // A redirect says nothing about the credential: only 2xx and 304 accept it.
        // A page gets its cookies from the browser, whatever the API behind it reads.
        if row.is_document && row.method == Some(Method::Cookie) {
            self.pages_with_cookies += count;
        } else if let (Some(method), "success") = (row.method, row.outcome.as_str()) {
            *self.accepted_methods.entry(method).or_default() += count;
            if let Some(kind) = &row.kind {
                *self.accepted_kinds.entry(kind.clone()).or_default() += count;
            }
            if let Some(scheme) = &row.scheme {
                *self.accepted_schemes.entry(scheme.clone()).or_default() += count;
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
    /// Aggregates the table.
    pub(crate) fn from_table(table: &Table) -> Result<Self, PolarsError> {
        let grouped = group(table.frame(), &KEYS)?;
        let mut profile = Self::default();
        for index in 0..grouped.height() {
            let Some(row) = Row::read(&grouped, index)? else { continue };
            let count = row.count;
            profile.routes.entry((row.origin.clone(), row.route.clone())).or_default().add(&row, count);
            profile.groups.entry((row.origin.clone(), row.group.clone())).or_default().add(&row, count);
            profile.origins.entry(row.origin.clone()).or_default().add(&row, count);
            if row.signer.iss.is_some() || row.signer.alg.is_some() {
                let signer = profile.signers.entry((row.origin.clone(), row.signer.clone())).or_default();
                match row.outcome.as_str() {
                    "success" => signer.accepted += count,
                    "refused" => signer.refused += count,
                    _ => {}
                }
            }
        }
        Ok(profile)
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

const KEYS: [&str; 12] = [
    "origin",
    "api_group",
    "route",
    "credential_method",
    "credential_kind",
    "scheme_name",
    "outcome",
    "iss",
    "kid",
    "alg",
    "role",
    "resource_type",
];

fn group(frame: &DataFrame, keys: &[&str]) -> Result<DataFrame, PolarsError> {
    let by: Vec<_> = keys.iter().map(|key| col(*key)).collect();
    let counted = col("counted").eq(polars::prelude::lit(1));
    frame.clone().lazy().filter(counted).group_by_stable(by).agg([len().alias("n")]).collect()
}

struct Row {
    origin: Text,
    group: Text,
    route: Text,
    method: Option<Method>,
    kind: Option<Text>,
    scheme: Option<Text>,
    outcome: String,
    signer: Signer,
    is_document: bool,
    count: u32,
}

impl Row {
    /// Row `index` of a grouped frame; `None` for static files, which no API rule compares with.
    fn read(frame: &DataFrame, index: usize) -> Result<Option<Self>, PolarsError> {
        let cell = |name: &str| -> Result<Option<Text>, PolarsError> {
            Ok(frame.column(name)?.str()?.get(index).map(Text::from))
        };
        if cell("role")?.as_deref() == Some("static") {
            return Ok(None);
        }
        let count = frame.column("n")?.u32()?.get(index).unwrap_or_default();
        Ok(Some(Self {
            origin: cell("origin")?.unwrap_or_default(),
            group: cell("api_group")?.unwrap_or_default(),
            route: cell("route")?.unwrap_or_default(),
            method: cell("credential_method")?.as_deref().and_then(Method::parse),
            kind: cell("credential_kind")?,
            scheme: cell("scheme_name")?.map(|s| Text::from(s.to_ascii_lowercase())),
            outcome: cell("outcome")?.as_deref().unwrap_or_default().to_owned(),
            is_document: cell("resource_type")?.as_deref() == Some("document"),
            signer: Signer { iss: cell("iss")?, kid: cell("kid")?, alg: cell("alg")? },
            count,
        }))
    }
}
