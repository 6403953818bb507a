//! Cells of a table as an array of Arrow.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use authtrace_analyze::table::Values;

/// The cells as an array.
pub(crate) fn array(values: &Values) -> ArrayRef {
    match values {
        Values::Int(cells) => Arc::new(cells.iter().copied().collect::<Int64Array>()),
        Values::Real(cells) => Arc::new(cells.iter().copied().collect::<Float64Array>()),
        Values::Text(cells) => Arc::new(cells.iter().map(Option::as_deref).collect::<StringArray>()),
        Values::Truth(cells) => Arc::new(cells.iter().copied().collect::<BooleanArray>()),
    }
}
