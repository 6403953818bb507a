//! What two endpoints speak over one connection: told by the first bytes, then read by that protocol.

use std::{net::SocketAddr, sync::Arc};

use crate::{
    anomaly::AnomalyKind,
    body::BodyPolicy,
    exchange::{Connection, Exchange, ExchangeId, Locator, Source, TcpConnection},
    http1::{
        self,
        head::{self, Side},
        pairing::Parts,
    },
    shard::{Outbox, Ticket},
    stream::{Mark, Piece},
    target::Scheme,
    tls::{self, KeyLog, Security},
};

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
}

impl Ends {
    fn swapped(self) -> Self {
        Self { client: self.server, server: self.client }
    }
}

/// Where a conversation takes place, and where its exchanges go.
pub(crate) struct Scene<'o> {
    pub(crate) input: u16,
    pub(crate) ends: Ends,
    pub(crate) connection: TcpConnection,
    pub(crate) scheme: Scheme,
    pub(crate) policy: &'o dyn BodyPolicy,
    /// Secrets of TLS connections.
    pub(crate) keys: &'o KeyLog,
    /// What protects the conversation on the wire.
    pub(crate) security: Option<Arc<Security>>,
    pub(crate) outbox: &'o mut Outbox,
}

impl Scene<'_> {
    /// A number for a request that has begun.
    pub(crate) fn ticket(&mut self) -> Ticket {
        self.outbox.ticket()
    }

    /// The request of `ticket` is complete.
    pub(crate) fn requested(&mut self, ticket: Ticket, _mark: Mark) {
        self.outbox.requested(ticket);
    }

    /// Runs `read` as what was said inside of TLS.
    pub(crate) fn protected(&mut self, security: Option<Arc<Security>>, read: impl FnOnce(&mut Self)) {
        let outside = (self.scheme, std::mem::replace(&mut self.security, security));
        self.scheme = Scheme::Https;
        read(self);
        (self.scheme, self.security) = outside;
    }

    /// An oddity of the capture that belongs to no exchange.
    pub(crate) fn note(&mut self, kind: AnomalyKind) {
        self.outbox.note(kind);
    }

    /// An exchange is as complete as it will be. `frames` completed its request and its response.
    pub(crate) fn deliver(&mut self, ticket: Ticket, frames: (u32, Option<u32>), parts: Parts) {
        let (request, response) = frames;
        let exchange = Exchange {
            // Numbered when all connections come together.
            id: ExchangeId(0),
            source: Source { input: self.input, locator: Locator::Frames { request: Some(request), response } },
            kind: parts.kind,
            protocol: Some(parts.protocol),
            timing: parts.timing,
            client: Some(self.ends.client),
            server: Some(self.ends.server),
            connection: Some(Connection::Tcp(self.connection)),
            security: self.security.clone(),
            request: parts.request,
            response: parts.response,
            failure: None,
            browser: Default::default(),
            websocket: parts.websocket,
            anomalies: parts.anomalies,
        };
        self.outbox.deliver(ticket, exchange);
    }
}

/// A connection, as far as its protocol is known.
#[derive(Default)]
pub(crate) struct Conversation {
    protocol: Protocol,
    /// Whether the end taken for the client turned out to be the server.
    swapped: bool,
}

enum Protocol {
    Unknown(Box<Undecided>),
    Http1(Box<http1::Connection>),
    Tls(Box<tls::Connection>),
    /// Nothing that is read.
    Foreign,
}

impl Default for Protocol {
    fn default() -> Self {
        Self::Unknown(Box::default())
    }
}

/// The first bytes of a connection, until they tell its protocol.
#[derive(Default)]
struct Undecided {
    /// By presumed side: bytes that may still become the start of something.
    held: [Vec<u8>; 2],
    /// Pieces that were nothing.
    strange: u16,
    /// Whether the start was not captured: then any later piece may begin a message.
    mid_stream: bool,
}

/// Bytes held of one side while its protocol is open: longer than any request line that servers accept.
const MOST_UNDECIDED: usize = 16 * 1024;
/// Strange pieces after which a connection that was seen from its start is not looked at any more. A proxy handshake
/// (SOCKS, RFC 1928) takes up to six before HTTP begins.
const MOST_STRANGE: u16 = 8;

/// What the start of one side is.
enum Guess {
    Http1(Side),
    Http2,
    /// TLS, and who began it where that shows.
    Tls(Option<Side>),
    /// More bytes will tell.
    Open,
    Other,
}

impl Conversation {
    /// A conversation whose ends agreed on what they speak (ALPN, RFC 7301), captured from its start or not.
    pub(crate) fn agreed_on(_alpn: &str, from_start: bool) -> Self {
        Self {
            protocol: Protocol::Unknown(Box::new(Undecided { mid_stream: !from_start, ..Undecided::default() })),
            swapped: false,
        }
    }

