//! A browser's cookie jar, replayed from what responses set: which cookie is kept, which goes along, and why not
//! (RFC 6265bis §5.7 storage, §5.8 retrieval; Fetch for cross-origin requests). Only session-like cookies are replayed.

use std::collections::BTreeMap;

use authtrace_parse::ExchangeId;

use super::{
    Fact,
    credential::Carrier,
    role::Role,
    set_cookie::{SameSite, SetCookie},
    site,
};
use crate::{
    text::Text,
    tokens::{Purpose, TokenId},
};

/// Why a browser ignores a `Set-Cookie`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rejection {
    /// `SameSite=None` without `Secure` (§5.7 step 19).
    NoneWithoutSecure,
    /// `Partitioned` without `Secure` (CHIPS, "Cookies Having Independent Partitioned State" §2.1).
    PartitionedWithoutSecure,
    /// `Secure` from an origin without TLS that is not this machine (§5.7 step 10).
    SecureWithoutTls,
    /// `__Host-` without `Secure` and `Path=/`, or with `Domain` (§4.1.3.2).
    HostPrefix,
    /// `__Secure-` without `Secure` (§4.1.3.1).
    SecurePrefix,
    /// `Domain` does not cover the host (§5.7 step 8).
    ForeignDomain,
    /// `Domain` is a public suffix (§5.7 step 5).
    PublicSuffix,
    /// Name and value together over [`LARGEST`] bytes (§5.6).
    TooLarge,
    /// Set by a cross-site subresource without `SameSite=None` (§5.7 step 18).
    CrossSite,
    /// Set by a cross-origin request that was not made to include credentials (Fetch).
    NotIncluded,
}

/// Why a kept cookie does not go along with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Withheld {
    /// The browser never kept it.
    Rejected(Rejection),
    /// It belongs to another host or domain.
    Host,
    /// Its `Path` does not cover the request's.
    Path,
    /// It is `Secure`, and the request has no TLS.
    Secure,
    /// `SameSite` holds it back from a cross-site request.
    SameSite,
    /// It has expired.
    Expired,
}

/// Most bytes of name and value together (RFC 6265bis §5.6).
pub(crate) const LARGEST: u32 = 4096;

/// A session-like cookie as a response set it.
#[derive(Clone)]
pub(crate) struct Stored {
    /// The cookie and its attributes.
    pub(crate) cookie: SetCookie,
    /// Its value.
    pub(crate) token: TokenId,
    /// What it was delivered as.
    pub(crate) purpose: Purpose,
    /// The response that set it.
    pub(crate) set_by: ExchangeId,
    /// Origin of that response.
    pub(crate) origin: Text,
    /// Host of that response.
    pub(crate) host: Text,
    /// When that response was complete, in nanoseconds.
    pub(crate) at: i64,
    path: Text,
    rejected: Option<Rejection>,
}

/// Name, domain and path identify a cookie (§5.7 step 23).
type Key = (Text, Text, Text);

/// The jar of one client.
#[derive(Default)]
pub(crate) struct Jar {
    cookies: BTreeMap<Key, Stored>,
}

impl Jar {
    /// Takes in a response: what it sets, what it deletes, and that a logout ends the sessions of its site.
    pub(crate) fn observe(&mut self, fact: &Fact) {
        if fact.role == Role::Logout && fact.succeeded() {
            self.cookies.retain(|_, stored| !site::same_site(&stored.host, &fact.host));
        }
        for cookie in fact.set_cookies.iter() {
            let path = cookie.path.clone().unwrap_or_else(|| default_path(&fact.path));
            let domain = cookie.domain.clone().unwrap_or_else(|| fact.host.clone());
            let key = (cookie.name.clone(), domain, path.clone());
            self.cookies.remove(&key);
            let delivery = fact.delivered.iter().find(|d| d.carrier == Carrier::SetCookie(cookie.name.clone()));
            let Some(delivery) = delivery.filter(|_| !cookie.deletes) else { continue };
            let stored = Stored {
                cookie: cookie.clone(),
                token: delivery.token,
                purpose: delivery.purpose,
                set_by: fact.id,
                origin: fact.origin.clone(),
                host: fact.host.clone(),
                at: fact.answered_nanos(),
                path,
                rejected: rejection(fact, cookie),
            };
            self.cookies.insert(key, stored);
        }
    }

