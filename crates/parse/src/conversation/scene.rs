//! Where a conversation takes place, and where its exchanges go.

use std::{net::SocketAddr, sync::Arc};

use crate::{
    anomaly::AnomalyKind,
    body::BodyPolicy,
    exchange::{Connection, Exchange, ExchangeId, Locator, Source, TcpConnection},
    http::open::Parts,
    shard::{Outbox, Ticket},
    stream::Mark,
    target::Scheme,
    tls::{KeyLog, Security},
};

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
}

impl Ends {
    pub(super) fn swapped(self) -> Self {
        Self { client: self.server, server: self.client }
    }
}

/// Where a conversation takes place, and where its exchanges go.
pub(crate) struct Scene<'o> {
    pub(crate) input: u16,
    pub(crate) ends: Ends,
    pub(crate) connection: TcpConnection,
    pub(crate) scheme: Scheme,
    /// Conversations that this one is inside of.
    pub(crate) depth: u8,
    pub(crate) policy: &'o dyn BodyPolicy,
    /// Secrets of TLS connections.
    pub(crate) keys: &'o KeyLog,
    /// What protects the conversation on the wire.
    pub(crate) security: Option<Arc<Security>>,
    pub(crate) outbox: &'o mut Outbox,
}

impl Scene<'_> {
    /// Conversations within conversations that are read: a tunnel through a proxy, TLS in it, HTTP in that, and some to
    /// spare. Each takes a place on the stack.
    pub(super) const MOST_DEPTH: u8 = 8;

    /// Runs `read` as one conversation within this one.
    pub(crate) fn within(&mut self, read: impl FnOnce(&mut Self)) {
        self.depth += 1;
        read(self);
        self.depth -= 1;
    }

    /// Runs `read` as what was said inside of TLS.
    pub(crate) fn protected(&mut self, security: Option<Arc<Security>>, read: impl FnOnce(&mut Self)) {
        let outside = (self.scheme, std::mem::replace(&mut self.security, security));
        self.scheme = Scheme::Https;
        self.within(read);
        (self.scheme, self.security) = outside;
    }

    /// A number for a request that has begun.
    pub(crate) fn ticket(&mut self) -> Ticket {
        self.outbox.ticket()
    }

    /// The request of `ticket` is complete.
    pub(crate) fn requested(&mut self, ticket: Ticket, _mark: Mark) {
        self.outbox.requested(ticket);
    }

    /// An oddity of the capture that belongs to no exchange.
    pub(crate) fn note(&mut self, kind: AnomalyKind) {
        self.outbox.note(kind);
    }

    /// An exchange is as complete as it will be. `frames` completed its request and its response.
    pub(crate) fn deliver(&mut self, ticket: Ticket, frames: (u32, Option<u32>), parts: Parts) {
        let (request, response) = frames;
        let locator = Locator::Frames { request: Some(request), response, stream: parts.stream };
        let exchange = Exchange {
            // Numbered when all connections come together.
            id: ExchangeId(0),
            source: Source { input: self.input, locator },
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
