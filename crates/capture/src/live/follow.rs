//! TLS key logs that grow while somebody browses: their new lines, and only those that hold a secret.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
};

use authtrace_parse::KeyLog;
use zeroize::Zeroizing;

/// Bytes read of one file at a time: more is read at the next look.
const MOST_AT_ONCE: u64 = 1 << 20;
/// Longest line that is waited for; a key-log line has some 200 bytes.
const LONGEST_LINE: usize = 16 << 10;
/// Most bytes of secrets that are kept, which is what a reader of the file keeps.
const MOST_SECRETS: usize = 64 << 20;

/// Key logs that are followed.
#[derive(Default)]
pub struct Follow {
    files: Vec<Followed>,
    /// Every line so far: each file of a ring begins with them.
    known: Zeroizing<Vec<u8>>,
}

/// One of them.
struct Followed {
    path: PathBuf,
    file: Option<File>,
    /// Bytes read of it.
    read: u64,
    /// A line that is not complete yet.
    rest: Zeroizing<Vec<u8>>,
}

impl Follow {
    /// Follows these files; those that do not exist yet are waited for.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let followed = |path: PathBuf| {
            // Opened now, while the privileges for it may still be there.
            let file = File::open(&path).ok();
            Followed { path, file, read: 0, rest: Zeroizing::default() }
        };
        Self { files: paths.into_iter().map(followed).collect(), known: Zeroizing::default() }
    }

    /// Whether nothing is followed.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Every secret so far, as lines.
    pub(super) fn known(&self) -> &[u8] {
        &self.known
    }

    /// The secrets that were added since the last look, as lines, and how many they are.
    pub(super) fn look(&mut self) -> (Zeroizing<Vec<u8>>, u64) {
        let mut fresh = Zeroizing::new(Vec::new());
        let mut lines = 0;
        for file in &mut self.files {
            lines += file.look(&mut fresh);
        }
        if self.known.len() + fresh.len() > MOST_SECRETS {
            return (Zeroizing::default(), 0);
        }
        self.known.extend_from_slice(&fresh);
        (fresh, lines)
    }
}

impl Followed {
    /// Adds its new secrets to `fresh`; how many they are.
    fn look(&mut self, fresh: &mut Vec<u8>) -> u64 {
        self.reopen();
        let mut bytes = Zeroizing::new(Vec::new());
        let Some(file) = &mut self.file else { return 0 };
        // What cannot be read now may be readable at the next look.
        if file.seek(SeekFrom::Start(self.read)).is_err() || file.take(MOST_AT_ONCE).read_to_end(&mut bytes).is_err() {
            return 0;
        }
        self.read += bytes.len() as u64;
        self.rest.extend_from_slice(&bytes);
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut count = 0;
        for line in self.rest[..whole].split_inclusive(|byte| *byte == b'\n') {
            if KeyLog::new().read(line).secrets > 0 {
                fresh.extend_from_slice(line);
                count += 1;
            }
        }
        self.rest.drain(..whole);
        if self.rest.len() > LONGEST_LINE {
            self.rest.clear();
        }
        count
    }

    /// Starts again where the file was replaced, or has become shorter than what was read of it.
    fn reopen(&mut self) {
        let Ok(there) = fs::metadata(&self.path) else { return };
        let same = self.file.as_ref().and_then(|file| file.metadata().ok());
        let same = same.is_some_and(|open| (open.dev(), open.ino()) == (there.dev(), there.ino()));
        if (!same || there.len() < self.read)
            && let Ok(file) = File::open(&self.path)
        {
            (self.file, self.read) = (Some(file), 0);
            self.rest.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A line for the random number `n`.
    fn line(n: u8) -> String {
        format!("CLIENT_RANDOM {} {}\n", format!("{n:02x}").repeat(32), "ab".repeat(48))
    }

    #[track_caller]
    fn check(follow: &mut Follow, expected: &[u8]) {
        let (fresh, count) = follow.look();
        let lines: String = expected.iter().map(|n| line(*n)).collect();
        assert_eq!((fresh.as_slice(), count), (lines.as_bytes(), expected.len() as u64));
    }

    #[test]
    fn follows_what_grows_is_cut_short_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let mut follow = Follow::new([path.clone()]);
        check(&mut follow, &[]);
        let mut file = File::create(&path).unwrap();
        file.write_all(format!("# a comment\n{}nonsense\n{}", line(1), &line(2)[..40]).as_bytes()).unwrap();
        check(&mut follow, &[1]);
        file.write_all(&line(2).as_bytes()[40..]).unwrap();
        check(&mut follow, &[2]);
        file.set_len(0).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(line(3).as_bytes()).unwrap();
        check(&mut follow, &[3]);
        let other = folder.path().join("other");
        fs::write(&other, line(4) + &line(5) + &line(6)).unwrap();
        fs::rename(&other, &path).unwrap();
        check(&mut follow, &[4, 5, 6]);
        fs::remove_file(&path).unwrap();
        check(&mut follow, &[]);
        let all: String = (1..=6).map(line).collect();
        assert_eq!(follow.known(), all.as_bytes());
    }
}