    /// Every cookie that was set and not deleted, kept or rejected.
    pub(crate) fn cookies(&self) -> impl Iterator<Item = &Stored> {
        self.cookies.values()
    }
}

impl Stored {
    /// Every reason why the cookie does not go along with `fact`; empty where the jar would send it. Whether the request
    /// was made to include credentials is not the jar's to know.
    pub(crate) fn withheld(&self, fact: &Fact) -> Vec<Withheld> {
        let cookie = &self.cookie;
        let host_matches = match &cookie.domain {
            Some(domain) => site::domain_matches(&fact.host, domain),
            None => fact.host == self.host,
        };
        let expired = match (cookie.max_age, cookie.expires) {
            (Some(age), _) => fact.started_nanos() >= self.at.saturating_add(age.saturating_mul(1_000_000_000)),
            (None, Some(date)) => fact.started_nanos() >= date.nanos(),
            (None, None) => false,
        };
        let lax = cookie.same_site != Some(SameSite::None);
        [
            self.rejected.map(Withheld::Rejected),
            (!host_matches).then_some(Withheld::Host),
            (!path_matches(&fact.path, &self.path)).then_some(Withheld::Path),
            (cookie.secure && !is_trustworthy(fact)).then_some(Withheld::Secure),
            (lax && !fact.is_document && is_cross_site(fact)).then_some(Withheld::SameSite),
            expired.then_some(Withheld::Expired),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The attributes as one would write them, without the value.
    pub(crate) fn attributes(&self) -> String {
        attributes(&self.cookie)
    }
}

/// The attributes of `cookie` as one would write them, without the value.
pub(crate) fn attributes(cookie: &SetCookie) -> String {
    let mut out = Vec::new();
    out.extend(cookie.domain.as_ref().map(|d| format!("Domain={d}")));
    out.extend(cookie.path.as_ref().map(|p| format!("Path={p}")));
    out.extend(cookie.max_age.map(|a| format!("Max-Age={a}")));
    out.extend(cookie.expires.map(|_| "Expires".to_owned()));
    out.extend(cookie.same_site.map(|s| format!("SameSite={s:?}")));
    out.extend(cookie.secure.then(|| "Secure".to_owned()));
    out.extend(cookie.http_only.then(|| "HttpOnly".to_owned()));
    out.extend(cookie.partitioned.then(|| "Partitioned".to_owned()));
    if out.is_empty() { "no attributes".to_owned() } else { out.join("; ") }
}

/// Whether a browser ignores `cookie` of the response `fact`, and why.
pub(crate) fn rejection(fact: &Fact, cookie: &SetCookie) -> Option<Rejection> {
    let prefix = |p: &str| cookie.name.get(..p.len()).is_some_and(|start| start.eq_ignore_ascii_case(p));
    let host_prefix_kept = cookie.secure && cookie.domain.is_none() && cookie.path.as_deref() == Some("/");
    let size = u32::try_from(cookie.name.len()).unwrap_or(u32::MAX).saturating_add(cookie.value_len);
    let strict = cookie.same_site.is_some_and(|s| s != SameSite::None);
    if let Some(domain) = &cookie.domain {
        if site::is_public_suffix(domain) && *domain != fact.host {
            return Some(Rejection::PublicSuffix);
        }
        if !site::domain_matches(&fact.host, domain) {
            return Some(Rejection::ForeignDomain);
        }
    }
    [
        (size > LARGEST, Rejection::TooLarge),
        (prefix("__Host-") && !host_prefix_kept, Rejection::HostPrefix),
        (prefix("__Secure-") && !cookie.secure, Rejection::SecurePrefix),
        (cookie.secure && !is_trustworthy(fact), Rejection::SecureWithoutTls),
        (cookie.same_site == Some(SameSite::None) && !cookie.secure, Rejection::NoneWithoutSecure),
        (cookie.partitioned && !cookie.secure, Rejection::PartitionedWithoutSecure),
        (strict && is_subresource(fact) && is_cross_domain(fact), Rejection::CrossSite),
        (is_subresource(fact) && excludes_credentials(fact), Rejection::NotIncluded),
    ]
    .into_iter()
    .find_map(|(holds, why)| holds.then_some(why))
}

/// Completes "sets NAME, but …": why a browser ignores `cookie` of the response `fact`.
pub(crate) fn explain(fact: &Fact, cookie: &SetCookie, why: Rejection) -> String {
    let domain = cookie.domain.as_deref().unwrap_or_default();
    let page = fact.cors.as_ref().and_then(|c| c.origin.as_deref()).unwrap_or("another origin");
    match why {
        Rejection::NoneWithoutSecure => "browsers drop SameSite=None without Secure".into(),
        Rejection::PartitionedWithoutSecure => "browsers drop Partitioned without Secure".into(),
        Rejection::SecureWithoutTls => format!("it is Secure and {} has no TLS, so browsers drop it", fact.origin),
        Rejection::HostPrefix => {
            "a __Host- cookie needs Secure, Path=/ and no Domain; without them browsers drop it".into()
        }
        Rejection::SecurePrefix => "a __Secure- cookie without Secure is dropped".into(),
        Rejection::ForeignDomain => format!("Domain={domain} does not cover {}, so browsers drop it", fact.host),
        Rejection::PublicSuffix => format!("Domain={domain} is a public suffix, so browsers drop it"),
        Rejection::TooLarge => format!(
            "its name and value take {} bytes, more than the {} that browsers keep",
            cookie.name.len() + cookie.value_len as usize,
            LARGEST
        ),
        Rejection::CrossSite => {
            format!("a script of {page} fetched it cross-site, where browsers keep only SameSite=None; Secure cookies")
        }
        Rejection::NotIncluded => format!(
            "a script of {page} fetched it cross-origin without credentials: 'include', so browsers ignore the cookie"
        ),
    }
}

/// Whether the page that sent `fact` is of another site, its scheme included ("schemeful same-site").
pub(crate) fn is_cross_site(fact: &Fact) -> bool {
    let Some(origin) = fact.cors.as_ref().and_then(|c| c.origin.as_deref()) else { return false };
    let tls = origin.starts_with("https:");
    is_cross_domain(fact) || (tls != fact.origin.starts_with("https:"))
}

fn is_cross_domain(fact: &Fact) -> bool {
    let origin = fact.cors.as_ref().and_then(|c| c.origin.as_deref());
    origin.is_some_and(|origin| !site::same_site(site::host_of(origin), &fact.host))
}

/// Whether a script sent it, so that its credentials mode decides over cookies.
pub(crate) fn is_subresource(fact: &Fact) -> bool {
    match fact.resource_type.as_deref() {
        Some(kind) => matches!(kind, "fetch" | "xhr"),
        // Where the recorder names no kind, a browser's request with an `Origin` of another host is a script's.
        None => fact.is_from_browser() && fact.is_cross_origin() && !fact.is_document,
    }
}

/// Whether the answer proves that the request was not made to include credentials: the page could read it, although it
/// allows no credentials (Fetch, "CORS check").
pub(crate) fn excludes_credentials(fact: &Fact) -> bool {
    let allows = fact.cors.as_ref().is_some_and(|c| c.allow_credentials && c.allow_origin.as_deref() != Some("*"));
    fact.is_cross_origin() && fact.failure.is_none() && fact.succeeded() && !allows
}

/// TLS, or this machine, which browsers trust as much.
fn is_trustworthy(fact: &Fact) -> bool {
    fact.origin.starts_with("https:") || site::is_loopback(&fact.host)
}

/// The directory of the request's path (§5.1.4).
fn default_path(path: &str) -> Text {
    match path.rfind('/') {
        Some(0) | None => Text::from("/"),
        Some(end) => Text::from(&path[..end]),
    }
}

/// Whether a cookie of `cookie_path` goes to `path` (§5.1.4).
fn path_matches(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_whole_segments() {
        assert!(path_matches("/api/a", "/") && path_matches("/api/a", "/api") && path_matches("/api", "/api"));
        assert!(!path_matches("/apix", "/api") && !path_matches("/b", "/api/"));
        assert_eq!((&*default_path("/auth/login"), &*default_path("/login")), ("/auth", "/"));
    }
}
