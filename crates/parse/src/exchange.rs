//! The central type: one request and, where it was seen, its response, whatever the capture's format was.
//!
//! A HAR entry, a decrypted HTTP/2 stream and a live loopback request become the same [`Exchange`],
//! so every rule works on every input. What the input did not show is `None`, never a default.

use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, num::NonZeroU64, sync::Arc, time::Duration};

use crate::{
    anomaly::AnomalyKind, body::Body, headers::Headers, target::Target, time::Timestamp, tls::Security,
    websocket::WebSocket,
};

/// Number of an exchange, unique in one run and equal in every verb: the inputs' exchanges counted in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExchangeId(pub u32);

/// Which input an exchange came from and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Index of the input, in the order given.
    pub input: u16,
    /// Place in that input.
    pub locator: Locator,
}

/// A place in an input that a person can look up with another tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Place", into = "Place")]
pub enum Locator {
    /// Zero-based index in `log.entries`.
    Entry(u32),
    /// One-based frame numbers, as tshark counts them, of the frames that complete each message.
    Frames {
        /// Frame that completes the request.
        request: Option<u32>,
        /// Frame that completes the response.
        response: Option<u32>,
        /// HTTP/2 stream that carries them, as tshark's `http2.streamid` numbers it: one frame may complete several.
        stream: Option<u32>,
    },
}

/// A locator as a table holds it: a row with nothing in it is a place that nothing is known of.
#[derive(Serialize, Deserialize)]
struct Place {
    entry: Option<u32>,
    request_frame: Option<u32>,
    response_frame: Option<u32>,
    stream: Option<u32>,
}

impl From<Locator> for Place {
    fn from(locator: Locator) -> Self {
        match locator {
            Locator::Entry(entry) => {
                Self { entry: Some(entry), request_frame: None, response_frame: None, stream: None }
            }
            Locator::Frames { request, response, stream } => {
                Self { entry: None, request_frame: request, response_frame: response, stream }
            }
        }
    }
}

impl From<Place> for Locator {
    fn from(place: Place) -> Self {
        match place.entry {
            Some(entry) => Self::Entry(entry),
            None => Self::Frames { request: place.request_frame, response: place.response_frame, stream: place.stream },
        }
    }
}

impl Locator {
    /// HTTP/2 stream, where that is how the exchange was carried.
    pub fn stream(self) -> Option<u32> {
        match self {
            Self::Frames { stream, .. } => stream,
            Self::Entry(_) => None,
        }
    }
}

/// What sort of exchange this is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// An ordinary request.
    Http,
    /// A WebSocket handshake (RFC 6455 §4, RFC 8441).
    WebSocket,
    /// A CORS preflight (Fetch, "CORS-preflight request").
    Preflight,
    /// A CONNECT tunnel.
    Connect,
}

/// Protocol version, where the input states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// HTTP/0.9 or HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
    /// HTTP/3.
    Http3,
}

/// How complete the header list of a message is: an absence can be claimed only from [`HeaderView::Full`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HeaderView {
    /// The list as it was sent.
    #[default]
    Full,
    /// Only what a script set; the network stack's own fields are missing (DevTools "provisional headers").
    Provisional,
    /// Some fields could not be decoded (a mid-connection HPACK start).
    Partial,
    /// The input holds no header list at all.
    Missing,
}

/// One request and, where seen, its response.
#[derive(Clone)]
pub struct Exchange {
    /// Number in this run.
    pub id: ExchangeId,
    /// Where it came from.
    pub source: Source,
    /// Sort of exchange.
    pub kind: Kind,
    /// Protocol version.
    pub protocol: Option<Protocol>,
    /// When its parts were seen.
    pub timing: Timing,
    /// Client's transport address.
    pub client: Option<SocketAddr>,
    /// Server's transport address; port 0 where only the address is known.
    pub server: Option<SocketAddr>,
    /// Connection that carried it.
    pub connection: Option<Connection>,
    /// What protected it on the wire, where packets show it.
    pub security: Option<Arc<Security>>,
    /// The request.
    pub request: Request,
    /// The response; `None` when no answer was seen.
    pub response: Option<Response>,
    /// Transport or browser error text (`net::ERR_CONNECTION_REFUSED`), never a server's answer.
    pub failure: Option<Box<str>>,
    /// What a browser knew beyond the wire.
    pub browser: Browser,
    /// What followed a WebSocket handshake.
    pub websocket: Option<WebSocket>,
    /// Oddities met while reading this exchange.
    pub anomalies: Vec<AnomalyKind>,
}

