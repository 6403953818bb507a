//! One TLS connection: both directions read record by record, and opened where a key log has the secrets.

use super::{
    TlsConnection, Unread,
    content::Content,
    direction::{Cover, Direction},
    early::Early,
    facts::Facts,
    handshake::Handshake,
    hold::Hold,
    keylog::{KeyLog, Outlook},
};
use crate::{
    anomaly::AnomalyKind,
    conversation::{Ends, Scene},
    exchange::TcpConnection,
    http1::head::Side,
    stream::{Mark, Piece},
    time::Timestamp,
};

/// Both directions of a TLS connection.
pub(crate) struct Connection {
    first: Option<Timestamp>,
    pub(super) facts: Facts,
    pub(super) handshake: Handshake,
    pub(super) client: Direction,
    pub(super) server: Direction,
    pub(super) early: Early,
    pub(super) content: Content,
    /// What was said so far, while secrets may still come.
    hold: Option<Hold>,
    /// What was known of the key log when a secret was looked for in vain, if one may still come.
    waiting: Option<u64>,
    pub(super) unread: Option<Unread>,
    /// Bytes that may still be spent on finding out how many records are missing.
    pub(super) trials: u64,
    pub(super) plain: Vec<u8>,
}

/// A connection that ended while its secrets may still come.
pub(crate) struct Waiting {
    connection: Box<Connection>,
    pub(crate) ends: Ends,
    /// What tells the connection from others.
    pub(crate) name: TcpConnection,
    last: Mark,
}

impl Waiting {
    /// Looks for the secrets again, and ends the connection anew.
    pub(crate) fn retry(mut self, scene: &mut Scene<'_>) {
        self.connection.retry(scene);
        self.connection.finish(self.last, scene);
    }
}

/// Bytes that may be spent on finding out how many records of a connection are missing.
const TRIALS: u64 = 64 << 20;

impl Connection {
    /// A connection whose first bytes came at `mark`.
    pub(crate) fn new(mark: Mark, keys: &KeyLog) -> Self {
        Self::begun(mark.time, keys)
    }

    fn begun(first: Option<Timestamp>, keys: &KeyLog) -> Self {
        let may_come = match keys.outlook() {
            Outlook::Final => false,
            Outlook::Sessions => !keys.is_empty(),
            Outlook::Secrets => true,
        };
        Self {
            first,
            facts: Facts::default(),
            handshake: Handshake::default(),
            client: Direction::default(),
            server: Direction::default(),
            early: Early::default(),
            content: Content::default(),
            hold: may_come.then(Hold::default),
            waiting: None,
            unread: None,
            trials: TRIALS,
            plain: Vec::new(),
        }
    }

    /// Whether it yields exchanges.
    pub(crate) fn is_read(&self) -> bool {
        self.content.yields_exchanges()
    }

    /// Takes the next piece of what `side` sent.
    pub(crate) fn piece(&mut self, side: Side, piece: Piece<'_>, mark: Mark, scene: &mut Scene<'_>) {
        if self.waiting.is_some_and(|generation| generation != scene.keys.generation()) {
            self.retry(scene);
        }
        if let Some(hold) = &mut self.hold
            && !hold.add(side, piece, mark, scene.outbox)
        {
            scene.note(AnomalyKind::UndecryptedLimit);
            self.give_up_waiting(scene);
        }
        self.read(side, piece, mark, scene);
    }

    /// What `side` sent has ended.
    pub(crate) fn close(&mut self, side: Side, mark: Mark, scene: &mut Scene<'_>) {
        self.content.close(side, mark, scene);
    }

    /// Nothing more will come: says what was not read.
    pub(crate) fn finish(mut self: Box<Self>, mark: Mark, scene: &mut Scene<'_>) {
        if self.waiting.is_some() && scene.keys.outlook() > Outlook::Final {
            let (ends, name) = (scene.ends, scene.connection);
            scene.outbox.wait(Waiting { connection: self, ends, name, last: mark });
            return;
        }
        self.give_up_waiting(scene);
        for queued in self.early.settle(false) {
            self.content.gap(Side::Client, queued.record().body.len() as u64, mark, scene);
        }
        for side in [Side::Client, Side::Server] {
            let lost = self.direction(side).records.lost().unwrap_or(0);
            if !self.direction(side).is_shaking_hands() {
                self.content.gap(side, lost, mark, scene);
            }
        }
        self.content.finish(mark, scene);
        (*self).tell(scene);
    }

    /// Says what became of the connection.
    fn tell(self, scene: &mut Scene<'_>) {
        let (read, partly) = (self.content.is_read(), self.content.is_partial);
        let alerts = [self.client.alerts, self.server.alerts].concat();
        let unread = self.unread.unwrap_or(if partly { Unread::NotOpened } else { Unread::NoContent });
        let opened = !matches!(self.client.cover, Cover::Clear) && !matches!(self.server.cover, Cover::Clear);
        // Browsers open connections that they then do not need.
        let unused = unread == Unread::NoContent && opened && alerts.is_empty();
        // Bytes that are not in the capture are no matter of keys: the exchanges say what they miss.
        if unused || (read && self.unread.is_none()) {
            scene.outbox.decrypted();
            return;
        }
        let (alpn, alpn_chosen) = self.facts.alpn();
        scene.outbox.opaque(TlsConnection {
            client: scene.ends.client,
            server: scene.ends.server,
            server_name: self.facts.server_name,
            alpn,
            alpn_chosen,
            version: self.facts.version,
            alerts: alerts.into(),
            first: self.first,
            sent: self.client.bytes,
            received: self.server.bytes,
            unread,
            partly: read,
        });
    }

    pub(super) fn direction(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// No secret is at hand: the connection waits, if one may still come. `resumes` tells of a session that another
    /// connection may have set up.
    pub(super) fn may_wait(&mut self, resumes: bool, keys: &KeyLog) -> bool {
        let may_come = match keys.outlook() {
            Outlook::Final => false,
            Outlook::Sessions => resumes,
            Outlook::Secrets => true,
        };
        if may_come && self.hold.is_some() {
            self.waiting.get_or_insert(keys.generation());
            return true;
        }
        false
    }

    /// What was held back is not needed any more.
    pub(super) fn give_up_waiting(&mut self, scene: &mut Scene<'_>) {
        self.waiting = None;
        if let Some(mut hold) = self.hold.take() {
            hold.release(scene.outbox);
        }
    }

    /// Reads everything again, with what is known now.
    fn retry(&mut self, scene: &mut Scene<'_>) {
        let Some(mut hold) = self.hold.take() else { return };
        hold.release(scene.outbox);
        *self = Self::begun(self.first, scene.keys);
        hold.each(|side, piece, mark| self.piece(side, piece, mark, scene));
    }
}
