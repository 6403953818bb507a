//! WebSocket traffic of one handshake, as far as the input shows it (RFC 6455): data type and, for packets, its reader.

mod frame;
mod handshake;
mod inflate;
mod message;
mod session;

pub(crate) use self::{handshake::agree, session::Session};
use crate::{secret::Secret, time::Timestamp};

/// What followed a WebSocket handshake.
#[derive(Clone, Default)]
pub struct WebSocket {
    /// Status of a refused handshake where the input states it only in an error text.
    pub refused_with: Option<u16>,
    /// Data messages in order; the first [`WebSocket::KEPT`] of them.
    pub messages: Vec<Message>,
    /// Data messages seen in all.
    pub message_count: u64,
    /// Code of the first close frame, where one was seen and states one (RFC 6455 §7.4).
    pub close_code: Option<u16>,
    /// Reason in that close frame: free text of either end.
    pub close_reason: Option<Secret>,
    /// Whether the client sent that close frame.
    pub closed_by_client: Option<bool>,
}

impl WebSocket {
    /// Messages kept of one connection: authentication happens in the first few.
    pub const KEPT: usize = 32;
}

/// One data message.
#[derive(Clone)]
pub struct Message {
    /// When it was seen; in packets, when it was complete.
    pub time: Option<Timestamp>,
    /// Whether the client sent it.
    pub from_client: bool,
    /// Text of a text message, the first [`Message::KEPT_BYTES`] bytes; `None` for binary, and for what cannot be read.
    pub text: Option<Secret>,
}

impl Message {
    /// Bytes kept of a text message.
    pub const KEPT_BYTES: usize = 8 * 1024;
}
