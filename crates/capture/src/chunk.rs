//! What comes of an input, piece by piece.

/// The next thing that whoever reads an input learns of it.
pub(crate) enum Chunk {
    /// Unpacked bytes.
    Bytes(Vec<u8>),
    /// A live capture has no more for now: what was read so far is handed out.
    #[cfg_attr(not(all(feature = "live", unix)), expect(dead_code, reason = "files do not pause"))]
    Pause,
    /// The next file of the same capture begins: a record does not go on in it, a connection may.
    NextFile,
}

impl Chunk {
    /// Its bytes, if it is some.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Pause | Self::NextFile => None,
        }
    }
}
