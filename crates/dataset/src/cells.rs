//! The cells of one column of some rows, of the type that they must have.

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::ArrowError;

use crate::error::RowError;

/// The cells of `column`.
pub(crate) fn named<'b>(batch: &'b RecordBatch, column: &str) -> Result<&'b ArrayRef, RowError> {
    let missing = || ArrowError::SchemaError(format!("the column {column} is missing"));
    Ok(batch.column_by_name(column).ok_or_else(missing)?)
}

/// The cells of `column` as `A`.
pub(crate) fn typed<'b, A: Array + 'static>(batch: &'b RecordBatch, column: &str) -> Result<&'b A, RowError> {
    let cells = named(batch, column)?;
    let other = || ArrowError::SchemaError(format!("the column {column} is of type {}", cells.data_type()));
    Ok(cells.as_any().downcast_ref().ok_or_else(other)?)
}
