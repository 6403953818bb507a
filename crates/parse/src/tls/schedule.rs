//! The part of the TLS 1.3 key schedule that begins at traffic secrets (RFC 8446 §7.1–7.3).

use hkdf::Hkdf;
use sha2::{Sha256, Sha384};

use super::{hash::Hash, key::Key};

/// `HKDF-Expand-SecretLabel` with an empty context: all that is needed below a traffic secret.
pub(super) fn expand_label(hash: Hash, secret: &Key, label: &str, len: usize) -> Option<Key> {
    let info = label_info(label, len)?;
    let mut filled = false;
    let key = Key::filled(len, |out| {
        filled = match hash {
            Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret.expose()).is_ok_and(|hkdf| hkdf.expand(&info, out).is_ok()),
            Hash::Sha256 => Hkdf::<Sha256>::from_prk(secret.expose()).is_ok_and(|hkdf| hkdf.expand(&info, out).is_ok()),
            // TLS 1.3 knows no other.
            Hash::Md5 | Hash::Sha1 => false,
        };
    });
    filled.then_some(key)
}

/// `HkdfLabel` with an empty context; `None` where label or length do not fit it. QUIC makes its keys the same way
/// (RFC 9001 §5.1).
pub(crate) fn label_info(label: &str, len: usize) -> Option<Vec<u8>> {
    let full = [b"tls13 ", label.as_bytes()].concat();
    let length = u16::try_from(len).ok()?.to_be_bytes();
    let label_len = [u8::try_from(full.len()).ok()?];
    Some([&length[..], &label_len, &full, &[0]].concat())
}

/// The traffic secret that follows `secret` after a KeyUpdate (RFC 8446 §7.2).
pub(super) fn updated(hash: Hash, secret: &Key) -> Option<Key> {
    expand_label(hash, secret, "traffic upd", hash.len())
}
