//! An exchange in the making: a request, what was seen of its answer, and their bodies.

use super::body::{Keeper, Owner};
use crate::{
    anomaly::AnomalyKind,
    conversation::Scene,
    exchange::{HeaderView, Kind, Protocol, Request, Response, Timing},
    headers::Headers,
    shard::Ticket,
    stream::Mark,
    target::Target,
    websocket::WebSocket,
};

/// When a message's first byte came and which frame the present one is in.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) first: Mark,
    pub(crate) last: Mark,
}

/// How well and when a head was seen.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) view: HeaderView,
    /// What was odd in it.
    pub(crate) oddities: Oddities,
    pub(crate) span: Span,
}

/// What may be odd in a head: seldom any, at most these.
pub(crate) type Oddities = [Option<AnomalyKind>; 3];

/// A request's head.
pub(crate) struct Asked {
    pub(crate) kind: Kind,
    pub(crate) protocol: Protocol,
    /// HTTP/2 stream that carries it.
    pub(crate) stream: Option<u32>,
    pub(crate) method: Box<str>,
    pub(crate) target: Target,
    pub(crate) headers: Headers,
}

/// A request and what was seen of its answer.
pub(crate) struct Open {
    ticket: Ticket,
    kind: Kind,
    protocol: Protocol,
    stream: Option<u32>,
    request: Request,
    /// `None` once the request has ended.
    request_body: Option<Keeper>,
    sent: Span,
    answer: Option<Answer>,
    /// What followed a handshake.
    websocket: Option<WebSocket>,
    anomalies: Vec<AnomalyKind>,
}

/// A response.
struct Answer {
    status: u16,
    headers: Headers,
    trailers: Headers,
    view: HeaderView,
    /// `None` once it has ended.
    body: Option<Keeper>,
    response: Option<Response>,
    span: Span,
}

