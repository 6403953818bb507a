//! Files that appear whole or not at all.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::ArrowError;
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{ArrowPredicateFn, ParquetRecordBatchReaderBuilder, RowFilter},
    },
    basic::Compression,
    file::{metadata::KeyValue, properties::WriterProperties},
};

use crate::{
    error::{DatasetError, RowError},
    layout::{SCHEMA, UNFINISHED},
};

/// Writes `bytes` as the file at `path`: under another name first, so that nobody reads half of it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), DatasetError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(DatasetError::io(folder))?;
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder).map_err(DatasetError::io(folder))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_data()).map_err(DatasetError::io(path))?;
    file.persist(path).map_err(|failed| DatasetError::Io { path: path.to_owned(), error: failed.error })?;
    Ok(())
}

/// Writes `batches`, one at least, as a Parquet file that says which schema it keeps to.
pub(crate) fn write_rows(
    path: &Path,
    batches: impl Iterator<Item = Result<RecordBatch, RowError>>,
) -> Result<(), DatasetError> {
    write(path, &packed(batches)?)
}

fn packed(mut batches: impl Iterator<Item = Result<RecordBatch, RowError>>) -> Result<Vec<u8>, RowError> {
    let Some(first) = batches.next().transpose()? else { return Ok(Vec::new()) };
    let schema = KeyValue::new("authtrace.schema".to_owned(), SCHEMA.to_owned());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![schema]))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), first.schema(), Some(properties))?;
    writer.write(&first)?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    Ok(writer.into_inner()?)
}

/// Takes rows, some at a time.
type Take<'t> = dyn FnMut(&RecordBatch) -> Result<(), RowError> + 't;

/// Reads the rows of a Parquet file, batch by batch.
pub(crate) fn read_rows(path: &Path, take: &mut Take<'_>) -> Result<(), Unread> {
    read(path, |builder| builder, take)
}

/// Reads the facts of a file of exchanges, and none of the columns in front of them.
pub(crate) fn read_facts(path: &Path, take: &mut Take<'_>) -> Result<(), Unread> {
    read(path, of_facts, take)
}

/// Reads only the columns `names`.
pub(crate) fn read_columns(path: &Path, names: &[&str], take: &mut Take<'_>) -> Result<(), Unread> {
    let narrow = |builder: Builder| {
        let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
        builder.with_projection(mask).with_batch_size(MANY)
    };
    read(path, narrow, take)
}

/// Reads the facts of the rows that `wanted` chooses by their column `client`.
pub(crate) fn read_facts_where(
    path: &Path,
    mut wanted: impl FnMut(&RecordBatch) -> Result<BooleanArray, RowError> + Send + 'static,
    take: &mut Take<'_>,
) -> Result<(), Unread> {
    let narrow = |builder: Builder| {
        let clients = ProjectionMask::columns(builder.parquet_schema(), ["client"]);
        let choose = move |batch| wanted(&batch).map_err(|error| ArrowError::ExternalError(Box::new(error)));
        let filter = RowFilter::new(vec![Box::new(ArrowPredicateFn::new(clients, choose))]);
        of_facts(builder).with_row_filter(filter)
    };
    read(path, narrow, take)
}

/// Reads only the columns that a fact is made of.
fn of_facts(builder: Builder) -> Builder {
    let columns = ProjectionMask::columns(builder.parquet_schema(), ["client_address", "fact"]);
    builder.with_projection(columns)
}

type Builder = ParquetRecordBatchReaderBuilder<File>;

/// Rows at a time where they are narrow.
const MANY: usize = 64 * 1024;

fn read(path: &Path, set: impl FnOnce(Builder) -> Builder, take: &mut Take<'_>) -> Result<(), Unread> {
    let file = File::open(path).map_err(Unread::Io)?;
    let reader = Builder::try_new(file).and_then(|builder| set(builder).build());
    for batch in reader.map_err(|error| Unread::Rows(error.into()))? {
        batch.map_err(RowError::from).and_then(|batch| take(&batch)).map_err(Unread::Rows)?;
    }
    Ok(())
}

/// Why a file was not read to its end.
pub(crate) enum Unread {
    /// The system refused.
    Io(std::io::Error),
    /// What is in it is not what should be.
    Rows(RowError),
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Rows(error) => error.fmt(f),
        }
    }
}
