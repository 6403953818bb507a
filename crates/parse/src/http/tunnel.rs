//! What follows an agreed change of protocol: the messages of a WebSocket, or whatever else the two ends speak.

use super::open::Open;
use crate::{
    conversation::{Conversation, Scene},
    exchange::Kind,
    http1::head::Side,
    stream::{Mark, Piece},
    websocket::{self, WebSocket},
};

/// What a connection, or a stream of one, carries behind an answer that changes its protocol.
pub(crate) enum Tunnel {
    WebSocket(Box<websocket::Session>),
    Other(Box<Conversation>),
}

impl Tunnel {
    /// What follows the answer to `open`.
    pub(crate) fn behind(open: &mut Open) -> Self {
        if open.kind() != Kind::WebSocket {
            return Self::Other(Box::default());
        }
        let agreed = open.answer_head().map(|(_, answer)| websocket::agree(&open.request().headers, answer));
        let agreed = agreed.unwrap_or_default();
        if agreed.mismatch {
            open.note(crate::AnomalyKind::WebSocketHandshakeMismatch);
        }
        Self::WebSocket(Box::new(websocket::Session::new(agreed.compression)))
    }

    /// Whether what follows belongs to the exchange, which is complete only when it ends.
    pub(crate) fn completes_exchange(&self) -> bool {
        matches!(self, Self::WebSocket(_))
    }

    /// Takes the next piece of what `side` sent.
    pub(crate) fn piece(&mut self, side: Side, piece: Piece<'_>, mark: Mark, scene: &mut Scene<'_>) {
        match self {
            Self::WebSocket(session) => session.piece(side, piece, mark),
            Self::Other(conversation) => scene.within(|scene| conversation.piece(side, piece, mark, scene)),
        }
    }

    /// What `side` sent has ended.
    pub(crate) fn close(&mut self, side: Side, mark: Mark, scene: &mut Scene<'_>) {
        if let Self::Other(conversation) = self {
            scene.within(|scene| conversation.close(side, mark, scene));
        }
    }

    /// Nothing more will come. Gives what belongs to the exchange.
    pub(crate) fn finish(self, mark: Mark, scene: &mut Scene<'_>) -> Option<WebSocket> {
        match self {
            Self::WebSocket(session) => Some(session.finish(mark)),
            Self::Other(mut conversation) => {
                scene.within(|scene| conversation.finish(mark, scene));
                None
            }
        }
    }
}
