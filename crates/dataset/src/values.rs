//! Cells of a table as an array of Arrow.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::ArrowError;
use authtrace_analyze::table::{Answer, Values};

/// The columns of an answer as a batch.
///
/// # Errors
/// Where the answer has no column.
pub(crate) fn batch(answer: &Answer) -> Result<RecordBatch, ArrowError> {
    let columns = answer.columns.iter().map(|(name, values)| (name.as_str(), array(values), true));
    RecordBatch::try_from_iter_with_nullable(columns)
}

/// The cells as an array.
pub(crate) fn array(values: &Values) -> ArrayRef {
    match values {
        Values::Int(cells) => Arc::new(cells.iter().copied().collect::<Int64Array>()),
        Values::Real(cells) => Arc::new(cells.iter().copied().collect::<Float64Array>()),
        Values::Text(cells) => Arc::new(cells.iter().map(Option::as_deref).collect::<StringArray>()),
        Values::Truth(cells) => Arc::new(cells.iter().copied().collect::<BooleanArray>()),
    }
}
