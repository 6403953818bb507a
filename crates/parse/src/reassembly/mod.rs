//! Segments in, exchanges out: the connections of one packet capture, on one thread or on several.
//!
//! ```text
//! segment ─► worker (its share of the shards) ─► shard ─► flow ─► stream ─► conversation ─► exchange ─► merger
//! ```
//!
//! Connections belong to shards, whose number is fixed, and shards to workers. A worker says what happened, with the frame
//! that made it happen; the merger puts what all workers say in the order of frames. So neither the order of exchanges nor
//! their numbers depend on how many workers there are.

mod merger;
mod worker;

use std::{collections::BTreeMap, sync::Arc};

pub use self::{
    merger::Merger,
    worker::{Said, Worker},
};
use crate::{
    anomaly::AnomalyKind,
    body::BodyPolicy,
    exchange::Exchange,
    packet::Segment,
    stream::Mark,
    tls::{KeyLog, TlsConnection},
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
    /// TLS connections that were decrypted as a whole.
    pub decrypted_count: u64,
}

/// Reassembles connections and reads what they carry, on one thread.
pub struct Reassembler<'p> {
    worker: Worker<'p>,
    merger: Merger,
}

impl<'p> Reassembler<'p> {
    /// A reader for input number `input`, whose first request becomes exchange `first_id`.
    pub fn new(input: u16, first_id: u32, policy: &'p dyn BodyPolicy) -> Self {
        Self::with_keys(input, first_id, policy, Arc::clone(KeyLog::none()))
    }

    /// The same, with the secrets of TLS connections.
    pub fn with_keys(input: u16, first_id: u32, policy: &'p dyn BodyPolicy, keys: Arc<KeyLog>) -> Self {
        Self { worker: Worker::new(0, 1, input, policy, keys), merger: Merger::new(first_id) }
    }

    /// From the next segment on, these are the secrets of TLS connections.
    pub fn learn(&mut self, keys: Arc<KeyLog>) {
        self.worker.learn(keys);
    }

    /// Takes the next segment; segments come in the order of their frames.
    pub fn segment(&mut self, segment: &Segment<'_>, mark: Mark, sink: &mut dyn FnMut(Exchange)) {
        self.worker.segment(segment, mark);
        if self.worker.has_something_to_say() {
            self.merger.merge([self.worker.take()], sink);
        }
    }

    /// Ends every connection.
    pub fn finish(self, sink: &mut dyn FnMut(Exchange)) -> ReassemblySummary {
        self.merger.finish([self.worker], sink)
    }
}
