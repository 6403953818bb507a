//! What is told of a TLS connection: what its plaintext part says, how much went over it, and why it was not read.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

use super::keylog::SecretLabel;
use crate::time::Timestamp;

/// Protocol version of TLS, as the wire numbers it (0x0303 is TLS 1.2, 0x0304 is TLS 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TlsVersion(pub u16);

impl TlsVersion {
    /// SSL 3.0 (RFC 6101).
    pub const SSL_3_0: Self = Self(0x0300);
    /// TLS 1.0 (RFC 2246).
    pub const TLS_1_0: Self = Self(0x0301);
    /// TLS 1.1 (RFC 4346).
    pub const TLS_1_1: Self = Self(0x0302);
    /// TLS 1.2 (RFC 5246).
    pub const TLS_1_2: Self = Self(0x0303);
    /// TLS 1.3 (RFC 8446).
    pub const TLS_1_3: Self = Self(0x0304);

    /// Whether it is one of those with a master secret: SSL 3.0 to TLS 1.2.
    pub(super) fn is_older(self) -> bool {
        (Self::SSL_3_0..Self::TLS_1_3).contains(&self)
    }
}

impl std::fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0x0300 => f.write_str("SSL 3.0"),
            0x0301..=0x0304 => write!(f, "TLS 1.{}", self.0 - 0x0301),
            other => write!(f, "TLS {other:#06x}"),
        }
    }
}

/// What protected an exchange on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    /// Protocol version.
    pub version: TlsVersion,
    /// Cipher suite, by its number in the registry (RFC 8447).
    pub suite: u16,
    /// Host name that the client asked for (RFC 6066 §3).
    pub server_name: Option<Box<str>>,
    /// Application protocol that was agreed on (RFC 7301).
    pub alpn: Option<Box<str>>,
    /// Whether the client proved to hold a certificate.
    pub client_certificate: bool,
}

/// Why a TLS connection gave no exchange, or fewer than it carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unread {
    /// No secret for it is known.
    #[default]
    NoSecret,
    /// Some of its secrets are known: what the named one protects was not read.
    MissingSecret(SecretLabel),
    /// Its beginning was not captured, so nothing says which secret belongs to it.
    NoBeginning,
    /// Its version or its cipher suite is not read.
    NotSupported,
    /// A secret is known and does not open it, or so much is missing of it that the records could not be counted.
    NotOpened,
    /// Nothing was hidden: it was closed before application data came.
    NoContent,
}

impl Unread {
    /// Stable kebab-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoSecret => "no-secret",
            Self::MissingSecret(_) => "missing-secret",
            Self::NoBeginning => "no-beginning",
            Self::NotSupported => "not-supported",
            Self::NotOpened => "not-opened",
            Self::NoContent => "no-content",
        }
    }
}

/// A TLS connection that was not read, or not as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsConnection {
    /// Who called.
    pub client: SocketAddr,
    /// Who was called.
    pub server: SocketAddr,
    /// Host name that the client asked for.
    pub server_name: Option<Box<str>>,
    /// Application protocol that the server chose where that is visible, else those that the client offered.
    pub alpn: Box<[Box<str>]>,
    /// Whether `alpn` is the server's choice.
    pub alpn_chosen: bool,
    /// Version that the server chose, else the newest that the client offered.
    pub version: Option<TlsVersion>,
    /// Descriptions of the alerts that could be read (RFC 8446 §6), close notifications left out.
    pub alerts: Box<[u8]>,
    /// First frame's time.
    pub first: Option<Timestamp>,
    /// Bytes that the client sent, records included.
    pub sent: u64,
    /// Bytes that the server sent.
    pub received: u64,
    /// Why it was not read.
    pub unread: Unread,
    /// Whether some of its application data was read.
    pub partly: bool,
}
