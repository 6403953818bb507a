//! What somebody who knows the system declares: which routes need which credential, whom tokens may come from and go to.
//!
//! Declarations come from a settings file and from OpenAPI documents; they are values here, whoever read them. A declaration
//! is evidence beside what is seen, and where both disagree that is said (AUTH104).

pub mod openapi;
mod pattern;
mod scheme;

use std::collections::{BTreeMap, BTreeSet};

pub use openapi::{ApiDocument, DocumentError};
pub use pattern::{Pattern, PatternError};
pub use scheme::{Alternative, Required, Scheme};

use crate::{facts::Fact, role::Role, text::Text};

/// A declaration about the routes that a pattern names.
#[derive(Clone, Debug)]
pub struct RouteRule {
    /// Which routes.
    pub pattern: Pattern,
    /// What they are for.
    pub role: Option<Role>,
    /// Whether they need a credential.
    pub protected: Option<bool>,
    /// Where it is declared: `authtrace.toml:12`.
    pub from: Box<str>,
}

/// Everything that is declared.
#[derive(Debug, Default)]
pub struct Expectations {
    /// Routes by pattern; the first that says something decides.
    pub routes: Vec<RouteRule>,
    /// API descriptions, asked after `routes`.
    pub documents: Vec<ApiDocument>,
    /// Issuers that tokens may come from; empty where nothing is declared.
    pub issuers: BTreeSet<Box<str>>,
    /// Audiences that tokens may be for.
    pub audiences: BTreeSet<Box<str>>,
    /// Origins that credentials may be sent to.
    pub origins: BTreeSet<Box<str>>,
}

/// The origins that each document describes in one capture.
pub(crate) struct Bindings(Vec<BTreeSet<Text>>);

/// What is declared of one request's route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared<'a> {
    /// Whether it needs a credential.
    pub(crate) protected: bool,
    /// Ways to satisfy it, any of which is enough; empty where only `protected` is said.
    pub(crate) alternatives: &'a [Alternative],
    from: From<'a>,
}

#[derive(Clone, Copy, Debug)]
enum From<'a> {
    Settings(&'a str),
    Document(&'a str, &'a str),
}

impl Declared<'_> {
    /// Who says so: `authtrace.toml:12`, or `openapi.yaml, /books/{id}`.
    pub(crate) fn from(&self) -> String {
        match self.from {
            From::Settings(place) => place.to_owned(),
            From::Document(name, path) => format!("{name}, {path}"),
        }
    }

    /// What is wanted, in words.
    pub(crate) fn wants(&self) -> String {
        match (self.protected, self.alternatives) {
            (false, _) => "needs no credential".to_owned(),
            (true, []) => "needs a credential".to_owned(),
            (true, several) => {
                format!("needs {}", several.iter().map(Alternative::in_words).collect::<Vec<_>>().join(" or "))
            }
        }
    }

    /// Whether a session cookie alone may satisfy it, as far as is declared.
    pub(crate) fn takes_cookie(&self) -> bool {
        self.alternatives.iter().any(|alternative| alternative.required.iter().any(|r| r.scheme.is_cookie()))
    }

    /// Whether the request carries what one alternative asks for; `None` where no alternative is declared.
    pub(crate) fn is_met_by(&self, fact: &Fact) -> Option<bool> {
        (!self.alternatives.is_empty()).then(|| self.alternatives.iter().any(|a| a.is_met_by(fact)))
    }

    /// The `Authorization` schemes that may satisfy it, in lower case.
    pub(crate) fn authorization_schemes(&self) -> Vec<&str> {
        let required = self.alternatives.iter().flat_map(|alternative| &alternative.required);
        let mut schemes: Vec<&str> = required.filter_map(|r| r.scheme.authorization()).collect();
        schemes.sort_unstable();
        schemes.dedup();
        schemes
    }
}

impl Expectations {
    /// Whether nothing is declared of any route.
    pub(crate) fn has_routes(&self) -> bool {
        !self.routes.is_empty() || !self.documents.is_empty()
    }

    /// The role that a settings file gives to requests like this one.
    pub(crate) fn role(&self, method: &str, origin: &str, path: &str) -> Option<Role> {
        let named = |rule: &&RouteRule| rule.role.is_some() && rule.pattern.matches(method, origin, path);
        self.routes.iter().find(named)?.role
    }

    /// What is declared of the route of `fact`; preflights and files are nobody's operation.
    pub(crate) fn of(&self, fact: &Fact, bindings: &Bindings) -> Option<Declared<'_>> {
        if !self.has_routes() || matches!(fact.role, Role::Preflight | Role::Static) {
            return None;
        }
        let says = |rule: &&RouteRule| {
            rule.protected.is_some() && rule.pattern.matches(&fact.method, &fact.origin, &fact.path)
        };
        if let Some(rule) = self.routes.iter().find(says) {
            let protected = rule.protected.unwrap_or_default();
            return Some(Declared { protected, alternatives: &[], from: From::Settings(&rule.from) });
        }
        self.documents.iter().zip(&bindings.0).find_map(|(document, origins)| {
            let operation = document.operation(&fact.method, &fact.path).filter(|_| origins.contains(&fact.origin))?;
            Some(Declared {
                protected: operation.protected,
                alternatives: &operation.alternatives,
                from: From::Document(document.name(), &operation.path),
            })
        })
    }

    /// Decides which origins each document describes, now that all of them are known: those that it names, where they were
    /// seen, else those at least half of whose calls are its operations (the same API in another environment).
    pub(crate) fn bind(&self, facts: &[Fact]) -> Bindings {
        let bind = |document: &ApiDocument| {
            let mut counts: BTreeMap<&Text, (usize, usize)> = BTreeMap::new();
            for fact in facts.iter().filter(|f| !matches!(f.role, Role::Preflight | Role::Static)) {
                let (known, all) = counts.entry(&fact.origin).or_default();
                *known += usize::from(document.describes(&fact.method, &fact.path));
                *all += 1;
            }
            let named: BTreeSet<Text> = counts.keys().filter(|o| document.names(o)).map(|o| (*o).clone()).collect();
            let alike = || counts.iter().filter(|(_, (known, all))| *known > 0 && known * 2 >= *all);
            if named.is_empty() { alike().map(|(o, _)| (*o).clone()).collect() } else { named }
        };
        Bindings(self.documents.iter().map(bind).collect())
    }

    /// The documents that describe nothing of this capture.
    pub(crate) fn idle(&self, bindings: &Bindings) -> impl Iterator<Item = &str> {
        self.documents.iter().zip(&bindings.0).filter(|(_, origins)| origins.is_empty()).map(|(d, _)| d.name())
    }

    /// Whether issuers are declared, and this is none of them.
    pub(crate) fn is_foreign_issuer(&self, issuer: &str) -> bool {
        !self.issuers.is_empty() && !self.issuers.contains(issuer)
    }

    /// Whether audiences are declared, and none of them is among these.
    pub(crate) fn are_foreign_audiences(&self, audiences: &[Box<str>]) -> bool {
        !self.audiences.is_empty() && !audiences.iter().any(|audience| self.audiences.contains(audience))
    }

    /// Whether origins are declared, and this is none of them.
    pub(crate) fn is_foreign_origin(&self, origin: &str) -> bool {
        !self.origins.is_empty() && !self.origins.contains(origin)
    }
}
