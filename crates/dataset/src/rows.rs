//! Facts and credentials as rows of a table, and back.
//!
//! The schema is drawn from the types themselves, so that nothing that a rule reads can be left out of a file. Integers are
//! 64-bit and signed: engines outside know no others.

use std::sync::{Arc, OnceLock};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Fields};
use authtrace_analyze::{
    stored::{Part, StoredFact, columns_of_a_fact},
    tokens::Token,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_arrow::schema::{SchemaLike, TracingOptions};

use crate::{error::RowError, values::array};

/// The rows of `part` at `rows`, with the columns that people ask for in front of the fact as a whole.
///
/// # Errors
/// Where a value was not left behind.
pub(crate) fn of_facts(part: &Part, rows: &[usize]) -> Result<RecordBatch, RowError> {
    let facts: Vec<&StoredFact> = rows.iter().filter_map(|&row| part.facts.get(row)).collect();
    let whole = serde_arrow::to_record_batch(fact_fields()?, &facts)?;
    let flat = columns_of_a_fact().map(|column| (column.name.to_owned(), array(&part.values(column, rows))));
    let names = whole.schema();
    let whole =
        names.fields().iter().zip(whole.columns()).map(|(field, column)| (field.name().clone(), column.clone()));
    Ok(RecordBatch::try_from_iter_with_nullable(flat.chain(whole).map(|(name, column)| (name, column, true)))?)
}

/// The facts of `rows`.
///
/// # Errors
/// Where a column is missing or of another type.
pub(crate) fn facts(rows: &RecordBatch) -> Result<Vec<StoredFact>, RowError> {
    read(rows, fact_fields()?)
}

/// The rows of `tokens`.
///
/// # Errors
/// Where a value was not left behind.
pub(crate) fn of_tokens(tokens: &[Token]) -> Result<RecordBatch, RowError> {
    Ok(serde_arrow::to_record_batch(token_fields()?, &tokens)?)
}

/// The credentials of `rows`.
///
/// # Errors
/// Where a column is missing or of another type.
pub(crate) fn tokens(rows: &RecordBatch) -> Result<Vec<Token>, RowError> {
    read(rows, token_fields()?)
}

fn read<T: DeserializeOwned>(rows: &RecordBatch, fields: &[FieldRef]) -> Result<Vec<T>, RowError> {
    let names = rows.schema();
    let wanted = fields.iter().map(|field| names.index_of(field.name())).collect::<Result<Vec<usize>, _>>()?;
    Ok(serde_arrow::from_record_batch(&rows.project(&wanted)?)?)
}

fn fact_fields() -> Result<&'static [FieldRef], RowError> {
    static FIELDS: OnceLock<Vec<FieldRef>> = OnceLock::new();
    fields::<StoredFact>(&FIELDS)
}

fn token_fields() -> Result<&'static [FieldRef], RowError> {
    static FIELDS: OnceLock<Vec<FieldRef>> = OnceLock::new();
    fields::<Token>(&FIELDS)
}

fn fields<T: Serialize + DeserializeOwned>(
    known: &'static OnceLock<Vec<FieldRef>>,
) -> Result<&'static [FieldRef], RowError> {
    if let Some(fields) = known.get() {
        return Ok(fields);
    }
    let options = TracingOptions::default().enums_without_data_as_strings(true).allow_null_fields(true);
    let traced = Vec::<FieldRef>::from_type::<T>(options)?;
    Ok(known.get_or_init(|| traced.iter().map(widened).collect()))
}

/// The field with the types that every engine knows, and nullable: an older file may not have it.
fn widened(field: &FieldRef) -> FieldRef {
    let kind = match field.data_type() {
        kind if kind.is_integer() => DataType::Int64,
        DataType::Float32 => DataType::Float64,
        DataType::LargeUtf8 => DataType::Utf8,
        DataType::LargeList(item) => DataType::List(widened(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(widened).collect::<Fields>()),
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), kind, field.is_nullable()).with_metadata(field.metadata().clone()))
}
