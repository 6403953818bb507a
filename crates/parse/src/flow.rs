//! One TCP connection: two streams, put in a common order, and the conversation that they carry.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU64,
};

use crate::{
    anomaly::AnomalyKind,
    conversation::{Conversation, Ends, Scene},
    exchange::TcpConnection,
    http1::head::Side,
    packet::Segment,
    stream::{FirstHeld, Mark, Payload, Piece, Sink, Stream},
};

/// A connection's endpoints, whichever sent a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FlowKey {
    low: End,
    high: End,
}

/// An address and port as numbers: every segment's are hashed and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct End {
    address: u128,
    /// The port, and above it whether the address is of IPv6.
    port: u32,
}

impl End {
    fn of(socket: SocketAddr) -> Self {
        let port = u32::from(socket.port());
        match socket.ip() {
            IpAddr::V4(address) => Self { address: u128::from(address.to_bits()), port },
            IpAddr::V6(address) => Self { address: address.to_bits(), port: 1 << 16 | port },
        }
    }
}

impl FlowKey {
    /// The key of the connection that `segment` belongs to.
    pub(crate) fn of(segment: &Segment<'_>) -> Self {
        let (source, destination) = (End::of(segment.source), End::of(segment.destination));
        Self { low: source.min(destination), high: source.max(destination) }
    }
}

/// Frames for which bytes that the peer acknowledged may still turn up: captures on several queues shuffle frames, but
/// not by more than a few dozen.
const SHUFFLE: u32 = 128;

/// One direction.
#[derive(Default)]
struct Direction {
    stream: Stream,
    /// Sequence number of its SYN.
    opening: Option<u32>,
    /// Frame at which bytes were first missing that the peer has.
    missing_since: Option<u32>,
    /// Whether the conversation was told of its end.
    closed: bool,
}

/// A connection under reassembly.
pub(crate) struct Flow {
    /// The end that opened the connection, or, in a capture that begins later, spoke first; then the other.
    ends: Ends,
    client: Direction,
    server: Direction,
    conversation: Conversation,
    pub(crate) first: Mark,
    pub(crate) last: Mark,
    /// Frame at which both ends had closed it, or one reset it.
    pub(crate) closing: Option<u32>,
}

impl Flow {
    /// A connection whose first segment is `segment`.
    pub(crate) fn new(segment: &Segment<'_>, mark: Mark) -> Self {
        let answers = segment.flags.syn && segment.acknowledgment.is_some();
        let ends = if answers {
            Ends { client: segment.destination, server: segment.source }
        } else {
            Ends { client: segment.source, server: segment.destination }
        };
        let mut conversation = Conversation::default();
        if !segment.flags.syn {
            conversation.begins_mid_stream();
        }
        Self {
            ends,
            client: Direction::default(),
            server: Direction::default(),
            conversation,
            first: mark,
            last: mark,
            closing: None,
        }
    }

    /// Who is presumed to be client and server.
    pub(crate) fn ends(&self) -> Ends {
        self.ends
    }

    /// What tells it from other connections.
    pub(crate) fn name(&self) -> TcpConnection {
        let opening = self.client.opening.zip(self.server.opening);
        let opening = opening.map(|(a, b)| u64::from(a.min(b)) << 32 | u64::from(a.max(b)));
        TcpConnection { first_frame: self.first.frame, opening: opening.and_then(NonZeroU64::new) }
    }

    /// Whether `segment` opens another connection between the same ports.
    pub(crate) fn is_reopened_by(&self, segment: &Segment<'_>) -> bool {
        segment.flags.syn && !self.direction(self.side(segment)).stream.opened_by(segment.sequence)
    }

    /// Takes the next segment.
    pub(crate) fn segment(&mut self, segment: &Segment<'_>, mark: Mark, scene: &mut Scene<'_>) {
        self.last = mark;
        let side = self.side(segment);
        let (own, peer) = self.directions(side);
        // An answer waits for the question: what an end says now it says after what it has acknowledged.
        let after = segment.acknowledgment.map_or(0, |number| peer.stream.acknowledge(number));
        let delivered = peer.stream.position();
        let mut sequence = segment.sequence;
        if segment.flags.syn {
            own.stream.open(sequence);
            own.opening.get_or_insert(sequence);
            sequence = sequence.wrapping_add(1);
        }
        if !self.conversation.is_foreign() && (!segment.payload.is_empty() || segment.cut > 0) {
            let payload = Payload { bytes: segment.payload, cut: segment.cut, after };
            self.feed(side, scene, |stream, sink| stream.push(sequence, payload, mark, delivered, sink));
        }
        if segment.flags.fin {
            let length = u32::try_from(segment.payload.len()).unwrap_or(u32::MAX).wrapping_add(segment.cut);
            let own = self.directions(side).0;
            own.stream.close(sequence.wrapping_add(length));
        }
        self.settle(mark, scene);
        let over = segment.flags.rst || (self.client.stream.is_closed() && self.server.stream.is_closed());
        if over {
            self.closing.get_or_insert(mark.frame);
        }
    }

