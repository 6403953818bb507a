//! Which response answers which request: in order (RFC 9112 §9.3.2), and with care where messages were lost.

use std::collections::VecDeque;

use super::{framing, head::Side, reader::Framing};
use crate::{
    anomaly::AnomalyKind,
    conversation::Scene,
    exchange::Protocol,
    headers::Headers,
    http::{
        body::Keeper,
        open::{self, Asked, Open, Seen},
        target,
    },
    stream::Mark,
};

/// Requests that may wait for an answer on one connection; a client that pipelines more is not answered at all.
const MOST_WAITING: usize = 1000;

/// A request line.
pub(super) struct RequestLine<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a [u8],
    pub(super) minor: u8,
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
    /// The response under way ends HTTP/1 on this connection.
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
        let target = String::from_utf8_lossy(line.target);
        let target = if line.method == "CONNECT" {
            target::authority_form(&target, scene.scheme, scene.ends.server)
        } else {
            let host = headers.get("host").map(|host| host.expose());
            target::resolve(&target, host, scene.scheme, scene.ends.server)
        };
        let framing = framing::of_request(&headers);
        let asked = Asked {
            kind: open::kind(line.method, &headers),
            protocol: if line.minor == 0 { Protocol::Http10 } else { Protocol::Http11 },
            stream: None,
            method: line.method.into(),
            target,
            headers,
        };
        self.open.push_back(Open::new(asked, seen, scene));
        framing
    }

    /// A response's head was read.
    pub(super) fn response(&mut self, status: u16, headers: Headers, seen: Seen, scene: &mut Scene<'_>) -> Framing {
        if std::mem::take(&mut self.responses_lost) {
            self.give_up_earlier(scene);
        }
        let waiting = self.open.iter_mut().find(|open| !open.is_answered());
        let method = waiting.as_ref().map(|open| &*open.request().method);
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
        self.upgrade = framing == Framing::Tunnel;
        open.answer(status, headers, seen, scene);
        framing
    }

    /// Where the next body bytes of `side` go, if anywhere.
    pub(super) fn body(&mut self, side: Side) -> Option<&mut Keeper> {
        match (side, self.current) {
            (Side::Client, _) => self.open.back_mut()?.request_body(),
            (Side::Server, Current::First) => self.answered()?.answer_body(),
            (Side::Server, _) => None,
        }
    }

    /// The present request ended.
    pub(super) fn request_ended(&mut self, whole: bool, mark: Mark, scene: &mut Scene<'_>) {
        if self.open.back_mut().is_some_and(|open| open.end_request(whole, mark, scene)) {
            self.deliver_finished(scene);
        }
    }

    /// The present response ended. Gives its exchange where the connection is handed over to another protocol now.
    pub(super) fn response_ended(&mut self, whole: bool, mark: Mark, scene: &mut Scene<'_>) -> Option<Open> {
        if std::mem::replace(&mut self.current, Current::None) != Current::First {
            return None;
        }
        let open = self.answered()?;
        open.end_answer(whole, mark, scene);
        if std::mem::take(&mut self.upgrade) {
            return self.hand_over(mark, scene);
        }
        self.deliver_finished(scene);
        None
    }

    /// Messages of `side` may have been lost.
    pub(super) fn lost(&mut self, side: Side) {
        self.responses_lost |= side == Side::Server;
    }

    /// Whether a request waits behind the one that is being answered.
    pub(super) fn expects_another_response(&self) -> bool {
        self.open.iter().any(|open| !open.is_answered())
    }

    /// Delivers what is open as far as it was seen.
    pub(super) fn finish(&mut self, scene: &mut Scene<'_>) {
        while !self.open.is_empty() {
            self.deliver_first(None, scene);
        }
    }

    /// The exchange whose response is under way.
    fn answered(&mut self) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.is_being_answered())
    }

    /// The exchange that ends HTTP/1 here; those before it are delivered, those behind it get no answer any more.
    fn hand_over(&mut self, mark: Mark, scene: &mut Scene<'_>) -> Option<Open> {
        let place = self.open.iter().rposition(Open::is_answered)?;
        for _ in 0..place {
            self.deliver_first(None, scene);
        }
        let mut last = self.open.pop_front()?;
        last.end_request(false, mark, scene);
        self.finish(scene);
        Some(last)
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
        oddity.into_iter().for_each(|oddity| open.note(oddity));
        open.deliver(scene);
    }
}
