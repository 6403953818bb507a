//! Where a request went: its target, resolved with the stated host and the connection (RFC 9112 §3.2, §3.3; RFC 9113
//! §8.3.1).

use std::net::SocketAddr;

use crate::{
    secret::Secret,
    target::{Scheme, Target},
};

/// Resolves the request target `target` of a request to `server`; `host` is what `Host` or `:authority` states.
pub(crate) fn resolve(target: &str, host: Option<&str>, scheme: Scheme, server: SocketAddr) -> Target {
    if let Some(absolute) = Target::parse(target) {
        return absolute;
    }
    let (host, port) = authority(host, scheme, server);
    let target = target.split_once('#').map_or(target, |(before, _)| before);
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(Secret::new(query))),
        None => (target, None),
    };
    Target { scheme, host, port, path: Secret::new(path), query }
}

/// `host:port` of a CONNECT; the path repeats it, since it is all that was asked for.
pub(crate) fn authority_form(target: &str, scheme: Scheme, server: SocketAddr) -> Target {
    let base = Target::parse(&format!("https://{target}/"));
    let (host, port) = base.map_or_else(|| packets_went_to(server), |base| (base.host, base.port));
    Target { scheme, host, port, path: Secret::new(target), query: None }
}

/// The stated host, else where the packets went.
fn authority(host: Option<&str>, scheme: Scheme, server: SocketAddr) -> (Box<str>, u16) {
    let stated = host.and_then(|host| {
        let base = Target::parse(&format!("{}://{}/", scheme.as_str(), host.trim()))?;
        Some((base.host, base.port))
    });
    stated.unwrap_or_else(|| packets_went_to(server))
}

fn packets_went_to(server: SocketAddr) -> (Box<str>, u16) {
    (server.ip().to_string().into(), server.port())
}
