//! The secrets of TLS connections: those that the user gives, and those that the capture itself holds.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    sync::Arc,
};

use authtrace_parse::{AnomalyKind, KeyLog, Outlook};

use super::{DecryptionSecrets, PacketFormat, pcapng};

/// Where the secrets for one input come from.
pub(crate) struct KeySource {
    given: Arc<KeyLog>,
    /// Whether the input may hold secrets behind the packets that they decrypt.
    may_grow: bool,
}

impl KeySource {
    /// For an input that goes by once: secrets are learned as they are met.
    pub(crate) fn passing_by(given: &Arc<KeyLog>) -> Self {
        Self { given: Arc::clone(given), may_grow: true }
    }

    /// For an input that holds no secrets.
    #[cfg(all(feature = "live", unix))]
    pub(crate) fn settled(given: &Arc<KeyLog>) -> Self {
        Self { given: Arc::clone(given), may_grow: false }
    }

    /// For a file. A plain pcapng is looked through for secrets first, so that none comes late; it is read from its first
    /// byte afterwards.
    pub(crate) fn of_file(file: &mut File, given: &Arc<KeyLog>) -> Self {
        Self::looked_through(file, given).unwrap_or_else(|| Self::passing_by(given))
    }

    fn looked_through(file: &mut File, given: &Arc<KeyLog>) -> Option<Self> {
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut head = [0; 12];
        let starts = file.read_exact(&mut head).is_ok();
        file.rewind().ok()?;
        if !starts || PacketFormat::sniff(&head) != Some(PacketFormat::Pcapng) {
            return None;
        }
        let found = pcapng::find_secrets(&mut *file);
        file.rewind().ok()?;
        let mut keys = Known { log: Arc::clone(given), met: 0, bad_lines: false };
        keys.meet(&found);
        Some(Self { given: keys.log, may_grow: false })
    }
}

/// The secrets that are known at some place of a capture.
pub(super) struct Known {
    pub(super) log: Arc<KeyLog>,
    /// Blocks read.
    met: usize,
    bad_lines: bool,
}

impl Known {
    /// What is known before the first frame of a capture in this format.
    pub(super) fn before(source: &KeySource, format: Option<PacketFormat>) -> Self {
        let may_grow = source.may_grow && format == Some(PacketFormat::Pcapng);
        let log = if may_grow {
            Arc::new(KeyLog::clone(&source.given).with_outlook(Outlook::Secrets))
        } else {
            Arc::clone(&source.given)
        };
        Self { log, met: 0, bad_lines: false }
    }

    /// Learns what the blocks so far hold; says whether any of it is new.
    pub(super) fn meet(&mut self, secrets: &[DecryptionSecrets]) -> bool {
        let fresh = secrets.get(self.met..).unwrap_or_default();
        self.met = secrets.len();
        let mut added = 0;
        for block in fresh.iter().filter(|block| block.kind == DecryptionSecrets::TLS_KEY_LOG) {
            let notes = Arc::make_mut(&mut self.log).read(block.expose());
            added += notes.added;
            self.bad_lines |= notes.bad > 0;
        }
        added > 0
    }

    /// What was odd about the blocks.
    pub(super) fn anomaly(&self) -> Option<AnomalyKind> {
        self.bad_lines.then_some(AnomalyKind::MalformedKeyLog)
    }
}
