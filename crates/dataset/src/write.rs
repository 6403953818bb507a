//! Puts facts into a dataset, part by part; what was begun and not finished is not there.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use authtrace_analyze::{
    coverage::Input,
    stored::{Part, StoredFact},
    text::Text,
    ties::{ClientNames, ties},
    token::Fingerprinter,
};
use jiff::Timestamp;

use crate::{
    client::ClientName,
    error::DatasetError,
    file,
    layout::{
        DataFile, MARKER, Marker, PartFile, SCHEMA, exchanges_file, part_file, part_name, ties_file, tokens_file,
    },
    read::Dataset,
    rows,
};

/// A dataset that takes parts.
pub struct Writer {
    root: PathBuf,
    marker: Marker,
    next: u32,
}

impl Writer {
    /// The buckets of a day, where nobody says otherwise.
    pub const BUCKETS: u16 = 16;

    /// Opens the dataset at `root`, or begins one there with so many `buckets`. Secrets in it are named by `names`.
    ///
    /// # Errors
    /// Where the folder holds something else, or a dataset of another schema or key.
    pub fn open(root: &Path, names: &Fingerprinter, buckets: u16) -> Result<Self, DatasetError> {
        let key = names.check();
        if !root.join(MARKER).exists() {
            begin(root, &Marker { schema: SCHEMA.to_owned(), buckets: buckets.max(1), key: key.clone() })?;
        }
        let dataset = Dataset::open(root)?;
        if dataset.marker().key != key {
            return Err(DatasetError::OtherKey(root.to_owned()));
        }
        let next = dataset.next_sequence();
        Ok(Self { root: root.to_owned(), marker: dataset.marker().clone(), next })
    }

    /// Whether the input of this digest is in it, whole.
    pub fn has(&self, sha256: &[u8; 32]) -> bool {
        self.known(&part_name(sha256)).is_some()
    }

    /// Gives the next part the place `place` among the inputs, from 0, where several programs put parts in at once.
    pub fn place(&mut self, place: u32) {
        self.next = place;
    }

    /// Puts `part` in, which was read of `input` and took so many `ids`; it replaces what was there of the same input.
    ///
    /// # Errors
    /// Where the system refuses; the part is then not there.
    pub fn add(&mut self, part: &Part, input: Input, ids: u32) -> Result<(), DatasetError> {
        let name = part_name(&input.sha256);
        let sequence = self.known(&name).map_or(self.next, |known| known.sequence);
        let mut clients = ClientNames::new(&input);
        let clients: Vec<Text> = part.facts.iter().map(|stored| clients.of(stored)).collect();
        let mut files = Vec::new();
        for ((day, bucket), rows) in self.partitions(part, &clients) {
            let path = exchanges_file(&name, day.as_deref(), bucket);
            let batches = rows.chunks(BATCH).map(|rows| rows::of_facts(part, &name, rows, &clients));
            file::write_rows(&self.root.join(&path), batches)?;
            files.push(DataFile { path, rows: rows.len() });
        }
        let path = tokens_file(&name);
        file::write_rows(&self.root.join(&path), std::iter::once(rows::of_tokens(&part.tokens, &name)))?;
        files.push(DataFile { path, rows: part.tokens.len() });
        let ties = ties(part, &clients, &input, &name, None);
        let path = ties_file(&name);
        file::write_rows(&self.root.join(&path), std::iter::once(rows::of_ties(ties.iter())))?;
        files.push(DataFile { path, rows: ties.len() });
        let keys = part.keys.clone();
        let own = PartFile { schema: SCHEMA.to_owned(), sequence, ids, input, keys, files };
        let path = part_file(&self.root, &name);
        let json = serde_json::to_vec_pretty(&own)
            .map_err(|error| DatasetError::Io { path: path.clone(), error: error.into() })?;
        file::write(&path, &json)?;
        self.next = self.next.max(sequence.saturating_add(1));
        Ok(())
    }

    fn known(&self, part: &str) -> Option<PartFile> {
        let text = fs::read(part_file(&self.root, part)).ok()?;
        serde_json::from_slice(&text).ok().filter(|known: &PartFile| known.schema == SCHEMA)
    }

    /// The rows of each partition: by day, and by client, so that a client's timeline of a day is in one file.
    fn partitions(&self, part: &Part, clients: &[Text]) -> BTreeMap<(Option<String>, u16), Vec<usize>> {
        let mut partitions: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (row, (stored, client)) in part.facts.iter().zip(clients).enumerate() {
            let bucket = ClientName::parse(client).map_or(0, |client| client.bucket(self.marker.buckets));
            let place = (day(stored), bucket);
            partitions.entry(place).or_default().push(row);
        }
        partitions
    }
}

/// Rows that stand in memory as columns at a time.
const BATCH: usize = 16 * 1024;

fn begin(root: &Path, marker: &Marker) -> Result<(), DatasetError> {
    let occupied = fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(DatasetError::Occupied(root.to_owned()));
    }
    let path = root.join(MARKER);
    let json = serde_json::to_vec_pretty(marker)
        .map_err(|error| DatasetError::Io { path: path.clone(), error: error.into() })?;
    file::write(&path, &json)
}

/// The day of an exchange in UTC, `2026-11-26`; `None` where nothing says when it was.
fn day(stored: &StoredFact) -> Option<String> {
    let at = stored.fact.timing.started().or(stored.fact.timing.sent())?;
    let at = Timestamp::from_nanosecond(at.nanos().into()).ok()?;
    Some(at.strftime("%Y-%m-%d").to_string())
}
