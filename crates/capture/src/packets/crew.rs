//! Several threads for one packet capture: this one splits the frames by connection, each worker reads its share.
//!
//! Payloads stay where they are: workers share a chunk and know the ranges that are theirs. What they say of a chunk is
//! merged before what they say of the next, so the result is that of one thread.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{
        Arc,
        mpsc::{self, Receiver, SyncSender},
    },
    thread::{self, Scope, ScopedJoinHandle},
};

use authtrace_parse::{Exchange, KeyLog, Merger, Said, Segment, Worker, stream::Mark};

use super::{
    PacketReader, Placed,
    keys::Known,
    pipeline::{Link, PacketReport},
};
use crate::{buffers::Spent, chunk::Chunk, input::Plan};

/// Chunks that are read at a time: enough that no worker waits, few enough to stay in memory that is warm.
const UNDER_WAY: usize = 4;

/// Reads a packet capture with several workers.
pub(super) fn read(
    plan: &Plan<'_>,
    mut known: Known,
    chunks: impl Iterator<Item = Chunk>,
    spent: &Spent,
    sink: &mut dyn FnMut(Exchange),
) -> PacketReport {
    let mut frames = PacketReader::new();
    let mut link = Link::new(plan);
    let mut merger = Merger::new(plan.first_id);
    thread::scope(|scope| {
        let mut crew = Crew::new(scope, plan, &known.log);
        let mut take = |chunk: &[u8], batches: &mut Batches, placed: Placed<'_>| {
            if known.meet(placed.secrets) {
                batches.learn(&known.log);
            }
            link.frame(&placed.frame, |segment, mark| batches.add(chunk, segment, mark));
        };
        for chunk in chunks {
            let mut batches = crew.batches();
            let bytes = match chunk {
                Chunk::Pause => {
                    crew.merge_all(&mut merger, spent, sink);
                    continue;
                }
                Chunk::Bytes(bytes) => {
                    frames.push(&bytes, &mut |placed| take(&bytes, &mut batches, placed));
                    bytes
                }
                Chunk::NextFile => {
                    frames.next_file(&mut |placed| take(&[], &mut batches, placed));
                    Vec::new()
                }
            };
            crew.send(bytes, batches);
            if crew.under_way.len() == UNDER_WAY {
                crew.merge_first(&mut merger, spent, sink);
            }
        }
        let mut batches = crew.batches();
        let container = frames.finish(&mut |placed| take(&[], &mut batches, placed));
        if known.meet(&container.secrets) {
            batches.learn(&known.log);
        }
        crew.send(Vec::new(), batches);
        crew.merge_all(&mut merger, spent, sink);
        PacketReport::new(container, link, &known, merger.finish(crew.dismiss(), sink))
    })
}

/// The workers of one capture.
struct Crew<'scope, 'p> {
    hands: Vec<Hand<'scope, 'p>>,
    /// Chunks that the workers have, the oldest first.
    under_way: VecDeque<Arc<Vec<u8>>>,
}

/// One worker's thread.
struct Hand<'scope, 'p> {
    orders: SyncSender<(Arc<Vec<u8>>, Batch)>,
    said: Receiver<Vec<Said>>,
    thread: ScopedJoinHandle<'scope, Worker<'p>>,
}

