//! Cipher suites: what protects records, and which hash function derives the keys.

use super::hash::Hash;

/// A cipher with its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128Gcm,
    Aes256Gcm,
    Aes128Ccm,
    Aes256Ccm,
    /// CCM with a tag of eight bytes.
    Aes128Ccm8,
    Aes256Ccm8,
    ChaCha20Poly1305,
    Aes128Cbc(Hash),
    Aes256Cbc(Hash),
    TripleDesCbc(Hash),
    Rc4(Hash),
}

impl Cipher {
    pub(super) fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Ccm | Self::Aes128Ccm8 | Self::Aes128Cbc(_) | Self::Rc4(_) => 16,
            Self::TripleDesCbc(_) => 24,
            Self::Aes256Gcm | Self::Aes256Ccm | Self::Aes256Ccm8 | Self::ChaCha20Poly1305 | Self::Aes256Cbc(_) => 32,
        }
    }

    /// The hash function of its record MAC; none where the cipher authenticates by itself.
    pub(super) fn mac(self) -> Option<Hash> {
        match self {
            Self::Aes128Cbc(hash) | Self::Aes256Cbc(hash) | Self::TripleDesCbc(hash) | Self::Rc4(hash) => Some(hash),
            _ => None,
        }
    }
}

/// A cipher suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) cipher: Cipher,
    /// Hash function of the key schedule from TLS 1.2 on.
    pub(super) hash: Hash,
}

impl Suite {
    /// The suite that the registry of RFC 8447 numbers `id`; `None` for one that is not read.
    pub(super) fn of(id: u16) -> Option<Self> {
        let (cipher, hash, _) = SUITES.iter().find(|(_, _, ids)| ids.contains(&id))?;
        Some(Self { cipher: *cipher, hash: *hash })
    }
}

/// Suites by what they protect records with; the key exchange and the signature do not matter to who has the secret.
#[rustfmt::skip]
const SUITES: &[(Cipher, Hash, &[u16])] = &[
    (Cipher::Aes128Gcm, Hash::Sha256, &[
        0x1301, 0xc02b, 0xc02f, 0x009c, 0x009e, 0x00a0, 0x00a2, 0x00a4, 0x00a6, 0x00a8, 0x00aa, 0x00ac, 0xc02d, 0xc031,
        0xd001,
    ]),
    (Cipher::Aes256Gcm, Hash::Sha384, &[
        0x1302, 0xc02c, 0xc030, 0x009d, 0x009f, 0x00a1, 0x00a3, 0x00a5, 0x00a7, 0x00a9, 0x00ab, 0x00ad, 0xc02e, 0xc032,
        0xd002,
    ]),
    (Cipher::ChaCha20Poly1305, Hash::Sha256, &[
        0x1303, 0xcca8, 0xcca9, 0xccaa, 0xccab, 0xccac, 0xccad, 0xccae,
    ]),
    (Cipher::Aes128Ccm, Hash::Sha256, &[0x1304, 0xc09c, 0xc09e, 0xc0a4, 0xc0a6, 0xc0ac, 0xd005]),
    (Cipher::Aes256Ccm, Hash::Sha256, &[0xc09d, 0xc09f, 0xc0a5, 0xc0a7, 0xc0ad]),
    (Cipher::Aes128Ccm8, Hash::Sha256, &[0x1305, 0xc0a0, 0xc0a2, 0xc0a8, 0xc0aa, 0xc0ae, 0xd003]),
    (Cipher::Aes256Ccm8, Hash::Sha256, &[0xc0a1, 0xc0a3, 0xc0a9, 0xc0ab, 0xc0af]),
    (Cipher::Aes128Cbc(Hash::Sha1), Hash::Sha256, &[
        0x002f, 0x0030, 0x0031, 0x0032, 0x0033, 0x0034, 0x008c, 0x0090, 0x0094, 0xc004, 0xc009, 0xc00e, 0xc013, 0xc018,
        0xc01d, 0xc01e, 0xc01f, 0xc035,
    ]),
    (Cipher::Aes256Cbc(Hash::Sha1), Hash::Sha256, &[
        0x0035, 0x0036, 0x0037, 0x0038, 0x0039, 0x003a, 0x008d, 0x0091, 0x0095, 0xc005, 0xc00a, 0xc00f, 0xc014, 0xc019,
        0xc020, 0xc021, 0xc022, 0xc036,
    ]),
    (Cipher::Aes128Cbc(Hash::Sha256), Hash::Sha256, &[
        0x003c, 0x003e, 0x003f, 0x0040, 0x0067, 0x006c, 0x00ae, 0x00b2, 0x00b6, 0xc023, 0xc025, 0xc027, 0xc029, 0xc037,
    ]),
    (Cipher::Aes256Cbc(Hash::Sha256), Hash::Sha256, &[0x003d, 0x0068, 0x0069, 0x006a, 0x006b, 0x006d]),
    (Cipher::Aes256Cbc(Hash::Sha384), Hash::Sha384, &[
        0x00af, 0x00b3, 0x00b7, 0xc024, 0xc026, 0xc028, 0xc02a, 0xc038,
    ]),
    (Cipher::TripleDesCbc(Hash::Sha1), Hash::Sha256, &[
        0x000a, 0x000d, 0x0010, 0x0013, 0x0016, 0x001b, 0x008b, 0x008f, 0x0093, 0xc003, 0xc008, 0xc00d, 0xc012, 0xc017,
        0xc01a, 0xc01b, 0xc01c, 0xc034,
    ]),
    (Cipher::Rc4(Hash::Md5), Hash::Sha256, &[0x0004, 0x0018]),
    (Cipher::Rc4(Hash::Sha1), Hash::Sha256, &[
        0x0005, 0x008a, 0x008e, 0x0092, 0xc002, 0xc007, 0xc00c, 0xc011, 0xc016, 0xc033,
    ]),
];
