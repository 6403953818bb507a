//! The second thread: reads, hashes and unpacks ahead of whoever parses.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender},
    },
};

use sha2::{Digest as _, Sha256};

use crate::{
    sniff::Compression,
    unpack::{Limits, Stop, Unpacker},
};

/// Bytes of one chunk: large enough that a system call costs nothing, small enough for the second-level cache.
pub(crate) const CHUNK: usize = 1 << 20;
/// Chunks that may wait for the parser.
pub(crate) const AHEAD: usize = 8;

/// How reading ended.
pub(crate) struct Outcome {
    /// SHA-256 of all raw bytes.
    pub(crate) sha256: [u8; 32],
    /// Number of raw bytes.
    pub(crate) bytes: u64,
    /// Why unpacking stopped early.
    pub(crate) stop: Option<Stop>,
    /// Why reading stopped early.
    pub(crate) failure: Option<io::Error>,
}

/// Sends the unpacked bytes of `reader` in order. `spent` brings back buffers to use again.
pub(crate) fn run(
    reader: impl Read,
    compression: Compression,
    limits: Limits,
    chunks: &SyncSender<Vec<u8>>,
    spent: &Receiver<Vec<u8>>,
) -> Outcome {
    let mut raw = Raw::new(reader);
    let packed = Arc::clone(&raw.bytes);
    let stop = {
        let mut unpacker = Unpacker::new(compression, &mut raw, packed, limits);
        send_all(&mut unpacker, chunks, spent)
    };
    if !matches!(stop, Some(Stop::Unwanted)) {
        raw.hash_rest();
    }
    raw.finish(stop)
}

/// Unpacks chunk by chunk; ends at the end, at a stop, or when nobody listens any more.
fn send_all(unpacker: &mut Unpacker<'_>, chunks: &SyncSender<Vec<u8>>, spent: &Receiver<Vec<u8>>) -> Option<Stop> {
    loop {
        let mut buffer = spent.try_recv().unwrap_or_default();
        buffer.resize(CHUNK, 0);
        let (filled, result) = unpacker.fill(&mut buffer);
        buffer.truncate(filled);
        if filled > 0 && chunks.send(buffer).is_err() {
            return Some(Stop::Unwanted);
        }
        match result {
            Err(stop) => return Some(stop),
            Ok(()) if filled < CHUNK => return None,
            Ok(()) => {}
        }
    }
}

/// A reader that hashes and counts what passes, and remembers the system's error.
struct Raw<R> {
    reader: R,
    hash: Sha256,
    bytes: Arc<AtomicU64>,
    failure: Option<io::Error>,
}

impl<R: Read> Raw<R> {
    fn new(reader: R) -> Self {
        Self { reader, hash: Sha256::new(), bytes: Arc::default(), failure: None }
    }

    /// Hashes what unpacking left unread, so that the digest is the whole file's.
    fn hash_rest(&mut self) {
        if self.failure.is_none() {
            // A failure is remembered by `read`.
            let _ = io::copy(self, &mut io::sink());
        }
    }

    fn finish(self, stop: Option<Stop>) -> Outcome {
        // What the decoder made of a failed read is not the decoder's fault.
        let stop = stop.filter(|_| self.failure.is_none());
        let bytes = self.bytes.load(Ordering::Relaxed);
        Outcome { sha256: self.hash.finalize().into(), bytes, stop, failure: self.failure }
    }
}

impl<R: Read> Read for Raw<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Ok(read) => {
                self.hash.update(&buffer[..read]);
                self.bytes.fetch_add(read as u64, Ordering::Relaxed);
                Ok(read)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.failure = Some(io::Error::new(error.kind(), error.to_string()));
                }
                Err(error)
            }
        }
    }
}
