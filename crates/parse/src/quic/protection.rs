//! The protection of Initial packets: keys from the connection id, the header's and the payload's (RFC 9001 §5).

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt as _, KeyInit as _},
};
use aes_gcm::{Aes128Gcm, aead::AeadInOut as _};
use hkdf::Hkdf;
use sha2::Sha256;

use super::{
    packet::{Id, Initial},
    version::Dialect,
};
use crate::tls::schedule::label_info;

/// Bytes of the authentication tag behind a payload.
const TAG: usize = 16;
/// What the header's mask is made from (RFC 9001 §5.4.2): it begins four bytes behind the packet number.
const SAMPLE_BEHIND: usize = 4;

/// What opens the Initial packets that a client sends.
pub(super) struct Keys {
    payload: Aes128Gcm,
    iv: [u8; 12],
    header: Aes128,
}

impl Keys {
    /// The keys of the connection whose client first called its server `id`.
    pub(super) fn of(dialect: &Dialect, id: &Id) -> Option<Self> {
        let initial = Hkdf::<Sha256>::new(Some(dialect.salt), id.bytes());
        let client = Hkdf::<Sha256>::from_prk(&expand::<32>(&initial, "client in")?).ok()?;
        let [key, iv, header] = dialect.labels;
        Some(Self {
            payload: Aes128Gcm::new(&expand::<16>(&client, key)?.into()),
            iv: expand(&client, iv)?,
            header: Aes128::new(&expand::<16>(&client, header)?.into()),
        })
    }

    /// The frames in `packet`; `None` where it does not carry the tag that these keys make.
    pub(super) fn open(&self, packet: &Initial<'_>) -> Option<Vec<u8>> {
        let at = packet.number_at;
        let sample: [u8; 16] = *packet.bytes.get(at + SAMPLE_BEHIND..)?.first_chunk()?;
        let mut mask = sample.into();
        self.header.encrypt_block(&mut mask);
        let first = packet.bytes.first()? ^ mask[0] & 0x0f;
        let number_len = usize::from(first & 3) + 1;
        let (header, sealed) = packet.bytes.split_at_checked(at + number_len)?;
        let (payload, tag) = sealed.split_last_chunk::<TAG>()?;

        let mut header = header.to_vec();
        header[0] = first;
        // The first packets of a connection count from zero (RFC 9000 §12.3): no number is so large that it was cut.
        let mut nonce = self.iv;
        let places = nonce.len() - number_len;
        for (index, byte) in header[at..].iter_mut().enumerate() {
            *byte ^= mask[1 + index];
            nonce[places + index] ^= *byte;
        }
        let mut frames = payload.to_vec();
        let buffer = frames.as_mut_slice().into();
        self.payload.decrypt_inout_detached(&nonce.into(), &header, buffer, &(*tag).into()).ok()?;
        Some(frames)
    }
}

/// HKDF-Expand-Label without context (RFC 8446 §7.1).
fn expand<const LEN: usize>(secret: &Hkdf<Sha256>, label: &str) -> Option<[u8; LEN]> {
    let mut out = [0; LEN];
    secret.expand(&label_info(label, LEN)?, &mut out).ok()?;
    Some(out)
}
