//! A finding's identity across captures: what is wrong and where, without token, time or id.

use sha2::{Digest, Sha256};

use crate::finding::Finding;

impl Finding {
    /// First 16 hex digits of SHA-256 over code, origin (without the port on loopback hosts), route, call site and variant.
    pub fn fingerprint(&self) -> String {
        let parts = [
            self.rule.code,
            without_loopback_port(&self.origin),
            &self.route,
            self.call_site.as_deref().unwrap_or_default(),
            self.variant.unwrap_or_default(),
        ];
        let digest = Sha256::digest(parts.join("|").as_bytes());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Development servers change their port from run to run.
fn without_loopback_port(origin: &str) -> &str {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let end = if host.starts_with('[') { host.find(']').map(|at| at + 1) } else { host.find(':') };
    let name = end.map_or(host, |end| &host[..end]);
    let loopback = name == "localhost" || name.ends_with(".localhost") || name.starts_with("127.") || name == "[::1]";
    if loopback { &origin[..origin.len() - host.len() + name.len()] } else { origin }
}

#[cfg(test)]
mod tests {
    use super::without_loopback_port as check;

    #[test]
    fn only_loopback_loses_its_port() {
        assert_eq!(check("http://localhost:8000"), "http://localhost");
        assert_eq!(check("http://127.0.0.1:8000"), "http://127.0.0.1");
        assert_eq!(check("http://[::1]:8000"), "http://[::1]");
        assert_eq!(check("https://api.x.dev:8443"), "https://api.x.dev:8443");
        assert_eq!(check("http://localhost"), "http://localhost");
    }
}
