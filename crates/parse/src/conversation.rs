//! What two endpoints speak over one connection: told by the first bytes, then read by that protocol.

mod guess;
mod proxy_header;
mod scene;
mod socks;

use std::net::SocketAddr;

use guess::{Guess, Undecided};
pub(crate) use scene::{Ends, Scene};

use crate::{
    http1::{self, head::Side},
    http2,
    stream::{Mark, Piece},
    tls,
};

/// A connection, as far as its protocol is known.
#[derive(Default)]
pub(crate) struct Conversation {
    protocol: Protocol,
    /// Whether the end taken for the client turned out to be the server.
    swapped: bool,
    /// The client that a load balancer states, which is not the end of this connection.
    stated_client: Option<SocketAddr>,
}

enum Protocol {
    Unknown(Box<Undecided>),
    Http1(Box<http1::Connection>),
    Http2(Box<http2::Connection>),
    Tls(Box<tls::Connection>),
    Socks(Box<socks::Handshake>),
    /// What a SOCKS proxy handed over.
    Within(Box<Conversation>),
    /// Nothing that is read.
    Foreign,
}

impl Default for Protocol {
    fn default() -> Self {
        Self::Unknown(Box::default())
    }
}

impl Conversation {
    /// A conversation whose ends agreed on what they speak (ALPN, RFC 7301), captured from its start or not.
    pub(crate) fn agreed_on(alpn: &str, from_start: bool) -> Self {
        let protocol = match (alpn, from_start) {
            ("h2", true) => Protocol::Http2(Box::new(http2::Connection::new())),
            ("h2", false) => Protocol::Http2(Box::new(http2::Connection::midway())),
            _ => Protocol::Unknown(Box::new(Undecided::new(!from_start))),
        };
        Self { protocol, ..Self::default() }
    }

