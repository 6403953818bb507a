//! The answer to a query as a Parquet file.

use arrow_array::RecordBatch;
use authtrace_analyze::table::Answer;
use parquet::{
    arrow::ArrowWriter,
    basic::Compression,
    errors::{ParquetError, Result},
    file::properties::WriterProperties,
};

use crate::values::array;

/// The answer as the bytes of a Parquet file, compressed with Snappy, which every engine reads.
///
/// # Errors
/// Where the answer has no column.
pub fn parquet_of(answer: &Answer) -> Result<Vec<u8>> {
    let columns = answer.columns.iter().map(|(name, values)| (name.as_str(), array(values), true));
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns).map_err(|e| ParquetError::ArrowError(e.to_string()))?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.into_inner()
}
