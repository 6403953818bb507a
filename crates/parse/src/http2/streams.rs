//! The streams of one connection (RFC 9113 §5): each carries one exchange, or what follows a change of protocol.

use std::collections::{BTreeMap, VecDeque};

use super::fields::Fields;
use crate::{
    anomaly::AnomalyKind,
    conversation::Scene,
    exchange::Kind,
    http::{
        open::{Open, Seen, Span},
        tunnel::Tunnel,
    },
    http1::head::Side,
    stream::{Mark, Piece},
};

/// Streams that may be open at a time; servers allow 100 to 256 (SETTINGS_MAX_CONCURRENT_STREAMS).
const MOST_OPEN: usize = 1000;
/// Bytes of header fields that may be kept in all open streams: blocks of a few bytes may stand for very many.
const MOST_FIELDS: usize = 4 << 20;
/// Streams that ended early and are remembered, for what was under way when they did.
const MOST_GONE: usize = 256;
/// Streams that may wait for the rest of a request that the server does not want: what is on its way is there at once.
const MOST_UNWANTED: usize = 16;

/// One stream.
struct Stream {
    /// `None` once it was delivered, while the stream carries something else.
    open: Option<Open>,
    /// By side: whether it has ended what it says, or its end may have been lost.
    ended: [bool; 2],
    /// There was an answer, or may have been one, that could not be read.
    answer_lost: bool,
    /// What follows a CONNECT or a handshake.
    tunnel: Option<Tunnel>,
    /// Bytes of header fields.
    fields: usize,
}

impl Stream {
    fn new(open: Open) -> Self {
        Self { open: Some(open), ended: [false; 2], answer_lost: false, tunnel: None, fields: 0 }
    }

    /// Delivers the exchange as far as it was seen, and ends what follows it.
    fn deliver(mut self, oddity: Option<AnomalyKind>, mark: Mark, scene: &mut Scene<'_>) {
        let websocket = self.tunnel.and_then(|tunnel| tunnel.finish(mark, scene));
        let Some(mut open) = self.open.take() else { return };
        if let Some(websocket) = websocket {
            open.followed_by(websocket);
        }
        if self.answer_lost && !open.is_answered() {
            open.note(AnomalyKind::ResponseLost);
        }
        if !open.is_done() {
            oddity.into_iter().for_each(|oddity| open.note(oddity));
        }
        open.deliver(scene);
    }
}

/// The streams of one connection.
#[derive(Default)]
pub(super) struct Streams {
    open: BTreeMap<u32, Stream>,
    /// The highest stream that a client opened.
    highest: u32,
    /// Bytes of header fields in all of them.
    fields: usize,
    gone: VecDeque<u32>,
    /// Streams on which the server said all, and that it wants no more of the request.
    unwanted: VecDeque<u32>,
}

impl Streams {
    /// Stream 1 carries the answer to a request of HTTP/1.
    pub(super) fn upgraded(&mut self, mut open: Open) {
        open.upgraded_to_http2(1);
        let mut stream = Stream::new(open);
        stream.ended[Side::Client as usize] = true;
        self.open.insert(1, stream);
        self.highest = 1;
    }

    /// `side` sent a field block on stream `id`, which ends its message if `ends`.
    pub(super) fn block(&mut self, id: u32, side: Side, fields: Fields, ends: bool, span: Span, scene: &mut Scene<'_>) {
        match side {
            Side::Client => self.asked(id, fields, span, scene),
            Side::Server => self.answered(id, fields, ends, span, scene),
        }
        if ends {
            self.end(id, side, span.last, scene);
        }
    }

    /// The server announced an answer on stream `id` to a request that nobody sent (RFC 9113 §8.4).
    pub(super) fn promise(&mut self, id: u32, fields: Fields, span: Span, scene: &mut Scene<'_>) {
        if id.is_multiple_of(2) && fields.is_request() && !self.open.contains_key(&id) {
            self.begin(id, fields, span, scene);
            if let Some(open) = self.open.get_mut(&id).and_then(|stream| stream.open.as_mut()) {
                open.note(AnomalyKind::ServerPush);
            }
            self.end(id, Side::Client, span.last, scene);
        }
    }

