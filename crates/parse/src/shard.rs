//! A share of a capture's connections: a bounded table of flows, and the outbox for what they yield.
//!
//! Connections are spread over a fixed number of shards, whatever the number of threads, so every bound and every
//! eviction falls on the same connection in every run.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::{
    anomaly::AnomalyKind,
    body::BodyPolicy,
    conversation::{Ends, Scene},
    exchange::{Exchange, TcpConnection},
    flow::{Flow, FlowKey},
    packet::Segment,
    stream::Mark,
    target::Scheme,
    tls::{KeyLog, TlsConnection, Waiting, keylog::Session},
};

/// What is the same for all connections of a capture.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'s> {
    pub(crate) input: u16,
    pub(crate) policy: &'s dyn BodyPolicy,
    pub(crate) keys: &'s KeyLog,
}

/// Number of a request within its shard, in the order in which requests begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(u32);

/// What a shard has to say, in the order of the frames that made it say so.
pub(crate) enum Event {
    /// A request is complete: it gets the next exchange number.
    Requested(Ticket),
    /// An exchange is as complete as it will be.
    Exchange(Ticket, Box<Exchange>),
}

/// What the flows of a shard yield.
#[derive(Default)]
pub(crate) struct Outbox {
    /// Frame being read.
    now: u32,
    next: u32,
    events: Vec<(u32, Event)>,
    notes: BTreeMap<AnomalyKind, u64>,
    opaque: Vec<TlsConnection>,
    opaque_count: u64,
    decrypted_count: u64,
    /// Connections that ended before their secrets came.
    waiting: Vec<Waiting>,
    /// Bytes that wait for secrets, in all connections.
    reserved: usize,
    /// Sessions that connections set up, for those who resume them.
    sessions: Vec<Session>,
}

impl Outbox {
    /// Bytes that may wait for secrets in one shard: 128 MiB in all.
    const RESERVED: usize = 8 << 20;
    /// Sessions kept of one shard.
    const SESSIONS: usize = 1 << 14;

    /// TLS connections described one by one; beyond it they are counted.
    const OPAQUE: usize = 1024;

    pub(crate) fn ticket(&mut self) -> Ticket {
        let ticket = Ticket(self.next);
        self.next = self.next.wrapping_add(1);
        ticket
    }

    pub(crate) fn requested(&mut self, ticket: Ticket) {
        self.events.push((self.now, Event::Requested(ticket)));
    }

    pub(crate) fn deliver(&mut self, ticket: Ticket, exchange: Exchange) {
        self.events.push((self.now, Event::Exchange(ticket, Box::new(exchange))));
    }

    pub(crate) fn note(&mut self, kind: AnomalyKind) {
        *self.notes.entry(kind).or_default() += 1;
    }

    /// A TLS connection was read as a whole.
    pub(crate) fn decrypted(&mut self) {
        self.decrypted_count += 1;
    }

    /// Makes room for bytes that wait for their secrets; `false` where there is none.
    pub(crate) fn reserve(&mut self, bytes: usize) -> bool {
        let room = self.reserved + bytes <= Self::RESERVED;
        if room {
            self.reserved += bytes;
        }
        room
    }

    /// Gives room back.
    pub(crate) fn release(&mut self, bytes: usize) {
        self.reserved = self.reserved.saturating_sub(bytes);
    }

    /// A connection ended before its secrets came.
    pub(crate) fn wait(&mut self, waiting: Waiting) {
        self.waiting.push(waiting);
    }

    /// A connection set up sessions.
    pub(crate) fn set_up(&mut self, sessions: Vec<Session>) {
        let room = Self::SESSIONS.saturating_sub(self.sessions.len());
        self.sessions.extend(sessions.into_iter().take(room));
    }

    pub(crate) fn opaque(&mut self, connection: TlsConnection) {
        self.opaque_count += 1;
        if self.opaque.len() < Self::OPAQUE {
            self.opaque.push(connection);
        }
    }
}

/// What a shard saw, beside its exchanges.
#[derive(Default)]
pub(crate) struct ShardSummary {
    pub(crate) notes: BTreeMap<AnomalyKind, u64>,
    pub(crate) opaque: Vec<TlsConnection>,
    pub(crate) opaque_count: u64,
    pub(crate) decrypted_count: u64,
}