    /// Whether nothing of it will ever be read.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self.protocol, Protocol::Foreign)
    }

    /// Whether it yields exchanges.
    pub(crate) fn is_read(&self) -> bool {
        match &self.protocol {
            Protocol::Http1(_) => true,
            Protocol::Tls(connection) => connection.is_read(),
            Protocol::Unknown(_) | Protocol::Foreign => false,
        }
    }

    /// The capture begins in the middle of this connection.
    pub(crate) fn begins_mid_stream(&mut self) {
        if let Protocol::Unknown(undecided) = &mut self.protocol {
            undecided.mid_stream = true;
        }
    }

    /// Takes the next piece of what the end presumed to be `side` sent.
    pub(crate) fn piece(&mut self, side: Side, piece: Piece<'_>, mark: Mark, scene: &mut Scene<'_>) {
        let side = if self.swapped { other(side) } else { side };
        match &mut self.protocol {
            Protocol::Unknown(undecided) => {
                if let Some(guess) = undecided.piece(side, piece) {
                    self.decide(guess, side, mark, scene);
                }
            }
            Protocol::Http1(connection) => {
                in_scene(scene, self.swapped, |scene| connection.piece(side, piece, mark, scene));
            }
            Protocol::Tls(connection) => {
                in_scene(scene, self.swapped, |scene| connection.piece(side, piece, mark, scene));
            }
            Protocol::Foreign => {}
        }
    }

    /// What the end presumed to be `side` sent has ended.
    pub(crate) fn close(&mut self, side: Side, mark: Mark, scene: &mut Scene<'_>) {
        let side = if self.swapped { other(side) } else { side };
        in_scene(scene, self.swapped, |scene| match &mut self.protocol {
            Protocol::Http1(connection) => connection.close(side, mark, scene),
            Protocol::Tls(connection) => connection.close(side, mark, scene),
            Protocol::Unknown(_) | Protocol::Foreign => {}
        });
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self, mark: Mark, scene: &mut Scene<'_>) {
        match std::mem::replace(&mut self.protocol, Protocol::Foreign) {
            Protocol::Unknown(_) | Protocol::Foreign => {}
            Protocol::Http1(mut connection) => {
                in_scene(scene, self.swapped, |scene| connection.finish(mark, scene));
            }
            Protocol::Tls(connection) => in_scene(scene, self.swapped, |scene| connection.finish(mark, scene)),
        }
    }

    /// The protocol is known: what was held is read by it.
    fn decide(&mut self, guess: Guess, side: Side, mark: Mark, scene: &mut Scene<'_>) {
        let Protocol::Unknown(undecided) = std::mem::replace(&mut self.protocol, Protocol::Foreign) else { return };
        self.protocol = match guess {
            Guess::Http1(sender) => {
                // In terms of what `side` was presumed to be.
                self.swapped ^= sender != side;
                Protocol::Http1(Box::default())
            }
            Guess::Tls(sender) => {
                self.swapped ^= sender.is_some_and(|sender| sender != side);
                Protocol::Tls(Box::new(tls::Connection::new(mark, scene.keys)))
            }
            Guess::Http2 => {
                scene.note(AnomalyKind::Http2Connection);
                return;
            }
            Guess::Open | Guess::Other => return,
        };
        for (presumed, held) in [Side::Client, Side::Server].into_iter().zip(undecided.held) {
            if !held.is_empty() {
                // `held` is ordered by the side as it was seen before this decision.
                self.piece(presumed, Piece::Data(&held), mark, scene);
            }
        }
    }
}

/// Runs `read` with the ends as they turned out to be.
fn in_scene(scene: &mut Scene<'_>, swapped: bool, read: impl FnOnce(&mut Scene<'_>)) {
    let ends = scene.ends;
    if swapped {
        scene.ends = ends.swapped();
    }
    read(scene);
    scene.ends = ends;
}

fn other(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

impl Undecided {
    /// Takes a piece; answers once the protocol is told, or given up.
    fn piece(&mut self, side: Side, piece: Piece<'_>) -> Option<Guess> {
        let held = &mut self.held[side as usize];
        let Piece::Data(bytes) = piece else {
            held.clear();
            self.mid_stream = true;
            return None;
        };
        held.extend_from_slice(bytes);
        if self.mid_stream && tls::continues(held) {
            return Some(Guess::Tls(None));
        }
        match guess(held) {
            Guess::Open if held.len() < MOST_UNDECIDED => None,
            Guess::Open | Guess::Other => {
                held.clear();
                self.strange = self.strange.saturating_add(1);
                (self.strange > MOST_STRANGE && !self.mid_stream).then_some(Guess::Other)
            }
            told => Some(told),
        }
    }
}

/// The client connection preface of HTTP/2 (RFC 9113 §3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn guess(bytes: &[u8]) -> Guess {
    // Empty lines before a request are ignored (RFC 9112 §2.2).
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let bytes = &bytes[blank..];
    if bytes.starts_with(HTTP2_PREFACE) {
        return Guess::Http2;
    }
    if HTTP2_PREFACE.starts_with(bytes) {
        return Guess::Open;
    }
    match tls::begins(bytes) {
        Some(true) => return Guess::Tls(Some(tls::begun_by(bytes))),
        None => return Guess::Open,
        Some(false) => {}
    }
    for side in [Side::Client, Side::Server] {
        if head::begins(side, bytes) {
            return Guess::Http1(side);
        }
        if head::may_begin(side, bytes) && memchr::memchr(b'\n', bytes).is_none() {
            return Guess::Open;
        }
    }
    Guess::Other
}
