//! One HTTP/2 connection: frames of both directions become blocks, data and ends of streams.

use super::{
    fields::Fields,
    frame::{FrameHeader, Type, flag},
    hpack::Decoder,
    reader::{Frame, Frames, Reader},
    streams::Streams,
};
use crate::{
    anomaly::AnomalyKind,
    conversation::Scene,
    http::open::{Open, Span},
    http1::head::Side,
    stream::{Mark, Piece},
};

/// SETTINGS_HEADER_TABLE_SIZE (RFC 9113 §6.5.2).
const HEADER_TABLE_SIZE: u16 = 1;
/// The error code of RST_STREAM that stands for no error (RFC 9113 §7).
const NO_ERROR: u32 = 0;
/// Bytes kept of a field block that comes in several frames; a flood of CONTINUATION frames ends there.
const MOST_BLOCK: usize = 1 << 20;

/// Both directions of a connection that speaks HTTP/2.
pub(crate) struct Connection {
    client: Half,
    server: Half,
    streams: Streams,
}

/// One direction.
struct Half {
    reader: Reader,
    decoder: Decoder,
    block: Option<Block>,
}

/// A field block under way.
struct Block {
    /// Stream whose frames carry it.
    carrier: u32,
    purpose: Purpose,
    bytes: Vec<u8>,
    /// Whether bytes are missing at its end.
    cut: bool,
    first: Mark,
}

/// What a field block is for.
#[derive(Clone, Copy)]
enum Purpose {
    /// The head or the trailers of a message on its carrier; whether the message ends with it.
    Message { ends: bool },
    /// The request that the server pushes an answer to, on this stream.
    Promise(u32),
}

impl Connection {
    /// A connection that was captured from its start.
    pub(crate) fn new() -> Self {
        let half = |side| Half { reader: Reader::new(side), decoder: Decoder::new(), block: None };
        Self { client: half(Side::Client), server: half(Side::Server), streams: Streams::default() }
    }

    /// A connection of which the capture shows a later part.
    pub(crate) fn midway() -> Self {
        let half = || {
            let mut decoder = Decoder::new();
            decoder.forget();
            Half { reader: Reader::midway(), decoder, block: None }
        };
        Self { client: half(), server: half(), streams: Streams::default() }
    }

    /// A connection that began as HTTP/1: the answer to `open` comes on stream 1 (RFC 7540 §3.2), `settings` stood in
    /// `HTTP2-Settings`.
    pub(crate) fn upgraded(open: Open, settings: &[u8]) -> Self {
        let mut connection = Self::new();
        connection.streams.upgraded(open);
        allow(&mut connection.server.decoder, settings);
        connection
    }

    /// Takes the next piece of what `side` sent.
    pub(crate) fn piece(&mut self, side: Side, piece: Piece<'_>, mark: Mark, scene: &mut Scene<'_>) {
        let (own, peer) = match side {
            Side::Client => (&mut self.client, &mut self.server),
            Side::Server => (&mut self.server, &mut self.client),
        };
        let mut handler = Handler {
            side,
            decoder: &mut own.decoder,
            block: &mut own.block,
            peer: &mut peer.decoder,
            streams: &mut self.streams,
            scene,
        };
        own.reader.piece(piece, mark, &mut handler);
    }

    /// Nothing more will come: what is open is delivered as far as it was seen.
    pub(crate) fn finish(&mut self, mark: Mark, scene: &mut Scene<'_>) {
        for (side, half) in [(Side::Client, &mut self.client), (Side::Server, &mut self.server)] {
            if let Some(mut block) = half.block.take() {
                block.cut = true;
                block.end(&mut half.decoder, side, mark, &mut self.streams, scene);
            }
        }
        self.streams.finish(mark, scene);
    }
}

/// Tells `decoder` which table size the settings in `payload` allow it.
fn allow(decoder: &mut Decoder, payload: &[u8]) {
    for setting in payload.chunks_exact(6) {
        if let [a, b, value @ ..] = setting
            && u16::from_be_bytes([*a, *b]) == HEADER_TABLE_SIZE
            && let Ok(value) = value.try_into()
        {
            decoder.allow(u32::from_be_bytes(value));
        }
    }
}

impl Block {
    /// The block is as complete as it will be.
    fn end(&self, decoder: &mut Decoder, side: Side, mark: Mark, streams: &mut Streams, scene: &mut Scene<'_>) {
        let span = Span { first: self.first, last: mark };
        self.read(&self.bytes, decoder, side, span, streams, scene);
    }

    fn read(
        &self,
        bytes: &[u8],
        decoder: &mut Decoder,
        side: Side,
        span: Span,
        streams: &mut Streams,
        scene: &mut Scene<'_>,
    ) {
        let fields = Fields::decode(decoder, bytes, self.cut);
        match self.purpose {
            Purpose::Promise(promised) => streams.promise(promised, fields, span, scene),
            Purpose::Message { ends } => streams.block(self.carrier, side, fields, ends, span, scene),
        }
    }
}

