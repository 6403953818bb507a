//! What can go wrong with a dataset, each in one line that says what, where and what to do.

use std::{io, path::PathBuf};

use crate::layout::SCHEMA;

/// Why a dataset cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The folder is no dataset.
    #[error("{}: no dataset; `authtrace extract FILE… -o DIR` makes one", .0.display())]
    NotADataset(PathBuf),
    /// The folder has other things in it.
    #[error("{}: holds other files and is no dataset; name a new folder", .0.display())]
    Occupied(PathBuf),
    /// Another version wrote it.
    #[error("{}: written as {found}, and this version reads {SCHEMA}; extract the capture again", path.display())]
    OtherSchema {
        /// What was written so.
        path: PathBuf,
        /// Schema that it names.
        found: String,
    },
    /// Its fingerprints were made with another key.
    #[error("{}: its fingerprints were made with another key; give the same --fingerprint-key, or name a new folder", .0.display())]
    OtherKey(PathBuf),
    /// A file is damaged.
    #[error("{}: damaged ({why}); extract {capture} again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
        /// The capture that it was made from.
        capture: String,
    },
    /// Facts that do not fit their columns: a fault of this program.
    #[error(transparent)]
    Rows(#[from] RowError),
    /// The system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl DatasetError {
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        move |error| Self::Io { path: path.to_owned(), error }
    }
}

/// Rows that do not fit their types.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// The columns are not those of the type.
    #[error(transparent)]
    Columns(#[from] serde_arrow::Error),
    /// A column is missing, or the rows make no table.
    #[error(transparent)]
    Table(#[from] arrow_schema::ArrowError),
    /// A stream of Arrow contradicts itself.
    #[error("damaged")]
    Damaged,
    /// A measure of the profile is not one.
    #[error(transparent)]
    Measure(#[from] serde_json::Error),
    /// There are more rows than the part says.
    #[error("more than the {0} rows that were written")]
    More(usize),
    /// The file is no Parquet file, or damaged.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
}
