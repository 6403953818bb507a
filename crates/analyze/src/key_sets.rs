//! The key sets that a capture shows, and whose keys they are: a token's `kid` is only worth comparing with its own
//! issuer's keys (AUTH031's trap, several providers).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    facts::{Fact, role::Role},
    text::Text,
    token::Claims,
};

/// Answers of endpoints that publish keys, whoever asked for them.
#[derive(Clone, Default)]
pub(crate) struct KeySets {
    /// Every exchange about keys, in order of id.
    facts: Vec<Fact>,
    /// Indices of those with a key set, by the URL that published it.
    by_url: BTreeMap<String, Vec<usize>>,
    /// Indices of requests for keys or metadata that failed.
    failed: Vec<usize>,
    /// What discovery documents say: issuer without its trailing slash, URLs of its keys.
    declared: BTreeMap<String, BTreeSet<String>>,
}

/// Whether an exchange publishes keys, says where they are, or failed to.
pub(crate) fn is_about_keys(fact: &Fact) -> bool {
    fact.leg_of().is_none() && (fact.key_set.is_some() || discovered(fact).is_some() || is_failed_fetch(fact))
}

impl KeySets {
    /// Those that `facts` show, which are about keys and in order of id.
    pub(crate) fn of(facts: Vec<Fact>) -> Self {
        let (mut by_url, mut declared) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, BTreeSet<_>>::new());
        let mut failed = Vec::new();
        for (index, fact) in facts.iter().enumerate() {
            if fact.key_set.is_some() {
                by_url.entry(url(fact)).or_default().push(index);
            } else if is_failed_fetch(fact) {
                failed.push(index);
            }
            if let Some((issuer, keys)) = discovered(fact) {
                declared.entry(bare(issuer).to_owned()).or_default().insert(bare(keys).to_owned());
            }
        }
        Self { facts, by_url, failed, declared }
    }

    /// The answers that published the keys of the issuer of `claims`, in order of id; `deliverer` is the origin that handed
    /// out the token, where the capture shows it.
    pub(crate) fn issued_by<'a>(&'a self, claims: &Claims, deliverer: Option<&Text>) -> Vec<&'a Fact> {
        let urls = self.urls(claims.iss.as_deref(), deliverer);
        let mut indices: Vec<usize> = urls.iter().filter_map(|url| self.by_url.get(*url)).flatten().copied().collect();
        indices.sort_unstable();
        indices.into_iter().filter_map(|index| self.facts.get(index)).collect()
    }

    /// Requests for the keys or the metadata of the issuer of `claims` that failed, in order of id.
    pub(crate) fn failed<'a>(&'a self, claims: &Claims) -> impl Iterator<Item = &'a Fact> {
        let iss = claims.iss.as_deref().map(bare).unwrap_or_default().to_owned();
        let declared = self.declared.get(&iss).cloned().unwrap_or_default();
        self.failed.iter().filter_map(|&index| self.facts.get(index)).filter(move |fact| {
            let url = url(fact);
            declared.contains(&url) || (iss.contains("://") && belongs(&url, &iss))
        })
    }

    fn urls(&self, iss: Option<&str>, deliverer: Option<&Text>) -> Vec<&String> {
        let iss = iss.map(bare).unwrap_or_default();
        if let Some(declared) = self.declared.get(iss) {
            return self.by_url.keys().filter(|url| declared.contains(*url)).collect();
        }
        let near: Vec<&String> = match iss.contains("://") {
            true => self.by_url.keys().filter(|url| belongs(url, iss)).collect(),
            // An issuer that is a mere name publishes where it hands out its tokens.
            false => deliverer.into_iter().flat_map(|at| self.by_url.keys().filter(|url| belongs(url, at))).collect(),
        };
        // Two sets at one place are two tenants: nothing says which of them is the token's.
        if near.len() == 1 { near } else { Vec::new() }
    }
}

/// The issuer that a discovery document names, and where its keys are.
fn discovered(fact: &Fact) -> Option<(&Text, &Text)> {
    fact.discovered_issuer.as_ref().zip(fact.discovered_keys.as_ref())
}

/// Whether `url` lies under `base`, whole segments only.
fn belongs(url: &str, base: &str) -> bool {
    url.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'))
}

fn bare(url: &str) -> &str {
    url.trim_end_matches('/')
}

fn url(fact: &Fact) -> String {
    bare(&format!("{}{}", fact.origin, fact.path)).to_owned()
}

/// Whether keys or metadata were asked for and did not come: by what the provider table or the path says, as an error has no
/// document to be told by. A name like `/api/keys` alone is not enough.
fn is_failed_fetch(fact: &Fact) -> bool {
    let failed = !fact.succeeded() && fact.outcome.class != crate::facts::outcome::OutcomeClass::Unknown;
    let asks = match fact.role {
        Role::Jwks => {
            fact.role_proven
                || ["jwks", "/.well-known/", "openid-connect", "/discovery/"].iter().any(|w| fact.path.contains(w))
        }
        Role::Discovery => {
            fact.path.contains("openid-configuration") || fact.path.contains("oauth-authorization-server")
        }
        _ => false,
    };
    failed && asks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lie_under_their_issuer() {
        let realm = "https://id.x.dev/realms/a";
        assert!(belongs("https://id.x.dev/realms/a/protocol/openid-connect/certs", realm));
        assert!(!belongs("https://id.x.dev/realms/ab/certs", realm));
        assert!(!belongs("https://id.x.dev/realms/b/certs", realm));
    }
}
