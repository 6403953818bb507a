//! One packet capture from its bytes to its exchanges: container, link layer, reassembly.

use authtrace_parse::{
    Anomaly, AnomalyKind, BodyPolicy, Decoder, Exchange, Packet, Reassembler, TlsConnection, stream::Mark,
};

use super::{Drops, PacketFormat, PacketReader, Placed};

/// Reads a packet capture pushed in chunks.
pub(crate) struct Pipeline<'p> {
    frames: PacketReader,
    wire: Wire<'p>,
}

/// What follows the container: one frame at a time.
struct Wire<'p> {
    decoder: Decoder,
    reassembler: Reassembler<'p>,
}

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
}

impl<'p> Pipeline<'p> {
    /// A pipeline for input number `index`, whose first request becomes exchange `first_id`.
    pub(crate) fn new(index: u16, first_id: u32, policy: &'p dyn BodyPolicy) -> Self {
        let wire = Wire { decoder: Decoder::new(), reassembler: Reassembler::new(index, first_id, policy) };
        Self { frames: PacketReader::new(), wire }
    }

    /// Reads the next bytes.
    pub(crate) fn push(&mut self, chunk: &[u8], sink: &mut dyn FnMut(Exchange)) {
        let wire = &mut self.wire;
        self.frames.push(chunk, &mut |placed| wire.frame(&placed, sink));
    }

    /// Ends every connection.
    pub(crate) fn finish(self, sink: &mut dyn FnMut(Exchange)) -> PacketReport {
        let Self { frames, mut wire } = self;
        let container = frames.finish(&mut |placed| wire.frame(&placed, sink));
        let mut anomalies = container.anomalies;
        anomalies.extend(wire.decoder.anomalies());
        let flows = wire.reassembler.finish(sink);
        anomalies.extend(flows.anomalies.keys().map(|kind| Anomaly { kind: *kind, at: None }));
        if container.truncated && !anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::Truncated) {
            anomalies.push(Anomaly { kind: AnomalyKind::Truncated, at: None });
        }
        PacketReport {
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
        }
    }
}

impl Wire<'_> {
    fn frame(&mut self, placed: &Placed<'_>, sink: &mut dyn FnMut(Exchange)) {
        let frame = &placed.frame;
        if let Some(Packet::Tcp(segment)) = self.decoder.decode(frame) {
            let mark = Mark { frame: frame.number, time: frame.time };
            self.reassembler.segment(&segment, mark, sink);
        }
    }
}