    /// `side` sent content, or content that was not captured, on stream `id`.
    pub(super) fn data(&mut self, id: u32, side: Side, piece: Piece<'_>, mark: Mark, scene: &mut Scene<'_>) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        if let Some(tunnel) = &mut stream.tunnel {
            return tunnel.piece(side, piece, mark, scene);
        }
        let body = stream.open.as_mut().and_then(|open| match side {
            Side::Client => open.request_body(),
            Side::Server => open.answer_body(),
        });
        match (body, piece) {
            (Some(body), Piece::Data(bytes)) => body.data(bytes),
            (Some(body), Piece::Gap(len)) => body.gap(len),
            (None, _) => {}
        }
    }

    /// `side` has said all that it says on stream `id`.
    pub(super) fn end(&mut self, id: u32, side: Side, mark: Mark, scene: &mut Scene<'_>) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        stream.ended[side as usize] = true;
        if let Some(tunnel) = &mut stream.tunnel {
            tunnel.close(side, mark, scene);
        }
        if let Some(open) = &mut stream.open {
            match side {
                Side::Client => drop(open.end_request(true, mark, scene)),
                Side::Server => open.end_answer(true, mark, scene),
            }
        }
        if stream.ended == [true; 2] {
            self.close(id, None, mark, scene);
        }
    }

    /// The server wants no more of the request on stream `id`, without any error (RFC 9113 §8.1). Where it has answered, the
    /// rest of the request may be on its way, and shows what was asked; elsewhere it is a reset like any other.
    pub(super) fn want_no_more(&mut self, id: u32, mark: Mark, scene: &mut Scene<'_>) {
        if !self.open.get(&id).is_some_and(|stream| stream.ended[Side::Server as usize]) {
            return self.reset(id, mark, scene);
        }
        self.unwanted.push_back(id);
        if self.unwanted.len() > MOST_UNWANTED
            && let Some(oldest) = self.unwanted.pop_front()
        {
            self.reset(oldest, mark, scene);
        }
    }

    /// Stream `id` was reset by either side (RFC 9113 §6.4).
    pub(super) fn reset(&mut self, id: u32, mark: Mark, scene: &mut Scene<'_>) {
        self.close(id, Some(AnomalyKind::StreamReset), mark, scene);
        if self.gone.len() == MOST_GONE {
            self.gone.pop_front();
        }
        self.gone.push_back(id);
    }

    /// The server will not answer what the client asked on streams above `last` (RFC 9113 §6.8).
    pub(super) fn refused_after(&mut self, last: u32, mark: Mark, scene: &mut Scene<'_>) {
        let refused: Vec<u32> = self.open.range(last.saturating_add(1)..).map(|(id, _)| *id).collect();
        for id in refused.into_iter().filter(|id| id % 2 == 1) {
            self.reset(id, mark, scene);
        }
    }

    /// Frames of `side` may have been lost, so any of its messages may have ended.
    pub(super) fn lost(&mut self, side: Side) {
        for stream in self.open.values_mut() {
            stream.ended[side as usize] |= side == Side::Client;
            stream.answer_lost |= side == Side::Server;
        }
    }

    pub(super) fn knows(&self, id: u32) -> bool {
        self.open.contains_key(&id)
    }

    /// Delivers what is open as far as it was seen.
    pub(super) fn finish(&mut self, mark: Mark, scene: &mut Scene<'_>) {
        while let Some((_, stream)) = self.open.pop_first() {
            stream.deliver(None, mark, scene);
        }
    }

    /// A block of the client: a request, or the trailers of one.
    fn asked(&mut self, id: u32, fields: Fields, span: Span, scene: &mut Scene<'_>) {
        // Clients open streams in order (RFC 9113 §5.1.1).
        if id % 2 == 1 && id > self.highest && fields.is_request() {
            self.highest = id;
            self.begin(id, fields, span, scene);
        }
    }

    fn begin(&mut self, id: u32, fields: Fields, span: Span, scene: &mut Scene<'_>) {
        while self.open.len() >= MOST_OPEN || self.fields + fields.size() > MOST_FIELDS {
            let Some(oldest) = self.open.first_key_value().map(|(id, _)| *id) else { break };
            self.close(oldest, Some(AnomalyKind::ConnectionLimit), span.last, scene);
        }
        let size = fields.size();
        let seen = Seen { view: fields.view(), oddities: fields.oddities(), span };
        let asked = fields.request(id, scene);
        self.open.insert(id, Stream { fields: size, ..Stream::new(Open::new(asked, seen, scene)) });
        self.fields += size;
    }

    /// A block of the server: an interim response, a response, or the trailers of one.
    fn answered(&mut self, id: u32, fields: Fields, ends: bool, span: Span, scene: &mut Scene<'_>) {
        let Some(stream) = self.open.get_mut(&id) else {
            if fields.status().is_some() && !self.gone.contains(&id) {
                scene.note(AnomalyKind::ResponseWithoutRequest);
            }
            return;
        };
        let Some(open) = &mut stream.open else { return };
        stream.fields += fields.size();
        self.fields += fields.size();
        if open.is_answered() {
            open.answer_trailers(fields.headers);
            return;
        }
        let seen = Seen { view: fields.view(), oddities: fields.oddities(), span };
        match fields.status() {
            Some(100..=199) if !ends => {}
            Some(status) => {
                open.answer(status, fields.headers, seen, scene);
                if matches!(status, 200..=299) && matches!(open.kind(), Kind::Connect | Kind::WebSocket) && !ends {
                    self.hand_over(id, span.last, scene);
                }
            }
            None => {
                seen.oddities.into_iter().flatten().for_each(|oddity| open.note(oddity));
                stream.answer_lost = true;
            }
        }
    }

    /// What follows on stream `id` is not HTTP.
    fn hand_over(&mut self, id: u32, mark: Mark, scene: &mut Scene<'_>) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        let Some(mut open) = stream.open.take() else { return };
        open.end_request(true, mark, scene);
        open.end_answer(true, mark, scene);
        let tunnel = Tunnel::behind(&mut open);
        if tunnel.completes_exchange() {
            stream.open = Some(open);
        } else {
            open.deliver(scene);
        }
        stream.tunnel = Some(tunnel);
    }

    /// Stream `id` carries nothing more.
    fn close(&mut self, id: u32, oddity: Option<AnomalyKind>, mark: Mark, scene: &mut Scene<'_>) {
        if let Some(stream) = self.open.remove(&id) {
            self.fields = self.fields.saturating_sub(stream.fields);
            stream.deliver(oddity, mark, scene);
        }
    }
}
