//! What a handshake up to TLS 1.2 agrees on, where its master secret comes from, and the keys that follow.

use super::{
    TlsVersion,
    hello::Hello,
    key::Key,
    keylog::{KeyLog, Session, SessionName},
    prf::Prf,
    protection::{DirectionKeys, Opener, mac_key_len},
    suite::Suite,
};
use crate::http1::head::Side;

/// One handshake, the first or a renegotiation.
#[derive(Default)]
pub(super) struct Handshake {
    pub(super) client: Option<Hello>,
    pub(super) server: Option<Hello>,
    /// The pre-master secret as the client sent it, or a key share; there is none where a session is resumed.
    exchange: Option<Vec<u8>>,
    /// The ticket that the server gave for later.
    ticket: Option<Box<[u8]>>,
    /// Every message up to the client's key exchange, where an extended master secret may have to be derived.
    transcript: Vec<u8>,
    master: Option<Key>,
}

/// Bytes of handshake kept for deriving an extended master secret.
const MOST_TRANSCRIPT: usize = 1 << 17;

impl Handshake {
    /// A handshake that begins with a ClientHello, whose bytes are `message`.
    pub(super) fn begun(client: Hello, message: Vec<u8>) -> Self {
        Self { client: Some(client), transcript: message, ..Self::default() }
    }

    /// The version that was agreed on.
    pub(super) fn version(&self) -> Option<TlsVersion> {
        self.server.as_ref()?.versions.first().copied().map(TlsVersion)
    }

    /// The cipher suite that was agreed on.
    pub(super) fn suite(&self) -> Option<Suite> {
        self.server.as_ref()?.suite.and_then(Suite::of)
    }

    /// Adds the content of a handshake record.
    pub(super) fn transcribe(&mut self, bytes: &[u8], keys: &KeyLog) {
        if keys.has_premasters() && self.exchange.is_none() && self.transcript.len() < MOST_TRANSCRIPT {
            self.transcript.extend_from_slice(bytes);
        }
    }

    /// The client's key exchange; `behind` bytes of the transcript come after it.
    pub(super) fn exchanged(&mut self, exchange: Vec<u8>, behind: usize) {
        self.transcript.truncate(self.transcript.len().saturating_sub(behind));
        self.exchange = Some(exchange);
    }

    /// The body of a NewSessionTicket (RFC 5077 §3.3).
    pub(super) fn ticketed(&mut self, body: &[u8]) {
        let ticket = body.get(6..).filter(|ticket| !ticket.is_empty());
        self.ticket = ticket.map(Into::into);
    }

    /// Whether it may resume a session of another connection.
    pub(super) fn may_resume(&self) -> bool {
        let offers =
            self.client.as_ref().is_some_and(|hello| !hello.session_id.is_empty() || hello.extensions.ticket.is_some());
        offers && self.exchange.is_none()
    }

    /// Finds the master secret.
    pub(super) fn find_master(&mut self, keys: &KeyLog) -> Option<&Key> {
        if self.master.is_none() {
            self.master = self.search(keys);
        }
        self.master.as_ref()
    }

    /// Keys for what `side` sends. [`Handshake::find_master`] comes first.
    pub(super) fn opener(&self, side: Side) -> Option<Opener> {
        let (client, server) = (self.client.as_ref()?, self.server.as_ref()?);
        let (version, suite) = (self.version()?, self.suite()?);
        let cipher = suite.cipher;
        let mac = cipher.mac().map_or(0, mac_key_len);
        let lengths = [mac, cipher.key_len(), Opener::iv_len(version, cipher)];
        let prf = Prf::of(version, suite.hash);
        let block =
            prf.key_block(self.master.as_ref()?, &client.random, &server.random, 2 * lengths.iter().sum::<usize>());
        let mut rest = block.expose();
        // Of each sort the client's comes first (RFC 5246 §6.3).
        let [mac, cipher_key, iv] = lengths.map(|len| {
            let (pair, behind) = rest.split_at(2 * len);
            rest = behind;
            match side {
                Side::Client => &pair[..len],
                Side::Server => &pair[len..],
            }
        });
        let keys = DirectionKeys { mac, cipher: cipher_key, iv };
        Opener::older(version, cipher, server.extensions.encrypt_then_mac, &keys)
    }

    /// The sessions that this handshake set up, for those who resume them.
    pub(super) fn sessions(&self, frame: u32) -> Vec<Session> {
        let Some(master) = &self.master else { return Vec::new() };
        let id = self.server.as_ref().map(|hello| &hello.session_id).filter(|id| !id.is_empty());
        let id = id.map(|id| SessionName::Id(id.clone()));
        let ticket = self.ticket.clone().map(SessionName::Ticket);
        id.into_iter().chain(ticket).map(|name| Session { frame, name, master: master.clone() }).collect()
    }

    fn search(&self, keys: &KeyLog) -> Option<Key> {
        let (client, server) = (self.client.as_ref()?, self.server.as_ref()?);
        if let Some(master) = keys.of(&client.random).and_then(|secrets| secrets.master.as_ref()) {
            return Some(master.clone());
        }
        if let Some(exchange) = &self.exchange {
            // SSL 3.0 sends the encrypted secret without its length (RFC 5246 §7.4.7.1).
            let encrypted = if self.version()? == TlsVersion::SSL_3_0 { exchange } else { exchange.get(2..)? };
            if let Some(premaster) = keys.premaster(encrypted) {
                return self.derive(premaster, client, server);
            }
        }
        let named = Some(&server.session_id).filter(|id| !id.is_empty()).and_then(|id| keys.session(id));
        let resumed = || client.extensions.ticket.as_ref().and_then(|ticket| keys.ticket(ticket));
        named.or_else(|| self.exchange.is_none().then(resumed).flatten()).cloned()
    }

    fn derive(&self, premaster: &Key, client: &Hello, server: &Hello) -> Option<Key> {
        let prf = Prf::of(self.version()?, self.suite()?.hash);
        Some(if server.extensions.extended_master_secret {
            prf.extended_master(premaster, &self.transcript)
        } else {
            prf.master(premaster, &client.random, &server.random)
        })
    }
}
