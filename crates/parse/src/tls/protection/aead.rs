//! Ciphers that authenticate by themselves: AES-GCM, AES-CCM and ChaCha20-Poly1305.

use aes::{Aes128, Aes256};
use aes_gcm::{
    Aes128Gcm, Aes256Gcm, KeyInit,
    aead::{AeadInOut, Tag},
};
use ccm::{
    Ccm,
    consts::{U8, U12, U16},
};
use chacha20poly1305::ChaCha20Poly1305;
use zeroize::Zeroizing;

use super::Sealed;
use crate::tls::suite::Cipher;

/// Length of a nonce.
pub(super) const NONCE: usize = 12;
/// Length of the part of it that GCM and CCM take from the key block (RFC 5288 §3).
pub(super) const SALT: usize = 4;
/// Length of the part that each record then carries.
const EXPLICIT: usize = 8;

/// An AEAD cipher with its key and the fixed part of its nonces.
pub(super) struct Aead {
    cipher: Box<dyn Open>,
    tag_len: usize,
    /// As long as a nonce, or only as long as the salt.
    iv: Zeroizing<Vec<u8>>,
}

impl Aead {
    pub(super) fn new(cipher: Cipher, key: &[u8], iv: &[u8]) -> Option<Self> {
        let opener: Box<dyn Open> = match cipher {
            Cipher::Aes128Gcm => keyed::<Aes128Gcm>(key)?,
            Cipher::Aes256Gcm => keyed::<Aes256Gcm>(key)?,
            Cipher::ChaCha20Poly1305 => keyed::<ChaCha20Poly1305>(key)?,
            Cipher::Aes128Ccm => keyed::<Ccm<Aes128, U16, U12>>(key)?,
            Cipher::Aes256Ccm => keyed::<Ccm<Aes256, U16, U12>>(key)?,
            Cipher::Aes128Ccm8 => keyed::<Ccm<Aes128, U8, U12>>(key)?,
            Cipher::Aes256Ccm8 => keyed::<Ccm<Aes256, U8, U12>>(key)?,
            Cipher::Aes128Cbc(_) | Cipher::Aes256Cbc(_) | Cipher::TripleDesCbc(_) | Cipher::Rc4(_) => return None,
        };
        let tag_len = if matches!(cipher, Cipher::Aes128Ccm8 | Cipher::Aes256Ccm8) { 8 } else { 16 };
        matches!(iv.len(), NONCE | SALT).then(|| Self { cipher: opener, tag_len, iv: Zeroizing::new(iv.to_vec()) })
    }

    pub(super) fn tag_len(&self) -> usize {
        self.tag_len
    }

    /// Bytes of nonce in each record of TLS 1.2.
    pub(super) fn explicit_len(&self) -> usize {
        if self.iv.len() == SALT { EXPLICIT } else { 0 }
    }

    /// RFC 8446 §5.2: the record's header is authenticated, its number is in the nonce.
    pub(super) fn open_tls13(&self, number: u64, record: Sealed<'_>, out: &mut Vec<u8>) -> Option<()> {
        let header = header(record.kind, record.version, record.body.len())?;
        self.cipher.open(&self.nonce(number)?, &header, record.body, out)
    }

    /// RFC 5246 §6.2.3.3 with the nonces of RFC 5288, RFC 6655 and RFC 7905.
    pub(super) fn open_tls12(&self, number: u64, record: Sealed<'_>, out: &mut Vec<u8>) -> Option<()> {
        let (explicit, body) = record.body.split_at_checked(self.explicit_len())?;
        let nonce = if explicit.is_empty() {
            self.nonce(number)?
        } else {
            [self.iv.as_slice(), explicit].concat().try_into().ok()?
        };
        let mut authenticated = [0; 8 + HEADER];
        authenticated[..8].copy_from_slice(&number.to_be_bytes());
        let content = body.len().checked_sub(self.tag_len)?;
        authenticated[8..].copy_from_slice(&header(record.kind, record.version, content)?);
        self.cipher.open(&nonce, &authenticated, body, out)
    }

    /// The fixed part with the number worked into its end.
    fn nonce(&self, number: u64) -> Option<[u8; NONCE]> {
        let mut nonce: [u8; NONCE] = self.iv.as_slice().try_into().ok()?;
        nonce[NONCE - 8..].iter_mut().zip(number.to_be_bytes()).for_each(|(byte, number)| *byte ^= number);
        Some(nonce)
    }
}

const HEADER: usize = 5;

/// A record's header.
fn header(kind: u8, version: u16, len: usize) -> Option<[u8; HEADER]> {
    let [major, minor] = version.to_be_bytes();
    let [high, low] = u16::try_from(len).ok()?.to_be_bytes();
    Some([kind, major, minor, high, low])
}

/// A keyed cipher of any kind.
trait Open: Send {
    /// Writes what `sealed` holds to `out`, if its tag is right.
    fn open(&self, nonce: &[u8; NONCE], authenticated: &[u8], sealed: &[u8], out: &mut Vec<u8>) -> Option<()>;
}

impl<C: AeadInOut<NonceSize = U12> + Send> Open for C {
    fn open(&self, nonce: &[u8; NONCE], authenticated: &[u8], sealed: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let tag_len = Tag::<C>::default().len();
        let (content, tag) = sealed.split_at(sealed.len().checked_sub(tag_len)?);
        out.clear();
        out.extend_from_slice(content);
        let tag = Tag::<C>::try_from(tag).ok()?;
        self.decrypt_inout_detached(&(*nonce).into(), authenticated, out.as_mut_slice().into(), &tag).ok()
    }
}

fn keyed<C: AeadInOut<NonceSize = U12> + KeyInit + Send + 'static>(key: &[u8]) -> Option<Box<dyn Open>> {
    Some(Box::new(C::new_from_slice(key).ok()?))
}
