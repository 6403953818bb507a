//! Versions of QUIC, and what each derives its Initial keys with.

use serde::{Deserialize, Serialize};

/// Version of QUIC, as the wire numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QuicVersion(pub u32);

/// RFC 9000.
const V1: u32 = 1;
/// RFC 9369 §3.1.
const V2: u32 = 0x6b33_43cf;
/// The drafts of version 1 are numbered from here.
const DRAFT: u32 = 0xff00_0000;
/// Facebook's implementation, of drafts 22 and 27.
const MVFST_22: u32 = 0xface_b001;
const MVFST_27: u32 = 0xface_b002;

const SALT_V1: [u8; 20] = *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
const SALT_V2: [u8; 20] = *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9";
const SALT_29: [u8; 20] = *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99";
const SALT_23: [u8; 20] = *b"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02";
const SALT_22: [u8; 20] = *b"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a";

/// What a version's Initial packets differ in.
pub(super) struct Dialect {
    /// Salt of the Initial secret (RFC 9001 §5.2, RFC 9369 §3.3.1, and the drafts).
    pub(super) salt: &'static [u8; 20],
    /// Labels of key, IV and header protection key.
    pub(super) labels: [&'static str; 3],
    /// Number of the Initial packet type, and of Retry, which alone has no length.
    pub(super) initial: u8,
    pub(super) retry: u8,
}

impl QuicVersion {
    /// How Initial packets of this version are read; `None` where that is not known.
    pub(super) fn dialect(self) -> Option<Dialect> {
        let salt = match self.0 {
            V2 => {
                let labels = ["quicv2 key", "quicv2 iv", "quicv2 hp"];
                return Some(Dialect { salt: &SALT_V2, labels, initial: 1, retry: 0 });
            }
            V1 => &SALT_V1,
            MVFST_22 => &SALT_22,
            MVFST_27 => &SALT_23,
            draft => match draft.checked_sub(DRAFT)? {
                22 => &SALT_22,
                23..=28 => &SALT_23,
                29..=32 => &SALT_29,
                33 | 34 => &SALT_V1,
                _ => return None,
            },
        };
        Some(Dialect { salt, labels: ["quic key", "quic iv", "quic hp"], initial: 0, retry: 3 })
    }
}

impl std::fmt::Display for QuicVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            V1 => f.write_str("QUIC v1"),
            V2 => f.write_str("QUIC v2"),
            draft @ 0xff00_0001..=0xff00_00ff => write!(f, "QUIC draft {}", draft - DRAFT),
            other => write!(f, "QUIC {other:#010x}"),
        }
    }
}
