//! RC4, which nothing should use any more (RFC 7465) and old captures do.

use rc4::{KeyInit as _, Rc4, StreamCipher as _};

use super::{Sealed, mac::Mac};

/// RC4 with its MAC. Its state runs on from record to record, so it never recovers from a gap.
pub(super) struct Stream {
    cipher: Option<Box<Rc4>>,
    mac: Mac,
}

impl Stream {
    pub(super) fn new(key: &[u8], mac: Mac) -> Option<Self> {
        Some(Self { cipher: Some(Box::new(Rc4::new_from_slice(key).ok()?)), mac })
    }

    pub(super) fn overhead(&self) -> usize {
        self.mac.len()
    }

    pub(super) fn lose_step(&mut self) {
        self.cipher = None;
    }

    pub(super) fn open(&mut self, number: u64, record: Sealed<'_>, out: &mut Vec<u8>) -> Option<()> {
        // What does not authenticate has moved the state all the same: no other number can be tried.
        let mut cipher = self.cipher.take()?;
        out.clear();
        out.extend_from_slice(record.body);
        cipher.apply_keystream(out);
        let content = out.len().checked_sub(self.mac.len())?;
        if !self.mac.is_right(number, record, &out[..content], &out[content..]) {
            return None;
        }
        out.truncate(content);
        self.cipher = Some(cipher);
        Some(())
    }
}
