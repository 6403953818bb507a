//! One exchange with its secrets replaced, ready to be said again.

use std::net::SocketAddr;

use authtrace_parse::{
    Body, Content, Exchange, HeaderView, Headers, Kind, Protocol, TcpConnection, websocket::WebSocket,
};

use super::moment;
use crate::{body::Owner, redactor::Redactor};

/// Fields of a head, in order.
pub(super) type Fields = Vec<(String, String)>;

/// An exchange to be said again.
pub(super) struct Message {
    pub(super) ends: (SocketAddr, SocketAddr),
    pub(super) connection: TcpConnection,
    pub(super) stream: Option<u32>,
    pub(super) kind: Kind,
    pub(super) protocol: Protocol,
    /// When it began, in nanoseconds.
    pub(super) at: i64,
    pub(super) method: String,
    pub(super) scheme: &'static str,
    pub(super) authority: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) asked: Fields,
    pub(super) asked_view: HeaderView,
    pub(super) asked_body: Vec<u8>,
    pub(super) answer: Option<Answer>,
    pub(super) websocket: Option<WebSocketTalk>,
    decrypted: bool,
}

/// The answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) fields: Fields,
    pub(super) view: HeaderView,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Fields,
    pub(super) first_byte: i64,
    pub(super) ended: i64,
}

/// What followed a handshake.
pub(super) struct WebSocketTalk {
    /// When, whether the client said it, and what; `None` for a binary message.
    pub(super) messages: Vec<(i64, bool, Option<String>)>,
    /// Code, reason and whether the client closed.
    pub(super) close: Option<(u16, String, bool)>,
}

/// Bytes of a body that is not copied which are written as zeros, so that there is one.
const STAND_IN: usize = 256;

impl Message {
    /// The exchange without its secrets; `None` where its addresses are unknown.
    pub(super) fn new(redactor: &mut Redactor, exchange: &Exchange, connection: TcpConnection) -> Option<Self> {
        let request = &exchange.request;
        let target = &request.target;
        redactor.at("url");
        let query = target.query.as_ref().map(|query| format!("?{}", query.expose())).unwrap_or_default();
        let path = target.path.expose();
        let connect = exchange.kind == Kind::Connect && request.method.as_ref() == "CONNECT" && !path.starts_with('/');
        let whole = if connect { path.to_owned() } else { redactor.url(&format!("{path}{query}")) };
        let (open, close) = if target.host.contains(':') { ("[", "]") } else { ("", "") };
        let port =
            if target.port == target.scheme.default_port() { String::new() } else { format!(":{}", target.port) };
        let at = exchange.timing.started.map_or(0, |at| at.nanos());
        let sent = moment(exchange.timing.sent, at);
        let asked_body = body(redactor, Owner::Request, &request.body);
        Some(Self {
            ends: (exchange.client?, exchange.server?),
            connection,
            stream: exchange.source.locator.stream(),
            kind: exchange.kind,
            protocol: exchange.protocol.unwrap_or(Protocol::Http11),
            at: sent,
            method: request.method.to_string(),
            scheme: target.scheme.http().as_str(),
            authority: format!("{open}{}{close}{port}", target.host),
            target: whole,
            asked: fields(redactor, false, &request.headers),
            asked_view: request.view,
            asked_body,
            answer: answer(redactor, exchange, sent),
            websocket: exchange.websocket.as_ref().map(|socket| talk(redactor, socket, sent)),
            decrypted: exchange.security.is_some(),
        })
    }

    /// What whoever opens the capture should know of its flow.
    pub(super) fn remark(&self) -> Option<&'static str> {
        self.decrypted.then_some("written by authtrace in the clear; on the wire this connection was protected by TLS")
    }
}

fn answer(redactor: &mut Redactor, exchange: &Exchange, sent: i64) -> Option<Answer> {
    let response = exchange.response.as_ref()?;
    let first_byte = moment(exchange.timing.first_byte, sent);
    Some(Answer {
        status: response.status,
        fields: fields(redactor, true, &response.headers),
        view: response.view,
        body: body(redactor, Owner::of_status(Some(response.status)), &response.body),
        trailers: fields(redactor, true, &response.trailers),
        first_byte,
        ended: moment(exchange.timing.ended, first_byte),
    })
}

fn fields(redactor: &mut Redactor, response: bool, headers: &Headers) -> Fields {
    headers.iter().map(|(name, value)| (name.to_owned(), redactor.header(response, name, value.expose()))).collect()
}

fn body(redactor: &mut Redactor, owner: Owner, body: &Body) -> Vec<u8> {
    let stand_in = || {
        let size = body.size.and_then(|size| usize::try_from(size).ok()).unwrap_or(STAND_IN);
        vec![b'0'; size.min(STAND_IN)]
    };
    match &body.content {
        Content::Text { text, .. } => {
            redactor.body(owner, body.mime.as_deref(), text.expose()).map_or_else(stand_in, String::into_bytes)
        }
        Content::Skipped => {
            redactor.receipt.left_out("body that is no text", body.size.unwrap_or(0) as usize);
            stand_in()
        }
        Content::NotCaptured => stand_in(),
        Content::Empty | Content::Unknown => Vec::new(),
    }
}

fn talk(redactor: &mut Redactor, socket: &WebSocket, sent: i64) -> WebSocketTalk {
    let unkept = socket.message_count.saturating_sub(socket.messages.len() as u64);
    if unkept > 0 {
        redactor.receipt.left_out("WebSocket message behind the first ones of its connection", 0);
    }
    let mut at = sent;
    let messages = socket.messages.iter().map(|message| {
        at = moment(message.time, at);
        (at, message.from_client, message.text.as_ref().map(|text| redactor.message(text.expose())))
    });
    let messages = messages.collect();
    let close = socket.close_code.map(|code| {
        let reason = socket.close_reason.as_ref().map_or_else(String::new, |reason| redactor.free(reason.expose()));
        (code, reason, socket.closed_by_client == Some(true))
    });
    WebSocketTalk { messages, close }
}
