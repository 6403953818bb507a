//! The record MAC of cipher suites whose cipher does not authenticate.

use super::Sealed;
use crate::tls::{TlsVersion, hash::Hash, key::Key};

/// A MAC with its key.
pub(super) struct Mac {
    hash: Hash,
    key: Key,
    ssl3: bool,
}

impl Mac {
    pub(super) fn new(version: TlsVersion, hash: Hash, key: &[u8]) -> Self {
        Self { hash, key: Key::new(key), ssl3: version == TlsVersion::SSL_3_0 }
    }

    pub(super) fn len(&self) -> usize {
        self.hash.len()
    }

    /// Whether `mac` is the MAC of `content` in record `number` (RFC 5246 §6.2.3.1, RFC 6101 §5.2.3.1).
    pub(super) fn is_right(&self, number: u64, record: Sealed<'_>, content: &[u8], mac: &[u8]) -> bool {
        let Ok(len) = u16::try_from(content.len()) else { return false };
        let (number, len) = (number.to_be_bytes(), len.to_be_bytes());
        let expected = if self.ssl3 {
            let key = self.key.expose();
            let pad = if self.hash == Hash::Md5 { 48 } else { 40 };
            let inner = self.hash.of(&[key, &[0x36; 48][..pad], &number, &[record.kind], &len, content]);
            self.hash.of(&[key, &[0x5c; 48][..pad], inner.expose()])
        } else {
            let version = record.version.to_be_bytes();
            self.hash.hmac(self.key.expose(), &[&number, &[record.kind], &version, &len, content])
        };
        // Nobody learns anything from how long this takes: whoever runs it has the keys.
        expected.expose() == mac
    }
}
