//! What the user named becomes a list of inputs: files as they are, directories as the captures in them.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{
    error::{InputError, shown},
    pump,
    sniff::{Compression, Guess, guess},
    unpack,
};

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputPath {
    /// A file.
    File(PathBuf),
    /// Files that one capturing program began one after the other, in their order ([`join_rotated`](crate::join_rotated)).
    Rotated(Vec<PathBuf>),
    /// Standard input.
    Stdin,
}

impl InputPath {
    /// As messages show it: `-` for standard input.
    pub fn display(&self) -> String {
        match self {
            Self::File(path) => shown(path),
            Self::Rotated(files) => match files.as_slice() {
                [] => String::new(),
                [one] => shown(one),
                [first, rest @ ..] => format!("{} and {} more", shown(first), rest.len()),
            },
            Self::Stdin => "-".to_owned(),
        }
    }
}

/// Names of the JSON members by which a file in a directory is taken for a HAR.
const HAR_MEMBERS: [&str; 2] = ["\"log\"", "\"entries\""];

/// Resolves paths in order: `-` is standard input, a directory stands for the captures directly in it and in its
/// direct subfolders, sorted by path. A file is taken as it is, whether it exists or not: reading it will tell.
///
/// # Errors
///
/// A directory without captures, or one that cannot be listed.
pub fn expand(paths: &[PathBuf]) -> Result<Vec<InputPath>, InputError> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push(InputPath::Stdin);
        } else if path.is_dir() {
            inputs.extend(captures_in(path)?.into_iter().map(InputPath::File));
        } else {
            inputs.push(InputPath::File(path.clone()));
        }
    }
    Ok(inputs)
}

fn captures_in(directory: &Path) -> Result<Vec<PathBuf>, InputError> {
    let mut captures = Vec::new();
    for path in listing(directory)? {
        if path.is_dir() {
            // A subfolder that cannot be listed holds nothing that could be read.
            let files = listing(&path).unwrap_or_default();
            captures.extend(files.into_iter().filter(|file| is_capture(file)));
        } else if is_capture(&path) {
            captures.push(path);
        }
    }
    captures.sort();
    if captures.is_empty() {
        return Err(InputError::NoCaptures { path: directory.display().to_string() });
    }
    Ok(captures)
}

fn listing(directory: &Path) -> Result<Vec<PathBuf>, InputError> {
    let failed = |error| InputError::from_io(&directory.display().to_string(), error);
    fs::read_dir(directory).map_err(failed)?.map(|entry| entry.map(|e| e.path()).map_err(failed)).collect()
}

/// Whether a file starts like a capture; only regular files are opened, since opening a pipe would block.
fn is_capture(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let Ok(head) = File::open(path).and_then(|mut file| pump::first_bytes(&mut file)) else { return false };
    let compression = Compression::sniff(&head);
    let head = unpack::head(compression, head);
    match guess(&head) {
        Guess::PacketCapture => true,
        Guess::Json => {
            let text: String = String::from_utf8_lossy(&head).chars().filter(|c| *c != '\0').collect();
            HAR_MEMBERS.iter().any(|member| text.contains(member))
        }
        Guess::Other(_) => false,
    }
}
