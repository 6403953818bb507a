//! One HTTP/1 connection: both directions read, responses paired with their requests.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    head::{Head, Side, StartLine},
    pairing::{Pairing, RequestLine},
    reader::{Framing, Messages, Reader},
};
use crate::{
    anomaly::AnomalyKind,
    conversation::Scene,
    exchange::HeaderView,
    http::{
        open::{Open, Seen, Span},
        tunnel::Tunnel,
    },
    http2,
    stream::{Mark, Piece},
};

/// Both directions of a connection that speaks HTTP/1.
pub(crate) struct Connection {
    client: Reader,
    server: Reader,
    pairing: Pairing,
    /// What the bytes behind an upgrade or a CONNECT speak.
    after: Option<After>,
}

/// What follows HTTP/1 on a connection.
enum After {
    /// HTTP/2, which answers the last request (RFC 7540 §3.2).
    Http2(Box<http2::Connection>),
    /// Something else, and the exchange that it completes, if it does.
    Tunnel(Tunnel, Option<Box<Open>>),
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            client: Reader::new(Side::Client),
            server: Reader::new(Side::Server),
            pairing: Pairing::default(),
            after: None,
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
        let before = self.after.is_some();
        reader.piece(piece, mark, &mut Half { side, pairing: &mut self.pairing, after: &mut self.after, scene });
        if self.after.is_some() && !before {
            // The client may speak first behind the upgrade, so its side changes with the server's answer.
            self.client.become_tunnel();
        }
    }

    /// What `side` sent has ended.
    pub(crate) fn close(&mut self, side: Side, mark: Mark, scene: &mut Scene<'_>) {
        let reader = match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        reader.finish(mark, &mut Half { side, pairing: &mut self.pairing, after: &mut self.after, scene });
        if let Some(After::Tunnel(tunnel, _)) = &mut self.after {
            tunnel.close(side, mark, scene);
        }
    }

    /// Nothing more will come: what is open is delivered as far as it was seen.
    pub(crate) fn finish(&mut self, mark: Mark, scene: &mut Scene<'_>) {
        self.close(Side::Client, mark, scene);
        self.close(Side::Server, mark, scene);
        self.pairing.finish(scene);
        match self.after.take() {
            Some(After::Http2(mut connection)) => connection.finish(mark, scene),
            Some(After::Tunnel(tunnel, open)) => {
                let websocket = tunnel.finish(mark, scene);
                if let Some(mut open) = open {
                    websocket.into_iter().for_each(|websocket| open.followed_by(websocket));
                    open.deliver(scene);
                }
            }
            None => {}
        }
    }
}

impl After {
    /// What follows the answer to `open`.
    fn behind(mut open: Open, scene: &mut Scene<'_>) -> Self {
        let upgrade = open.answer_head().filter(|(status, _)| *status == 101);
        let to = upgrade.and_then(|(_, headers)| headers.get("upgrade"));
        if to.is_some_and(|to| to.expose().trim().eq_ignore_ascii_case("h2c")) {
            let settings = open.request().headers.get("http2-settings").map(|value| value.expose().trim());
            // Settings that cannot be read allow nothing beyond what every peer allows.
            let settings = settings.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).unwrap_or_default();
            return Self::Http2(Box::new(http2::Connection::upgraded(open, &settings)));
        }
        let tunnel = Tunnel::behind(&mut open);
        if tunnel.completes_exchange() {
            return Self::Tunnel(tunnel, Some(Box::new(open)));
        }
        open.deliver(scene);
        Self::Tunnel(tunnel, None)
    }
}

/// One direction while a piece of it is read.
struct Half<'c, 's, 'o> {
    side: Side,
    pairing: &'c mut Pairing,
    after: &'c mut Option<After>,
    scene: &'s mut Scene<'o>,
}

impl Messages for Half<'_, '_, '_> {
    fn head(&mut self, head: Head<'_>, cut: bool, span: Span) -> Framing {
        let view = if cut { HeaderView::Partial } else { HeaderView::Full };
        let oddities = [head.odd.then_some(AnomalyKind::MalformedHead), cut.then_some(AnomalyKind::HeadCut), None];
        let seen = Seen { view, oddities, span };
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
            Side::Server => {
                if let Some(open) = self.pairing.response_ended(whole, mark, self.scene) {
                    *self.after = Some(After::behind(open, self.scene));
                }
            }
        }
    }

    fn lost(&mut self) {
        self.pairing.lost(self.side);
    }

    fn tunnel(&mut self, piece: Piece<'_>, mark: Mark) {
        match self.after {
            Some(After::Http2(connection)) => connection.piece(self.side, piece, mark, self.scene),
            Some(After::Tunnel(tunnel, _)) => tunnel.piece(self.side, piece, mark, self.scene),
            None => {}
        }
    }

    fn expects_more(&self) -> bool {
        self.pairing.expects_another_response()
    }
}
