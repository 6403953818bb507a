//! permessage-deflate (RFC 7692 §7.2.2): the compressed messages of one direction, a piece at a time.

use flate2::{Decompress, FlushDecompress, Status};

/// What the sender took off the end of each message.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// Bytes that are unpacked at a time.
const CHUNK: usize = 4096;
/// Bytes that one message may unpack to before it is given up.
const MOST_UNPACKED: u64 = 16 << 20;

/// Unpacks the messages of one direction.
pub(super) struct Inflater {
    inner: Decompress,
    /// Whether each message is compressed on its own.
    no_context: bool,
    /// Whether what earlier messages left is lost, so that nothing can be read until a message stands on its own.
    broken: bool,
    /// Bytes unpacked of the present message.
    unpacked: u64,
}

impl Inflater {
    pub(super) fn new(no_context: bool) -> Self {
        Self { inner: Decompress::new(false), no_context, broken: false, unpacked: 0 }
    }

    /// A message begins.
    pub(super) fn begin(&mut self) {
        self.unpacked = 0;
        if self.no_context {
            self.inner.reset(false);
            self.broken = false;
        }
    }

    /// Bytes were lost.
    pub(super) fn lose(&mut self) {
        self.broken = true;
    }

    /// Unpacks the next bytes of the message into `sink`; `false` where that is not possible.
    pub(super) fn feed(&mut self, mut packed: &[u8], sink: &mut impl FnMut(&[u8])) -> bool {
        let mut buffer = [0; CHUNK];
        while !self.broken {
            let before = (self.inner.total_in(), self.inner.total_out());
            let status = self.inner.decompress(packed, &mut buffer, FlushDecompress::Sync);
            let taken = usize::try_from(self.inner.total_in() - before.0).unwrap_or(usize::MAX);
            let unpacked = usize::try_from(self.inner.total_out() - before.1).unwrap_or(usize::MAX);
            sink(&buffer[..unpacked]);
            packed = &packed[taken..];
            self.unpacked += unpacked as u64;
            match status {
                Err(_) => self.broken = true,
                // A sender may end its stream with a message and begin anew (RFC 7692 §7.2.3.4).
                Ok(Status::StreamEnd) => self.inner.reset(false),
                Ok(_) if taken == 0 && unpacked == 0 => return true,
                Ok(_) if packed.is_empty() && unpacked < CHUNK => return true,
                Ok(_) => self.broken = self.unpacked > MOST_UNPACKED,
            }
        }
        false
    }

    /// The message ended; `false` where it could not be read.
    pub(super) fn end(&mut self, sink: &mut impl FnMut(&[u8])) -> bool {
        self.feed(&TAIL, sink)
    }
}
