//! Unpacks gzip, zlib and zstd as a stream, and stops at a bomb.

use std::{
    io::{self, BufRead, BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder, StreamingDecoder};

use crate::sniff::{Compression, HEAD};

/// How much a compressed input may unpack to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes unpacked in all.
    pub total: u64,
    /// Most bytes unpacked per packed byte, once [`Self::free`] bytes were unpacked.
    pub ratio: u64,
    /// Bytes unpacked before the ratio counts: a short repetitive text packs well and harms nobody.
    pub free: u64,
}

impl Default for Limits {
    /// 64 GiB; 1:2000 beyond 64 MiB (deflate cannot pass 1:1032, and no recording comes near).
    fn default() -> Self {
        Self { total: 64 << 30, ratio: 2000, free: 64 << 20 }
    }
}

/// Why unpacking stopped before the end of the input.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The packed stream ends in the middle.
    Cut,
    /// The packed stream is broken.
    Damaged,
    /// A limit was reached.
    Limit,
    /// Nobody takes what is unpacked: the input was refused.
    Unwanted,
}

/// Buffer between the file and the decoder.
const PACKED_BUFFER: usize = 256 << 10;

/// Bytes asked of the decoder at a time. A decoder that meets damage keeps to itself what it had unpacked in that call.
const STEP: usize = 8 << 10;
/// Bytes asked of a plain file at a time: they are hashed while they are in the cache, and system calls are few.
const PLAIN_STEP: usize = 128 << 10;

/// A reader that unpacks and counts.
pub(crate) struct Unpacker<'r> {
    decoder: Box<dyn Read + 'r>,
    packed: Arc<AtomicU64>,
    unpacked: u64,
    /// `None` where nothing is unpacked: then there is no bomb either.
    limits: Option<Limits>,
}

impl<'r> Unpacker<'r> {
    /// Unpacks `reader`; `packed` counts the bytes that were read from it.
    pub(crate) fn new(
        compression: Compression,
        reader: impl Read + 'r,
        packed: Arc<AtomicU64>,
        limits: Limits,
    ) -> Self {
        let buffered = |reader| BufReader::with_capacity(PACKED_BUFFER, reader);
        let decoder: Box<dyn Read + 'r> = match compression {
            Compression::None => Box::new(reader),
            Compression::Gzip => Box::new(MultiGzDecoder::new(buffered(reader))),
            Compression::Zlib => Box::new(ZlibDecoder::new(buffered(reader))),
            Compression::Zstd => Box::new(ZstdFrames::new(buffered(reader))),
        };
        Self { decoder, packed, unpacked: 0, limits: (compression != Compression::None).then_some(limits) }
    }

    /// Fills `buffer`; fewer bytes only at the end. What was read before a failure stands in the buffer all the same.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> (usize, Result<(), Stop>) {
        let step = if self.limits.is_some() { STEP } else { PLAIN_STEP };
        let mut filled = 0;
        while filled < buffer.len() {
            let end = buffer.len().min(filled + step);
            match self.decoder.read(&mut buffer[filled..end]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return (filled, Err(Stop::Cut)),
                Err(_) => return (filled, Err(Stop::Damaged)),
            }
        }
        self.unpacked += filled as u64;
        (filled, if self.is_bomb() { Err(Stop::Limit) } else { Ok(()) })
    }

    fn is_bomb(&self) -> bool {
        let Some(limits) = self.limits else { return false };
        let allowed = self.packed.load(Ordering::Relaxed).saturating_mul(limits.ratio).max(limits.free);
        self.unpacked > allowed.min(limits.total)
    }
}

/// The first unpacked bytes of a packed file's first bytes; what cannot be unpacked is empty.
pub(crate) fn head(compression: Compression, packed: Vec<u8>) -> Vec<u8> {
    let mut unpacker = Unpacker::new(compression, packed.as_slice(), Arc::default(), Limits::default());
    let mut buffer = vec![0; HEAD];
    let (filled, _) = unpacker.fill(&mut buffer);
    buffer.truncate(filled);
    buffer
}

/// Zstandard frames one after the other (RFC 8878 §3.1).
struct ZstdFrames<R: BufRead> {
    state: Zstd<R>,
}

enum Zstd<R: BufRead> {
    Between(R),
    Frame(Box<StreamingDecoder<R, FrameDecoder>>),
    /// A frame that is cut or damaged: what was decoded of it, then why there is no more.
    Broken(Box<FrameDecoder>, io::ErrorKind),
    Done,
}

/// Leaves a frame that ended, if its content is what was packed (RFC 8878 §3.1.1, "Content_Checksum").
fn ended<R: BufRead>(decoder: StreamingDecoder<R, FrameDecoder>) -> io::Result<Zstd<R>> {
    let (reader, frame) = decoder.into_parts();
    match (frame.get_checksum_from_data(), frame.get_calculated_checksum()) {
        (Some(stated), Some(found)) if stated != found => Err(io::ErrorKind::InvalidData.into()),
        _ => Ok(Zstd::Between(reader)),
    }
}

/// The last block of a frame, raw and empty, with room for a checksum behind it (RFC 8878 §3.1.1.2).
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// Ends a frame that broke. Until its last block a decoder keeps back the window that later blocks may refer to,
/// which is most of a short file; an empty last block makes it hand out everything.
fn broken<R: BufRead>(decoder: StreamingDecoder<R, FrameDecoder>) -> io::Result<Zstd<R>> {
    let (mut reader, mut frame) = decoder.into_parts();
    let kind = if reader.fill_buf()?.is_empty() { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::InvalidData };
    // Should the decoder refuse even that, what it still holds is lost, as it was before.
    let _ = frame.decode_blocks(LAST_BLOCK.as_slice(), BlockDecodingStrategy::All);
    Ok(Zstd::Broken(Box::new(frame), kind))
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(reader: R) -> Self {
        Self { state: Zstd::Between(reader) }
    }

    /// Starts the next frame, if there is one.
    fn next_frame(mut reader: R) -> io::Result<Zstd<R>> {
        loop {
            if reader.fill_buf()?.is_empty() {
                return Ok(Zstd::Done);
            }
            if !skip_frame(&mut reader)? {
                break;
            }
        }
        let decoder = StreamingDecoder::new(reader).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Zstd::Frame(Box::new(decoder)))
    }
}

/// Reads over a skippable frame (RFC 8878 §3.1.2); `false` where another frame starts.
fn skip_frame(reader: &mut impl BufRead) -> io::Result<bool> {
    let start = reader.fill_buf()?;
    // A header that a buffer's end cuts is left to the decoder, which reports it.
    let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] = *start else { return Ok(false) };
    reader.consume(8);
    io::copy(&mut reader.take(u64::from(u32::from_le_bytes([a, b, c, d]))), &mut io::sink())?;
    Ok(true)
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, Zstd::Done) {
                Zstd::Done => return Ok(0),
                Zstd::Between(reader) => self.state = Self::next_frame(reader)?,
                Zstd::Frame(mut decoder) => match decoder.read(buffer) {
                    Ok(0) if !buffer.is_empty() => self.state = ended(*decoder)?,
                    Ok(read) => {
                        self.state = Zstd::Frame(decoder);
                        return Ok(read);
                    }
                    Err(_) => self.state = broken(*decoder)?,
                },
                Zstd::Broken(mut frame, kind) => match frame.read(buffer)? {
                    0 if !buffer.is_empty() => return Err(kind.into()),
                    read => {
                        self.state = Zstd::Broken(frame, kind);
                        return Ok(read);
                    }
                },
            }
        }
    }
}
