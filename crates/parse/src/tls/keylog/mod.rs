//! Key logs: the secrets of TLS connections as their endpoints write them (`SSLKEYLOGFILE`, RFC 9850).
//!
//! A [`KeyLog`] is a value: whoever opens files and blocks gives it text, and parsing looks secrets up in it. There is no
//! way to print one.

mod line;

use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, LazyLock},
};

use self::line::Line;
use super::key::Key;

/// What the client of a connection chose to tell it from all others.
pub(super) type Random = [u8; 32];
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A secret of TLS 1.3, by what it protects (RFC 8446 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SecretLabel {
    /// `CLIENT_EARLY_TRAFFIC_SECRET`
    ClientEarly,
    /// `CLIENT_HANDSHAKE_TRAFFIC_SECRET`
    ClientHandshake,
    /// `SERVER_HANDSHAKE_TRAFFIC_SECRET`
    ServerHandshake,
    /// `CLIENT_TRAFFIC_SECRET_0`
    ClientTraffic,
    /// `SERVER_TRAFFIC_SECRET_0`
    ServerTraffic,
}

impl SecretLabel {
    const ALL: [Self; 5] =
        [Self::ClientEarly, Self::ClientHandshake, Self::ServerHandshake, Self::ClientTraffic, Self::ServerTraffic];

    /// As a key log names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientEarly => "CLIENT_EARLY_TRAFFIC_SECRET",
            Self::ClientHandshake => "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            Self::ServerHandshake => "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            Self::ClientTraffic => "CLIENT_TRAFFIC_SECRET_0",
            Self::ServerTraffic => "SERVER_TRAFFIC_SECRET_0",
        }
    }
}

/// The secrets of one connection.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    /// Of TLS 1.2 and older.
    pub(super) master: Option<Key>,
    /// Of TLS 1.3, by [`SecretLabel`].
    traffic: [Option<Key>; SecretLabel::ALL.len()],
}

impl Secrets {
    /// Whether they open both directions of a connection.
    pub(super) fn is_enough(&self) -> bool {
        let both = [SecretLabel::ClientTraffic, SecretLabel::ServerTraffic];
        self.master.is_some() || both.into_iter().all(|label| self.traffic(label).is_some())
    }

    /// Whether there is any secret of TLS 1.3.
    pub(super) fn has_traffic(&self) -> bool {
        self.traffic.iter().any(Option::is_some)
    }

    pub(super) fn traffic(&self, label: SecretLabel) -> Option<&Key> {
        self.traffic[label as usize].as_ref()
    }
}

/// What may still be learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outlook {
    /// Nothing: what is not known now will never be.
    Final,
    /// Only what other connections of the capture show: the master secrets of sessions that are resumed.
    #[default]
    Sessions,
    /// Any secret: the capture may hold secrets behind the packets that they decrypt.
    Secrets,
}

/// What reading a key log came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyLogNotes {
    /// Secrets that were new.
    pub added: usize,
    /// Secrets met, those that were known included.
    pub secrets: usize,
    /// Lines that are no key-log lines; they were skipped.
    pub bad: usize,
    /// One-based number of the first of them.
    pub first_bad: Option<usize>,
}

/// The secrets of TLS connections.
#[derive(Clone, Default)]
pub struct KeyLog {
    connections: Map<Random, Secrets>,
    /// Pre-master secrets by the first eight bytes of their encrypted form.
    premasters: Map<[u8; 8], Key>,
    /// Master secrets by session id.
    sessions: Map<Box<[u8]>, Key>,
    /// Master secrets by session ticket (RFC 5077).
    tickets: Map<Box<[u8]>, Key>,
    outlook: Outlook,
    /// Grows with everything that is learned.
    generation: u64,
}

/// How a session is called when it is resumed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SessionName {
    Id(Box<[u8]>),
    Ticket(Box<[u8]>),
}