/// One direction while a piece of it is read.
struct Handler<'c, 's, 'o> {
    side: Side,
    decoder: &'c mut Decoder,
    block: &'c mut Option<Block>,
    /// Decodes what the peer sends.
    peer: &'c mut Decoder,
    streams: &'c mut Streams,
    scene: &'s mut Scene<'o>,
}

impl Handler<'_, '_, '_> {
    /// HEADERS or PUSH_PROMISE: the start of a block.
    fn begin_block(&mut self, frame: &Frame<'_>) {
        let Some((purpose, fragment)) = start_of_block(frame) else {
            // It is too short for what its flags say, or not enough of it was captured.
            self.decoder.forget();
            self.scene.note(if frame.cut { AnomalyKind::HeadCut } else { AnomalyKind::OutOfStep });
            return;
        };
        let first = frame.span.first;
        let mut block = Block { carrier: frame.header.stream, purpose, bytes: Vec::new(), cut: frame.cut, first };
        if frame.header.has(flag::END_HEADERS) || frame.cut {
            block.read(fragment, self.decoder, self.side, frame.span, self.streams, self.scene);
        } else {
            block.bytes.extend_from_slice(fragment);
            *self.block = Some(block);
        }
    }

    /// CONTINUATION: more of a block. What continues no block belongs to one that was lost, or was given up.
    fn continue_block(&mut self, frame: &Frame<'_>) {
        let Some(mut block) = self.block.take_if(|block| block.carrier == frame.header.stream) else { return };
        let room = MOST_BLOCK.saturating_sub(block.bytes.len());
        block.cut |= frame.cut || frame.payload.len() > room;
        block.bytes.extend_from_slice(&frame.payload[..frame.payload.len().min(room)]);
        if frame.header.has(flag::END_HEADERS) || block.cut {
            block.end(self.decoder, self.side, frame.span.last, self.streams, self.scene);
        } else {
            *self.block = Some(block);
        }
    }

    /// Whatever comes within a block but CONTINUATION ends it, as does a loss.
    fn cut_block(&mut self, mark: Mark) {
        if let Some(mut block) = self.block.take() {
            block.cut = true;
            block.end(self.decoder, self.side, mark, self.streams, self.scene);
        }
    }
}

impl Frames for Handler<'_, '_, '_> {
    fn frame(&mut self, frame: Frame<'_>) {
        let (header, mark) = (frame.header, frame.span.last);
        if header.kind != Type::Continuation {
            self.cut_block(mark);
        }
        match header.kind {
            Type::Headers => self.begin_block(&frame),
            Type::PushPromise if self.side == Side::Server => self.begin_block(&frame),
            Type::Continuation => self.continue_block(&frame),
            Type::ResetStream if self.side == Side::Server && frame.payload == NO_ERROR.to_be_bytes() => {
                self.streams.want_no_more(header.stream, mark, self.scene);
            }
            Type::ResetStream => self.streams.reset(header.stream, mark, self.scene),
            Type::Settings => allow(self.peer, frame.payload),
            Type::GoAway if self.side == Side::Server => {
                if let Some(last) = frame.payload.first_chunk() {
                    self.streams.refused_after(u32::from_be_bytes(*last) & (u32::MAX >> 1), mark, self.scene);
                }
            }
            _ => {}
        }
    }

    fn data(&mut self, stream: u32, bytes: &[u8], mark: Mark) {
        self.streams.data(stream, self.side, Piece::Data(bytes), mark, self.scene);
    }

    fn data_gap(&mut self, stream: u32, len: u64, mark: Mark) {
        self.streams.data(stream, self.side, Piece::Gap(len), mark, self.scene);
    }

    fn data_end(&mut self, header: FrameHeader, mark: Mark) {
        if header.has(flag::END_STREAM) {
            self.streams.end(header.stream, self.side, mark, self.scene);
        }
    }

    fn lost(&mut self, broken: bool, mark: Mark) {
        self.cut_block(mark);
        self.decoder.forget();
        self.peer.allow_any();
        self.streams.lost(self.side);
        if broken {
            self.scene.note(AnomalyKind::OutOfStep);
        }
    }

    fn knows(&self, stream: u32) -> bool {
        self.streams.knows(stream)
    }
}

/// The purpose and the first fragment of the block that `frame` begins: padding and priority taken off (RFC 9113 §6.2,
/// §6.6). `None` where the frame is too short for them.
fn start_of_block<'f>(frame: &Frame<'f>) -> Option<(Purpose, &'f [u8])> {
    let header = frame.header;
    let mut fragment = frame.payload;
    if header.has(flag::PADDED) {
        let (padding, rest) = fragment.split_first()?;
        let padding = usize::from(*padding);
        // Of a frame that was cut, the padding is what is missing first.
        fragment = if frame.cut { rest } else { rest.get(..rest.len().checked_sub(padding)?)? };
    }
    if header.kind == Type::PushPromise {
        let (promised, fragment) = fragment.split_first_chunk()?;
        return Some((Purpose::Promise(u32::from_be_bytes(*promised) & (u32::MAX >> 1)), fragment));
    }
    if header.has(flag::PRIORITY) {
        fragment = fragment.get(5..)?;
    }
    Some((Purpose::Message { ends: header.has(flag::END_STREAM) }, fragment))
}
