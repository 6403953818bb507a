//! Where an HTTP/1 request went: its target, resolved with `Host` and the connection (RFC 9112 §3.2, §3.3).

use std::net::SocketAddr;

use crate::{
    headers::Headers,
    secret::Secret,
    target::{Scheme, Target},
};

/// Resolves the request target `target` of a request to `server`.
pub(super) fn resolve(method: &str, target: &[u8], headers: &Headers, scheme: Scheme, server: SocketAddr) -> Target {
    let target = String::from_utf8_lossy(target);
    if let Some(absolute) = Target::parse(&target) {
        return absolute;
    }
    if method == "CONNECT" {
        return authority_form(&target, scheme, server);
    }
    let (host, port) = authority(headers, scheme, server);
    let target = target.split_once('#').map_or(&*target, |(before, _)| before);
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(Secret::new(query))),
        None => (target, None),
    };
    Target { scheme, host, port, path: Secret::new(path), query }
}

/// `Host`, else where the packets went.
fn authority(headers: &Headers, scheme: Scheme, server: SocketAddr) -> (Box<str>, u16) {
    let stated = headers.get("host").and_then(|host| {
        let base = Target::parse(&format!("{}://{}/", scheme.as_str(), host.expose().trim()))?;
        Some((base.host, base.port))
    });
    stated.unwrap_or_else(|| (server.ip().to_string().into(), server.port()))
}

/// `host:port` of a CONNECT; the path repeats it, since it is all that was asked for.
fn authority_form(target: &str, scheme: Scheme, server: SocketAddr) -> Target {
    let base = Target::parse(&format!("https://{target}/"));
    let (host, port) = base.map_or_else(|| (server.ip().to_string().into(), server.port()), |b| (b.host, b.port));
    Target { scheme, host, port, path: Secret::new(target), query: None }
}
