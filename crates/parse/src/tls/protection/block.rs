//! Block ciphers in CBC mode, the MAC inside (RFC 5246 §6.2.3.2) or outside of the encryption (RFC 7366).

use aes::{Aes128, Aes256};
use cbc::{
    Decryptor,
    cipher::{Array, BlockCipherDecrypt, BlockModeDecrypt as _, InnerIvInit as _, KeyInit},
};
use des::TdesEde3;

use super::{DirectionKeys, Sealed, mac::Mac};
use crate::tls::{TlsVersion, suite::Cipher};

/// A block cipher with its MAC.
pub(super) struct Block {
    cipher: Box<dyn Decrypt>,
    mac: Mac,
    encrypt_then_mac: bool,
    /// Whether padding bytes may have any value.
    ssl3: bool,
    chain: Chain,
}

/// Where initialisation vectors come from.
enum Chain {
    /// Each record brings its own: TLS 1.1 and 1.2.
    Explicit,
    /// The last block of the record before; unknown where that was not captured.
    Implicit(Option<Box<[u8]>>),
}

/// Block length of a cipher in CBC mode.
pub(super) fn block_len(cipher: Cipher) -> usize {
    if matches!(cipher, Cipher::TripleDesCbc(_)) { 8 } else { 16 }
}

impl Block {
    pub(super) fn new(
        version: TlsVersion,
        cipher: Cipher,
        encrypt_then_mac: bool,
        mac: Mac,
        keys: &DirectionKeys<'_>,
    ) -> Option<Self> {
        let chain =
            if version <= TlsVersion::TLS_1_0 { Chain::Implicit(Some(keys.iv.into())) } else { Chain::Explicit };
        let cipher: Box<dyn Decrypt> = match cipher {
            Cipher::Aes128Cbc(_) => keyed::<Aes128>(keys.cipher)?,
            Cipher::Aes256Cbc(_) => keyed::<Aes256>(keys.cipher)?,
            Cipher::TripleDesCbc(_) => keyed::<TdesEde3>(keys.cipher)?,
            _ => return None,
        };
        Some(Self { cipher, mac, encrypt_then_mac, ssl3: version == TlsVersion::SSL_3_0, chain })
    }

    /// Bytes beside the content: the vector, the MAC and one byte of padding.
    pub(super) fn overhead(&self) -> usize {
        let vector = if matches!(self.chain, Chain::Explicit) { self.cipher.block_len() } else { 0 };
        vector + self.mac.len() + 1
    }

    pub(super) fn lose_step(&mut self) {
        if let Chain::Implicit(vector) = &mut self.chain {
            *vector = None;
        }
    }

    pub(super) fn pass(&mut self, body: &[u8]) {
        let body = if self.encrypt_then_mac { &body[..body.len().saturating_sub(self.mac.len())] } else { body };
        if let Chain::Implicit(vector) = &mut self.chain {
            *vector = body.len().checked_sub(self.cipher.block_len()).map(|start| body[start..].into());
        }
    }

    pub(super) fn open(&mut self, number: u64, record: Sealed<'_>, out: &mut Vec<u8>) -> Option<()> {
        let mut body = record.body;
        if self.encrypt_then_mac {
            let (encrypted, mac) = body.split_at(body.len().checked_sub(self.mac.len())?);
            if !self.mac.is_right(number, record, encrypted, mac) {
                return None;
            }
            body = encrypted;
        }
        let (vector, encrypted) = match &self.chain {
            Chain::Explicit => body.split_at_checked(self.cipher.block_len())?,
            Chain::Implicit(vector) => (vector.as_deref()?, body),
        };
        out.clear();
        out.extend_from_slice(encrypted);
        self.cipher.decrypt(vector, out)?;
        out.truncate(self.without_padding(out)?);
        if !self.encrypt_then_mac {
            let content = out.len().checked_sub(self.mac.len())?;
            if !self.mac.is_right(number, record, &out[..content], &out[content..]) {
                return None;
            }
            out.truncate(content);
        }
        self.pass(record.body);
        Some(())
    }

    /// Length of decrypted bytes without their padding.
    fn without_padding(&self, bytes: &[u8]) -> Option<usize> {
        let padding = *bytes.last()?;
        let len = bytes.len().checked_sub(usize::from(padding) + 1)?;
        (self.ssl3 || bytes[len..].iter().all(|byte| *byte == padding)).then_some(len)
    }
}

/// A keyed block cipher of any kind.
trait Decrypt: Send {
    fn block_len(&self) -> usize;

    /// Decrypts whole blocks in place; `None` where they are not whole.
    fn decrypt(&self, vector: &[u8], bytes: &mut [u8]) -> Option<()>;
}

impl<C: BlockCipherDecrypt + Send> Decrypt for C {
    fn block_len(&self) -> usize {
        C::block_size()
    }

    fn decrypt(&self, vector: &[u8], bytes: &mut [u8]) -> Option<()> {
        let (blocks, []) = Array::slice_as_chunks_mut(bytes) else { return None };
        let vector = vector.try_into().ok()?;
        Decryptor::inner_iv_init(self, vector).decrypt_blocks(blocks);
        Some(())
    }
}

fn keyed<C: BlockCipherDecrypt + KeyInit + Send + 'static>(key: &[u8]) -> Option<Box<dyn Decrypt>> {
    Some(Box::new(C::new_from_slice(key).ok()?))
}
