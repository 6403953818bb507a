//! Hosts, sites and peers: who shares cookies with whom, and which hosts are on this machine or a private network.

use std::net::IpAddr;

/// The registrable domain of `host` (Public Suffix List), or the host itself where it has none: addresses, `localhost`.
pub(crate) fn registrable(host: &str) -> &str {
    if address(host).is_some() { host } else { psl::domain_str(host).unwrap_or(host) }
}

/// Whether two hosts belong to one site, schemes aside.
pub(crate) fn same_site(a: &str, b: &str) -> bool {
    registrable(a) == registrable(b)
}

/// Whether `host` is a public suffix, under which nobody may set cookies for everybody.
pub(crate) fn is_public_suffix(host: &str) -> bool {
    address(host).is_none() && psl::suffix_str(host) == Some(host)
}

/// Whether a cookie of `domain` goes to `host` (RFC 6265bis §5.1.3).
pub(crate) fn domain_matches(host: &str, domain: &str) -> bool {
    let below = || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    host == domain || (address(host).is_none() && below())
}

/// The host of an origin as `Origin` spells it, without brackets; empty for `null`.
pub(crate) fn host_of(origin: &str) -> &str {
    let Some((_, rest)) = origin.split_once("://") else { return "" };
    match rest.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((host, _)) => host,
        None => rest.split_once(':').map_or(rest, |(host, _)| host),
    }
}

/// Whether `host` is this machine: browsers treat it as trustworthy without TLS.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || address(host).is_some_and(|ip| ip.is_loopback())
}

/// Whether `host` is a name that no public DNS resolves (RFC 2606, RFC 6761, RFC 6762, RFC 7085 §3; `.internal`).
pub(crate) fn is_private_name(host: &str) -> bool {
    const SUFFIXES: &[&str] = &[".localhost", ".test", ".local", ".internal", ".example"];
    // A name of one label is resolved by the network that one is in: no public name is that short.
    !host.contains(['.', ':']) || SUFFIXES.iter().any(|suffix| host.ends_with(suffix))
}

/// Whether an address is on this machine, a private network or in an example: RFC 1918, RFC 4193, link-local, shared by a
/// carrier (RFC 6598), documentation (RFC 5737, RFC 3849, RFC 9637).
pub(crate) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0b1100_0000 == 64;
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_documentation() || shared
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            let documentation = (first, second) == (0x2001, 0xdb8) || (first == 0x3fff && second < 0x1000);
            v6.is_loopback()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || documentation
                || v6.to_ipv4_mapped().is_some_and(|v4| is_private(IpAddr::V4(v4)))
        }
    }
}

/// The address that `host` spells out, if it does.
pub(crate) fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_follow_the_public_suffix_list() {
        assert!(same_site("api.x.dev", "app.x.dev"));
        assert!(!same_site("a.github.io", "b.github.io"));
        assert!(!same_site("localhost", "127.0.0.1") && same_site("localhost", "localhost"));
        assert!(!same_site("10.0.0.1", "11.0.0.1"));
        assert!(is_public_suffix("co.uk") && !is_public_suffix("x.co.uk"));
    }

    #[test]
    fn domains_match_whole_labels() {
        assert!(domain_matches("api.x.dev", "x.dev") && domain_matches("x.dev", "x.dev"));
        assert!(!domain_matches("evilx.dev", "x.dev") && !domain_matches("x.dev", "api.x.dev"));
        assert!(!domain_matches("1.0.0.1", "0.0.1"));
    }

    #[test]
    fn hosts_of_origins() {
        assert_eq!(host_of("http://localhost:3000"), "localhost");
        assert_eq!(host_of("http://[::1]:3000"), "::1");
        assert_eq!(host_of("null"), "");
        assert!(is_loopback("127.0.0.1") && is_loopback("::1") && is_loopback("a.localhost") && !is_loopback("x.dev"));
        assert!(is_private("10.1.2.3".parse().unwrap()) && !is_private("93.184.216.34".parse().unwrap()));
    }
}
