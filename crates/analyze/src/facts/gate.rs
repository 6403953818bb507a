//! Gates: reasons why an exchange must not count in some judgement (detectors §3, G1–G25).
//!
//! Gates that depend on one exchange or its neighbours are computed here once and consulted by every rule;
//! those that depend on the comparison itself (G1, G2, G12, G15, G16, G18, G19, G22) live where the comparison is made.

use serde::{Deserialize, Serialize};

/// A set of gates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates(u32);

/// One gate that an exchange may stand behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Gate {
    /// G3: a preflight never carries credentials (Fetch, "CORS-preflight fetch").
    Preflight,
    /// G4: a public endpoint.
    Public,
    /// G5: a login refused for its password says nothing about tokens.
    LoginFailure,
    /// G6: the first leg of Basic, Digest, NTLM or Negotiate, answered with credentials right after.
    ChallengeLeg,
    /// G7: the DPoP nonce dance (RFC 9449 §8, §9).
    DpopNonce,
    /// G8: refused, refreshed, repeated, accepted: a healthy reactive refresh.
    Recovered,
    /// G9: a cache, a service worker or the browser itself answered.
    NotServer,
    /// G10: only provisional headers are known.
    Provisional,
    /// G14: a health check or a monitoring agent.
    HealthCheck,
    /// G17: an intended negative test.
    Probe,
    /// G20: a firewall, a bot check or a rate limit refused it.
    Blocked,
    /// G21: a gateway says "missing token" for a route that it does not know.
    UndefinedRoute,
    /// G23: the provider did not answer a refresh: unavailable, not rejected.
    RefreshUnavailable,
    /// G24: in flight while the user logged out.
    LoggingOut,
    /// G25: an anonymous "who am I" before the first login.
    AnonymousProbe,
    /// G26: what the browser fetches or reports by itself, which no script of the page gives a credential.
    BrowserItself,
}

impl Gates {
    /// Adds `gate`.
    pub fn add(&mut self, gate: Gate) {
        self.0 |= 1 << gate as u32;
    }

    /// Whether `gate` is in the set.
    pub fn has(self, gate: Gate) -> bool {
        self.0 & (1 << gate as u32) != 0
    }

    /// Whether any of `gates` is in the set.
    pub fn any(self, gates: &[Gate]) -> bool {
        gates.iter().any(|gate| self.has(*gate))
    }
}

/// Gates that take an exchange out of every failure count: refused by design, or not by the server.
pub const NOT_A_FAILURE: &[Gate] = &[
    Gate::Preflight,
    Gate::LoginFailure,
    Gate::ChallengeLeg,
    Gate::DpopNonce,
    Gate::NotServer,
    Gate::Probe,
    Gate::Blocked,
    Gate::UndefinedRoute,
    Gate::RefreshUnavailable,
    Gate::LoggingOut,
    Gate::AnonymousProbe,
    Gate::HealthCheck,
    Gate::BrowserItself,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_a_set() {
        let mut gates = Gates::default();
        assert!(!gates.has(Gate::Preflight));
        gates.add(Gate::AnonymousProbe);
        assert!(gates.has(Gate::AnonymousProbe) && gates.any(NOT_A_FAILURE) && !gates.has(Gate::Preflight));
    }
}
