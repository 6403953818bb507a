//! One direction of a TLS connection: its records, what covers them, and how far they can be counted.

use super::{
    APPLICATION_DATA,
    epochs::{Epochs, Opened},
    messages::Messages,
    protection::{Opener, Sealed},
    records::{Header, Records},
};

/// What covers the records that come next.
#[derive(Default)]
pub(super) enum Cover {
    /// Nothing: a handshake.
    #[default]
    Clear,
    /// Keys of TLS 1.2 or older.
    Keyed(Box<Opener>),
    /// Keys of TLS 1.3.
    Tls13(Box<Epochs>),
    /// Keys that are not known.
    Sealed,
}

/// One direction.
#[derive(Default)]
pub(super) struct Direction {
    pub(super) records: Records,
    pub(super) messages: Messages,
    pub(super) cover: Cover,
    /// Bytes that went by, records included.
    pub(super) bytes: u64,
    /// Alerts that could be read.
    pub(super) alerts: Vec<u8>,
    /// Records that may be missing before the next one, at most.
    pub(super) uncertain: u64,
}

/// Alerts kept of one direction.
const MOST_ALERTS: usize = 8;

impl Direction {
    /// Whether the body of a record matters.
    pub(super) fn wants(&self, header: &Header, early: bool) -> bool {
        match self.cover {
            Cover::Clear => header.kind != APPLICATION_DATA || early,
            Cover::Keyed(_) | Cover::Tls13(_) => true,
            Cover::Sealed => false,
        }
    }

    /// Opens a record; up to `most` before it may be missing.
    pub(super) fn open(&mut self, record: Sealed<'_>, most: u64, out: &mut Vec<u8>) -> Option<Opened> {
        let opened = match &mut self.cover {
            Cover::Keyed(opener) => {
                let opened = if most == 0 {
                    opener.open(record, out).map(|kind| (kind, 0))
                } else {
                    opener.open_later(record, most, out)
                };
                if opened.is_none() {
                    opener.pass(record);
                }
                opened.map(|(kind, skipped)| Opened { kind, skipped, moved_on: false })
            }
            Cover::Tls13(epochs) => epochs.open(record, most, out),
            Cover::Clear | Cover::Sealed => None,
        }?;
        self.uncertain = 0;
        if opened.moved_on {
            self.messages.restart();
        }
        Some(opened)
    }

    /// One record is missing, wholly or in part.
    pub(super) fn miss(&mut self) {
        match &mut self.cover {
            Cover::Keyed(opener) => opener.miss(),
            Cover::Tls13(epochs) => epochs.miss(),
            Cover::Clear | Cover::Sealed => {}
        }
        self.uncertain = self.uncertain.max(1);
        self.messages.lose_step();
    }

    /// Bytes are missing, and nothing tells how many records.
    pub(super) fn lose_step(&mut self) {
        if let Cover::Keyed(opener) = &mut self.cover {
            opener.lose_step();
        }
        self.messages.lose_step();
    }

    /// Bytes of a record of application data that are not its content, at least, its header included.
    pub(super) fn overhead(&self) -> u64 {
        let protection = match &self.cover {
            Cover::Keyed(opener) => opener.overhead(),
            Cover::Tls13(epochs) => epochs.overhead(),
            // A tag: nothing is known.
            Cover::Clear | Cover::Sealed => 16,
        };
        Header::LEN as u64 + protection
    }

    /// Whether a record that is not opened is part of the handshake rather than application data.
    pub(super) fn is_shaking_hands(&self) -> bool {
        match &self.cover {
            Cover::Tls13(epochs) => epochs.is_shaking_hands(),
            Cover::Clear => true,
            Cover::Keyed(_) | Cover::Sealed => false,
        }
    }

    /// Whether early data is to come.
    pub(super) fn is_early(&self) -> bool {
        matches!(&self.cover, Cover::Tls13(epochs) if epochs.is_early())
    }

    /// Notes the content of an alert record (RFC 8446 §6), unless it is a close notification.
    pub(super) fn alert(&mut self, content: &[u8]) {
        if let [_, description] = content
            && *description != 0
            && self.alerts.len() < MOST_ALERTS
        {
            self.alerts.push(*description);
        }
    }
}