/// A share of the connections.
pub(crate) struct Shard {
    flows: HashMap<FlowKey, Box<Flow>, foldhash::fast::RandomState>,
    /// Every flow once, with the frame at which it was queued: the one in front is the next to go, unless it was used since.
    queue: VecDeque<(FlowKey, u32)>,
    /// Flows that ended, with the frame at which they did.
    closing: VecDeque<(FlowKey, u32)>,
    /// Bytes that wait for missing ones, in all connections.
    held: usize,
    outbox: Outbox,
}

impl Shard {
    /// Shards of a capture.
    pub(crate) const COUNT: usize = 16;
    /// Connections that one shard keeps at a time: 65,536 in all, some 40 MB.
    const FLOWS: usize = 4096;
    /// Bytes that may wait for missing ones in one shard: 128 MiB in all.
    const HELD_BYTES: usize = 8 << 20;
    /// Frames that a connection is kept after its end, for what comes late or twice.
    const LINGER: u32 = 1024;
    /// Capture time after which a silent connection is not waited for, in nanoseconds: longer than the idle timeouts
    /// of browsers (5 min) and of common proxies.
    const IDLE: i64 = 10 * 60 * 1_000_000_000;

    pub(crate) fn new() -> Self {
        Self {
            flows: HashMap::default(),
            queue: VecDeque::new(),
            closing: VecDeque::new(),
            held: 0,
            outbox: Outbox::default(),
        }
    }

    /// Which shard keeps a connection: the same in every run.
    pub(crate) fn of(key: &FlowKey) -> usize {
        use std::hash::BuildHasher as _;
        let hash = foldhash::fast::FixedState::default().hash_one(key);
        // The table inside uses the low bits.
        (hash >> 60) as usize % Self::COUNT
    }

    /// Takes a segment of a connection of this shard.
    pub(crate) fn segment(&mut self, key: FlowKey, segment: &Segment<'_>, mark: Mark, setting: Setting<'_>) {
        self.outbox.now = mark.frame;
        self.expire(mark, setting);
        let known = self.flows.get(&key).map(|flow| !flow.is_reopened_by(segment));
        if known != Some(true) && !self.begin(key, known.is_some(), segment, mark, setting) {
            return;
        }
        let Some(flow) = self.flows.get_mut(&key) else { return };
        let open = flow.closing.is_none();
        let mut scene = scene(setting, flow.ends(), flow.name(), &mut self.outbox);
        let before = flow.held_bytes();
        flow.segment(segment, mark, &mut scene);
        if self.held + flow.held_bytes() > before + Self::HELD_BYTES {
            flow.give_up_waiting(&mut scene);
            scene.note(AnomalyKind::ReassemblyLimit);
        }
        self.held = (self.held + flow.held_bytes()).saturating_sub(before);
        if open && flow.closing.is_some() {
            self.closing.push_back((key, mark.frame));
        }
    }

    /// Begins a connection, in place of an earlier one between the same ports where `reopened`; `false` where `segment` tells
    /// of none.
    fn begin(&mut self, key: FlowKey, reopened: bool, segment: &Segment<'_>, mark: Mark, setting: Setting<'_>) -> bool {
        if reopened {
            self.remove(&key, setting);
        } else if !segment.flags.syn && segment.payload.is_empty() && segment.cut == 0 {
            return false;
        }
        self.make_room(mark, setting);
        self.enqueue(key, mark.frame);
        self.flows.insert(key, Box::new(Flow::new(segment, mark)));
        true
    }

    /// Ends every connection, in the order in which they began. Those whose secrets may still come wait.
    pub(crate) fn end_flows(&mut self, setting: Setting<'_>) {
        let mut flows: Vec<(FlowKey, Box<Flow>)> = self.flows.drain().collect();
        flows.sort_unstable_by_key(|(_, flow)| flow.first.frame);
        for (_, mut flow) in flows {
            // Behind every frame, and among shards in the order of the connections.
            self.outbox.now = flow.first.frame;
            let mut scene = scene(setting, flow.ends(), flow.name(), &mut self.outbox);
            flow.finish(&mut scene);
        }
    }

