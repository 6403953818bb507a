//! Packets in, exchanges out: the reader of one packet capture.
//!
//! ```text
//! frame ─► link decoder ─► segment ─► shard (by flow) ─► stream ─► conversation ─► exchange
//! ```
//!
//! A request is numbered when it is complete, in the order of frames; its exchange is handed out when its answer is.

use std::collections::{BTreeMap, HashMap};

use crate::{
    anomaly::AnomalyKind,
    body::BodyPolicy,
    exchange::{Exchange, ExchangeId},
    flow::FlowKey,
    packet::Segment,
    shard::{Event, Shard, Ticket},
    stream::Mark,
    tls::TlsConnection,
};

/// What was read of a packet capture, beside its exchanges.
#[derive(Default)]
pub struct ReassemblySummary {
    /// Exchanges handed out.
    pub exchanges: u32,
    /// First exchange id that the next input may use.
    pub next_id: u32,
    /// Oddities by kind, with how often each was met.
    pub anomalies: BTreeMap<AnomalyKind, u64>,
    /// TLS connections that could not be decrypted, the first ones; in order of their first frame.
    pub opaque: Vec<TlsConnection>,
    /// TLS connections that could not be decrypted, in all.
    pub opaque_count: u64,
}

/// Reassembles connections and reads what they carry, on one thread.
pub struct Reassembler<'p> {
    input: u16,
    policy: &'p dyn BodyPolicy,
    shards: Vec<Shard>,
    numbering: Numbering,
}

impl<'p> Reassembler<'p> {
    /// A reader for input number `input`, whose first request becomes exchange `first_id`.
    pub fn new(input: u16, first_id: u32, policy: &'p dyn BodyPolicy) -> Self {
        let shards = (0..Shard::COUNT).map(|_| Shard::new()).collect();
        Self { input, policy, shards, numbering: Numbering::new(first_id) }
    }

    /// Takes the next segment; segments come in the order of their frames.
    pub fn segment(&mut self, segment: &Segment<'_>, mark: Mark, sink: &mut dyn FnMut(Exchange)) {
        let key = FlowKey::of(segment);
        let index = Shard::of(&key);
        let shard = &mut self.shards[index];
        shard.segment(key, segment, mark, self.input, self.policy);
        if shard.has_events() {
            for (_, event) in shard.take_events() {
                self.numbering.take(index, event, sink);
            }
        }
    }

    /// Ends every connection.
    pub fn finish(mut self, sink: &mut dyn FnMut(Exchange)) -> ReassemblySummary {
        let mut summary = ReassemblySummary::default();
        let mut rest = Vec::new();
        for (index, shard) in self.shards.iter_mut().enumerate() {
            let seen = shard.finish(self.input, self.policy);
            for (kind, count) in seen.notes {
                *summary.anomalies.entry(kind).or_default() += count;
            }
            summary.opaque.extend(seen.opaque);
            summary.opaque_count += seen.opaque_count;
            rest.extend(shard.take_events().map(|(frame, event)| (frame, index, event)));
        }
        rest.sort_by_key(|(frame, _, _)| *frame);
        for (_, index, event) in rest {
            self.numbering.take(index, event, sink);
        }
        summary.opaque.sort_by_key(|connection| connection.first);
        summary.exchanges = self.numbering.delivered;
        summary.next_id = self.numbering.next;
        summary
    }
}

/// Numbers requests as they become complete and exchanges as they are delivered.
struct Numbering {
    next: u32,
    delivered: u32,
    /// Complete requests whose exchange is not delivered yet.
    numbered: HashMap<(usize, Ticket), ExchangeId, foldhash::fast::RandomState>,
}

impl Numbering {
    fn new(first: u32) -> Self {
        Self { next: first, delivered: 0, numbered: HashMap::default() }
    }

    fn take(&mut self, shard: usize, event: Event, sink: &mut dyn FnMut(Exchange)) {
        match event {
            Event::Requested(ticket) => {
                let id = self.draw();
                self.numbered.insert((shard, ticket), id);
            }
            Event::Exchange(ticket, mut exchange) => {
                // A request that never became complete gets its number at last.
                exchange.id = self.numbered.remove(&(shard, ticket)).unwrap_or_else(|| self.draw());
                self.delivered += 1;
                sink(*exchange);
            }
        }
    }

    fn draw(&mut self) -> ExchangeId {
        let id = ExchangeId(self.next);
        self.next = self.next.saturating_add(1);
        id
    }
}