impl<'scope, 'p: 'scope> Crew<'scope, 'p> {
    fn new<'env>(scope: &'scope Scope<'scope, 'env>, plan: &Plan<'p>, keys: &Arc<KeyLog>) -> Self {
        let count = plan.workers();
        let hand = |index| {
            let (orders, received) = mpsc::sync_channel::<(Arc<Vec<u8>>, Batch)>(UNDER_WAY);
            let (say, said) = mpsc::channel();
            let mut worker = Worker::new(index, count, plan.index, plan.policy, Arc::clone(keys));
            let thread = scope.spawn(move || {
                for (chunk, batch) in received {
                    batch.read(&chunk, &mut worker);
                    // Given back before the answer: whoever gets the answer may use the chunk again.
                    drop(chunk);
                    if say.send(worker.take()).is_err() {
                        break;
                    }
                }
                worker
            });
            Hand { orders, said, thread }
        };
        Self { hands: (0..count).map(hand).collect(), under_way: VecDeque::new() }
    }

    fn batches(&self) -> Batches {
        Batches(self.hands.iter().map(|_| Batch::default()).collect())
    }

    fn send(&mut self, chunk: Vec<u8>, batches: Batches) {
        let chunk = Arc::new(chunk);
        for (hand, batch) in self.hands.iter().zip(batches.0) {
            // A worker ends early only by a panic, which joining it passes on.
            let _ = hand.orders.send((Arc::clone(&chunk), batch));
        }
        self.under_way.push_back(chunk);
    }

    /// Waits for the oldest chunk and merges what was said of it.
    fn merge_first(&mut self, merger: &mut Merger, spent: &Spent, sink: &mut dyn FnMut(Exchange)) {
        let said: Vec<Vec<Said>> = self.hands.iter().map(|hand| hand.said.recv().unwrap_or_default()).collect();
        merger.merge(said, sink);
        if let Some(chunk) = self.under_way.pop_front().and_then(Arc::into_inner) {
            spent.give_back(chunk);
        }
    }

    /// Waits for all chunks that the workers have.
    fn merge_all(&mut self, merger: &mut Merger, spent: &Spent, sink: &mut dyn FnMut(Exchange)) {
        while !self.under_way.is_empty() {
            self.merge_first(merger, spent, sink);
        }
    }

    fn dismiss(self) -> Vec<Worker<'p>> {
        let join = |hand: Hand<'scope, 'p>| {
            drop(hand.orders);
            hand.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        self.hands.into_iter().map(join).collect()
    }
}

/// The segments of one chunk, by worker.
struct Batches(Vec<Batch>);

impl Batches {
    fn add(&mut self, chunk: &[u8], segment: &Segment<'_>, mark: Mark) {
        let owner = Worker::of(segment, self.0.len());
        self.0[owner].add(chunk, segment, mark);
    }

    /// What follows is read with these secrets.
    fn learn(&mut self, keys: &Arc<KeyLog>) {
        for batch in &mut self.0 {
            batch.keys.push((batch.segments.len(), Arc::clone(keys)));
        }
    }
}

/// The segments of one chunk for one worker.
#[derive(Default)]
struct Batch {
    segments: Vec<Kept>,
    /// Payloads that do not lie in the chunk: of a record that crosses chunks, of a datagram put together from fragments.
    own: Vec<u8>,
    /// Secrets, each with the number of segments in front of them.
    keys: Vec<(usize, Arc<KeyLog>)>,
}

impl Batch {
    fn read(self, chunk: &[u8], worker: &mut Worker<'_>) {
        let mut done = 0;
        for (until, keys) in self.keys {
            self.segments[done..until].iter().for_each(|kept| kept.read(chunk, &self.own, worker));
            worker.learn(keys);
            done = until;
        }
        self.segments[done..].iter().for_each(|kept| kept.read(chunk, &self.own, worker));
    }

    fn add(&mut self, chunk: &[u8], segment: &Segment<'_>, mark: Mark) {
        let place = match range_in(chunk, segment.payload) {
            Some(range) => Place::Chunk(range),
            None => {
                let start = self.own.len();
                self.own.extend_from_slice(segment.payload);
                Place::Own(start..self.own.len())
            }
        };
        self.segments.push(Kept { segment: Segment { payload: &[], ..*segment }, place, mark });
    }
}

/// A segment whose payload lies elsewhere.
struct Kept {
    segment: Segment<'static>,
    place: Place,
    mark: Mark,
}

enum Place {
    Chunk(Range<usize>),
    Own(Range<usize>),
}

impl Kept {
    fn read(&self, chunk: &[u8], own: &[u8], worker: &mut Worker<'_>) {
        let payload = match &self.place {
            Place::Chunk(range) => chunk.get(range.clone()),
            Place::Own(range) => own.get(range.clone()),
        };
        worker.segment(&Segment { payload: payload.unwrap_or_default(), ..self.segment }, self.mark);
    }
}

/// Where `part` lies in `whole`, if it does.
fn range_in(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= whole.len()).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_part_in_its_whole_only() {
        let whole = b"0123456789".to_vec();
        let other = b"345".to_vec();
        assert_eq!(range_in(&whole, &whole[3..6]), Some(3..6));
        assert_eq!(range_in(&whole, &other), None);
        assert_eq!(range_in(&whole[..4], &whole[3..6]), None);
    }
}
