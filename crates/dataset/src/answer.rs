//! The answer to a query as a Parquet file.

use authtrace_analyze::table::Answer;
use parquet::{
    arrow::ArrowWriter,
    basic::Compression,
    errors::{ParquetError, Result},
    file::properties::WriterProperties,
};

use crate::values::batch;

/// The answer as the bytes of a Parquet file, compressed with Snappy, which every engine reads.
///
/// # Errors
/// Where the answer has no column.
pub fn parquet_of(answer: &Answer) -> Result<Vec<u8>> {
    let batch = batch(answer).map_err(|e| ParquetError::ArrowError(e.to_string()))?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.into_inner()
}
