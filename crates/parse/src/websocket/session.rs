//! Both directions behind a WebSocket handshake: their messages in the order in which they were complete.
//!
//! The exchange is delivered when its connection ends, since the close code tells why; until then at most
//! [`WebSocket::KEPT`] messages are held, and later ones are counted.

use super::{
    Message, WebSocket,
    frame::Reader,
    handshake::Compression,
    message::{Assembly, Said},
};
use crate::{
    http1::head::Side,
    stream::{Mark, Piece},
};

/// What both ends say behind a handshake.
pub(crate) struct Session {
    client: Half,
    server: Half,
    seen: WebSocket,
    /// A close frame was seen.
    closed: bool,
}

struct Half {
    reader: Reader,
    assembly: Assembly,
}

impl Session {
    /// A session with what was agreed on.
    pub(crate) fn new(compression: Option<Compression>) -> Self {
        let half = |side: Side| {
            let no_context = compression.map(|compression| compression.no_context[side as usize]);
            Half { reader: Reader::default(), assembly: Assembly::new(no_context) }
        };
        Self { client: half(Side::Client), server: half(Side::Server), seen: WebSocket::default(), closed: false }
    }

    /// Takes the next piece of what `side` sent.
    pub(crate) fn piece(&mut self, side: Side, piece: Piece<'_>, mark: Mark) {
        let half = self.half(side);
        half.reader.piece(piece, &mut half.assembly);
        self.collect(side, mark);
    }

    /// Nothing more will come.
    pub(crate) fn finish(mut self, mark: Mark) -> WebSocket {
        for side in [Side::Client, Side::Server] {
            self.half(side).assembly.cut();
            self.collect(side, mark);
        }
        self.seen
    }

    fn half(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn collect(&mut self, side: Side, mark: Mark) {
        let from_client = side == Side::Client;
        for said in self.half(side).assembly.take() {
            match said {
                Said::Message(text) => {
                    self.seen.message_count += 1;
                    if self.seen.messages.len() < WebSocket::KEPT {
                        self.seen.messages.push(Message { time: mark.time, from_client, text });
                        if self.seen.messages.len() == WebSocket::KEPT {
                            self.client.assembly.fill();
                            self.server.assembly.fill();
                        }
                    }
                }
                Said::Close(stated) if !self.closed => {
                    self.closed = true;
                    self.seen.closed_by_client = Some(from_client);
                    if let Some((code, reason)) = stated {
                        self.seen.close_code = Some(code);
                        self.seen.close_reason = (!reason.is_empty()).then_some(reason);
                    }
                }
                Said::Close(_) => {}
            }
        }
    }
}
