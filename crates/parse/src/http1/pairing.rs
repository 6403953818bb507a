//! Which response answers which request: in order (RFC 9112 §9.3.2), and with care where messages were lost.

use std::collections::VecDeque;

use super::{
    body::{Keeper, Owner},
    framing,
    head::Side,
    reader::{Framing, Span},
    target,
};
use crate::{
    anomaly::AnomalyKind,
    conversation::Scene,
    exchange::{HeaderView, Kind, Protocol, Request, Response, Timing},
    headers::Headers,
    shard::Ticket,
    stream::Mark,
    websocket::WebSocket,
};

/// Requests that may wait for an answer on one connection; a client that pipelines more is not answered at all.
const MOST_WAITING: usize = 1000;

/// A request line.
pub(super) struct RequestLine<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a [u8],
    pub(super) minor: u8,
}

/// How well and when a head was seen.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    /// Its end was not captured.
    pub(super) cut: bool,
    /// It was read leniently.
    pub(super) odd: bool,
    pub(super) span: Span,
}

/// A request and what was seen of its answer.
struct Open {
    ticket: Ticket,
    kind: Kind,
    protocol: Protocol,
    request: Request,
    request_body: Option<Keeper>,
    sent: Span,
    answer: Option<Answer>,
    anomalies: Vec<AnomalyKind>,
}

/// A response.
struct Answer {
    status: u16,
    headers: Headers,
    view: HeaderView,
    /// `None` once its body has ended.
    body: Option<Keeper>,
    response: Option<Response>,
    span: Span,
}

/// What the response under way is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Current {
    /// None is under way.
    None,
    /// An interim response (RFC 9110 §15.2), which is no answer.
    Interim,
    /// Its request was not captured.
    Orphan,
    /// The first request that has no whole answer yet.
    First,
}

/// The exchanges that are open on one connection.
pub(super) struct Pairing {
    open: VecDeque<Open>,
    current: Current,
    /// Responses may have been lost since the last one.
    responses_lost: bool,
    upgrade: bool,
}

impl Default for Pairing {
    fn default() -> Self {
        Self { open: VecDeque::new(), current: Current::None, responses_lost: false, upgrade: false }
    }
}

impl Pairing {
    /// A request's head was read.
    pub(super) fn request(
        &mut self,
        line: RequestLine<'_>,
        headers: Headers,
        seen: Seen,
        scene: &mut Scene<'_>,
    ) -> Framing {
        if self.open.len() == MOST_WAITING {
            self.deliver_first(Some(AnomalyKind::ConnectionLimit), scene);
        }
        let method: Box<str> = line.method.into();
        let target = target::resolve(line.method, line.target, &headers, scene.scheme, scene.ends.server);
        let framing = framing::of_request(&headers);
        let owner = Owner { response: false, method: line.method, status: None };
        let body = Keeper::new(owner, &headers, framing::length(&headers), scene.policy);
        self.open.push_back(Open {
            ticket: scene.ticket(),
            kind: kind(line.method, &headers),
            protocol: if line.minor == 0 { Protocol::Http10 } else { Protocol::Http11 },
            request: Request {
                method,
                target,
                headers,
                view: view(seen),
                header_bytes: None,
                body: Default::default(),
            },
            request_body: Some(body),
            sent: seen.span,
            answer: None,
            anomalies: oddities(seen),
        });
        framing
    }

    /// A response's head was read.
    pub(super) fn response(&mut self, status: u16, headers: Headers, seen: Seen, scene: &mut Scene<'_>) -> Framing {
        if std::mem::take(&mut self.responses_lost) {
            self.give_up_earlier(scene);
        }
        let waiting = self.open.iter_mut().find(|open| open.answer.is_none());
        let method = waiting.as_ref().map(|open| &*open.request.method);
        let framing = framing::of_response(status, &headers, method);
        if matches!(status, 100..=199) && status != 101 {
            self.current = Current::Interim;
            return framing;
        }
        let Some(open) = waiting else {
            self.current = Current::Orphan;
            scene.note(AnomalyKind::ResponseWithoutRequest);
            return framing;
        };
        self.current = Current::First;
        self.upgrade |= framing == Framing::Tunnel;
        open.anomalies.extend(oddities(seen));
        let owner = Owner { response: true, method: &open.request.method, status: Some(status) };
        let body = Keeper::new(owner, &headers, framing::length(&headers), scene.policy);
        open.answer =
            Some(Answer { status, headers, view: view(seen), body: Some(body), response: None, span: seen.span });
        framing
    }