    /// Whether nothing of it will ever be read.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self.protocol, Protocol::Foreign)
    }

    /// Whether it yields exchanges.
    pub(crate) fn is_read(&self) -> bool {
        match &self.protocol {
            Protocol::Http1(_) | Protocol::Http2(_) => true,
            Protocol::Within(inner) => inner.is_read(),
            Protocol::Tls(connection) => connection.is_read(),
            Protocol::Unknown(_) | Protocol::Socks(_) | Protocol::Foreign => false,
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
        let side = self.actual(side);
        if scene.depth > Scene::MOST_DEPTH {
            self.protocol = Protocol::Foreign;
        }
        let ends = self.take_place(scene);
        match &mut self.protocol {
            Protocol::Unknown(undecided) => {
                let told = undecided.piece(side, piece);
                self.stated_client = self.stated_client.or(undecided.stated_client);
                scene.ends = ends;
                if let Some(guess) = told {
                    self.decide(guess, side, mark, scene);
                }
            }
            Protocol::Http1(connection) => connection.piece(side, piece, mark, scene),
            Protocol::Http2(connection) => connection.piece(side, piece, mark, scene),
            Protocol::Tls(connection) => connection.piece(side, piece, mark, scene),
            Protocol::Socks(handshake) => {
                let piece = if let Piece::Data(bytes) = piece {
                    handshake.said[side as usize].extend_from_slice(bytes);
                    None
                } else {
                    Some(piece)
                };
                scene.ends = ends;
                self.shake_hands(side, piece, mark, scene);
            }
            Protocol::Within(inner) => scene.within(|scene| inner.piece(side, piece, mark, scene)),
            Protocol::Foreign => {}
        }
        scene.ends = ends;
    }

    /// What the end presumed to be `side` sent has ended.
    pub(crate) fn close(&mut self, side: Side, mark: Mark, scene: &mut Scene<'_>) {
        let side = self.actual(side);
        let ends = self.take_place(scene);
        match &mut self.protocol {
            Protocol::Http1(connection) => connection.close(side, mark, scene),
            Protocol::Tls(connection) => connection.close(side, mark, scene),
            Protocol::Within(inner) => scene.within(|scene| inner.close(side, mark, scene)),
            // Streams of HTTP/2 end by themselves.
            Protocol::Unknown(_) | Protocol::Http2(_) | Protocol::Socks(_) | Protocol::Foreign => {}
        }
        scene.ends = ends;
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self, mark: Mark, scene: &mut Scene<'_>) {
        let ends = self.take_place(scene);
        match std::mem::replace(&mut self.protocol, Protocol::Foreign) {
            Protocol::Unknown(_) | Protocol::Socks(_) | Protocol::Foreign => {}
            Protocol::Http1(mut connection) => connection.finish(mark, scene),
            Protocol::Http2(mut connection) => connection.finish(mark, scene),
            Protocol::Tls(connection) => connection.finish(mark, scene),
            Protocol::Within(mut inner) => scene.within(|scene| inner.finish(mark, scene)),
        }
        scene.ends = ends;
    }

    /// The protocol is known: what was held is read by it.
    fn decide(&mut self, guess: Guess, side: Side, mark: Mark, scene: &mut Scene<'_>) {
        let Protocol::Unknown(undecided) = std::mem::replace(&mut self.protocol, Protocol::Foreign) else { return };
        // What the held bytes were presumed to be from is told in terms of how the ends were seen until now.
        let swapped = self.swapped;
        let (protocol, sender) = match guess {
            Guess::Http1(sender) => (Protocol::Http1(Box::default()), sender),
            Guess::Http2 => (Protocol::Http2(Box::new(http2::Connection::new())), Side::Client),
            Guess::Http2Midway(sender) => (Protocol::Http2(Box::new(http2::Connection::midway())), sender),
            Guess::Socks => (Protocol::Socks(Box::default()), Side::Client),
            Guess::Tls(sender) => {
                (Protocol::Tls(Box::new(tls::Connection::new(mark, scene.keys))), sender.unwrap_or(side))
            }
            Guess::Open | Guess::Other => return,
        };
        self.protocol = protocol;
        self.swapped ^= sender != side;
        self.replay(undecided.held, swapped, mark, scene);
    }

    /// The handshake with a SOCKS proxy goes on with what `side` just said, or with a gap.
    fn shake_hands(&mut self, side: Side, gap: Option<Piece<'_>>, mark: Mark, scene: &mut Scene<'_>) {
        let Protocol::Socks(handshake) = &mut self.protocol else { return };
        let progress = if gap.is_some() { socks::Progress::Other } else { handshake.progress() };
        let mut said = std::mem::take(&mut handshake.said);
        match progress {
            socks::Progress::Open => handshake.said = said,
            socks::Progress::HandedOver(lengths) => {
                for (said, length) in said.iter_mut().zip(lengths) {
                    said.drain(..length);
                }
                self.protocol = Protocol::Within(Box::default());
                self.replay(said, self.swapped, mark, scene);
            }
            socks::Progress::Other => {
                // It was none, or its end is not in the capture: what `side` said last may begin something else.
                self.protocol = Protocol::Unknown(Box::new(Undecided::again(gap.is_some())));
                said[side.other() as usize].clear();
                self.replay(said, self.swapped, mark, scene);
            }
        }
    }

    /// Reads what was held by actual side, as the sides were when `swapped` was so.
    fn replay(&mut self, held: [Vec<u8>; 2], swapped: bool, mark: Mark, scene: &mut Scene<'_>) {
        for (side, held) in [Side::Client, Side::Server].into_iter().zip(held) {
            if !held.is_empty() {
                let presumed = if swapped { side.other() } else { side };
                self.piece(presumed, Piece::Data(&held), mark, scene);
            }
        }
    }

    /// What the end presumed to be `side` is.
    fn actual(&self, side: Side) -> Side {
        if self.swapped { side.other() } else { side }
    }

    /// Puts the ends in their places as they turned out to be; gives those that were there.
    fn take_place(&self, scene: &mut Scene<'_>) -> Ends {
        let ends = scene.ends;
        if self.swapped {
            scene.ends = ends.swapped();
        }
        if let Some(client) = self.stated_client {
            scene.ends.client = client;
        }
        ends
    }
}
