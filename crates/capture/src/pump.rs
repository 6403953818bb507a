//! Reads, hashes and unpacks: ahead of whoever parses, on a second thread, or as they ask for more.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::SyncSender,
    },
};

use sha2::{Digest as _, Sha256};

use crate::{
    buffers::Reusable,
    chunk::Chunk,
    sniff::{Compression, HEAD},
    unpack::{Limits, Stop, Unpacker},
};

/// Bytes of one chunk: large enough that a system call costs nothing, small enough for the second-level cache.
pub(crate) const CHUNK: usize = 1 << 20;
/// Chunks that may wait for the parser.
pub(crate) const AHEAD: usize = 8;

/// How reading went.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Over all raw bytes.
    hash: Sha256,
    /// Number of raw bytes.
    pub(crate) bytes: u64,
    /// Why unpacking stopped early.
    pub(crate) stop: Option<Stop>,
    /// Why reading stopped early.
    pub(crate) failure: Option<io::Error>,
}

impl Outcome {
    /// SHA-256 of all raw bytes.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    fn is_unwanted(&self) -> bool {
        matches!(self.stop, Some(Stop::Unwanted))
    }
}

/// Reads the files of one capture ahead, one after the other, on a thread of its own.
pub(crate) fn run_files(files: &[PathBuf], limits: Limits, sender: &SyncSender<Chunk>, reusable: &Reusable) -> Outcome {
    let mut outcome = Outcome::default();
    for (number, path) in files.iter().enumerate() {
        if number > 0 && sender.send(Chunk::NextFile).is_err() {
            outcome.stop = Some(Stop::Unwanted);
        }
        if outcome.is_unwanted() {
            break;
        }
        let opened = File::open(path).and_then(|mut file| Ok((first_bytes(&mut file)?, file)));
        outcome = match opened {
            Ok((head, file)) => {
                let compression = Compression::sniff(&head);
                run(head.as_slice().chain(file), compression, limits, outcome, sender, reusable)
            }
            // A ring may have dropped it since.
            Err(error) => Outcome { failure: Some(error), ..outcome },
        };
    }
    outcome
}

/// Reads ahead on a thread of its own: sends the unpacked bytes of `reader` in order. `reusable` brings buffers back, `before`
/// is what was read before it.
pub(crate) fn run(
    reader: impl Read,
    compression: Compression,
    limits: Limits,
    before: Outcome,
    sender: &SyncSender<Chunk>,
    reusable: &Reusable,
) -> Outcome {
    let send_all = |chunks: &mut Chunks<'_>| {
        // Nobody listens any more: the rest is unwanted.
        let _ = chunks.try_for_each(|chunk| sender.send(chunk));
    };
    alone(reader, compression, limits, before, reusable, send_all).1
}

/// Reads on the calling thread, as `consume` asks for more.
pub(crate) fn alone<T>(
    reader: impl Read,
    compression: Compression,
    limits: Limits,
    before: Outcome,
    reusable: &Reusable,
    consume: impl FnOnce(&mut Chunks<'_>) -> T,
) -> (T, Outcome) {
    let mut raw = Raw::new(reader, before.hash);
    let packed = Arc::clone(&raw.bytes);
    let (consumed, stop) = {
        let unpacker = Unpacker::new(compression, &mut raw, packed, limits);
        let mut chunks = Chunks { unpacker, reusable, end: None };
        (consume(&mut chunks), chunks.end.unwrap_or(Some(Stop::Unwanted)))
    };
    if !matches!(stop, Some(Stop::Unwanted)) {
        raw.hash_rest();
    }
    let outcome = raw.finish(stop);
    let outcome = Outcome {
        bytes: before.bytes + outcome.bytes,
        stop: outcome.stop.or(before.stop),
        failure: outcome.failure.or(before.failure),
        ..outcome
    };
    (consumed, outcome)
}

/// Enough bytes to tell the format, or all that there are.
pub(crate) fn first_bytes(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The unpacked bytes of a reader, chunk by chunk.
pub(crate) struct Chunks<'r> {
    unpacker: Unpacker<'r>,
    reusable: &'r Reusable,
    /// That there are no more, and what stopped them.
    end: Option<Option<Stop>>,
}

impl Iterator for Chunks<'_> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        if self.end.is_some() {
            return None;
        }
        let mut buffer = self.reusable.take();
        buffer.resize(CHUNK, 0);
        let (filled, result) = self.unpacker.fill(&mut buffer);
        buffer.truncate(filled);
        self.end = match result {
            Err(stop) => Some(Some(stop)),
            Ok(()) if filled < CHUNK => Some(None),
            Ok(()) => None,
        };
        (filled > 0).then_some(Chunk::Bytes(buffer))
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
    fn new(reader: R, hash: Sha256) -> Self {
        Self { reader, hash, bytes: Arc::default(), failure: None }
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
        Outcome { hash: self.hash, bytes, stop, failure: self.failure }
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
