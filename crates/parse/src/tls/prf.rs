//! Derivation of keys up to TLS 1.2: the pseudo-random functions, master secrets and key blocks.

use zeroize::Zeroizing;

use super::{TlsVersion, hash::Hash, key::Key};

/// How secrets are stretched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prf {
    /// SSL 3.0 (RFC 6101 §6.1).
    Ssl3,
    /// TLS 1.0 and 1.1: MD5 and SHA-1, each with half of the secret (RFC 2246 §5).
    Split,
    /// TLS 1.2: one hash function (RFC 5246 §5).
    Single(Hash),
}

impl Prf {
    /// The function of a version, where `hash` is what its cipher suite names for TLS 1.2.
    pub(super) fn of(version: TlsVersion, hash: Hash) -> Self {
        match version {
            TlsVersion::SSL_3_0 => Self::Ssl3,
            TlsVersion::TLS_1_0 | TlsVersion::TLS_1_1 => Self::Split,
            _ => Self::Single(hash),
        }
    }

    /// The master secret from a pre-master secret (RFC 5246 §8.1).
    pub(super) fn master(self, premaster: &Key, client: &[u8], server: &[u8]) -> Key {
        self.expand(premaster, b"master secret", &[client, server], MASTER)
    }

    /// The master secret bound to the handshake (RFC 7627 §4). `transcript` is every message up to ClientKeyExchange.
    pub(super) fn extended_master(self, premaster: &Key, transcript: &[u8]) -> Key {
        let hash = match self {
            Self::Single(hash) => hash.of(&[transcript]),
            Self::Ssl3 | Self::Split => {
                Key::new([Hash::Md5.of(&[transcript]).expose(), Hash::Sha1.of(&[transcript]).expose()].concat())
            }
        };
        self.expand(premaster, b"extended master secret", &[hash.expose()], MASTER)
    }

    /// `len` bytes of keys for both directions (RFC 5246 §6.3). The server's random comes first here.
    pub(super) fn key_block(self, master: &Key, client: &[u8], server: &[u8], len: usize) -> Key {
        self.expand(master, b"key expansion", &[server, client], len)
    }

    fn expand(self, secret: &Key, label: &[u8], seed: &[&[u8]], len: usize) -> Key {
        let mut parts = vec![label];
        parts.extend(seed);
        let secret = secret.expose();
        Key::filled(len, |out| match self {
            Self::Ssl3 => ssl3(secret, seed, out),
            Self::Single(hash) => p_hash(hash, secret, &parts, out),
            Self::Split => {
                // The halves share the middle byte of a secret of odd length.
                let half = secret.len().div_ceil(2);
                p_hash(Hash::Md5, &secret[..half], &parts, out);
                let mut other = Zeroizing::new(vec![0; out.len()]);
                p_hash(Hash::Sha1, &secret[secret.len() - half..], &parts, &mut other);
                out.iter_mut().zip(other.iter()).for_each(|(byte, other)| *byte ^= other);
            }
        })
    }
}

/// Length of a master secret.
const MASTER: usize = 48;

/// `P_hash` of RFC 5246 §5.
fn p_hash(hash: Hash, secret: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    let mut a = hash.hmac(secret, seed);
    for chunk in out.chunks_mut(hash.len()) {
        let mut parts = vec![a.expose()];
        parts.extend(seed);
        let block = hash.hmac(secret, &parts);
        chunk.copy_from_slice(&block.expose()[..chunk.len()]);
        a = hash.hmac(secret, &[a.expose()]);
    }
}

/// `MD5(secret + SHA("A" + secret + seed))`, then with "BB", "CCC"… (RFC 6101 §6.2.2).
fn ssl3(secret: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    for (letter, chunk) in (b'A'..=b'Z').zip(out.chunks_mut(Hash::Md5.len())) {
        let salt = vec![letter; usize::from(letter - b'A') + 1];
        let mut parts = vec![salt.as_slice(), secret];
        parts.extend(seed);
        let inner = Hash::Sha1.of(&parts);
        let block = Hash::Md5.of(&[secret, inner.expose()]);
        chunk.copy_from_slice(&block.expose()[..chunk.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
    }

    /// The vector for P_SHA256 that the TLS working group published with TLS 1.2.
    #[test]
    fn p_sha256() {
        let secret = Key::new(bytes("9bbe436ba940f017b17652849a71db35"));
        let seed = bytes("a0ba9f936cda311827a6f796ffd5198c");
        let out = Prf::Single(Hash::Sha256).expand(&secret, b"test label", &[&seed], 100);
        let expected = bytes(
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17
             abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66",
        );
        assert!(out.expose() == expected);
    }

    /// The same for P_SHA384.
    #[test]
    fn p_sha384() {
        let secret = Key::new(bytes("b80b733d6ceefcdc71566ea48e5567df"));
        let seed = bytes("cd665cf6a8447dd6ff8b27555edb7465");
        let out = Prf::Single(Hash::Sha384).expand(&secret, b"test label", &[&seed], 148);
        let expected = bytes(
            "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700
             884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d9184259b5bf8cd4d90fa0d31e2dec479e4f1a2
             6066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e0990703d73e56f",
        );
        assert!(out.expose() == expected);
    }
}
