//! Reading a connection: pieces become records, records are opened, what was inside goes where it belongs.

use super::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Unread,
    connection::Connection,
    direction::Cover,
    epochs::Opened,
    keylog::SecretLabel,
    protection::Sealed,
    records::{Header, Next, Records},
};
use crate::{
    conversation::Scene,
    http1::head::Side,
    stream::{Mark, Piece},
};

/// Records that are taken to be missing at most.
const MOST_MISSING: u64 = 1 << 12;

impl Connection {
    /// Reads the next piece of what `side` sent.
    pub(super) fn read(&mut self, side: Side, piece: Piece<'_>, mark: Mark, scene: &mut Scene<'_>) {
        // The records of a direction are taken out while what they hold is looked at.
        let mut records = std::mem::take(&mut self.direction(side).records);
        match piece {
            Piece::Data(bytes) => {
                self.direction(side).bytes += bytes.len() as u64;
                records.push(bytes);
            }
            Piece::Gap(len) => {
                self.direction(side).bytes += len;
                match records.gap(len) {
                    Some(header) => self.damaged(side, header, mark, scene),
                    None if records.lost().is_some() => self.direction(side).lose_step(),
                    None => {}
                }
            }
        }
        self.read_records(side, &mut records, mark, scene);
        self.direction(side).records = records;
    }

    fn read_records(&mut self, side: Side, records: &mut Records, mark: Mark, scene: &mut Scene<'_>) {
        loop {
            if records.lost().is_some() && matches!(self.direction(side).cover, Cover::Sealed) {
                records.forget();
                return;
            }
            let early = side == Side::Client && self.early.is_open();
            let direction = self.direction(side);
            match records.next(|header| direction.wants(header, early)) {
                Next::Wait => return,
                Next::Record(record) => self.record(side, record, mark, scene),
                Next::Unwanted(header) => self.unwanted(side, header, mark, scene),
                Next::OldHello(body) => self.old_hello(side, body),
                Next::Nonsense => self.direction(side).lose_step(),
                Next::Candidate(record, lost) => {
                    if self.resume(side, record, lost, mark, scene) {
                        records.accept();
                    } else {
                        records.reject();
                    }
                }
            }
        }
    }

    /// Reads a record that stands where it should.
    pub(super) fn record(&mut self, side: Side, record: Sealed<'_>, mark: Mark, scene: &mut Scene<'_>) {
        let header = Header { kind: record.kind, version: record.version, len: record.body.len() };
        if side == Side::Client && self.early.is_open() && record.kind == APPLICATION_DATA {
            if !self.early.queue(record, mark) {
                self.unopened(side, header, mark, scene);
            }
            return;
        }
        let covered = match self.direction(side).cover {
            Cover::Clear => false,
            Cover::Sealed => return self.unwanted(side, header, mark, scene),
            Cover::Keyed(_) => true,
            // A change of cipher means nothing any more (RFC 8446 §5), and an alert may come before there are keys.
            Cover::Tls13(_) => match record.kind {
                CHANGE_CIPHER_SPEC => return,
                kind => kind == APPLICATION_DATA,
            },
        };
        if !covered {
            return match record.kind {
                APPLICATION_DATA => self.unwanted(side, header, mark, scene),
                kind => self.content_of(side, kind, record.body, mark, scene),
            };
        }
        let most = self.direction(side).uncertain;
        match self.open(side, record, most) {
            Some((opened, plain)) => {
                self.content_of(side, opened.kind, &plain, mark, scene);
                self.plain = plain;
            }
            None => self.unopened(side, header, mark, scene),
        }
    }

