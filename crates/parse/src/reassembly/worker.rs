//! A worker: a share of the shards, and what they have to say.

use std::sync::Arc;

use crate::{
    body::BodyPolicy,
    flow::FlowKey,
    packet::Segment,
    shard::{Event, Setting, Shard, ShardSummary},
    stream::Mark,
    tls::{KeyLog, keylog::Session},
};

/// Something that happened in a worker's connections.
pub struct Said {
    /// The frame that made it happen.
    pub(super) frame: u32,
    /// The shard that said it.
    pub(super) shard: usize,
    pub(super) event: Event,
}

/// Reads the connections of its shards.
pub struct Worker<'p> {
    input: u16,
    policy: &'p dyn BodyPolicy,
    keys: Arc<KeyLog>,
    /// Of all workers, those whose number leaves this remainder own a shard.
    index: usize,
    count: usize,
    shards: Vec<Shard>,
    said: Vec<Said>,
}

impl<'p> Worker<'p> {
    /// Worker `index` of `count` for input number `input`.
    pub fn new(index: usize, count: usize, input: u16, policy: &'p dyn BodyPolicy, keys: Arc<KeyLog>) -> Self {
        let count = count.clamp(1, Shard::COUNT);
        let shards = (index..Shard::COUNT).step_by(count).map(|_| Shard::new()).collect();
        Self { input, policy, keys, index, count, shards, said: Vec::new() }
    }

    /// The most workers that have something to do.
    pub const MOST: usize = Shard::COUNT;

    /// Which of `count` workers reads the connection of `segment`.
    pub fn of(segment: &Segment<'_>, count: usize) -> usize {
        Shard::of(&FlowKey::of(segment)) % count.clamp(1, Shard::COUNT)
    }

    /// Takes the next segment of one of this worker's connections.
    pub fn segment(&mut self, segment: &Segment<'_>, mark: Mark) {
        let key = FlowKey::of(segment);
        let number = Shard::of(&key);
        let Some(shard) = self.shards.get_mut(number / self.count).filter(|_| number % self.count == self.index) else {
            debug_assert!(false, "a segment of another worker's connection");
            return;
        };
        let setting = Setting { input: self.input, policy: self.policy, keys: &self.keys };
        shard.segment(key, segment, mark, setting);
        if shard.has_events() {
            self.said.extend(shard.take_events().map(|(frame, event)| Said { frame, shard: number, event }));
        }
    }

    /// From the next segment on, these are the secrets of TLS connections.
    pub fn learn(&mut self, keys: Arc<KeyLog>) {
        self.keys = keys;
    }

    /// Whether [`Worker::take`] gives anything.
    pub fn has_something_to_say(&self) -> bool {
        !self.said.is_empty()
    }

    /// What happened since the last call, in the order of frames.
    pub fn take(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// The secrets that it knows.
    pub(super) fn keys(&self) -> &Arc<KeyLog> {
        &self.keys
    }

    /// Ends every connection. Those whose secrets may still come wait.
    pub(super) fn end_flows(&mut self) {
        self.each_shard(Shard::end_flows);
    }

    /// Reads the connections that wait for secrets, with those that are known now.
    pub(super) fn retry_waiting(&mut self) {
        self.each_shard(Shard::retry_waiting);
    }

    /// The sessions that connections set up since the last call.
    pub(super) fn take_sessions(&mut self) -> Vec<Session> {
        self.shards.iter_mut().flat_map(Shard::take_sessions).collect()
    }

    /// What happened last, and what the shards saw.
    pub(super) fn finish(mut self) -> (Vec<Said>, Vec<ShardSummary>) {
        let summaries = self.shards.iter_mut().map(Shard::summary).collect();
        (self.said, summaries)
    }

    fn each_shard(&mut self, act: impl Fn(&mut Shard, Setting<'_>)) {
        let setting = Setting { input: self.input, policy: self.policy, keys: &self.keys };
        for (place, shard) in self.shards.iter_mut().enumerate() {
            let number = self.index + place * self.count;
            act(shard, setting);
            self.said.extend(shard.take_events().map(|(frame, event)| Said { frame, shard: number, event }));
        }
    }
}
