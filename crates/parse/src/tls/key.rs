//! Key material: bytes that can be used on purpose and never printed; wiped from memory when dropped.

use zeroize::Zeroize as _;

/// A master secret, a traffic secret or a key. It has no `Debug`, `Display` or `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key(Box<[u8]>);

impl Key {
    pub(super) fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Key material of `len` bytes that `fill` writes.
    pub(super) fn filled(len: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut key = Self(vec![0; len].into());
        fill(&mut key.0);
        key
    }

    /// The bytes: for a computation, never for output.
    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