/// A connection, as the input tells it from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Connection {
    /// The recorder's own name for it.
    Named(Box<str>),
    /// A TCP connection in packets.
    Tcp(TcpConnection),
}

/// A TCP connection, as a packet capture tells it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TcpConnection {
    /// The one-based number of its first frame.
    pub first_frame: u32,
    /// The initial sequence numbers of both ends, the smaller one in the upper half, where both were captured. They are
    /// random: whatever the addresses, equal ones are one connection that was captured twice.
    pub opening: Option<NonZeroU64>,
}

/// When the parts of an exchange were seen, on the capture's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// When the client began the exchange: for a browser, when the page asked; queueing and preflight come after it.
    pub started: Option<Timestamp>,
    /// First byte of the request sent.
    pub sent: Option<Timestamp>,
    /// First byte of the response received.
    pub first_byte: Option<Timestamp>,
    /// Last byte of the response received.
    pub ended: Option<Timestamp>,
    /// Whole duration as the input states it.
    pub duration: Option<Duration>,
}

/// A request.
#[derive(Clone)]
pub struct Request {
    /// Method as sent (case-sensitive, RFC 9110 §9.1); empty where it could not be decoded ([`HeaderView::Partial`]).
    pub method: Box<str>,
    /// Where it went.
    pub target: Target,
    /// Header fields.
    pub headers: Headers,
    /// How complete `headers` is.
    pub view: HeaderView,
    /// Header bytes as the input states them, `None` where it does not.
    pub header_bytes: Option<u64>,
    /// Body.
    pub body: Body,
}

/// A response. Only its own side is described; interim (1xx) responses except 101 are not exchanges.
#[derive(Clone)]
pub struct Response {
    /// Status code: 100–599 (RFC 9110 §15), and 600–999 as some servers send it.
    pub status: u16,
    /// Header fields.
    pub headers: Headers,
    /// How complete `headers` is.
    pub view: HeaderView,
    /// Fields behind the body (RFC 9110 §6.5), such as the status of gRPC, where a packet capture shows them.
    pub trailers: Headers,
    /// Body.
    pub body: Body,
}

/// What a browser's recorder knew beyond the wire. All of it is absent in packet captures.
#[derive(Clone, Default)]
pub struct Browser {
    /// `_resourceType`: document, xhr, fetch, script, preflight, websocket…
    pub resource_type: Option<Box<str>>,
    /// The recorder's page id.
    pub page: Option<Box<str>>,
    /// Who issued the request.
    pub initiator: Option<Initiator>,
    /// Answered from a browser cache, not by a server.
    pub from_cache: bool,
    /// Passed through a service worker.
    pub via_service_worker: bool,
}

/// Who issued a request in a browser.
#[derive(Clone, Default)]
pub struct Initiator {
    /// `script`, `parser`, `preflight`, `other`…
    pub kind: Box<str>,
    /// Frames of the call stack, innermost first, asynchronous parents after their children; the first [`Initiator::KEPT`].
    pub frames: Vec<CallFrame>,
}

impl Initiator {
    /// Stack frames kept of one initiator.
    pub const KEPT: usize = 16;
}

/// One frame of a script's call stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFrame {
    /// Function name, empty for anonymous functions.
    pub function: Box<str>,
    /// Script URL without query and fragment.
    pub url: Box<str>,
    /// Zero-based line, as DevTools writes it.
    pub line: u32,
    /// Zero-based column, as DevTools writes it.
    pub column: u32,
}