    /// Where the next body bytes of `side` go, if anywhere.
    pub(super) fn body(&mut self, side: Side) -> Option<&mut Keeper> {
        match (side, self.current) {
            (Side::Client, _) => self.open.back_mut()?.request_body.as_mut(),
            (Side::Server, Current::First) => self.answered()?.answer.as_mut()?.body.as_mut(),
            (Side::Server, _) => None,
        }
    }

    /// The present request ended.
    pub(super) fn request_ended(&mut self, whole: bool, mark: Mark, scene: &mut Scene<'_>) {
        let Some(open) = self.open.back_mut() else { return };
        let Some(body) = open.request_body.take() else { return };
        open.sent.last = mark;
        let owner = Owner { response: false, method: &open.request.method, status: None };
        open.request.body = body.finish(owner, &open.request.headers, whole, scene.policy, &mut open.anomalies);
        scene.requested(open.ticket, mark);
        self.deliver_finished(scene);
    }

    /// The present response ended.
    pub(super) fn response_ended(&mut self, whole: bool, mark: Mark, scene: &mut Scene<'_>) {
        if std::mem::replace(&mut self.current, Current::None) != Current::First {
            return;
        }
        let Some(open) = self.answered() else { return };
        let Some(answer) = &mut open.answer else { return };
        answer.span.last = mark;
        answer.finish(&open.request.method, whole, scene, &mut open.anomalies);
        self.deliver_finished(scene);
    }

    /// Messages of `side` may have been lost.
    pub(super) fn lost(&mut self, side: Side) {
        self.responses_lost |= side == Side::Server;
    }

    /// Whether a request waits behind the one that is being answered.
    pub(super) fn expects_another_response(&self) -> bool {
        self.open.iter().any(|open| open.answer.is_none())
    }

    /// Whether the connection was just handed over to another protocol.
    pub(super) fn take_upgrade(&mut self) -> bool {
        std::mem::take(&mut self.upgrade)
    }

    /// Delivers what is open as far as it was seen.
    pub(super) fn finish(&mut self, scene: &mut Scene<'_>) {
        while !self.open.is_empty() {
            self.deliver_first(None, scene);
        }
    }

    /// The exchange whose response is under way.
    fn answered(&mut self) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.answer.as_ref().is_some_and(|answer| answer.response.is_none()))
    }

    /// A client waits for an answer before it asks again, unless it pipelines; so a response behind a loss answers the
    /// last request, and the answers to those before it are what was lost.
    fn give_up_earlier(&mut self, scene: &mut Scene<'_>) {
        while self.open.len() > 1 {
            self.deliver_first(Some(AnomalyKind::ResponseLost), scene);
        }
    }

    /// Delivers the exchanges at the front that are done.
    fn deliver_finished(&mut self, scene: &mut Scene<'_>) {
        while self.open.front().is_some_and(Open::is_done) {
            self.deliver_first(None, scene);
        }
    }

    fn deliver_first(&mut self, oddity: Option<AnomalyKind>, scene: &mut Scene<'_>) {
        let Some(mut open) = self.open.pop_front() else { return };
        open.anomalies.extend(oddity);
        open.deliver(scene);
    }
}

impl Open {
    fn is_done(&self) -> bool {
        self.request_body.is_none() && self.answer.as_ref().is_some_and(|answer| answer.response.is_some())
    }

    fn deliver(mut self, scene: &mut Scene<'_>) {
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
        let websocket = (self.kind == Kind::WebSocket).then(WebSocket::default);
        let frames = (self.sent.last.frame, answered.map(|span| span.last.frame));
        scene.deliver(
            self.ticket,
            frames,
            Parts {
                kind: self.kind,
                protocol: self.protocol,
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
        self.response = Some(Response { status: self.status, headers, view: self.view, body });
    }
}

fn kind(method: &str, headers: &Headers) -> Kind {
    if headers.get_all("upgrade").any(|value| value.expose().trim().eq_ignore_ascii_case("websocket")) {
        Kind::WebSocket
    } else if method == "OPTIONS" && headers.contains("origin") && headers.contains("access-control-request-method") {
        Kind::Preflight
    } else if method == "CONNECT" {
        Kind::Connect
    } else {
        Kind::Http
    }
}

fn view(seen: Seen) -> HeaderView {
    if seen.cut { HeaderView::Partial } else { HeaderView::Full }
}

fn oddities(seen: Seen) -> Vec<AnomalyKind> {
    let odd = seen.odd.then_some(AnomalyKind::MalformedHead);
    odd.into_iter().chain(seen.cut.then_some(AnomalyKind::HeadCut)).collect()
}
