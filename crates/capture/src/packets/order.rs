//! Byte order of a capture file: that of the machine that wrote it.

/// How the integers of a file or section are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// The 16-bit integer at `at`; zero where the bytes end before it does.
    #[inline]
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let Some(bytes) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return 0 };
        match self {
            Self::Little => u16::from_le_bytes(*bytes),
            Self::Big => u16::from_be_bytes(*bytes),
        }
    }

    /// The 32-bit integer at `at`; zero where the bytes end before it does.
    #[inline]
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let Some(bytes) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return 0 };
        match self {
            Self::Little => u32::from_le_bytes(*bytes),
            Self::Big => u32::from_be_bytes(*bytes),
        }
    }

    /// The 64-bit integer at `at`; zero where the bytes end before it does.
    pub(super) fn u64(self, bytes: &[u8], at: usize) -> u64 {
        let Some(bytes) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return 0 };
        match self {
            Self::Little => u64::from_le_bytes(*bytes),
            Self::Big => u64::from_be_bytes(*bytes),
        }
    }
}
