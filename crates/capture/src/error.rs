//! Why an input could not be read at all: each message says what, where and what to do.

use std::{io, path::Path};

use thiserror::Error;

/// An input that gave nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InputError {
    /// Nothing stands at this path.
    #[error("{path}: no such file; check the path")]
    Missing {
        /// As given.
        path: String,
    },
    /// The file may not be read by this user.
    #[error("{path}: permission denied; make the file readable for this user")]
    PermissionDenied {
        /// As given.
        path: String,
    },
    /// The directory, with its direct subfolders, holds no file that starts like a capture.
    #[error(
        "{path}: a directory without captures; give a file, or a directory that holds .har, .pcap or .pcapng files"
    )]
    NoCaptures {
        /// As given.
        path: String,
    },
    /// A directory where a file is needed.
    #[error("{path}: is a directory; give one of its files")]
    IsDirectory {
        /// As given.
        path: String,
    },
    /// Not one byte.
    #[error("{path}: is empty; export the capture again")]
    Empty {
        /// As given, `-` for standard input.
        path: String,
    },
    /// JSON without `log` or `log.entries`.
    #[error("{path}: JSON, but not a HAR (no `log` object with entries); export it from a browser as HAR")]
    NotHar {
        /// As given, `-` for standard input.
        path: String,
    },
    /// No format that is read.
    #[error(
        "{path}: not a capture but {guess}; give a HAR, pcap or pcapng file, plain or packed with gzip, zlib or zstd"
    )]
    UnknownFormat {
        /// As given, `-` for standard input.
        path: String,
        /// What the first bytes look like.
        guess: &'static str,
    },
    /// The compressed stream is broken before it gave one byte.
    #[error("{path}: cannot be unpacked as {compression} ({reason}); copy the file again")]
    Decompression {
        /// As given, `-` for standard input.
        path: String,
        /// `gzip`, `zlib` or `zstd`.
        compression: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The operating system refused for another reason.
    #[error("{path}: cannot be read ({source}); check the disk or the pipe")]
    Read {
        /// As given, `-` for standard input.
        path: String,
        /// The system's error.
        source: io::Error,
    },
}

impl InputError {
    /// The variant for a failed system call on `path`.
    pub(crate) fn from_io(path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { path },
            io::ErrorKind::IsADirectory => Self::IsDirectory { path },
            _ => Self::Read { path, source },
        }
    }
}

/// A path as messages show it.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
