//! Bodies that a HAR keeps in files beside it (Playwright's `_file`): found only inside the HAR's own folder.

use std::{
    fs::File,
    io::Read as _,
    path::{Component, Path, PathBuf},
};

/// The folder of one HAR.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder that holds `har`; `None` where it cannot be resolved.
    pub(crate) fn of(har: &Path) -> Option<Self> {
        let parent = har.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        parent.canonicalize().ok().map(Self)
    }

    /// The first `most` bytes of the file `name`. A name that leads out of the folder, by `..`, from the root or
    /// through a link, finds nothing: a HAR comes from strangers.
    pub(crate) fn read(&self, name: &str, most: usize) -> Option<Vec<u8>> {
        let name = Path::new(name);
        if !name.components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let path = self.0.join(name).canonicalize().ok().filter(|path| path.starts_with(&self.0))?;
        if !path.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(most as u64).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}
