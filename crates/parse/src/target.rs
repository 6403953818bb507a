//! Where a request went: scheme, host, port, path and query, split but not decoded.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

use crate::secret::{Secret, SecretStr};

/// URL scheme of an HTTP or WebSocket request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
    /// `ws`: shares the origin rules of `http`.
    Ws,
    /// `wss`: shares the origin rules of `https`.
    Wss,
}

impl Scheme {
    /// The scheme called `name`, without case.
    pub fn parse(name: &str) -> Option<Self> {
        [("http", Self::Http), ("https", Self::Https), ("ws", Self::Ws), ("wss", Self::Wss)]
            .into_iter()
            .find_map(|(n, scheme)| n.eq_ignore_ascii_case(name).then_some(scheme))
    }

    /// As written in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// The HTTP scheme that carries this one: `ws` runs over `http`, `wss` over `https`.
    pub fn http(self) -> Self {
        match self {
            Self::Http | Self::Ws => Self::Http,
            Self::Https | Self::Wss => Self::Https,
        }
    }

    /// The port when a URL names none (RFC 9110 §4.2, RFC 6455 §3).
    pub fn default_port(self) -> u16 {
        match self.http() {
            Self::Https => 443,
            _ => 80,
        }
    }
}

/// A request target, resolved to where it was sent. Path and query may hold credentials.
#[derive(Clone)]
pub struct Target {
    /// Scheme of the request.
    pub scheme: Scheme,
    /// Lower-case host name or address, IPv6 without brackets.
    pub host: Box<str>,
    /// Port, the scheme's default where the URL names none.
    pub port: u16,
    /// Path as sent, percent-encoding kept; starts with `/`, except for `*` and the authority form of CONNECT.
    /// Empty where it could not be decoded.
    pub path: Secret,
    /// Query without `?`, as sent.
    pub query: Option<Secret>,
}

impl Target {
    /// Splits an absolute `http`, `https`, `ws` or `wss` URL; `None` for anything else (`data:`, `blob:`, `chrome-extension:`…).
    ///
    /// User information and fragment are dropped: neither is sent to the server (RFC 9110 §4.2.4, RFC 3986 §3.5).
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let scheme = Scheme::parse(scheme)?;
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = split_port(authority)?;
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, Some(Secret::new(query))),
            None => (tail, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        Some(Self {
            scheme,
            host: host.to_ascii_lowercase().into(),
            port: port.unwrap_or_else(|| scheme.default_port()),
            path: Secret::new(path),
            query,
        })
    }

    /// The query's `name=value` pairs in order, still encoded; a bare name has an empty value.
    pub fn query_pairs(&self) -> impl Iterator<Item = (&str, SecretStr<'_>)> {
        let query = self.query.as_ref().map_or("", |q| q.expose());
        query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name, SecretStr::new(value))
        })
    }

    /// `scheme://host[:port]` with the HTTP scheme and without a default port (RFC 6454 §6.2).
    pub fn origin(&self) -> String {
        origin(self.scheme, &self.host, self.port)
    }

    /// Appends the origin to `out`.
    pub fn write_origin(&self, out: &mut String) {
        write_origin(self.scheme, &self.host, self.port, out);
    }
}

/// Serialises an origin (RFC 6454 §6.2); `ws` and `wss` count as `http` and `https`.
pub fn origin(scheme: Scheme, host: &str, port: u16) -> String {
    let mut out = String::new();
    write_origin(scheme, host, port, &mut out);
    out
}

fn write_origin(scheme: Scheme, host: &str, port: u16, out: &mut String) {
    let scheme = scheme.http();
    let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
    out.extend([scheme.as_str(), "://", open, host, close]);
    if port != scheme.default_port() {
        // Writing to a string cannot fail.
        let _ = write!(out, ":{port}");
    }
}

/// `host[:port]` apart; `None` where the host is empty or the port is no number.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        (host, after.strip_prefix(':'))
    } else {
        match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    let port = match port {
        None | Some("") => None,
        Some(digits) => Some(digits.parse().ok()?),
    };
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Option<(&str, &str, Option<&str>)>) {
        let got = Target::parse(url);
        let got = got.as_ref().map(|t| (t.origin(), t.path.expose(), t.query.as_ref().map(|q| q.expose())));
        assert_eq!(got.as_ref().map(|(o, p, q)| (o.as_str(), *p, *q)), expected, "{url}");
    }

    #[test]
    fn splits_urls() {
        check("https://API.x.dev/a/b?c=d#e", Some(("https://api.x.dev", "/a/b", Some("c=d"))));
        check("http://localhost:8000", Some(("http://localhost:8000", "/", None)));
        check("https://x.dev:443/", Some(("https://x.dev", "/", None)));
        check("wss://x.dev/ws?ticket=1", Some(("https://x.dev", "/ws", Some("ticket=1"))));
        check("http://[::1]:8080/x", Some(("http://[::1]:8080", "/x", None)));
        check("http://user:pass@x.dev/", Some(("http://x.dev", "/", None)));
        check("http://x.dev?q", Some(("http://x.dev", "/", Some("q"))));
        check("data:text/plain,hi", None);
        check("http://", None);
        check("http://x.dev:99999/", None);
    }
}
