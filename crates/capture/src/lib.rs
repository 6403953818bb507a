//! Where bytes come from: files, directories and standard input in, exchanges out.
//!
//! The format is told by magic bytes, never by a name's ending; gzip, zlib and zstd are unpacked on the way.
//! Reading, hashing and unpacking run on a second thread where two may be busy, packets are read by as many more as the
//! caller allows; exchanges reach the caller's sink in the order of the input, while it is read. Once something was read, a failure is an anomaly beside it and not an error.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "this crate is where files are opened; the others take bytes")]

mod buffers;
mod bytes;
mod chunk;
mod detail;
mod error;
mod expand;
mod input;
#[cfg(all(feature = "live", unix))]
pub mod live;
mod packets;
mod pump;
mod rotation;
mod side_files;
mod sniff;
mod unpack;

pub use bytes::read_bytes;
pub use detail::{DetailError, DetailSource, Place};
pub use error::InputError;
pub use expand::{InputPath, expand};
pub use input::{InputReport, Plan, read_from, read_input};
pub use packets::{DecryptionSecrets, Drops, Names, PacketFormat, PacketReader, PacketSummary, Placed};
pub use rotation::join_rotated;
pub use sniff::{Compression, Container, Format};
pub use unpack::Limits;