impl Open {
    /// A request whose head was read.
    pub(crate) fn new(asked: Asked, seen: Seen, scene: &mut Scene<'_>) -> Self {
        let owner = Owner { response: false, method: &asked.method, status: None };
        let body = Keeper::new(owner, &asked.headers, scene.policy);
        Self {
            ticket: scene.ticket(),
            kind: asked.kind,
            protocol: asked.protocol,
            stream: asked.stream,
            request: Request {
                method: asked.method,
                target: asked.target,
                headers: asked.headers,
                view: seen.view,
                header_bytes: None,
                body: Default::default(),
            },
            request_body: Some(body),
            sent: seen.span,
            answer: None,
            websocket: None,
            anomalies: seen.oddities.into_iter().flatten().collect(),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Status and header fields of the answer, until it has ended.
    pub(crate) fn answer_head(&self) -> Option<(u16, &Headers)> {
        let answer = self.answer.as_ref()?;
        Some(answer.response.as_ref().map_or((answer.status, &answer.headers), |whole| (whole.status, &whole.headers)))
    }

    /// Whether an answer has begun.
    pub(crate) fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// Whether an answer is under way.
    pub(crate) fn is_being_answered(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.response.is_none())
    }

    /// Whether request and answer have ended.
    pub(crate) fn is_done(&self) -> bool {
        self.request_body.is_none() && self.answer.as_ref().is_some_and(|answer| answer.response.is_some())
    }

    /// Where body bytes of the request go.
    pub(crate) fn request_body(&mut self) -> Option<&mut Keeper> {
        self.request_body.as_mut()
    }

    /// Where body bytes of the answer go.
    pub(crate) fn answer_body(&mut self) -> Option<&mut Keeper> {
        self.answer.as_mut()?.body.as_mut()
    }

    /// Something odd about this exchange.
    pub(crate) fn note(&mut self, oddity: AnomalyKind) {
        self.anomalies.push(oddity);
    }

    /// The request ended; `whole` unless its end was not captured. Says whether this is news.
    pub(crate) fn end_request(&mut self, whole: bool, mark: Mark, scene: &mut Scene<'_>) -> bool {
        let Some(body) = self.request_body.take() else { return false };
        self.sent.last = mark;
        let owner = Owner { response: false, method: &self.request.method, status: None };
        self.request.body = body.finish(owner, &self.request.headers, whole, scene.policy, &mut self.anomalies);
        scene.requested(self.ticket, mark);
        true
    }

    /// The head of the answer was read.
    pub(crate) fn answer(&mut self, status: u16, headers: Headers, seen: Seen, scene: &Scene<'_>) {
        self.anomalies.extend(seen.oddities.into_iter().flatten());
        let owner = Owner { response: true, method: &self.request.method, status: Some(status) };
        let body = Some(Keeper::new(owner, &headers, scene.policy));
        let trailers = Headers::new();
        self.answer =
            Some(Answer { status, headers, trailers, view: seen.view, body, response: None, span: seen.span });
    }

    /// Fields behind the answer's body (RFC 9110 §6.5).
    pub(crate) fn answer_trailers(&mut self, trailers: Headers) {
        if let Some(answer) = &mut self.answer {
            answer.trailers = trailers;
        }
    }

    /// The answer ended.
    pub(crate) fn end_answer(&mut self, whole: bool, mark: Mark, scene: &Scene<'_>) {
        if let Some(answer) = self.answer.as_mut().filter(|answer| answer.body.is_some()) {
            answer.span.last = mark;
            answer.finish(&self.request.method, whole, scene, &mut self.anomalies);
        }
    }

    /// What was answered only opened the way for the answer, which comes on `stream` of HTTP/2 (RFC 7540 §3.2).
    pub(crate) fn upgraded_to_http2(&mut self, stream: u32) {
        self.answer = None;
        self.protocol = Protocol::Http2;
        self.stream = Some(stream);
    }

    /// What followed the handshake.
    pub(crate) fn followed_by(&mut self, websocket: WebSocket) {
        self.websocket = Some(websocket);
    }

    /// Hands the exchange on, as far as it was seen.
    pub(crate) fn deliver(mut self, scene: &mut Scene<'_>) {
        if let Some(body) = self.request_body.take() {
            let owner = Owner { response: false, method: &self.request.method, status: None };
            self.request.body = body.finish(owner, &self.request.headers, false, scene.policy, &mut self.anomalies);
        }
        if let Some(answer) = &mut self.answer {
            answer.finish(&self.request.method, false, scene, &mut self.anomalies);
        }
        let answered = self.answer.as_ref().map(|answer| answer.span);
        let started = self.sent.first.time;
        let ended = answered.and_then(|span| span.last.time);
        let timing = Timing {
            started,
            sent: started,
            first_byte: answered.and_then(|span| span.first.time),
            ended,
            duration: ended.zip(started).and_then(|(ended, started)| ended.duration_since(started)),
        };
        self.anomalies.sort_unstable();
        self.anomalies.dedup();
        let websocket = self.websocket.or_else(|| (self.kind == Kind::WebSocket).then(WebSocket::default));
        let frames = (self.sent.last.frame, answered.map(|span| span.last.frame));
        scene.deliver(
            self.ticket,
            frames,
            Parts {
                kind: self.kind,
                protocol: self.protocol,
                stream: self.stream,
                timing,
                request: self.request,
                response: self.answer.and_then(|answer| answer.response),
                websocket,
                anomalies: self.anomalies,
            },
        );
    }
}

/// What a protocol knows of an exchange; where it happened is the scene's to say.
pub(crate) struct Parts {
    pub(crate) kind: Kind,
    pub(crate) protocol: Protocol,
    pub(crate) stream: Option<u32>,
    pub(crate) timing: Timing,
    pub(crate) request: Request,
    pub(crate) response: Option<Response>,
    pub(crate) websocket: Option<WebSocket>,
    pub(crate) anomalies: Vec<AnomalyKind>,
}

impl Answer {
    fn finish(&mut self, method: &str, whole: bool, scene: &Scene<'_>, anomalies: &mut Vec<AnomalyKind>) {
        let Some(body) = self.body.take() else { return };
        let owner = Owner { response: true, method, status: Some(self.status) };
        let body = body.finish(owner, &self.headers, whole, scene.policy, anomalies);
        let headers = std::mem::take(&mut self.headers);
        let trailers = std::mem::take(&mut self.trailers);
        self.response = Some(Response { status: self.status, headers, view: self.view, trailers, body });
    }
}

/// What sort of exchange a request without a protocol of its own begins.
pub(crate) fn kind(method: &str, headers: &Headers) -> Kind {
    if method == "CONNECT" {
        Kind::Connect
    } else if headers.get_all("upgrade").any(|value| value.expose().trim().eq_ignore_ascii_case("websocket")) {
        Kind::WebSocket
    } else if method == "OPTIONS" && headers.contains("origin") && headers.contains("access-control-request-method") {
        Kind::Preflight
    } else {
        Kind::Http
    }
}
