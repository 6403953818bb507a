//! Bytes in, [`Exchange`]s out: knows wire and file formats, and nothing of authentication.
//!
//! Contract: parsing never panics, never fails as a whole and never invents.
//! A reader returns what it parsed so far; an oddity is an [`Anomaly`] beside it; what the input does not say is `None`.
//! This crate opens no file, reads no clock and no environment: the caller hands it bytes.

#![forbid(unsafe_code)]

pub mod anomaly;
pub mod body;
mod conversation;
pub mod exchange;
mod flow;
pub mod frame;
pub mod har;
pub mod headers;
mod http;
mod http1;
mod http2;
pub mod link;
pub mod packet;
mod quic;
pub mod reassembly;
pub mod secret;
mod shard;
pub mod stream;
pub mod target;
pub mod time;
mod tls;
pub mod websocket;

pub use anomaly::{Anomaly, AnomalyKind};
pub use body::{Body, BodyPolicy, BodyQuestion, Content};
pub use exchange::{
    Browser, CallFrame, Connection, Exchange, ExchangeId, HeaderView, Initiator, Kind, Locator, Protocol, Request,
    Response, Source, TcpConnection, Timing,
};
pub use frame::{Frame, LinkType};
pub use headers::Headers;
pub use link::{Decoder, DecoderCounts};
pub use packet::{Datagram, Flags, Packet, Segment};
pub use quic::{QuicConnection, QuicSummary, QuicVersion, QuicWatch};
pub use reassembly::{Merger, Reassembler, ReassemblySummary, Said, Worker};
pub use secret::{Secret, SecretStr};
pub use target::{Scheme, Target};
pub use time::Timestamp;
pub use tls::{KeyLog, KeyLogNotes, Outlook, SecretLabel, Security, TlsConnection, TlsVersion, Unread};
