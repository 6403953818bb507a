//! One HTTP/1 connection: both directions read, responses paired with their requests.

use super::{
    head::{Head, Side, StartLine},
    pairing::{Pairing, RequestLine, Seen},
    reader::{Framing, Messages, Reader, Span},
};
use crate::{
    conversation::{Conversation, Scene},
    stream::{Mark, Piece},
};

/// Both directions of a connection that speaks HTTP/1.
pub(crate) struct Connection {
    client: Reader,
    server: Reader,
    pairing: Pairing,
    /// What the bytes behind an upgrade or a CONNECT speak.
    tunnel: Option<Box<Conversation>>,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            client: Reader::new(Side::Client),
            server: Reader::new(Side::Server),
            pairing: Pairing::default(),
            tunnel: None,
        }
    }
}

impl Connection {
    /// Takes the next piece of what `side` sent.
    pub(crate) fn piece(&mut self, side: Side, piece: Piece<'_>, mark: Mark, scene: &mut Scene<'_>) {
        let reader = match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        let mut half = Half { side, pairing: &mut self.pairing, tunnel: &mut self.tunnel, scene };
        reader.piece(piece, mark, &mut half);
        if side == Side::Server && self.tunnel.is_none() && self.pairing.take_upgrade() {
            // The client may speak first behind the upgrade, so its side changes with the server's answer.
            self.client.become_tunnel();
            self.tunnel = Some(Box::default());
        }
    }

    /// What `side` sent has ended.
    pub(crate) fn close(&mut self, side: Side, mark: Mark, scene: &mut Scene<'_>) {
        let reader = match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        reader.finish(mark, &mut Half { side, pairing: &mut self.pairing, tunnel: &mut self.tunnel, scene });
    }

    /// Nothing more will come: what is open is delivered as far as it was seen.
    pub(crate) fn finish(&mut self, mark: Mark, scene: &mut Scene<'_>) {
        self.close(Side::Client, mark, scene);
        self.close(Side::Server, mark, scene);
        self.pairing.finish(scene);
        if let Some(tunnel) = &mut self.tunnel {
            tunnel.finish(mark, scene);
        }
    }
}

/// One direction while a piece of it is read.
struct Half<'c, 's, 'o> {
    side: Side,
    pairing: &'c mut Pairing,
    tunnel: &'c mut Option<Box<Conversation>>,
    scene: &'s mut Scene<'o>,
}

impl Messages for Half<'_, '_, '_> {
    fn head(&mut self, head: Head<'_>, cut: bool, span: Span) -> Framing {
        let seen = Seen { cut, odd: head.odd, span };
        match head.start {
            StartLine::Request { method, target, minor } => {
                self.pairing.request(RequestLine { method, target, minor }, head.headers, seen, self.scene)
            }
            StartLine::Status { code } => self.pairing.response(code, head.headers, seen, self.scene),
        }
    }

    fn body(&mut self, bytes: &[u8]) {
        if let Some(body) = self.pairing.body(self.side) {
            body.data(bytes);
        }
    }

    fn body_gap(&mut self, len: u64) {
        if let Some(body) = self.pairing.body(self.side) {
            body.gap(len);
        }
    }

    fn end(&mut self, whole: bool, mark: Mark) {
        match self.side {
            Side::Client => self.pairing.request_ended(whole, mark, self.scene),
            Side::Server => self.pairing.response_ended(whole, mark, self.scene),
        }
    }

    fn lost(&mut self) {
        self.pairing.lost(self.side);
    }

    fn tunnel(&mut self, piece: Piece<'_>, mark: Mark) {
        let conversation = self.tunnel.get_or_insert_default();
        conversation.piece(self.side, piece, mark, self.scene);
    }

    fn expects_more(&self) -> bool {
        self.pairing.expects_another_response()
    }
}