/// A session that a connection set up, for connections that resume it.
pub(crate) struct Session {
    /// First frame of the connection.
    pub(crate) frame: u32,
    pub(crate) name: SessionName,
    pub(super) master: Key,
}

impl KeyLog {
    /// No secrets.
    pub fn new() -> Self {
        Self::default()
    }

    /// No secrets, and none will come: shared by all who have none.
    pub fn none() -> &'static Arc<Self> {
        static NONE: LazyLock<Arc<KeyLog>> = LazyLock::new(Arc::default);
        &NONE
    }

    /// Reads a key log. Comments and secrets that TLS does not use here are passed over; a bad line spoils no other.
    pub fn read(&mut self, text: &[u8]) -> KeyLogNotes {
        let mut notes = KeyLogNotes::default();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            match Line::read(line.trim_ascii()) {
                Line::Nothing => {}
                Line::Unused => notes.secrets += 1,
                Line::Bad => {
                    notes.bad += 1;
                    notes.first_bad.get_or_insert(number);
                }
                secret => {
                    notes.secrets += 1;
                    notes.added += usize::from(self.add(secret));
                }
            }
        }
        self.generation += notes.added as u64;
        notes
    }

    /// The same secrets, and what may still come.
    #[must_use]
    pub fn with_outlook(self, outlook: Outlook) -> Self {
        Self { outlook, ..self }
    }

    /// What may still be learned.
    pub fn outlook(&self) -> Outlook {
        self.outlook
    }

    /// Whether it holds no secret.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty() && self.premasters.is_empty() && self.sessions.is_empty() && self.tickets.is_empty()
    }

    /// Changes with everything that is learned.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The secrets of the connection whose client chose `random`.
    pub(super) fn of(&self, random: &Random) -> Option<&Secrets> {
        self.connections.get(random)
    }

    /// The pre-master secret whose encrypted form begins with `encrypted`.
    pub(super) fn premaster(&self, encrypted: &[u8]) -> Option<&Key> {
        self.premasters.get(encrypted.first_chunk()?)
    }

    /// Whether any pre-master secret is known.
    pub(super) fn has_premasters(&self) -> bool {
        !self.premasters.is_empty()
    }

    pub(super) fn session(&self, id: &[u8]) -> Option<&Key> {
        self.sessions.get(id)
    }

    pub(super) fn ticket(&self, ticket: &[u8]) -> Option<&Key> {
        self.tickets.get(ticket)
    }

    /// Learns what connections showed; says whether anything was new. Of two secrets for one name the first is believed.
    pub(crate) fn learn(&mut self, sessions: impl IntoIterator<Item = Session>) -> bool {
        let before = self.generation;
        for session in sessions {
            let (map, name) = match session.name {
                SessionName::Id(id) => (&mut self.sessions, id),
                SessionName::Ticket(ticket) => (&mut self.tickets, ticket),
            };
            if let Entry::Vacant(place) = map.entry(name) {
                place.insert(session.master);
                self.generation += 1;
            }
        }
        self.generation != before
    }

    fn add(&mut self, line: Line) -> bool {
        match line {
            Line::Master(random, master) => {
                let slot = &mut self.connections.entry(random).or_default().master;
                put(slot, master)
            }
            Line::Traffic(label, random, secret) => {
                let slot = &mut self.connections.entry(random).or_default().traffic[label as usize];
                put(slot, secret)
            }
            Line::PreMaster(encrypted, secret) => self.premasters.insert(encrypted, secret).is_none(),
            Line::Session(id, master) => self.sessions.insert(id, master).is_none(),
            Line::Nothing | Line::Unused | Line::Bad => false,
        }
    }
}

/// Fills a slot; a secret that is given twice is believed as it was given last.
fn put(slot: &mut Option<Key>, key: Key) -> bool {
    let new = slot.as_ref() != Some(&key);
    *slot = Some(key);
    new
}

#[cfg(test)]
mod tests;