    /// The sessions that connections set up since the last call.
    pub(crate) fn take_sessions(&mut self) -> Vec<Session> {
        std::mem::take(&mut self.outbox.sessions)
    }

    /// Reads the connections that waited for secrets, with those that are known now.
    pub(crate) fn retry_waiting(&mut self, setting: Setting<'_>) {
        let mut waiting = std::mem::take(&mut self.outbox.waiting);
        waiting.sort_by_key(|waiting| waiting.name.first_frame);
        for waiting in waiting {
            self.outbox.now = waiting.name.first_frame;
            let mut scene = scene(setting, waiting.ends, waiting.name, &mut self.outbox);
            waiting.retry(&mut scene);
        }
    }

    /// What was seen beside exchanges.
    pub(crate) fn summary(&mut self) -> ShardSummary {
        ShardSummary {
            notes: std::mem::take(&mut self.outbox.notes),
            opaque: std::mem::take(&mut self.outbox.opaque),
            opaque_count: self.outbox.opaque_count,
            decrypted_count: self.outbox.decrypted_count,
        }
    }

    /// What was said since the last call, each with the frame that it belongs to.
    pub(crate) fn take_events(&mut self) -> std::vec::Drain<'_, (u32, Event)> {
        self.outbox.events.drain(..)
    }

    /// Whether there is something to take.
    pub(crate) fn has_events(&self) -> bool {
        !self.outbox.events.is_empty()
    }

    /// Ends the connections whose time to linger is over.
    fn expire(&mut self, mark: Mark, setting: Setting<'_>) {
        while let Some((key, closed)) = self.closing.front().copied() {
            if mark.frame.saturating_sub(closed) < Self::LINGER {
                return;
            }
            self.closing.pop_front();
            // The ports may have been used again since.
            if self.flows.get(&key).is_some_and(|flow| flow.closing == Some(closed)) {
                self.remove(&key, setting);
            }
        }
    }

    /// Makes room for one more connection: idle ones go first, then, in a full table, whichever was silent longest.
    fn make_room(&mut self, mark: Mark, setting: Setting<'_>) {
        let now = mark.time;
        while let Some((key, queued)) = self.queue.front().copied() {
            let full = self.flows.len() >= Self::FLOWS;
            let Some(flow) = self.flows.get(&key).filter(|flow| flow.first.frame <= queued) else {
                // Gone already, or gone and begun anew, and then queued anew, too.
                self.queue.pop_front();
                continue;
            };
            let idle = now.zip(flow.last.time).is_some_and(|(now, last)| now.nanos_since(last) > Self::IDLE);
            if !full && !idle {
                return;
            }
            self.queue.pop_front();
            if flow.last.frame > queued && !idle {
                let used = flow.last.frame;
                self.queue.push_back((key, used));
                continue;
            }
            if !idle {
                self.outbox.note(AnomalyKind::ConnectionLimit);
            }
            self.remove(&key, setting);
        }
    }

    /// Queues a new connection. Entries of connections that are gone are dropped before they outnumber the others.
    fn enqueue(&mut self, key: FlowKey, frame: u32) {
        if self.queue.len() > 2 * Self::FLOWS {
            let flows = &self.flows;
            self.queue.retain(|(key, queued)| flows.get(key).is_some_and(|flow| flow.first.frame <= *queued));
        }
        self.queue.push_back((key, frame));
    }

    fn remove(&mut self, key: &FlowKey, setting: Setting<'_>) {
        if let Some(mut flow) = self.flows.remove(key) {
            self.held = self.held.saturating_sub(flow.held_bytes());
            let mut scene = scene(setting, flow.ends(), flow.name(), &mut self.outbox);
            flow.finish(&mut scene);
        }
    }
}

fn scene<'o>(setting: Setting<'o>, ends: Ends, connection: TcpConnection, outbox: &'o mut Outbox) -> Scene<'o> {
    let Setting { input, policy, keys } = setting;
    Scene { input, ends, connection, scheme: Scheme::Http, depth: 0, policy, keys, security: None, outbox }
}
