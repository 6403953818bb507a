//! Early data (RFC 8446 §2.3): what a client sends before it knows whether the server will take it.

use super::protection::Sealed;
use crate::stream::Mark;

/// Records of early data, until the server says whether it takes them.
#[derive(Default)]
pub(super) struct Early {
    verdict: Verdict,
    queue: Vec<Queued>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Verdict {
    /// No early data is offered.
    #[default]
    None,
    /// The server has not said.
    Open,
    Taken,
    Refused,
}

/// A record that waits.
pub(super) struct Queued {
    kind: u8,
    version: u16,
    body: Vec<u8>,
    pub(super) mark: Mark,
}

impl Queued {
    pub(super) fn record(&self) -> Sealed<'_> {
        Sealed { kind: self.kind, version: self.version, body: &self.body }
    }
}

/// Bytes of early data that wait. Servers grant 16 KiB by default, some 64.
const MOST: usize = 1 << 17;

impl Early {
    /// A client says that early data follows.
    pub(super) fn offer(&mut self) {
        if self.verdict == Verdict::None {
            self.verdict = Verdict::Open;
        }
    }

    /// Whether records are to be queued.
    pub(super) fn is_open(&self) -> bool {
        self.verdict == Verdict::Open
    }

    /// Whether the server took early data.
    pub(super) fn is_taken(&self) -> bool {
        self.verdict == Verdict::Taken
    }

    /// Whether the server threw early data away.
    pub(super) fn is_refused(&self) -> bool {
        self.verdict == Verdict::Refused
    }

    /// Queues a record; `false` where there is no room.
    pub(super) fn queue(&mut self, record: Sealed<'_>, mark: Mark) -> bool {
        let room = self.bytes + record.body.len() <= MOST;
        if room {
            self.bytes += record.body.len();
            let Sealed { kind, version, body } = record;
            self.queue.push(Queued { kind, version, body: body.to_vec(), mark });
        }
        room
    }

    /// The server has said; gives what was queued.
    pub(super) fn settle(&mut self, taken: bool) -> Vec<Queued> {
        if self.is_open() {
            self.verdict = if taken { Verdict::Taken } else { Verdict::Refused };
        }
        self.bytes = 0;
        std::mem::take(&mut self.queue)
    }
}
