//! The keys of one direction of a TLS 1.3 connection, in the order in which they come into use (RFC 8446 §7.3).

use super::{
    key::Key,
    keylog::{SecretLabel, Secrets},
    protection::{Opener, Sealed},
    schedule::updated,
    suite::Suite,
};
use crate::http1::head::Side;

/// Which keys are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Epoch {
    Early,
    Handshake,
    Traffic,
}

/// The keys of one direction. What tells that the next ones come into use may be lost, so a record that the present ones
/// do not open is tried with the following ones: the tag tells.
pub(super) struct Epochs {
    suite: Suite,
    epoch: Epoch,
    early: Option<Opener>,
    handshake: Option<Opener>,
    traffic: Option<Traffic>,
}

/// Keys for application data, and the secret that the next ones come from.
struct Traffic {
    secret: Key,
    opener: Opener,
}

impl Traffic {
    fn new(suite: Suite, secret: Key) -> Option<Self> {
        let opener = Opener::tls13(suite, &secret)?;
        Some(Self { secret, opener })
    }

    fn next(&self, suite: Suite) -> Option<Self> {
        Self::new(suite, updated(suite.hash, &self.secret)?)
    }
}

/// A record was opened.
pub(super) struct Opened {
    pub(super) kind: u8,
    /// Records that were skipped to get there.
    pub(super) skipped: u64,
    /// Whether it is the first one under new keys that nothing announced.
    pub(super) moved_on: bool,
}

impl Epochs {
    /// The keys of what `side` sends, as far as `secrets` has them; `early` where early data comes first.
    pub(super) fn new(suite: Suite, side: Side, secrets: &Secrets, early: bool) -> Self {
        let (handshake, traffic) = match side {
            Side::Client => (SecretLabel::ClientHandshake, SecretLabel::ClientTraffic),
            Side::Server => (SecretLabel::ServerHandshake, SecretLabel::ServerTraffic),
        };
        let opener = |label| secrets.traffic(label).and_then(|secret| Opener::tls13(suite, secret));
        Self {
            suite,
            epoch: if early { Epoch::Early } else { Epoch::Handshake },
            early: opener(SecretLabel::ClientEarly).filter(|_| early),
            handshake: opener(handshake),
            traffic: secrets.traffic(traffic).and_then(|secret| Traffic::new(suite, secret.clone())),
        }
    }

    /// The secret that is missing to open application data.
    pub(super) fn missing(&self, side: Side) -> Option<SecretLabel> {
        let label = match side {
            Side::Client => SecretLabel::ClientTraffic,
            Side::Server => SecretLabel::ServerTraffic,
        };
        self.traffic.is_none().then_some(label)
    }

    /// Opens a record; up to `most` before it may be missing.
    pub(super) fn open(&mut self, record: Sealed<'_>, most: u64, out: &mut Vec<u8>) -> Option<Opened> {
        let now = self.current().and_then(|opener| opener.open_later(record, most, out));
        if let Some((kind, skipped)) = now {
            return Some(Opened { kind, skipped, moved_on: false });
        }
        if self.epoch == Epoch::Early
            && let Some((kind, skipped)) =
                self.handshake.as_mut().and_then(|opener| opener.open_later(record, most, out))
        {
            self.epoch = Epoch::Handshake;
            return Some(Opened { kind, skipped, moved_on: true });
        }
        let mut next = match self.epoch {
            Epoch::Early | Epoch::Handshake => self.traffic.take()?,
            Epoch::Traffic => self.traffic.as_ref()?.next(self.suite)?,
        };
        let opened = next.opener.open_later(record, most, out);
        if opened.is_some() || self.epoch != Epoch::Traffic {
            self.traffic = Some(next);
        }
        let (kind, skipped) = opened?;
        self.epoch = Epoch::Traffic;
        Some(Opened { kind, skipped, moved_on: true })
    }

    /// Early data ends here.
    pub(super) fn end_early(&mut self) {
        if self.epoch == Epoch::Early {
            self.epoch = Epoch::Handshake;
        }
    }

    /// The handshake message that ends this direction's part was read. One after the handshake changes nothing.
    pub(super) fn finish_handshake(&mut self) -> bool {
        let moves = self.epoch == Epoch::Handshake;
        self.epoch = Epoch::Traffic;
        moves
    }

    /// The next keys for application data come into use (RFC 8446 §4.6.3).
    pub(super) fn update(&mut self) {
        if self.epoch == Epoch::Traffic {
            self.traffic = self.traffic.as_ref().and_then(|traffic| traffic.next(self.suite));
        }
    }

    /// One record is missing.
    pub(super) fn miss(&mut self) {
        if let Some(opener) = self.current() {
            opener.miss();
        }
    }

    /// Whether early data is to come.
    pub(super) fn is_early(&self) -> bool {
        self.epoch == Epoch::Early
    }

    /// Whether application data is still to come, and would be opened.
    pub(super) fn is_shaking_hands(&self) -> bool {
        self.epoch != Epoch::Traffic && self.traffic.is_some()
    }

    /// Bytes that protection adds to the content of a record.
    pub(super) fn overhead(&self) -> u64 {
        // Every cipher of TLS 1.3 but one has a tag of this length.
        const USUAL: u64 = 17;
        self.traffic.as_ref().map_or(USUAL, |traffic| traffic.opener.overhead())
    }

    fn current(&mut self) -> Option<&mut Opener> {
        match self.epoch {
            Epoch::Early => self.early.as_mut(),
            Epoch::Handshake => self.handshake.as_mut(),
            Epoch::Traffic => self.traffic.as_mut().map(|traffic| &mut traffic.opener),
        }
    }
}
