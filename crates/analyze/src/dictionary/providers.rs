//! Knows identity providers and frameworks by host, path, cookie, header and token, with their endpoints (`providers.toml`).

use serde::Deserialize;

use super::{Provenance, is_host_suffix};
use crate::{role::Role, token::Jose};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoint {
    role: Role,
    #[serde(default)]
    method: Option<Box<str>>,
    path: Box<str>,
    #[serde(default)]
    query: Option<Box<str>>,
    #[serde(default)]
    operation: Option<Box<str>>,
    #[serde(default)]
    distinctive: bool,
    #[cfg_attr(not(test), allow(dead_code, reason = "examples are for the tests that run every row"))]
    example: Box<str>,
}

/// One provider or framework.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    id: Box<str>,
    name: Box<str>,
    #[serde(default)]
    hosts: Vec<Box<str>>,
    #[serde(default)]
    host_labels: Vec<Box<str>>,
    #[serde(default)]
    paths: Vec<Box<str>>,
    #[serde(default)]
    cookies: Vec<Box<str>>,
    #[serde(default)]
    headers: Vec<Box<str>>,
    #[serde(default)]
    issuers: Vec<Box<str>>,
    #[serde(default)]
    claims: Vec<Box<str>>,
    #[serde(default)]
    access_token_seconds: Option<u32>,
    #[serde(default)]
    leeway_seconds: Option<u32>,
    #[serde(default)]
    notes: Box<str>,
    provenance: Provenance,
    #[serde(default)]
    endpoint: Vec<Endpoint>,
}

impl Provider {
    /// Stable id, kebab-case.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Name as the provider writes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Default life of an access token, in seconds.
    pub fn access_token_seconds(&self) -> Option<u32> {
        self.access_token_seconds
    }

    /// Clock tolerance of its verifier or client, in seconds.
    pub fn leeway_seconds(&self) -> Option<u32> {
        self.leeway_seconds
    }

    /// What else is worth knowing.
    pub fn notes(&self) -> &str {
        &self.notes
    }

    /// Where the row comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Whether `host` (lower-case) is one of the provider's own.
    pub fn owns_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|suffix| is_host_suffix(host, suffix))
            || self
                .host_labels
                .iter()
                .any(|label| host.split_once('.').is_some_and(|(first, rest)| first == &**label && rest.contains('.')))
    }

    fn sets_cookie(&self, name: &str) -> bool {
        let name = name.trim_start_matches("__Host-").trim_start_matches("__Secure-");
        self.cookies.iter().any(|pattern| is_named(name, pattern))
    }
}

/// A request as far as the table looks at it.
#[derive(Clone, Copy)]
pub struct Route<'a> {
    /// Lower-case host.
    pub host: &'a str,
    /// Method.
    pub method: &'a str,
    /// Path as sent.
    pub path: &'a str,
    /// Query as sent, without `?`; empty where there is none.
    pub query: &'a str,
    /// Value of `X-Amz-Target`; empty where there is none.
    pub operation: &'a str,
}

/// A provider's endpoint that a request went to.
#[derive(Clone, Copy, Debug)]
pub struct EndpointHit {
    /// Whose.
    pub provider: &'static Provider,
    /// What it is for.
    pub role: Role,
    /// The host is the provider's own; otherwise the path alone says so, and may deceive.
    pub by_host: bool,
    /// Whether the row's source was checked.
    pub checked: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    provider: Vec<Provider>,
}

/// The table.
pub struct Providers {
    rows: Vec<Provider>,
    /// Row and place of every endpoint whose path alone tells it, and how many bytes of its path every match starts with.
    distinctive: Vec<(usize, usize, usize)>,
}

impl Providers {
    pub(super) fn new(table: Table) -> Self {
        let of = |(row, provider): (usize, &Provider)| {
            let places = provider.endpoint.iter().enumerate().filter(|(_, e)| e.distinctive);
            places.map(move |(place, e)| (row, place, literal(&e.path))).collect::<Vec<_>>()
        };
        Self { distinctive: table.provider.iter().enumerate().flat_map(of).collect(), rows: table.provider }
    }

