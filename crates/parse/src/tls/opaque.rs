//! A TLS connection without keys: what its plaintext part says, and how much went over it.

use std::net::SocketAddr;

use super::{
    ALERT, HANDSHAKE,
    hello::{self, Hello, Reading},
};
use crate::{
    conversation::Ends,
    http1::head::Side,
    stream::{Mark, Piece},
    time::Timestamp,
};

/// Protocol version of TLS, as the wire numbers it (0x0303 is TLS 1.2, 0x0304 is TLS 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsVersion(pub u16);

impl std::fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0x0300 => f.write_str("SSL 3.0"),
            0x0301..=0x0304 => write!(f, "TLS 1.{}", self.0 - 0x0301),
            other => write!(f, "TLS {other:#06x}"),
        }
    }
}

/// A TLS connection that could not be decrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Descriptions of the alerts that were sent in the clear (RFC 8446 §6), close notifications left out.
    pub alerts: Box<[u8]>,
    /// First frame's time.
    pub first: Option<Timestamp>,
    /// Bytes that the client sent, records included.
    pub sent: u64,
    /// Bytes that the server sent.
    pub received: u64,
}

/// Watches both directions of a connection.
pub(crate) struct Opaque {
    client: Watch,
    server: Watch,
    first: Option<Timestamp>,
}

/// Bytes of handshake kept until the hello is whole: two records (RFC 8446 §5.1 allows 2^14 bytes each).
const MOST_HELLO: usize = 1 << 15;
/// Alerts kept of one direction.
const MOST_ALERTS: usize = 8;

/// One direction.
#[derive(Default)]
struct Watch {
    bytes: u64,
    /// Header of the record under way.
    header: Vec<u8>,
    /// Bytes of the record to come.
    left: usize,
    kind: u8,
    handshake: Vec<u8>,
    hello: Option<Hello>,
    /// Nothing more can be read: the hello is there, or the records are out of step.
    blind: bool,
    /// Whether what follows is encrypted.
    encrypted: bool,
    alert: Vec<u8>,
    alerts: Vec<u8>,
}

impl Opaque {
    pub(crate) fn new(mark: Mark) -> Self {
        Self { client: Watch::default(), server: Watch::default(), first: mark.time }
    }

    pub(crate) fn piece(&mut self, side: Side, piece: Piece<'_>, _mark: Mark) {
        let watch = match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        match piece {
            Piece::Data(bytes) => {
                watch.bytes += bytes.len() as u64;
                watch.read(bytes);
            }
            Piece::Gap(len) => {
                watch.bytes += len;
                watch.blind = true;
            }
        }
    }

    pub(crate) fn finish(self, ends: Ends) -> TlsConnection {
        let offer = self.client.hello.unwrap_or_default();
        let choice = self.server.hello.unwrap_or_default();
        let version = choice.versions.first().or(offer.versions.first()).copied().map(TlsVersion);
        let alpn_chosen = !choice.alpn.is_empty();
        TlsConnection {
            client: ends.client,
            server: ends.server,
            server_name: offer.server_name,
            alpn: if alpn_chosen { choice.alpn } else { offer.alpn }.into(),
            alpn_chosen,
            version,
            alerts: [self.client.alerts, self.server.alerts].concat().into(),
            first: self.first,
            sent: self.client.bytes,
            received: self.server.bytes,
        }
    }
}

impl Watch {
    fn read(&mut self, mut bytes: &[u8]) {
        while !self.blind && !bytes.is_empty() {
            if self.left == 0 {
                let take = bytes.len().min(5 - self.header.len());
                self.header.extend_from_slice(&bytes[..take]);
                bytes = &bytes[take..];
                self.begin_record();
                continue;
            }
            let take = bytes.len().min(self.left);
            self.record(&bytes[..take]);
            self.left -= take;
            bytes = &bytes[take..];
        }
    }

    fn begin_record(&mut self) {
        let &[kind, major, _, high, low] = self.header.as_slice() else { return };
        self.header.clear();
        self.kind = kind;
        self.left = usize::from(u16::from_be_bytes([high, low]));
        self.alert.clear();
        // Change cipher spec (20) and application data (23): alerts are not readable from here on.
        self.encrypted |= matches!(kind, 20 | 23);
        self.blind = major != 3 || !(20..=24).contains(&kind);
    }

    fn record(&mut self, bytes: &[u8]) {
        match self.kind {
            HANDSHAKE if self.hello.is_none() && !self.encrypted => {
                let room = MOST_HELLO.saturating_sub(self.handshake.len());
                self.handshake.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if let Reading::Hello(hello) = hello::read(&self.handshake) {
                    self.hello = Some(hello);
                    self.handshake = Vec::new();
                }
            }
            ALERT if !self.encrypted => {
                self.alert.extend_from_slice(&bytes[..bytes.len().min(2)]);
                if let [_, description] = self.alert.as_slice()
                    && *description != 0
                    && self.alerts.len() < MOST_ALERTS
                {
                    self.alerts.push(*description);
                }
            }
            _ => {}
        }
    }
}
