//! Tells QUIC connections from each other, over all datagrams of a capture.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
};

use super::{
    QuicConnection, QuicSummary, frames,
    hello::{Assembly, Progress},
    packet::{self, Id, Initial},
    protection::Keys,
};
use crate::{packet::Datagram, stream::Mark};

/// Shortest id by which a client calls a server that it does not know yet (RFC 9000 §7.2).
const SHORTEST_FIRST_ID: usize = 8;

/// By what a client's Initial packets are its own: its addresses and the id that it gave itself, which stays the same when
/// the server asks it to begin again (RFC 9000 §17.2.5.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Path {
    client: SocketAddr,
    server: SocketAddr,
    id: Id,
}

/// A connection that may still say something.
struct Open {
    connection: QuicConnection,
    path: Path,
    /// What the client first called its server: random, so whoever uses it again is the same connection seen elsewhere.
    first_id: Id,
    keys: Box<Keys>,
    /// `None` once the ClientHello was read, or never will be.
    hello: Option<Box<Assembly>>,
}

/// Watches the datagrams of a capture for QUIC connections.
#[derive(Default)]
pub struct QuicWatch {
    /// By age.
    open: BTreeMap<u64, Open>,
    by_path: HashMap<Path, u64, foldhash::fast::RandomState>,
    by_first_id: HashMap<Id, u64, foldhash::fast::RandomState>,
    next: u64,
    summary: QuicSummary,
}

impl QuicWatch {
    /// Connections described one by one; beyond it they are counted.
    pub const DESCRIBED: usize = 1024;
    /// Connections whose Initial packets are recognised at a time: of an older one, a late packet would count as another
    /// connection. Each may hold a ClientHello under way, 32 MiB in all.
    const MOST_OPEN: usize = 1024;

    /// A watch that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next datagram.
    #[inline]
    pub fn datagram(&mut self, datagram: &Datagram<'_>, mark: Mark) {
        // A long header of QUIC: hardly anything else comes so far.
        if datagram.payload.first().is_some_and(|first| first & 0xc0 == 0xc0) {
            self.look(datagram, mark);
        }
    }

    /// Ends watching.
    pub fn finish(mut self) -> QuicSummary {
        while self.close_oldest() {}
        self.summary
    }

    fn look(&mut self, datagram: &Datagram<'_>, mark: Mark) {
        for initial in packet::initials(datagram.payload, datagram.cut) {
            let path = Path { client: datagram.source, server: datagram.destination, id: initial.source };
            let answer = Path { client: datagram.destination, server: datagram.source, id: initial.destination };
            if self.by_path.contains_key(&answer) {
                continue;
            }
            let known = self.by_path.get(&path).or_else(|| self.by_first_id.get(&initial.destination));
            match known.and_then(|number| self.open.get_mut(number)) {
                Some(open) => open.packet(&initial, mark),
                None => self.begin(&initial, path, datagram, mark),
            }
        }
    }

    /// Begins a connection, if `initial` is the first packet of one.
    fn begin(&mut self, initial: &Initial<'_>, path: Path, datagram: &Datagram<'_>, mark: Mark) {
        let first_id = initial.destination;
        if first_id.bytes().len() < SHORTEST_FIRST_ID || !packet::may_begin(datagram.payload.len(), datagram.cut) {
            return;
        }
        let Some(keys) = Keys::of(&initial.dialect, &first_id) else { return };
        let frames = keys.open(initial);
        // Of a packet that the snap length cut, the tag is missing: its version and its lengths must do.
        if frames.is_none() && initial.whole {
            return;
        }
        let connection = QuicConnection {
            client: path.client,
            server: path.server,
            server_name: None,
            alpn: Box::default(),
            version: initial.version,
            first: mark.time,
        };
        let mut open =
            Open { connection, path, first_id, keys: Box::new(keys), hello: Some(Box::new(Assembly::new())) };
        if let Some(frames) = frames {
            open.frames(&frames, mark);
        }
        if self.open.len() == Self::MOST_OPEN {
            self.close_oldest();
        }
        self.by_path.insert(path, self.next);
        self.by_first_id.insert(first_id, self.next);
        self.open.insert(self.next, open);
        self.next += 1;
    }

    fn close_oldest(&mut self) -> bool {
        let Some((number, open)) = self.open.pop_first() else { return false };
        if self.by_path.get(&open.path) == Some(&number) {
            self.by_path.remove(&open.path);
        }
        if self.by_first_id.get(&open.first_id) == Some(&number) {
            self.by_first_id.remove(&open.first_id);
        }
        self.summary.count += 1;
        if self.summary.connections.len() < Self::DESCRIBED {
            self.summary.connections.push(open.connection);
        }
        true
    }
}

impl Open {
    /// Takes a further Initial packet of the client.
    fn packet(&mut self, initial: &Initial<'_>, mark: Mark) {
        if self.hello.is_none() {
            return;
        }
        if let Some(frames) = self.keys.open(initial) {
            return self.frames(&frames, mark);
        }
        // After a Retry, the client begins again under the id that the server gave (RFC 9001 §5.2).
        let again = Keys::of(&initial.dialect, &initial.destination);
        if let Some((keys, frames)) = again.and_then(|keys| keys.open(initial).map(|frames| (keys, frames))) {
            *self.keys = keys;
            self.hello = Some(Box::new(Assembly::new()));
            self.frames(&frames, mark);
        }
    }

    fn frames(&mut self, frames: &[u8], mark: Mark) {
        for piece in frames::crypto(frames) {
            let Some(assembly) = &mut self.hello else { return };
            match assembly.push(&piece, mark) {
                Progress::Partial => {}
                Progress::Unreadable => self.hello = None,
                Progress::Hello(hello) => {
                    self.hello = None;
                    self.connection.server_name = hello.extensions.server_name;
                    self.connection.alpn = hello.extensions.alpn.into();
                }
            }
        }
    }
}
