//! What a rule says: a finding with its evidence, its severity and a confidence computed from named reasons.
//!
//! Findings are owned plain data. They name exchanges by id and tokens by [`TokenId`]; no secret, no style, no borrowed input.

use serde::{Deserialize, Serialize};
use std::fmt;

use authtrace_parse::ExchangeId;

use crate::{
    catalogue::RuleMeta,
    facts::{ClientId, SessionId},
    text::Text,
    tokens::TokenId,
};

/// How bad it is when true. The base comes from the rule's metadata; a change carries a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Context, nothing to mend.
    Info,
    /// Hygiene.
    Low,
    /// Intermittent or latent.
    Medium,
    /// Breaks protected calls.
    High,
    /// Authentication is impossible or a secret is exposed.
    Critical,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One reason to believe a finding, with the weight that it has alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// A byte or claim on the wire shows it.
    WireFact,
    /// A control shows it: the same client and API succeeded with the fact flipped.
    Control,
    /// The server names the cause in a standard code.
    ServerCode,
    /// The server's or provider's own text names the cause.
    ServerText,
    /// It happened next to something that explains it.
    Timing,
    /// A name in a path suggests it.
    PathName,
    /// A signature was checked with a key that the user supplied.
    KeyCheck,
    /// A document or setting that the user gave declares it.
    Document,
}

impl Reason {
    /// The probability that this reason alone is right.
    pub fn weight(self) -> f64 {
        match self {
            Self::KeyCheck => 0.95,
            Self::WireFact => 0.8,
            Self::Control | Self::Document => 0.7,
            Self::ServerCode => 0.6,
            Self::ServerText => 0.5,
            Self::Timing => 0.3,
            Self::PathName => 0.2,
        }
    }
}

/// What the capture could not show, and the most that a finding resting on it may claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cap {
    /// Header fields were removed by the exporter (CAP200).
    Sanitized,
    /// The browser listed provisional headers only (G10).
    Provisional,
    /// The capture starts in the middle of a session (CAP203).
    MidSession,
    /// Bytes of the connection are missing (CAP202).
    Lossy,
    /// The claim rests on claims of a token whose signature was not checked (RFC 7519 §7.2).
    TokenSays,
    /// There is no succeeding request to compare with.
    NoControl,
    /// The attribution covers several principals (NAT).
    SharedClient,
}

impl Cap {
    /// Upper bound of the confidence.
    pub fn bound(self) -> f64 {
        match self {
            Self::Provisional => 0.30,
            Self::Sanitized => 0.40,
            Self::Lossy => 0.50,
            Self::MidSession | Self::SharedClient => 0.55,
            Self::NoControl => 0.60,
            Self::TokenSays => 0.90,
        }
    }
}

/// Probability that a finding is true, in 0–1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Confidence(f64);

impl Confidence {
    /// Noisy-OR of `reasons`, each counted once, then the lowest of `caps`.
    pub fn from_reasons(reasons: &[Reason], caps: &[Cap]) -> Self {
        let mut distinct = reasons.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let doubt: f64 = distinct.iter().map(|reason| 1.0 - reason.weight()).product();
        let bound = caps.iter().map(|cap| cap.bound()).fold(1.0, f64::min);
        Self((1.0 - doubt).min(bound))
    }

    /// The probability, rounded to two decimals, as printed.
    pub fn value(self) -> f64 {
        (self.0 * 100.0).round() / 100.0
    }

    /// Band in words: certain ≥ .95, high ≥ .80, medium ≥ .55, low below.
    pub fn band(self) -> &'static str {
        match self.value() {
            v if v >= 0.95 => "certain",
            v if v >= 0.80 => "high",
            v if v >= 0.55 => "medium",
            _ => "low",
        }
    }
}

/// Whether a piece of evidence proves the finding or only helps to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvidenceRole {
    /// The finding stands on it.
    Primary,
    /// Context, control or consequence.
    Related,
}

/// One fact of the capture, resolvable to an exchange and a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The exchange.
    pub exchange: ExchangeId,
    /// Part of it: `request.header.authorization`, `response.body.detail`, `token.claim.exp`.
    pub part: Text,
    /// Primary or related.
    pub role: EvidenceRole,
    /// What stands there, in words, without secrets.
    pub says: String,
}

/// Identity of a finding within one analysis, printed as `F1`, `F2`…
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(pub u32);

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "F{}", self.0 + 1)
    }
}

/// One rule's judgement on one route, for one client and one credential.
#[derive(Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static RuleMeta,
    /// Variant within the rule, where its text or fix differs.
    pub variant: Option<&'static str>,
    /// Severity, the rule's or changed with [`Finding::severity_reason`].
    pub severity: Severity,
    /// Why the severity differs from the rule's.
    pub severity_reason: Option<&'static str>,
    /// Why it is believed.
    pub reasons: Vec<Reason>,
    /// What limits the belief.
    pub caps: Vec<Cap>,
    /// One line, no full stop.
    pub title: String,
    /// What happened, in one or two sentences.
    pub message: String,
    /// Origin of the most affected route.
    pub origin: Text,
    /// Most affected route.
    pub route: Text,
    /// All routes, for findings about several.
    pub routes: Vec<Text>,
    /// Client.
    pub client: ClientId,
    /// Session, where known.
    pub session: Option<SessionId>,
    /// Credential that the finding is about.
    pub credential: Option<TokenId>,
    /// Call site, where known: part of the fingerprint.
    pub call_site: Option<Text>,
    /// Findings with the same rule and the same cause belong to one incident.
    pub cause: Text,
    /// Exchanges concerned, ascending.
    pub exchanges: Vec<ExchangeId>,
    /// Evidence; at least one piece is primary.
    pub evidence: Vec<Evidence>,
    /// Keys of fix texts, best first.
    pub fixes: Vec<&'static str>,
}

impl Finding {
    /// Probability that it is true.
    pub fn confidence(&self) -> Confidence {
        Confidence::from_reasons(&self.reasons, &self.caps)
    }

    /// The first exchange concerned.
    pub fn first_exchange(&self) -> Option<ExchangeId> {
        self.exchanges.first().copied()
    }
}

/// A word or short phrase used as an evidence part.
pub fn part(name: &str) -> Text {
    Text::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_a_capped_noisy_or() {
        let sure = Confidence::from_reasons(&[Reason::WireFact, Reason::Control], &[]);
        assert_eq!(sure.value(), 0.94);
        assert_eq!(sure.band(), "high");
        let repeated = Confidence::from_reasons(&[Reason::WireFact, Reason::WireFact], &[]);
        assert_eq!(repeated.value(), 0.8, "the same reason counts once");
        let capped = Confidence::from_reasons(&[Reason::WireFact, Reason::Control], &[Cap::Sanitized, Cap::NoControl]);
        assert_eq!(capped.value(), 0.4, "the lowest cap holds");
        assert_eq!(Confidence::from_reasons(&[], &[]).value(), 0.0);
    }
}
