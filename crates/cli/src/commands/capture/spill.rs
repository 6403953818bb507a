//! The temporary store of a capture: facts that memory has no room for, sealed, in a file that has no name and that nobody
//! else can read; the oldest give way where it is full.

use std::{
    collections::VecDeque,
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use authtrace_analyze::{Analyzer, sealed::Seal, stored::Part};
use zeroize::Zeroizing;

/// Where temporary files may become large: `/tmp` is memory on many systems.
const FOLDER: &str = "/var/tmp";

/// What was set aside.
pub(super) struct Spill {
    /// Without a name, so that it is gone with this process; or why there is none.
    file: Result<File, String>,
    seal: Seal,
    /// Exchanges that stay at hand.
    at_hand: usize,
    /// Bytes that the file may have.
    limit: u64,
    /// Where the next part goes: behind the last one, or at the beginning again.
    next: u64,
    /// The parts in the file, the oldest first.
    blocks: VecDeque<Block>,
    forgotten: u64,
    complained: bool,
}

/// A part in the file.
struct Block {
    at: u64,
    length: u64,
    number: u64,
    facts: u64,
}

impl Block {
    fn end(&self) -> u64 {
        self.at + self.length
    }
}

impl Spill {
    /// A store of at most `limit` bytes, for what is more than `at_hand` exchanges. Where no file can be made, that is said
    /// when it is needed.
    pub(super) fn open(at_hand: usize, limit: u64) -> anyhow::Result<Self> {
        let folder = folder();
        let file = tempfile::tempfile_in(&folder).map_err(|error| format!("{}: {error}", folder.display()));
        Self::with(file, at_hand, limit)
    }

    fn with(file: Result<File, String>, at_hand: usize, limit: u64) -> anyhow::Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).map_err(io::Error::from).context("no randomness for a key")?;
        Ok(Self {
            file,
            seal: Seal::new(&key),
            at_hand: at_hand.max(1),
            limit,
            next: 0,
            blocks: VecDeque::new(),
            forgotten: 0,
            complained: false,
        })
    }

    /// Sets facts of `analyzer` aside where it has more than may stay at hand, a quarter at a time; says what went wrong, once.
    pub(super) fn relieve(&mut self, analyzer: &mut Analyzer) -> Option<String> {
        if analyzer.known() <= self.at_hand {
            return None;
        }
        let mut said = None;
        analyzer.set_aside(self.at_hand - self.at_hand / 4, |part| said = self.keep(part).or(said.take()));
        said
    }

    /// Exchanges that are here.
    pub(super) fn exchanges(&self) -> u64 {
        self.blocks.iter().map(|block| block.facts).sum()
    }

    /// Exchanges that were here and had to give way, or could not be kept.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Takes out every part, the oldest first; those that cannot be read are forgotten.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Part> {
        std::iter::from_fn(|| {
            loop {
                let block = self.blocks.pop_front()?;
                match self.read(&block) {
                    Some(part) => return Some(part),
                    None => self.forgotten += block.facts,
                }
            }
        })
    }

    /// Lets go of the parts that cannot be read.
    pub(super) fn check(&mut self) {
        let blocks = std::mem::take(&mut self.blocks);
        let (whole, broken) = blocks.into_iter().partition(|block| self.read(block).is_some());
        self.blocks = whole;
        let broken: VecDeque<Block> = broken;
        self.forgotten += broken.iter().map(|block| block.facts).sum::<u64>();
    }

    /// Every part, the oldest first; `None` in place of one that cannot be read.
    pub(super) fn parts(&self) -> impl Iterator<Item = Option<Part>> {
        self.blocks.iter().map(|block| self.read(block))
    }

    fn read(&self, block: &Block) -> Option<Part> {
        let mut bytes = vec![0; usize::try_from(block.length).ok()?];
        self.file.as_ref().ok()?.read_exact_at(&mut bytes, block.at).ok()?;
        self.seal.open(block.number, bytes)
    }

    fn keep(&mut self, part: Part) -> Option<String> {
        let facts = part.facts.len() as u64;
        let trouble = self.write(part).err()?;
        if let Trouble::Lost(_) = trouble {
            self.forgotten += facts;
        }
        let said = match trouble {
            Trouble::Lost(said) | Trouble::Small(said) => said?,
        };
        (!std::mem::replace(&mut self.complained, true)).then_some(said)
    }

    /// Writes `part` where there is room. A disk that is full leaves the store as large as it is.
    fn write(&mut self, part: Part) -> Result<(), Trouble> {
        let facts = part.facts.len() as u64;
        if let Err(why) = &self.file {
            return Err(Trouble::Lost(Some(format!("no temporary store: {why}; the oldest exchanges are forgotten"))));
        }
        let sealed = self.seal.seal(part).ok_or(Trouble::Lost(None))?;
        let block = |at| Block { at, length: sealed.bytes().len() as u64, number: sealed.number(), facts };
        let Err(error) = self.place(block, sealed.bytes())? else { return Ok(()) };
        self.limit = self.blocks.iter().map(Block::end).max().unwrap_or_default();
        let said = format!(
            "temporary store: {error}; it stays at {} MiB, and the oldest exchanges are forgotten",
            self.limit >> 20
        );
        match self.place(block, sealed.bytes()) {
            Ok(Ok(())) => Err(Trouble::Small(Some(said))),
            Ok(Err(_)) | Err(_) => Err(Trouble::Lost(Some(said))),
        }
    }

    /// Writes `bytes` into the room that the oldest make for them.
    fn place(&mut self, block: impl Fn(u64) -> Block, bytes: &[u8]) -> Result<io::Result<()>, Trouble> {
        let at = self.make_room(bytes.len() as u64).ok_or(Trouble::Lost(None))?;
        let Ok(file) = &self.file else { return Err(Trouble::Lost(None)) };
        Ok(file.write_all_at(bytes, at).map(|()| {
            let block = block(at);
            self.next = block.end();
            self.blocks.push_back(block);
        }))
    }

    /// Where `length` bytes fit, without what lay there; `None` where they never do.
    fn make_room(&mut self, length: u64) -> Option<u64> {
        if length > self.limit {
            return None;
        }
        if self.next + length > self.limit {
            // What lies behind is the oldest: it was passed over when the file began anew.
            let end = std::mem::take(&mut self.next);
            self.forget_while(|block| block.at >= end);
        }
        let to = self.next + length;
        let from = self.next;
        self.forget_while(|block| block.at < to && block.end() > from);
        Some(from)
    }

    fn forget_while(&mut self, goes: impl Fn(&Block) -> bool) {
        while self.blocks.front().is_some_and(&goes) {
            self.forgotten += self.blocks.pop_front().map_or(0, |block| block.facts);
        }
    }
}

/// Why a part is not where it should be, in a line where it is worth one.
enum Trouble {
    /// It is lost.
    Lost(Option<String>),
    /// It is there, and there is less room than there should be.
    Small(Option<String>),
}

/// Where the store lies.
fn folder() -> PathBuf {
    let stated = std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    stated.unwrap_or_else(|| match Path::new(FOLDER) {
        folder if folder.is_dir() => folder.to_owned(),
        _ => std::env::temp_dir(),
    })
}

#[cfg(test)]
mod tests;
