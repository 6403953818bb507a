//! Record protection: takes the encryption off the records of one direction.
//!
//! Every record has a number that is not on the wire. A record that does not authenticate changes nothing, so whoever lost
//! count may try other numbers: the tag, or the MAC, tells which is right.

mod aead;
mod block;
mod mac;
mod stream;

use self::{aead::Aead, block::Block, mac::Mac, stream::Stream};
use super::{
    TlsVersion,
    hash::Hash,
    key::Key,
    schedule::expand_label,
    suite::{Cipher, Suite},
};

/// A record as it was sent.
#[derive(Clone, Copy)]
pub(super) struct Sealed<'a> {
    /// Content type on the wire.
    pub(super) kind: u8,
    /// Version on the wire.
    pub(super) version: u16,
    pub(super) body: &'a [u8],
}

/// Keys for one direction (RFC 5246 §6.3).
pub(super) struct DirectionKeys<'a> {
    pub(super) mac: &'a [u8],
    pub(super) cipher: &'a [u8],
    pub(super) iv: &'a [u8],
}

/// Opens the records of one direction under one set of keys.
pub(super) struct Opener {
    /// Number of the next record.
    number: u64,
    protection: Protection,
}

enum Protection {
    /// TLS 1.3: the content type is inside (RFC 8446 §5.2).
    Tls13(Aead),
    /// TLS 1.2 with a cipher that authenticates.
    Aead(Aead),
    Block(Block),
    Stream(Stream),
}

impl Opener {
    /// For TLS 1.3, from a traffic secret.
    pub(super) fn tls13(suite: Suite, secret: &Key) -> Option<Self> {
        let key = expand_label(suite.hash, secret, "key", suite.cipher.key_len())?;
        let iv = expand_label(suite.hash, secret, "iv", aead::NONCE)?;
        Some(Self { number: 0, protection: Protection::Tls13(Aead::new(suite.cipher, key.expose(), iv.expose())?) })
    }

    /// For older versions.
    pub(super) fn older(
        version: TlsVersion,
        cipher: Cipher,
        encrypt_then_mac: bool,
        keys: &DirectionKeys<'_>,
    ) -> Option<Self> {
        let protection = match cipher {
            Cipher::Rc4(hash) => Protection::Stream(Stream::new(keys.cipher, Mac::new(version, hash, keys.mac))?),
            Cipher::Aes128Cbc(hash) | Cipher::Aes256Cbc(hash) | Cipher::TripleDesCbc(hash) => {
                let mac = Mac::new(version, hash, keys.mac);
                Protection::Block(Block::new(version, cipher, encrypt_then_mac, mac, keys)?)
            }
            _ => Protection::Aead(Aead::new(cipher, keys.cipher, keys.iv)?),
        };
        Some(Self { number: 0, protection })
    }

    /// Length of the initialisation vector that a cipher takes from the key block.
    pub(super) fn iv_len(version: TlsVersion, cipher: Cipher) -> usize {
        match cipher {
            Cipher::ChaCha20Poly1305 => aead::NONCE,
            Cipher::Rc4(_) => 0,
            Cipher::Aes128Cbc(_) | Cipher::Aes256Cbc(_) | Cipher::TripleDesCbc(_) => {
                if version <= TlsVersion::TLS_1_0 {
                    block::block_len(cipher)
                } else {
                    0
                }
            }
            _ => aead::SALT,
        }
    }

    /// Opens the next record into `out` and gives its content type; `None` where it does not authenticate.
    pub(super) fn open(&mut self, record: Sealed<'_>, out: &mut Vec<u8>) -> Option<u8> {
        let kind = self.try_number(self.number, record, out)?;
        self.number += 1;
        Some(kind)
    }

    /// Opens a record that comes up to `most` records later than the next; gives its content type and how many were
    /// skipped.
    pub(super) fn open_later(&mut self, record: Sealed<'_>, most: u64, out: &mut Vec<u8>) -> Option<(u8, u64)> {
        let (skipped, kind) = (0..=most).find_map(|skipped| {
            let number = self.number.checked_add(skipped)?;
            Some((skipped, self.try_number(number, record, out)?))
        })?;
        self.number += skipped + 1;
        Some((kind, skipped))
    }

    /// One record is missing, wholly or in part.
    pub(super) fn miss(&mut self) {
        self.number += 1;
        self.lose_step();
    }

    /// Bytes are missing: what the cipher carries from record to record is unknown.
    pub(super) fn lose_step(&mut self) {
        match &mut self.protection {
            Protection::Block(block) => block.lose_step(),
            Protection::Stream(stream) => stream.lose_step(),
            Protection::Tls13(_) | Protection::Aead(_) => {}
        }
    }

    /// A record went by unopened: it may still tell what the next one needs.
    pub(super) fn pass(&mut self, record: Sealed<'_>) {
        if let Protection::Block(block) = &mut self.protection {
            block.pass(record.body);
        }
    }

    /// Bytes that the protection adds to the content of a record, at least.
    pub(super) fn overhead(&self) -> u64 {
        let bytes = match &self.protection {
            Protection::Tls13(aead) => aead.tag_len() + 1,
            Protection::Aead(aead) => aead.explicit_len() + aead.tag_len(),
            Protection::Block(block) => block.overhead(),
            Protection::Stream(stream) => stream.overhead(),
        };
        bytes as u64
    }

    fn try_number(&mut self, number: u64, record: Sealed<'_>, out: &mut Vec<u8>) -> Option<u8> {
        match &mut self.protection {
            Protection::Tls13(aead) => {
                aead.open_tls13(number, record, out)?;
                // Zeros behind the content hide its length (RFC 8446 §5.4).
                let end = out.iter().rposition(|byte| *byte != 0)?;
                let kind = out[end];
                out.truncate(end);
                Some(kind)
            }
            Protection::Aead(aead) => aead.open_tls12(number, record, out).map(|()| record.kind),
            Protection::Block(block) => block.open(number, record, out).map(|()| record.kind),
            Protection::Stream(stream) => stream.open(number, record, out).map(|()| record.kind),
        }
    }
}

/// Length of a MAC key: that of the hash function's output in every suite.
pub(super) fn mac_key_len(hash: Hash) -> usize {
    hash.len()
}

#[cfg(test)]
mod tests;
