//! Marks of values that are compared and never shown: `state`, a code, a redirect URI.

use sha2::{Digest, Sha256};

/// Tells whether two values are the same without telling either.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(u64);

impl Mark {
    /// The mark of `value`.
    pub(crate) fn of(value: &str) -> Self {
        let digest = Sha256::digest(value.as_bytes());
        Self(digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }
}
