//! Rows of a dataset as streams of Arrow, in which engines hand them from program to program.
//!
//! What is judged comes as one table: rows of `exchanges` have `part`, `client_address` and `fact`, rows of `tokens` have
//! `part`, `number` and `token`, which holds their other columns; what a row does not have is null. Other columns are passed
//! by.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    iter,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use arrow_schema::ArrowError;
use arrow_select::filter::filter_record_batch;
use authtrace_analyze::{
    profile::measure::Measure,
    stored::{Gathering, KeysTried, Part},
    table::Answer,
};

use crate::{
    cells::{named, typed},
    error::RowError,
    rows::{self, NUMBER, PART},
    values,
};

/// The parts that the rows of a stream belong to, by name, with what of them is there.
///
/// # Errors
/// Where it is no stream of Arrow, ends in the middle, or lacks a column.
pub fn read_rows(from: impl Read) -> Result<BTreeMap<String, Part>, RowError> {
    let mut parts: BTreeMap<String, Gathering> = BTreeMap::new();
    for batch in batches(from)? {
        let batch = batch?;
        if let Some(batch) = where_there(&batch, "fact")? {
            exchanges(&batch, &mut parts)?;
        }
        if let Some(batch) = where_there(&batch, "token")? {
            tokens(&batch, &mut parts)?;
        }
    }
    // What keys were tried is the part's to say, not a row's.
    Ok(parts.into_iter().map(|(name, part)| (name, part.finish(KeysTried::default()))).collect())
}

/// The batches of a stream. Who reads it trusts lengths that a damaged stream gets wrong; what it trips over is an error here.
fn batches(from: impl Read) -> Result<impl Iterator<Item = Result<RecordBatch, RowError>>, RowError> {
    let mut reader = whole(|| StreamReader::try_new(from, None))?;
    Ok(iter::from_fn(move || whole(|| reader.next().transpose()).transpose()))
}

fn whole<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, RowError> {
    Ok(panic::catch_unwind(AssertUnwindSafe(read)).map_err(|_| RowError::Damaged)??)
}

/// The rows that have something in `column`; `None` where none has.
fn where_there(batch: &RecordBatch, column: &str) -> Result<Option<RecordBatch>, RowError> {
    let cells = named(batch, column)?;
    let there: BooleanArray = (0..cells.len()).map(|row| Some(cells.is_valid(row))).collect();
    let rows = filter_record_batch(batch, &there)?;
    Ok((rows.num_rows() > 0).then_some(rows))
}

fn exchanges(batch: &RecordBatch, parts: &mut BTreeMap<String, Gathering>) -> Result<(), RowError> {
    let names: &StringArray = typed(batch, PART)?;
    for (name, stored) in names.iter().zip(rows::facts(batch)?) {
        of_part(parts, name).push(stored);
    }
    Ok(())
}

fn tokens(batch: &RecordBatch, parts: &mut BTreeMap<String, Gathering>) -> Result<(), RowError> {
    let (names, numbers): (&StringArray, &Int64Array) = (typed(batch, PART)?, typed(batch, NUMBER)?);
    let columns: &StructArray = typed(batch, "token")?;
    let read = rows::tokens(&RecordBatch::from(columns.clone()))?;
    for ((name, number), token) in names.iter().zip(numbers).zip(read) {
        let number = number.and_then(|number| u32::try_from(number).ok()).unwrap_or(u32::MAX);
        of_part(parts, name).push_token(number, token);
    }
    Ok(())
}

fn of_part<'p>(parts: &'p mut BTreeMap<String, Gathering>, name: Option<&str>) -> &'p mut Gathering {
    parts.entry(name.unwrap_or_default().to_owned()).or_default()
}

/// Writes findings: the columns of `answer`.
///
/// # Errors
/// Where `to` takes no more.
pub fn write_findings(answer: &Answer, to: impl Write) -> Result<(), RowError> {
    write(&values::batch(answer)?, to)
}

/// Writes what is counted, as JSON in the column `measure`, and how often, in the column `count`.
///
/// # Errors
/// Where `to` takes no more.
pub fn write_measures(measures: impl Iterator<Item = (Measure, u64)>, to: impl Write) -> Result<(), RowError> {
    let (mut texts, mut counts) = (Vec::new(), Vec::new());
    for (measure, count) in measures {
        texts.push(Some(serde_json::to_string(&measure)?));
        counts.push(i64::try_from(count).ok());
    }
    let columns: [(&str, ArrayRef, bool); 2] =
        [("measure", Arc::new(StringArray::from(texts)), true), ("count", Arc::new(Int64Array::from(counts)), true)];
    write(&RecordBatch::try_from_iter_with_nullable(columns)?, to)
}

fn write(batch: &RecordBatch, to: impl Write) -> Result<(), RowError> {
    let mut writer = StreamWriter::try_new(to, &batch.schema())?;
    writer.write(batch)?;
    Ok(writer.finish()?)
}

/// What [`write_measures`] wrote, summed by an engine or not.
///
/// # Errors
/// Where it is no stream of Arrow, or holds something else.
pub fn read_measures(from: impl Read) -> Result<Vec<(Measure, u64)>, RowError> {
    let mut measures = Vec::new();
    for batch in batches(from)? {
        let batch = batch?;
        let (texts, counts): (&StringArray, &Int64Array) = (typed(&batch, "measure")?, typed(&batch, "count")?);
        for (text, count) in texts.iter().zip(counts) {
            let count = count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default();
            measures.push((serde_json::from_str(text.unwrap_or_default())?, count));
        }
    }
    Ok(measures)
}
