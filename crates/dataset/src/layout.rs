//! Where what lies in a dataset, and what its own small files say.
//!
//! ```text
//! DATASET/
//!   dataset.json                                   schema, buckets, and which key names its secrets
//!   parts/<part>.json                              one a part: its input and its files; written last
//!   tokens/<part>.parquet                          one row a credential
//!   ties/<part>.parquet                            what clients have in common: who must be judged together
//!   exchanges/day=2026-11-26/bucket=03/<part>.parquet   one row an exchange, by day and by client
//! ```
//!
//! A part is one input, named by its digest, so that extracting an input twice replaces what was there. What has no file in
//! `parts/` is not there: a reader never takes a half-written part for a whole one.

use std::path::{Path, PathBuf};

use authtrace_analyze::{coverage::Input, stored::KeysTried};
use serde::{Deserialize, Serialize};

/// The schema of files that this version writes and reads.
pub const SCHEMA: &str = "authtrace.dataset/2";

/// The file that makes a folder a dataset.
pub(crate) const MARKER: &str = "dataset.json";

/// Names of files that are being written: engines skip what starts with `_`.
pub(crate) const UNFINISHED: &str = "_unfinished-";

/// What a dataset says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// [`SCHEMA`] of whoever made it.
    pub schema: String,
    /// Parts of a day, by client.
    pub buckets: u16,
    /// What the key of its fingerprints makes of a known word: two datasets with one key can be joined.
    pub key: String,
}

/// What one part says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PartFile {
    /// [`SCHEMA`] of whoever wrote it.
    pub(crate) schema: String,
    /// Place of its input among the others, from 0: exchanges are numbered in that order.
    pub(crate) sequence: u32,
    /// Ids that its exchanges took.
    pub(crate) ids: u32,
    /// Its input.
    pub(crate) input: Input,
    /// Candidate keys that were tried.
    pub(crate) keys: KeysTried,
    /// Its files.
    pub(crate) files: Vec<DataFile>,
}

/// A Parquet file of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DataFile {
    /// Path within the dataset, with `/` between folders.
    pub(crate) path: String,
    /// Rows in it.
    pub(crate) rows: usize,
}

/// Name of the part that the input of this digest makes.
pub(crate) fn part_name(sha256: &[u8; 32]) -> String {
    sha256.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// Path of a part's own file.
pub(crate) fn part_file(root: &Path, part: &str) -> PathBuf {
    root.join("parts").join(format!("{part}.json"))
}

/// Path of a part's credentials, within the dataset.
pub(crate) fn tokens_file(part: &str) -> String {
    format!("tokens/{part}.parquet")
}

/// Path of a part's ties, within the dataset.
pub(crate) fn ties_file(part: &str) -> String {
    format!("ties/{part}.parquet")
}

/// Path of a part's exchanges of one day and one bucket, within the dataset. Hive's own name stands for no day.
pub(crate) fn exchanges_file(part: &str, day: Option<&str>, bucket: u16) -> String {
    let day = day.unwrap_or("__HIVE_DEFAULT_PARTITION__");
    format!("exchanges/day={day}/bucket={bucket:02}/{part}.parquet")
}

/// The bucket whose exchanges the file at `path` has; `None` for other files.
pub(crate) fn bucket_of(path: &str) -> Option<u16> {
    path.split('/').find_map(|folder| folder.strip_prefix("bucket=")?.parse().ok())
}
