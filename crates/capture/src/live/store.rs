//! The files that packets are kept in: one, or a row of them. Every write ends behind a whole block, so that whatever ends
//! the program leaves files that can be read.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, fchown},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::{blocks, error::LiveError, limits::Rings};

/// Where packets are kept.
pub struct Store {
    /// As given.
    path: PathBuf,
    rings: Option<Rings>,
    /// The time as it stands in a file's name.
    stamp: Box<dyn Fn() -> String + Send>,
    current: Current,
    /// Files of the row, the oldest first.
    files: VecDeque<PathBuf>,
    /// Files begun.
    number: u64,
    /// A write failed: nothing more is written.
    failed: bool,
    /// A further file could not be begun: all goes into this one.
    stuck: bool,
}

/// The file that is being written.
struct Current {
    path: PathBuf,
    file: File,
    bytes: u64,
    frames: u64,
    began: Instant,
    /// The interval that it belongs to.
    interval: u64,
}

impl Store {
    /// Creates the first file, readable by its owner alone: `owner` where one is given.
    ///
    /// # Errors
    ///
    /// Where it cannot be created.
    pub fn create(
        path: &Path,
        rings: Option<Rings>,
        owner: Option<(u32, u32)>,
        stamp: Box<dyn Fn() -> String + Send>,
    ) -> Result<Self, LiveError> {
        let first = if rings.is_some() { name(path, 1, &stamp()) } else { path.to_owned() };
        let refused =
            |error: io::Error| LiveError::Store { path: path.display().to_string(), reason: error.to_string() };
        let current = Current::create(first.clone(), rings.as_ref()).map_err(refused)?;
        if let Some((user, group)) = owner
            && current.file.metadata().map_err(refused)?.is_file()
        {
            fchown(&current.file, Some(user), Some(group)).map_err(refused)?;
        }
        Ok(Self {
            path: path.to_owned(),
            rings,
            stamp,
            current,
            files: VecDeque::from([first]),
            number: 1,
            failed: false,
            stuck: false,
        })
    }

    /// The file that is being written.
    pub fn current(&self) -> &Path {
        &self.current.path
    }

    /// The directory that further files are created in.
    pub fn folder(&self) -> &Path {
        self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Whether all that is captured goes into one file.
    pub(super) fn is_one_file(&self) -> bool {
        self.rings.is_none() && self.number == 1
    }

    /// Whether this many files are full.
    pub(super) fn full(&self, files: u64) -> bool {
        self.number > files
    }

    /// Begins a section in the current file.
    pub(super) fn begin(&mut self, header: &[u8]) -> Result<(), String> {
        self.append(header, 0)
    }

    /// Writes whole blocks with this many frames; begins files with `header` where a limit asks for them.
    pub(super) fn write(&mut self, mut blocks: &[u8], mut frames: u64, header: &[u8]) -> Result<(), String> {
        let Some(rings) = self.rings.filter(|rings| rings.ever() && !self.stuck) else {
            return self.append(blocks, frames);
        };
        let mut trouble = Ok(());
        while !blocks.is_empty() && !self.failed {
            if self.stuck {
                return trouble.and(self.append(blocks, frames));
            }
            if self.current.frames > 0 && self.is_over(&rings) {
                trouble = trouble.and(self.next(header));
                continue;
            }
            let packets = rings.packets.map_or(u64::MAX, |most| most.saturating_sub(self.current.frames));
            let bytes = rings.bytes.map_or(u64::MAX, |most| most.saturating_sub(self.current.bytes));
            let (mut len, mut taken) = blocks::leading(blocks, packets, bytes);
            if len == 0 && self.current.frames == 0 {
                // A file holds one frame at least, or there would be no end of files.
                (len, taken) = blocks::leading(blocks, 1, u64::MAX);
                if len == 0 {
                    (len, taken) = (blocks.len(), frames);
                }
            }
            if len == 0 {
                trouble = trouble.and(self.next(header));
                continue;
            }
            self.append(&blocks[..len], taken)?;
            blocks = &blocks[len..];
            frames -= taken;
        }
        trouble
    }

    /// Begins the next file.
    pub(super) fn next(&mut self, header: &[u8]) -> Result<(), String> {
        if self.failed || self.stuck {
            return Ok(());
        }
        let path = name(&self.path, self.number + 1, &(self.stamp)());
        match Current::create(path.clone(), self.rings.as_ref()) {
            Ok(current) => self.current = current,
            Err(error) => {
                self.stuck = true;
                return Err(format!(
                    "-w {}: cannot be begun ({error}); the capture goes on in {}",
                    path.display(),
                    self.current.path.display()
                ));
            }
        }
        self.number += 1;
        self.files.push_back(path);
        if let Some(keep) = self.rings.and_then(|rings| rings.keep)
            && self.files.len() as u64 > keep
            && let Some(oldest) = self.files.pop_front()
        {
            // Whoever removed it already did what was wanted.
            let _ = fs::remove_file(oldest);
        }
        self.append(header, 0)
    }

    fn is_over(&self, rings: &Rings) -> bool {
        let current = &self.current;
        rings.duration.is_some_and(|most| current.began.elapsed() >= most)
            || rings.interval.is_some_and(|interval| number_of(interval) != current.interval)
    }

    /// One write, so that a kill falls behind a whole block; what a full disk cut is taken back.
    fn append(&mut self, blocks: &[u8], frames: u64) -> Result<(), String> {
        if self.failed {
            return Ok(());
        }
        if let Err(error) = self.current.file.write_all(blocks) {
            // A pipe cannot be taken back.
            let _ = self.current.file.set_len(self.current.bytes);
            let path = self.current.path.clone();
            return Err(self.fail(&path, &error));
        }
        self.current.bytes += blocks.len() as u64;
        self.current.frames += frames;
        Ok(())
    }

    fn fail(&mut self, path: &Path, error: &io::Error) -> String {
        self.failed = true;
        format!(
            "-w {}: cannot be written any further ({error}); it holds what came before, and the capture goes on without it",
            path.display()
        )
    }
}

impl Current {
    fn create(path: PathBuf, rings: Option<&Rings>) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        let interval = rings.and_then(|rings| rings.interval).map_or(0, number_of);
        Ok(Self { path, file, bytes: 0, frames: 0, began: Instant::now(), interval })
    }
}

/// Which interval since 1970 it is.
fn number_of(interval: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs() / interval.as_secs().max(1)
}

/// `dir/base_00002_20261126101500.pcapng`, as tshark names the files of a ring.
fn name(path: &Path, number: u64, stamp: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}_{number:05}_{stamp}{ending}"))
}
