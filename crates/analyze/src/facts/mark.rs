//! Marks of values that are compared and never shown: `state`, a code, a redirect URI.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::token::Fingerprinter;

/// Tells whether two values are the same without telling either.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct Mark(u64);

/// As a table holds it: the bits as a signed number.
impl From<Mark> for i64 {
    fn from(mark: Mark) -> Self {
        mark.0.cast_signed()
    }
}

impl From<i64> for Mark {
    fn from(bits: i64) -> Self {
        Self(bits.cast_unsigned())
    }
}

impl Mark {
    /// The same for whoever has the key of `names` alone: a short value cannot be found by trying.
    pub(crate) fn keyed(self, names: &Fingerprinter) -> Self {
        Self(names.keyed(self.0))
    }

    /// The mark of `value`.
    pub(crate) fn of(value: &str) -> Self {
        let digest = Sha256::digest(value.as_bytes());
        Self(digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }
}
