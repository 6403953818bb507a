//! What followed a WebSocket handshake, as far as authentication is concerned (RFC 6455 §7, and the protocols above it).

use authtrace_parse::websocket::{Message, WebSocket};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::socket_refusal::{self, refusal};
use crate::{
    dictionary::ErrorClass,
    scrub::scrub,
    text::{Interner, Text, start},
};

/// A message of the server that refuses the client.
#[derive(Clone, Serialize, Deserialize)]
pub struct Refusal {
    /// What it says was wrong, classified; `None` where the words are in no table.
    pub class: Option<ErrorClass>,
    /// The server's words, scrubbed.
    pub text: Text,
    /// When it came, in nanoseconds.
    pub at: Option<i64>,
    /// Messages of the server before it that are no protocol overhead.
    pub data_before: usize,
}

/// What followed a handshake.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Socket {
    /// Close code of the server, where its close frame was seen: a client that closes was not refused.
    pub close_code: Option<u16>,
    /// Whether the server's close frame gives a reason that is about something else than authentication.
    pub other_reason: bool,
    /// The first message of the server that refuses the client.
    pub refusal: Option<Refusal>,
    /// Whether one of the first messages of the client opens a session of the protocol above or holds a credential: what it
    /// holds may not be recognised as one.
    pub introduces: bool,
    /// Messages of the client.
    pub sent: usize,
    /// Messages of the server that are no protocol overhead.
    pub received: usize,
    /// When the last message came, in nanoseconds.
    pub last: Option<i64>,
    /// Whether messages were recorded at all, so that none means none.
    pub recorded: bool,
}

impl Socket {
    /// Whether the server refused the client after all.
    pub fn is_refused(&self) -> bool {
        self.refusal.is_some() || self.close_code.is_some_and(|code| matches!(code, 3000 | 3003 | 4401 | 4403))
    }
}

/// What `websocket` shows.
pub(crate) fn extract(websocket: &WebSocket, interner: &mut Interner) -> Socket {
    let mut socket = Socket {
        close_code: websocket.close_code.filter(|_| websocket.closed_by_client != Some(true)),
        recorded: websocket.message_count > 0 || websocket.close_code.is_some(),
        ..Socket::default()
    };
    for message in &websocket.messages {
        let text = message.text.as_ref().map_or("", |text| text.expose());
        if message.from_client {
            socket.introduces |= socket.sent < FIRST && introduces(text);
            socket.sent += 1;
        } else if let Some((class, words)) = socket.refusal.is_none().then(|| refusal(text)).flatten() {
            let (text, at) = (interner.text(&scrub(&words)), nanos(message));
            socket.refusal = Some(Refusal { class, text, at, data_before: socket.received });
        } else if !is_overhead(text) {
            socket.received += 1;
        }
        socket.last = nanos(message).or(socket.last);
    }
    let reason = websocket.close_reason.as_ref().filter(|reason| socket.close_code.is_some() && !reason.is_empty());
    if let Some(reason) = reason.filter(|_| socket.refusal.is_none()) {
        let said = socket_refusal::reason(reason.expose());
        socket.other_reason = said.is_none();
        socket.refusal = said.map(|class| Refusal {
            class,
            text: interner.text(&scrub(reason.expose())),
            at: None,
            data_before: socket.received,
        });
    }
    socket
}

/// Of so many messages of the client one may introduce it.
const FIRST: usize = 3;

fn nanos(message: &Message) -> Option<i64> {
    message.time.map(|time| time.nanos())
}

/// Words of a message that opens a session: graphql-ws, Phoenix, SignalR, STOMP, ActionCable, Home Assistant.
const OPENINGS: &[&str] = &[
    "\"connection_init\"",
    "\"phx_join\"",
    "\"auth\"",
    "\"authenticate\"",
    "\"authorization\"",
    "\"login\"",
    "\"token\"",
    "\"access_token\"",
    "\"accesstoken\"",
    "\"jwt\"",
    "\"apikey\"",
    "\"api_key\"",
    "\"ticket\"",
    "\"identify\"",
    "\"pusher:subscribe\"",
];

fn introduces(text: &str) -> bool {
    let head = start(text, 2048).to_ascii_lowercase();
    head.starts_with("connect\n")
        || head.starts_with("connect\r\n")
        || head.starts_with("40{")
        || head.starts_with("40/")
        || OPENINGS.iter().any(|word| head.contains(word))
}

/// Heartbeats and greetings: no data yet.
fn is_overhead(text: &str) -> bool {
    const TYPES: &[&str] = &[
        "ka",
        "ping",
        "pong",
        "connection_ack",
        "ack",
        "welcome",
        "hello",
        "heartbeat",
        "keepalive",
        "auth_required",
        "connection_keep_alive",
        "pusher:connection_established",
        "phx_reply",
        "confirm_subscription",
    ];
    if text.len() < 8 || text.starts_with("0{") || text.starts_with("CONNECTED") {
        return true;
    }
    let Ok(document) = serde_json::from_str::<Value>(text.trim_end_matches('\u{1e}')) else { return false };
    kind(&document).is_some_and(|kind| TYPES.contains(&&*kind))
}

/// What a message calls itself.
fn kind(document: &Value) -> Option<String> {
    let named = ["type", "event", "action", "op", "kind", "command"].iter().find_map(|key| document.get(key)?.as_str());
    named.map(str::to_ascii_lowercase)
}