    /// Tries to come back into step at what may be a record; `lost` bytes went by since the last one.
    fn resume(&mut self, side: Side, record: Sealed<'_>, lost: u64, mark: Mark, scene: &mut Scene<'_>) -> bool {
        if matches!(self.direction(side).cover, Cover::Clear) {
            // A change of cipher may be among what was lost.
            let is_clear = record.kind == CHANGE_CIPHER_SPEC && record.body == [1];
            if is_clear || !self.change_cipher(side, scene) {
                if is_clear {
                    self.record(side, record, mark, scene);
                }
                return true;
            }
        }
        let shaking_hands = self.direction(side).is_shaking_hands();
        let overhead = self.direction(side).overhead();
        let most = (lost / overhead).saturating_add(1).min(MOST_MISSING);
        let Some((opened, plain)) = self.open(side, record, most) else { return false };
        if !shaking_hands || opened.skipped > 0 {
            // At least something was there.
            let content = lost.saturating_sub(opened.skipped.saturating_mul(overhead)).max(1);
            self.content.gap(side, content, mark, scene);
        }
        self.content_of(side, opened.kind, &plain, mark, scene);
        self.plain = plain;
        true
    }

    /// Opens a record; up to `most` before it may be missing, as far as there is time to find out.
    fn open(&mut self, side: Side, record: Sealed<'_>, most: u64) -> Option<(Opened, Vec<u8>)> {
        let cost = record.body.len() as u64 + 64;
        let most = most.min(self.trials / cost);
        let mut plain = std::mem::take(&mut self.plain);
        let opened = self.direction(side).open(record, most, &mut plain);
        if most > 0 {
            let tried = opened.as_ref().map_or(most, |opened| opened.skipped);
            self.trials = self.trials.saturating_sub(tried * cost);
        }
        match opened {
            Some(opened) => Some((opened, plain)),
            None => {
                self.plain = plain;
                None
            }
        }
    }

    /// Takes the content of a record.
    fn content_of(&mut self, side: Side, kind: u8, content: &[u8], mark: Mark, scene: &mut Scene<'_>) {
        match kind {
            CHANGE_CIPHER_SPEC => {
                self.change_cipher(side, scene);
            }
            ALERT => self.direction(side).alert(content),
            HANDSHAKE => {
                self.handshake.transcribe(content, scene.keys);
                self.direction(side).messages.push(content);
                while let Some(message) = self.direction(side).messages.next() {
                    self.message(side, message, scene);
                }
            }
            APPLICATION_DATA => {
                let facts = &self.facts;
                self.content.data(side, content, mark, || facts.security(), scene);
            }
            _ => {}
        }
    }

    /// A record whose content stays hidden goes by.
    fn unwanted(&mut self, side: Side, header: Header, mark: Mark, scene: &mut Scene<'_>) {
        if self.handshake.client.is_none() && matches!(self.direction(side).cover, Cover::Clear) {
            self.seal_all(Unread::NoBeginning, scene);
        }
        let ignored = side == Side::Client && self.early.is_refused() && self.direction(side).is_shaking_hands();
        if header.kind == APPLICATION_DATA && !ignored {
            self.hidden(side, header, mark, scene);
        }
    }

    /// A record could not be opened.
    fn unopened(&mut self, side: Side, header: Header, mark: Mark, scene: &mut Scene<'_>) {
        if side == Side::Client && self.early.is_taken() && self.direction(side).is_early() {
            self.unread.get_or_insert(Unread::MissingSecret(SecretLabel::ClientEarly));
            return self.hidden(side, header, mark, scene);
        }
        if self.direction(side).is_shaking_hands() {
            // Of the handshake, or early data that the server did not want either.
            return;
        }
        self.unread.get_or_insert(Unread::NotOpened);
        if header.kind == APPLICATION_DATA {
            self.hidden(side, header, mark, scene);
        }
    }

    /// Part of a record is missing.
    fn damaged(&mut self, side: Side, header: Header, mark: Mark, scene: &mut Scene<'_>) {
        let shaking_hands = self.direction(side).is_shaking_hands();
        self.direction(side).miss();
        if header.kind == APPLICATION_DATA && !shaking_hands {
            self.hidden(side, header, mark, scene);
        }
    }

    /// Application data was there, and what it says is unknown.
    fn hidden(&mut self, side: Side, header: Header, mark: Mark, scene: &mut Scene<'_>) {
        let record = (Header::LEN + header.len) as u64;
        let content = record.saturating_sub(self.direction(side).overhead());
        self.content.gap(side, content, mark, scene);
    }
}
