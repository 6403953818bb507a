//! The answer to a query as a Parquet file.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use authtrace_analyze::table::{Answer, Values};
use parquet::{
    arrow::ArrowWriter,
    basic::Compression,
    errors::{ParquetError, Result},
    file::properties::WriterProperties,
};

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

fn array(values: &Values) -> ArrayRef {
    match values {
        Values::Int(cells) => Arc::new(cells.iter().copied().collect::<Int64Array>()),
        Values::Real(cells) => Arc::new(cells.iter().copied().collect::<Float64Array>()),
        Values::Text(cells) => Arc::new(cells.iter().map(Option::as_deref).collect::<StringArray>()),
        Values::Truth(cells) => Arc::new(cells.iter().copied().collect::<BooleanArray>()),
    }
}