    /// Number of providers.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no provider.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Every provider.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.rows.iter()
    }

    /// The provider called `id`.
    pub fn get(&self, id: &str) -> Option<&Provider> {
        self.rows.iter().find(|p| &*p.id == id)
    }

    /// The provider that owns `host` (lower-case).
    pub fn by_host(&self, host: &str) -> Option<&Provider> {
        self.rows.iter().find(|p| p.owns_host(host))
    }

    /// The provider whose own path prefix `path` starts with, whatever the host.
    pub fn by_path(&self, path: &str) -> Option<&Provider> {
        self.rows.iter().find(|p| p.paths.iter().any(|prefix| path.starts_with(&**prefix)))
    }

    /// The provider that sets a cookie of this name.
    pub fn by_cookie(&self, name: &str) -> Option<&Provider> {
        self.rows.iter().find(|p| p.sets_cookie(name))
    }

    /// The provider whose libraries send a request header of this name (lower-case).
    pub fn by_header(&self, name: &str) -> Option<&Provider> {
        self.rows.iter().find(|p| p.headers.iter().any(|pattern| is_named(name, pattern)))
    }

    /// The provider that issues tokens with this `iss`.
    pub fn by_issuer(&self, iss: &str) -> Option<&Provider> {
        self.rows.iter().find(|p| p.issuers.iter().any(|pattern| is_like(iss, pattern)))
    }

    /// The provider that issued `token`, by `iss`, else by claims that only it writes. Unverified.
    pub fn by_token(&self, token: &Jose) -> Option<&Provider> {
        let claims = token.claims.as_ref()?;
        let issuer = claims.iss.as_deref().and_then(|iss| self.by_issuer(iss));
        issuer
            .or_else(|| self.rows.iter().find(|p| !p.claims.is_empty() && p.claims.iter().all(|name| claims.has(name))))
    }

    /// The endpoint that a request went to: first by the provider's own host, then by a path that no one else has.
    pub fn endpoint(&'static self, route: &Route<'_>) -> Option<EndpointHit> {
        let hit = |provider: &'static Provider, endpoint: &Endpoint, by_host| {
            let checked = provider.provenance.is_checked();
            EndpointHit { provider, role: endpoint.role, by_host, checked }
        };
        let own = self.rows.iter().filter(|p| p.owns_host(route.host)).find_map(|provider| {
            provider.endpoint.iter().find(|e| e.fits(route)).map(|endpoint| hit(provider, endpoint, true))
        });
        own.or_else(|| {
            self.distinctive.iter().find_map(|&(row, place, literal)| {
                let provider = self.rows.get(row)?;
                // Nearly every path ends here: one comparison instead of a walk over segments.
                let start = provider.endpoint.get(place)?.path.get(..literal)?;
                route.path.starts_with(start).then_some(())?;
                let endpoint = provider.endpoint.get(place).filter(|e| e.fits(route))?;
                Some(hit(provider, endpoint, false))
            })
        })
    }
}

impl Endpoint {
    fn fits(&self, route: &Route<'_>) -> bool {
        let method = self.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(route.method));
        let query = self.query.as_deref().is_none_or(|pair| route.query.split('&').any(|p| p == pair));
        let operation = self
            .operation
            .as_deref()
            .is_none_or(|wanted| route.operation.rsplit('.').next().is_some_and(|name| name == wanted));
        method && query && operation && is_path(route.path, &self.path)
    }
}

/// `name` is `pattern`, or starts with it where it ends in `*`.
fn is_named(name: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |prefix| name.starts_with(prefix))
}

/// `text` fits `pattern`, in which every `*` stands for anything.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

/// Bytes of `pattern` that every path starts with that fits it.
fn literal(pattern: &str) -> usize {
    let start = pattern.split(['{', '*']).next().unwrap_or_default();
    start.trim_end_matches('/').len()
}

/// `path` fits `pattern`: `{}` is one segment, a trailing `/**` any rest. One trailing slash is ignored.
fn is_path(path: &str, pattern: &str) -> bool {
    let (pattern, open) = pattern.strip_suffix("/**").map_or((pattern, false), |p| (p, true));
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = path.split('/');
    for wanted in pattern.strip_suffix('/').unwrap_or(pattern).split('/') {
        match segments.next() {
            Some(segment) if wanted == segment || wanted == "{}" && !segment.is_empty() => {}
            _ => return false,
        }
    }
    open || segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use authtrace_parse::Target;

    use super::super::providers;
    use super::*;

    #[test]
    fn every_example_finds_its_endpoint() {
        for provider in providers().iter() {
            for endpoint in &provider.endpoint {
                let target = Target::parse(&endpoint.example).expect("example is a URL");
                let route = Route {
                    host: &target.host,
                    method: endpoint.method.as_deref().unwrap_or("GET"),
                    path: target.path.expose(),
                    query: target.query.as_ref().map_or("", |q| q.expose()),
                    operation: endpoint.operation.as_deref().unwrap_or_default(),
                };
                let hit = providers().endpoint(&route).map(|hit| (hit.provider.id(), hit.role));
                assert_eq!(hit, Some((provider.id(), endpoint.role)), "{}", endpoint.example);
                assert!(Role::SCORED.contains(&endpoint.role), "{} is no role of a provider", endpoint.role.name());
            }
        }
    }

    #[test]
    fn names_match_at_their_boundaries() {
        assert_eq!(providers().by_host("tame-cat-1.clerk.accounts.dev").map(Provider::id), Some("clerk"));
        assert_eq!(providers().by_host("clerk.example.com").map(Provider::id), Some("clerk"));
        assert_eq!(providers().by_host("evilauth0.com").map(Provider::id), None);
        assert_eq!(providers().by_cookie("__Secure-authjs.session-token.0").map(Provider::id), Some("authjs"));
        assert_eq!(providers().by_cookie("__session_a1b2c3").map(Provider::id), Some("clerk"));
        assert_eq!(providers().by_issuer("https://securetoken.google.com/p").map(Provider::id), Some("firebase"));
        assert_eq!(providers().by_issuer("https://h/realms/r").map(Provider::id), Some("keycloak"));
        assert_eq!(providers().by_header("auth0-client").map(Provider::id), Some("auth0"));
    }
}
