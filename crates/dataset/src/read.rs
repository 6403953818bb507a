//! Reads a dataset back: each part as its input was, or why it cannot be.

use std::{
    fs,
    path::{Path, PathBuf},
};

use authtrace_analyze::{
    coverage::Input,
    stored::{Gathering, KeysTried, Part},
};

use crate::{
    error::{DatasetError, RowError},
    file::{self, Unread},
    layout::{DataFile, MARKER, Marker, PartFile, SCHEMA, part_name},
    rows,
};

/// A folder of facts.
pub struct Dataset {
    pub(crate) root: PathBuf,
    marker: Marker,
    pub(crate) parts: Vec<PartFile>,
    faults: Vec<DatasetError>,
}

/// One part as it was read back.
pub struct ReadPart {
    /// Its facts.
    pub part: Part,
    /// The input that it was made from.
    pub input: Input,
    /// Ids that its exchanges take.
    pub ids: u32,
}

/// What one part says of itself.
pub struct PartInfo {
    /// What rows call it.
    pub name: String,
    /// The input that it was made from.
    pub input: Input,
    /// The number that its exchange 0 has among those of all parts.
    pub first_id: u32,
    /// Candidate keys that were tried on it.
    pub keys: KeysTried,
}

impl Dataset {
    /// Whether the folder at `path` is a dataset.
    pub fn is_at(path: &Path) -> bool {
        path.join(MARKER).is_file()
    }

    /// Opens the dataset at `root`.
    ///
    /// # Errors
    /// Where there is none, or one of another schema.
    pub fn open(root: &Path) -> Result<Self, DatasetError> {
        let path = root.join(MARKER);
        let text = fs::read(&path).map_err(|_| DatasetError::NotADataset(root.to_owned()))?;
        let marker: Marker = serde_json::from_slice(&text).map_err(|_| DatasetError::NotADataset(root.to_owned()))?;
        if marker.schema != SCHEMA {
            return Err(DatasetError::OtherSchema { path: root.to_owned(), found: marker.schema });
        }
        let (mut parts, mut faults) = (Vec::new(), Vec::new());
        for path in part_files(root)? {
            match part_file(&path) {
                Ok(part) => parts.push(part),
                Err(fault) => faults.push(fault),
            }
        }
        parts.sort_by_key(|part| part.sequence);
        Ok(Self { root: root.to_owned(), marker, parts, faults })
    }

    /// What it says of itself.
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// Exchanges in its parts, as they say.
    pub fn exchanges(&self) -> u64 {
        let files = self.parts.iter().flat_map(|part| &part.files);
        files.filter(|data| data.path.starts_with("exchanges/")).map(|data| data.rows as u64).sum()
    }

    /// Whether every part can be read, as far as its own file says.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Number of the next part.
    pub(crate) fn next_sequence(&self) -> u32 {
        self.parts.last().map_or(0, |part| part.sequence.saturating_add(1))
    }

    /// What the parts say of themselves, in the order of the inputs, and why those that cannot be read cannot.
    pub fn about(self) -> (Vec<PartInfo>, Vec<DatasetError>) {
        let mut first_id = 0u32;
        let parts = self.parts.into_iter().map(|own| {
            let PartFile { ids, input, keys, .. } = own;
            let info = PartInfo { name: part_name(&input.sha256), input, first_id, keys };
            first_id = first_id.saturating_add(ids);
            info
        });
        (parts.collect(), self.faults)
    }

    /// Every part in the order of the inputs, and why those that cannot be read cannot.
    pub fn parts(self) -> impl Iterator<Item = Result<ReadPart, DatasetError>> {
        let Self { root, parts, faults, .. } = self;
        faults.into_iter().map(Err).chain(parts.into_iter().map(move |part| read(&root, part)))
    }
}

fn part_files(root: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let folder = root.join("parts");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(DatasetError::Io { path: folder, error }),
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    Ok(paths)
}

fn part_file(path: &Path) -> Result<PartFile, DatasetError> {
    let text = fs::read(path).map_err(DatasetError::io(path))?;
    let value: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| damaged(path, &error, "its capture"))?;
    let found = value.get("schema").and_then(serde_json::Value::as_str).unwrap_or("an unknown schema");
    if found != SCHEMA {
        return Err(DatasetError::OtherSchema { path: path.to_owned(), found: found.to_owned() });
    }
    serde_json::from_value(value).map_err(|error| damaged(path, &error, "its capture"))
}

pub(crate) fn damaged(path: &Path, why: &dyn std::fmt::Display, capture: &str) -> DatasetError {
    DatasetError::Damaged { path: path.to_owned(), why: why.to_string(), capture: capture.to_owned() }
}

fn read(root: &Path, own: PartFile) -> Result<ReadPart, DatasetError> {
    let mut gathering = Gathering::default();
    for data in own.files.iter().filter(|data| !data.path.starts_with("ties/")) {
        read_file(root, data, &mut gathering, &own.input.path)?;
    }
    let part = gathering.finish(own.keys);
    if part.facts.iter().any(|stored| stored.fact.id.0 >= own.ids) {
        let why = "an exchange has a number that its input did not give";
        return Err(damaged(root, &why, &own.input.path));
    }
    if !part.is_whole() {
        let why = "a request names a credential that is not there";
        return Err(damaged(root, &why, &own.input.path));
    }
    Ok(ReadPart { part, input: own.input, ids: own.ids })
}

/// Why a file that was made from `capture` cannot be read.
pub(crate) fn unreadable(path: &Path, unread: Unread, capture: &str) -> DatasetError {
    match unread {
        Unread::Io(error) if error.kind() != std::io::ErrorKind::NotFound => {
            DatasetError::Io { path: path.to_owned(), error }
        }
        why => damaged(path, &why, capture),
    }
}

/// Bytes that a row takes at least: what says that it holds more was made to fill memory.
const LEAST_ROW: usize = 4;

fn read_file(root: &Path, data: &DataFile, gathering: &mut Gathering, capture: &str) -> Result<(), DatasetError> {
    let path = root.join(&data.path);
    let before = gathering.rows();
    let exchanges = data.path.starts_with("exchanges/");
    let room = fs::metadata(&path).map_or(0, |file| usize::try_from(file.len()).unwrap_or(usize::MAX)) / LEAST_ROW;
    if data.rows > room {
        return Err(damaged(&path, &format!("no room for {} rows", data.rows), capture));
    }
    let mut left = data.rows;
    let read = if exchanges { file::read_facts } else { file::read_rows };
    let outcome = read(&path, &mut |batch| {
        left = left.checked_sub(batch.num_rows()).ok_or_else(|| RowError::More(data.rows))?;
        if exchanges {
            rows::facts(batch)?.into_iter().for_each(|stored| gathering.push(stored));
        } else {
            gathering.push_tokens(rows::tokens(batch)?);
        }
        Ok(())
    });
    outcome.map_err(|unread| unreadable(&path, unread, capture))?;
    let rows = gathering.rows() - before;
    if rows == data.rows {
        return Ok(());
    }
    Err(damaged(&path, &format!("{rows} rows, {} were written", data.rows), capture))
}
