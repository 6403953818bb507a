//! A worker: a share of the shards, and what they have to say.

use crate::{
    body::BodyPolicy,
    flow::FlowKey,
    packet::Segment,
    shard::{Event, Shard, ShardSummary},
    stream::Mark,
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
    /// Of all workers, those whose number leaves this remainder own a shard.
    index: usize,
    count: usize,
    shards: Vec<Shard>,
    said: Vec<Said>,
}

impl<'p> Worker<'p> {
    /// Worker `index` of `count` for input number `input`.
    pub fn new(index: usize, count: usize, input: u16, policy: &'p dyn BodyPolicy) -> Self {
        let count = count.clamp(1, Shard::COUNT);
        let shards = (index..Shard::COUNT).step_by(count).map(|_| Shard::new()).collect();
        Self { input, policy, index, count, shards, said: Vec::new() }
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
        shard.segment(key, segment, mark, self.input, self.policy);
        if shard.has_events() {
            self.said.extend(shard.take_events().map(|(frame, event)| Said { frame, shard: number, event }));
        }
    }

    /// Whether [`Worker::take`] gives anything.
    pub fn has_something_to_say(&self) -> bool {
        !self.said.is_empty()
    }

    /// What happened since the last call, in the order of frames.
    pub fn take(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// Ends every connection; says what that brought, and what the shards saw.
    pub(super) fn finish(mut self) -> (Vec<Said>, Vec<ShardSummary>) {
        let mut summaries = Vec::with_capacity(self.shards.len());
        for (place, shard) in self.shards.iter_mut().enumerate() {
            let number = self.index + place * self.count;
            summaries.push(shard.finish(self.input, self.policy));
            self.said.extend(shard.take_events().map(|(frame, event)| Said { frame, shard: number, event }));
        }
        (self.said, summaries)
    }
}
