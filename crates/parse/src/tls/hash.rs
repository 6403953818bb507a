//! The hash functions of TLS, chosen by what a connection negotiated.

use hmac::{EagerHash, Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384};

use super::key::Key;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

impl Hash {
    /// Length of its output, in bytes.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// The hash of `parts`, one behind the other.
    pub(super) fn of(self, parts: &[&[u8]]) -> Key {
        match self {
            Self::Md5 => digest::<Md5>(parts),
            Self::Sha1 => digest::<Sha1>(parts),
            Self::Sha256 => digest::<Sha256>(parts),
            Self::Sha384 => digest::<Sha384>(parts),
        }
    }

    /// The HMAC (RFC 2104) of `parts`, one behind the other.
    pub(super) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Key {
        match self {
            Self::Md5 => hmac::<Md5>(key, parts),
            Self::Sha1 => hmac::<Sha1>(key, parts),
            Self::Sha256 => hmac::<Sha256>(key, parts),
            Self::Sha384 => hmac::<Sha384>(key, parts),
        }
    }
}

fn digest<D: Digest>(parts: &[&[u8]]) -> Key {
    let mut digest = D::new();
    parts.iter().for_each(|part| digest.update(part));
    Key::new(digest.finalize().as_slice())
}

fn hmac<D: EagerHash>(key: &[u8], parts: &[&[u8]]) -> Key
where
    Hmac<D>: Mac + KeyInit,
{
    // A key of any length is accepted (RFC 2104 §2).
    let Ok(mut mac) = <Hmac<D> as KeyInit>::new_from_slice(key) else { return Key::new([]) };
    parts.iter().for_each(|part| mac.update(part));
    Key::new(mac.finalize().into_bytes().as_slice())
}