    /// Bytes that wait for missing ones.
    pub(crate) fn held_bytes(&self) -> usize {
        self.client.stream.held_bytes() + self.server.stream.held_bytes()
    }

    /// Delivers what is held, holes as gaps: nothing that is missing will be waited for.
    pub(crate) fn give_up_waiting(&mut self, scene: &mut Scene<'_>) {
        let mark = self.last;
        while !self.conversation.is_foreign() {
            let next = self.earliest(|held, peer| held.after <= peer).or_else(|| self.earliest(|_, _| true));
            let Some((side, held)) = next else { break };
            if held.is_next || !self.skip_hole(side, mark, scene) {
                self.deliver_held(side, scene);
            }
        }
    }

    /// Delivers what is held and ends the conversation.
    pub(crate) fn finish(&mut self, scene: &mut Scene<'_>) {
        let mark = self.last;
        self.give_up_waiting(scene);
        for side in [Side::Client, Side::Server] {
            self.skip_hole(side, mark, scene);
            self.feed(side, scene, |stream, sink| stream.skip_to_end(mark, sink));
        }
        if self.conversation.is_read() && self.client.stream.is_open() != self.server.stream.is_open() {
            scene.note(AnomalyKind::OneSidedConnection);
        }
        self.conversation.finish(mark, scene);
    }

    /// Steps over holes that will not be filled, delivers what waited, and tells of ends that were reached.
    fn settle(&mut self, mark: Mark, scene: &mut Scene<'_>) {
        if self.conversation.is_foreign() {
            return;
        }
        for side in [Side::Client, Side::Server] {
            let own = self.directions(side).0;
            if !own.stream.misses_acknowledged() {
                own.missing_since = None;
            } else if mark.frame.saturating_sub(*own.missing_since.get_or_insert(mark.frame)) >= SHUFFLE {
                own.missing_since = None;
                self.skip_hole(side, mark, scene);
            }
        }
        self.deliver_in_order(mark, scene);
        for side in [Side::Client, Side::Server] {
            let (own, conversation) = self.speaker(side);
            if own.stream.is_complete() && !own.closed {
                own.closed = true;
                conversation.close(side, mark, scene);
            }
        }
    }

    /// Delivers what is held of both directions, in the order of the frames that brought it, as far as nothing is missing.
    fn deliver_in_order(&mut self, mark: Mark, scene: &mut Scene<'_>) {
        loop {
            if let Some((side, _)) = self.earliest(|held, peer| held.is_next && held.after <= peer) {
                self.deliver_held(side, scene);
                continue;
            }
            let full = [Side::Client, Side::Server].into_iter().find(|side| self.direction(*side).stream.is_overfull());
            let Some(side) = full else { return };
            scene.note(AnomalyKind::ReassemblyLimit);
            if !self.skip_hole(side, mark, scene) {
                self.deliver_held(side, scene);
            }
        }
    }

    /// The direction whose first held segment was captured first, among those that `may` go on, given how far the peer
    /// was delivered; and that segment.
    fn earliest(&self, may: impl Fn(&FirstHeld, u64) -> bool) -> Option<(Side, FirstHeld)> {
        let candidate = |side: Side, peer: &Direction| {
            let held = self.direction(side).stream.first_held()?;
            may(&held, peer.stream.position()).then_some((side, held))
        };
        let candidates = [candidate(Side::Client, &self.server), candidate(Side::Server, &self.client)];
        candidates.into_iter().flatten().min_by_key(|(_, held)| held.frame)
    }

    fn deliver_held(&mut self, side: Side, scene: &mut Scene<'_>) {
        self.feed(side, scene, |stream, sink| stream.deliver_held(sink));
    }

    fn skip_hole(&mut self, side: Side, mark: Mark, scene: &mut Scene<'_>) -> bool {
        self.feed(side, scene, |stream, sink| stream.skip_hole(mark, sink))
    }

    /// Lets `step` deliver pieces of the stream of `side` to the conversation.
    fn feed<T>(&mut self, side: Side, scene: &mut Scene<'_>, step: impl FnOnce(&mut Stream, &mut dyn Sink) -> T) -> T {
        let (own, conversation) = self.speaker(side);
        step(&mut own.stream, &mut |piece: Piece<'_>, mark: Mark| conversation.piece(side, piece, mark, scene))
    }

    fn side(&self, segment: &Segment<'_>) -> Side {
        if segment.source == self.ends.client { Side::Client } else { Side::Server }
    }

    fn direction(&self, side: Side) -> &Direction {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    /// The direction of `side` and that of its peer.
    fn directions(&mut self, side: Side) -> (&mut Direction, &mut Direction) {
        match side {
            Side::Client => (&mut self.client, &mut self.server),
            Side::Server => (&mut self.server, &mut self.client),
        }
    }

    /// The direction of `side` and the conversation that it feeds.
    fn speaker(&mut self, side: Side) -> (&mut Direction, &mut Conversation) {
        match side {
            Side::Client => (&mut self.client, &mut self.conversation),
            Side::Server => (&mut self.server, &mut self.conversation),
        }
    }
}
