//! Reading handshake messages: what they agree on, and the keys that come into use.

use super::{
    TlsVersion, Unread,
    connection::Connection,
    direction::Cover,
    epochs::Epochs,
    handshake::Handshake,
    hello::{Extensions, Hello},
    keylog::{KeyLog, SecretLabel, Secrets},
    messages::{Message, kind},
};
use crate::{conversation::Scene, http1::head::Side};

impl Connection {
    /// Takes a handshake message that `side` sent.
    pub(super) fn message(&mut self, side: Side, message: Message, scene: &mut Scene<'_>) {
        let tls13 = matches!(self.direction(side).cover, Cover::Tls13(_));
        match (message.kind(), side, tls13) {
            (kind::CLIENT_HELLO, Side::Client, false) => {
                if let Some(hello) = Hello::client(message.body()) {
                    self.client_hello(hello, message.bytes(), scene);
                }
            }
            (kind::SERVER_HELLO, Side::Server, false) => {
                if let Some(hello) = Hello::server(message.body()) {
                    self.server_hello(hello, scene);
                }
            }
            (kind::CLIENT_KEY_EXCHANGE, Side::Client, false) => {
                let behind = self.direction(side).messages.pending();
                self.handshake.exchanged(message.body().to_vec(), behind);
            }
            (kind::NEW_SESSION_TICKET, Side::Server, false) => self.handshake.ticketed(message.body()),
            (kind::CERTIFICATE_VERIFY, Side::Client, _) => self.facts.client_certificate = true,
            (kind::ENCRYPTED_EXTENSIONS, Side::Server, true) => {
                let extensions = Extensions::encrypted(message.body());
                self.facts.agree(&extensions);
                self.settle_early(extensions.early_data, scene);
            }
            (kind::END_OF_EARLY_DATA, Side::Client, true) => self.with_epochs(side, |epochs| epochs.end_early()),
            (kind::FINISHED, _, true) => {
                let mut moves = false;
                self.with_epochs(side, |epochs| moves = epochs.finish_handshake());
                if moves {
                    self.direction(side).messages.restart();
                }
            }
            (kind::KEY_UPDATE, _, true) => self.with_epochs(side, Epochs::update),
            _ => {}
        }
    }

    /// A ClientHello in the form of SSL 2.0.
    pub(super) fn old_hello(&mut self, side: Side, body: &[u8]) {
        if let Some(hello) = Hello::old_client(body).filter(|_| side == Side::Client) {
            self.facts.offer(&hello);
            self.handshake = Handshake::begun(hello, body.to_vec());
        }
    }

    fn client_hello(&mut self, hello: Hello, bytes: Vec<u8>, scene: &mut Scene<'_>) {
        self.facts.offer(&hello);
        if hello.extensions.early_data {
            self.early.offer();
        }
        self.handshake = Handshake::begun(hello, bytes);
        // The usual case: the secrets are there, and nothing has to be kept.
        let is_known = |hello: &Hello| scene.keys.of(&hello.random).is_some_and(Secrets::is_enough);
        if self.handshake.client.as_ref().is_some_and(is_known) {
            self.give_up_waiting(scene);
        }
    }

    fn server_hello(&mut self, hello: Hello, scene: &mut Scene<'_>) {
        if hello.is_retry() {
            // A second ClientHello follows, without early data.
            self.early.settle(false);
            return;
        }
        self.facts.choose(&hello);
        self.handshake.server = Some(hello);
        if self.handshake.client.is_none() {
            return self.seal_all(Unread::NoBeginning, scene);
        }
        match self.handshake.version() {
            Some(TlsVersion::TLS_1_3) => self.protect_tls13(scene),
            Some(version) if version.is_older() => {}
            _ => self.seal_all(Unread::NotSupported, scene),
        }
    }

    /// From here on both directions are encrypted (RFC 8446 §2).
    fn protect_tls13(&mut self, scene: &mut Scene<'_>) {
        let Some(suite) = self.handshake.suite() else { return self.seal_all(Unread::NotSupported, scene) };
        let keys: &KeyLog = scene.keys;
        let random = self.handshake.client.as_ref().map(|hello| hello.random);
        let secrets = random.and_then(|random| keys.of(&random));
        if !secrets.is_some_and(Secrets::is_enough) && self.may_wait(false, keys) {
            self.seal(Side::Client, Unread::NoSecret);
            self.seal(Side::Server, Unread::NoSecret);
            return;
        }
        let Some(secrets) = secrets.filter(|secrets| secrets.has_traffic()) else {
            return self.seal_all(Unread::NoSecret, scene);
        };
        self.give_up_waiting(scene);
        let early = self.early.is_open();
        for side in [Side::Client, Side::Server] {
            let epochs = Epochs::new(suite, side, secrets, early && side == Side::Client);
            if let Some(label) = epochs.missing(side) {
                self.unread.get_or_insert(Unread::MissingSecret(label));
            }
            let direction = self.direction(side);
            direction.cover = Cover::Tls13(Box::new(epochs));
            direction.messages.restart();
        }
        if early && secrets.traffic(SecretLabel::ServerHandshake).is_none() {
            // Nothing will tell whether the server took it: what was said for certain comes later.
            let queued = self.early.settle(false);
            self.content.is_partial |= !queued.is_empty();
        }
    }

    /// The server says whether it takes early data: what was queued is read.
    fn settle_early(&mut self, taken: bool, scene: &mut Scene<'_>) {
        if !self.early.is_open() {
            return;
        }
        if !taken {
            self.with_epochs(Side::Client, |epochs| epochs.end_early());
        }
        for queued in self.early.settle(taken) {
            self.record(Side::Client, queued.record(), queued.mark, scene);
        }
    }

    /// `side` changes to the keys that were agreed on, up to TLS 1.2 (RFC 5246 §7.1). Says whether they are there.
    pub(super) fn change_cipher(&mut self, side: Side, scene: &mut Scene<'_>) -> bool {
        if !self.handshake.version().is_some_and(TlsVersion::is_older) {
            return false;
        }
        let keys: &KeyLog = scene.keys;
        if self.handshake.suite().is_none() {
            self.seal(side, Unread::NotSupported);
        } else if self.handshake.find_master(keys).is_none() {
            let resumes = self.handshake.may_resume();
            let waits = self.may_wait(resumes, keys);
            self.seal(side, Unread::NoSecret);
            if !waits {
                self.give_up_waiting(scene);
            }
        } else if let Some(opener) = self.handshake.opener(side) {
            self.give_up_waiting(scene);
            scene.outbox.set_up(self.handshake.sessions(scene.connection.first_frame));
            let direction = self.direction(side);
            direction.cover = Cover::Keyed(Box::new(opener));
            direction.messages.restart();
            return true;
        }
        false
    }

    /// Nothing more can be opened, in either direction.
    pub(super) fn seal_all(&mut self, unread: Unread, scene: &mut Scene<'_>) {
        self.seal(Side::Client, unread);
        self.seal(Side::Server, unread);
        self.give_up_waiting(scene);
    }

    fn seal(&mut self, side: Side, unread: Unread) {
        self.unread.get_or_insert(unread);
        self.direction(side).cover = Cover::Sealed;
    }

    fn with_epochs(&mut self, side: Side, change: impl FnOnce(&mut Epochs)) {
        if let Cover::Tls13(epochs) = &mut self.direction(side).cover {
            change(epochs);
        }
    }
}
