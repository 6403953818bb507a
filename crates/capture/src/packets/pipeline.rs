//! One packet capture from its bytes to its exchanges: container, link layer, reassembly; on one thread or on several.

use std::sync::Arc;

use authtrace_parse::{
    Anomaly, AnomalyKind, Decoder, Exchange, Frame, Packet, QuicSummary, QuicWatch, Reassembler, ReassemblySummary,
    Segment, TlsConnection, stream::Mark,
};

use super::{
    Drops, PacketFormat, PacketReader, PacketSummary, Placed, crew,
    keys::{KeySource, Known},
};
use crate::{buffers::Spent, chunk::Chunk, input::Plan};

/// What was read of a packet capture, beside its exchanges.
pub(crate) struct PacketReport {
    pub(crate) format: Option<PacketFormat>,
    pub(crate) frames: u32,
    pub(crate) exchanges: u32,
    pub(crate) next_id: u32,
    pub(crate) application: Option<String>,
    pub(crate) drops: Drops,
    pub(crate) anomalies: Vec<Anomaly>,
    pub(crate) truncated: bool,
    pub(crate) opaque: Vec<TlsConnection>,
    pub(crate) opaque_count: u64,
    pub(crate) quic: QuicSummary,
    pub(crate) decrypted_count: u64,
}

/// Anomalies of one kind that are kept.
const MOST_OF_A_KIND: usize = 10_000;

/// Reads a packet capture that comes in `chunks`; `spent` takes their buffers back.
pub(crate) fn read(
    plan: &Plan<'_>,
    source: &KeySource,
    chunks: impl Iterator<Item = Chunk>,
    spent: &Spent,
    sink: &mut dyn FnMut(Exchange),
) -> PacketReport {
    let mut chunks = chunks.peekable();
    let known = Known::before(source, chunks.peek().and_then(Chunk::bytes).and_then(PacketFormat::sniff));
    if plan.workers() > 1 {
        crew::read(plan, known, chunks, spent, sink)
    } else {
        alone(plan, known, chunks, spent, sink)
    }
}

/// Reads on the calling thread.
fn alone(
    plan: &Plan<'_>,
    mut known: Known,
    chunks: impl Iterator<Item = Chunk>,
    spent: &Spent,
    sink: &mut dyn FnMut(Exchange),
) -> PacketReport {
    let mut frames = PacketReader::new();
    let mut link = Link::new(plan);
    let keys = Arc::clone(&known.log);
    let mut reassembler = Reassembler::with_keys(plan.index, plan.first_id, plan.policy, keys);
    let mut take = |placed: Placed<'_>| {
        if known.meet(placed.secrets) {
            reassembler.learn(Arc::clone(&known.log));
        }
        link.frame(&placed.frame, |segment, mark| reassembler.segment(segment, mark, sink));
    };
    for chunk in chunks {
        match chunk {
            Chunk::Bytes(bytes) => {
                frames.push(&bytes, &mut take);
                spent.give_back(bytes);
            }
            Chunk::NextFile => frames.next_file(&mut take),
            // Everything was handed out at once.
            Chunk::Pause => {}
        }
    }
    let container = frames.finish(&mut take);
    if known.meet(&container.secrets) {
        reassembler.learn(Arc::clone(&known.log));
    }
    PacketReport::new(container, link, &known, reassembler.finish(sink))
}

/// From frames to what they carry, in the order of the capture: on one thread, however many read the connections.
pub(super) struct Link<'p> {
    plan: &'p Plan<'p>,
    decoder: Decoder,
    quic: QuicWatch,
}

impl<'p> Link<'p> {
    pub(super) fn new(plan: &'p Plan<'p>) -> Self {
        Self { plan, decoder: Decoder::new(), quic: QuicWatch::new() }
    }

    /// Hands on the TCP segment that `frame` carries, if it carries one that is wanted.
    pub(super) fn frame(&mut self, frame: &Frame<'_>, mut take: impl FnMut(&Segment<'_>, Mark)) {
        let mark = Mark { frame: frame.number, time: frame.time };
        match self.decoder.decode(frame) {
            Some(Packet::Tcp(segment)) if self.plan.wants(&segment) => take(&segment, mark),
            Some(Packet::Udp(datagram)) => self.quic.datagram(&datagram, mark),
            Some(Packet::Tcp(_)) | None => {}
        }
    }
}

impl PacketReport {
    pub(super) fn new(container: PacketSummary, link: Link<'_>, known: &Known, flows: ReassemblySummary) -> Self {
        let mut anomalies = container.anomalies;
        anomalies.extend(known.anomaly().map(|kind| Anomaly { kind, at: None }));
        anomalies.extend(link.decoder.anomalies());
        // Each as often as it was met, up to a bound: how many requests were lost tells how far to trust the rest.
        for (kind, times) in &flows.anomalies {
            let times = usize::try_from(*times).unwrap_or(usize::MAX).min(MOST_OF_A_KIND);
            anomalies.extend(std::iter::repeat_n(Anomaly { kind: *kind, at: None }, times));
        }
        if container.truncated && !anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::Truncated) {
            anomalies.push(Anomaly { kind: AnomalyKind::Truncated, at: None });
        }
        Self {
            format: container.format,
            frames: container.frames,
            exchanges: flows.exchanges,
            next_id: flows.next_id,
            application: container.application,
            drops: container.drops,
            anomalies,
            truncated: container.truncated,
            opaque: flows.opaque,
            opaque_count: flows.opaque_count,
            quic: link.quic.finish(),
            decrypted_count: flows.decrypted_count,
        }
    }
}
