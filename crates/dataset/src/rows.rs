//! Facts and credentials as rows of a table, and back.
//!
//! The schema is drawn from the types themselves, so that nothing that a rule reads can be left out of a file. Integers are
//! 64-bit and signed: engines outside know no others.

use std::sync::{Arc, OnceLock};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, FieldRef, Fields};
use authtrace_analyze::{
    stored::{Part, StoredFact, columns_of_a_fact},
    text::Text,
    ties::Tie,
    tokens::Token,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_arrow::schema::{SchemaLike, TracingOptions};

use crate::{error::RowError, values::array};

/// Name of the part that a row belongs to.
pub(crate) const PART: &str = "part";
/// What facts of the same part call a credential.
pub(crate) const NUMBER: &str = "number";

/// The rows of `part` at `rows`, sent by `clients`, with the columns that people ask for in front of the fact as a whole.
/// The part is called `name`.
///
/// # Errors
/// Where a value was not left behind.
pub(crate) fn of_facts(part: &Part, name: &str, rows: &[usize], clients: &[Text]) -> Result<RecordBatch, RowError> {
    let facts: Vec<&StoredFact> = rows.iter().filter_map(|&row| part.facts.get(row)).collect();
    let whole = serde_arrow::to_record_batch(fact_fields()?, &facts)?;
    let flat = columns_of_a_fact().map(|column| (column.name.to_owned(), array(&part.values(column, rows))));
    let who = rows.iter().map(|&row| clients.get(row).map(|client| client.as_str())).collect::<StringArray>();
    let own = [(PART.to_owned(), repeated(name, rows.len())), ("client".to_owned(), Arc::new(who) as ArrayRef)];
    in_front(own.into_iter().chain(flat), &whole)
}

/// The columns `own`, and behind them those of `whole`.
fn in_front(own: impl Iterator<Item = (String, ArrayRef)>, whole: &RecordBatch) -> Result<RecordBatch, RowError> {
    let names = whole.schema();
    let whole =
        names.fields().iter().zip(whole.columns()).map(|(field, column)| (field.name().clone(), column.clone()));
    Ok(RecordBatch::try_from_iter_with_nullable(own.chain(whole).map(|(name, column)| (name, column, true)))?)
}

fn repeated(text: &str, times: usize) -> ArrayRef {
    Arc::new(std::iter::repeat_n(Some(text), times).collect::<StringArray>())
}

/// The facts of `rows`.
///
/// # Errors
/// Where a column is missing or of another type.
pub(crate) fn facts(rows: &RecordBatch) -> Result<Vec<StoredFact>, RowError> {
    read(rows, fact_fields()?)
}

/// The rows of `tokens`, each with its number in the part, which is called `name`.
///
/// # Errors
/// Where a value was not left behind.
pub(crate) fn of_tokens(tokens: &[Token], name: &str) -> Result<RecordBatch, RowError> {
    let whole = serde_arrow::to_record_batch(token_fields()?, &tokens)?;
    let numbers: Int64Array = (0i64..).take(tokens.len()).map(Some).collect();
    let own = [(PART.to_owned(), repeated(name, tokens.len())), (NUMBER.to_owned(), Arc::new(numbers) as ArrayRef)];
    in_front(own.into_iter(), &whole)
}

/// The rows of `ties`.
///
/// # Errors
/// None that is known.
pub(crate) fn of_ties<'t>(ties: impl Iterator<Item = &'t Tie> + Clone) -> Result<RecordBatch, RowError> {
    let texts =
        |text: fn(&Tie) -> &str| -> ArrayRef { Arc::new(ties.clone().map(text).map(Some).collect::<StringArray>()) };
    let columns = [
        ("client", texts(|tie| &tie.client), true),
        ("what", texts(|tie| &tie.what), true),
        ("way", texts(|tie| tie.way.name()), true),
    ];
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
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
        DataType::LargeUtf8 | DataType::Dictionary(..) => DataType::Utf8,
        DataType::LargeList(item) => DataType::List(widened(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(widened).collect::<Fields>()),
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), kind, field.is_nullable()).with_metadata(field.metadata().clone()))
}
