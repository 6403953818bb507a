//! Coverage: what the capture could not show, which rules that blinds, and how to record a better one.

use authtrace_parse::{QuicSummary, Timestamp, TlsConnection};
use serde::{Deserialize, Serialize};

use crate::{catalogue::RuleMeta, text::Text};

/// One thing that the capture could not show.
#[derive(Clone)]
pub struct Coverage {
    /// The CAP rule.
    pub rule: &'static RuleMeta,
    /// What is missing, in one sentence.
    pub says: String,
    /// Codes of the rules that it blinds or caps.
    pub affects: &'static [&'static str],
    /// The exact step that records a better capture; `None` where nothing more can be had.
    pub remedy: Option<&'static str>,
}

/// Container of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum InputFormat {
    /// HTTP Archive 1.2.
    #[default]
    Har,
    /// Classic pcap.
    Pcap,
    /// pcapng.
    Pcapng,
}

impl InputFormat {
    /// Name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Har => "har",
            Self::Pcap => "pcap",
            Self::Pcapng => "pcapng",
        }
    }
}

/// One input as the caller read it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Input {
    /// Path as given.
    pub path: String,
    /// Container.
    pub format: InputFormat,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Size in bytes.
    pub bytes: u64,
    /// Exchanges read.
    pub exchanges: u32,
    /// Who wrote it (`WebInspector 537.36`).
    pub creator: Option<Text>,
    /// Whether the file ends early.
    pub truncated: bool,
    /// Oddities by name.
    pub anomalies: std::collections::BTreeMap<Text, u64>,
    /// First exchange.
    pub first: Option<Timestamp>,
    /// Last exchange.
    pub last: Option<Timestamp>,
    /// TLS connections of a packet capture that could not be decrypted: the first ones.
    pub opaque: Vec<TlsConnection>,
    /// TLS connections that could not be decrypted, in all.
    pub opaque_count: u64,
    /// QUIC connections of a packet capture, which are not decrypted.
    pub quic: QuicSummary,
    /// TLS connections that were decrypted as a whole.
    pub decrypted_count: u64,
    /// Frames that the capturing side says it lost.
    pub dropped: u64,
    /// Exchanges that were read and then forgotten, the oldest ones: a live capture has no end.
    pub forgotten: u64,
}
