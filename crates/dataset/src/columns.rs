//! Some columns of the exchanges of a dataset, as they were extracted: what one exchange shows by itself.

use std::path::Path;

use arrow_array::{Float64Array, Int64Array, RecordBatch, StringArray};
use authtrace_analyze::table::{ColumnDef, ColumnType, Values};

use crate::{
    cells::typed,
    error::{DatasetError, RowError},
    file,
    layout::PartFile,
    read::{Dataset, unreadable},
};

/// Cells of some columns, in the order asked for.
pub type Columns = Vec<(&'static str, Values)>;

impl Dataset {
    /// Hands `take` the cells of `wanted`, some rows at a time. A part that cannot be read is left out and named.
    pub fn columns(&self, wanted: &[&'static ColumnDef], mut take: impl FnMut(Columns)) -> Vec<DatasetError> {
        let parts = self.parts.iter().map(|part| part_columns(&self.root, part, wanted, &mut take));
        parts.filter_map(Result::err).collect()
    }
}

fn part_columns(
    root: &Path,
    part: &PartFile,
    wanted: &[&'static ColumnDef],
    take: &mut impl FnMut(Columns),
) -> Result<(), DatasetError> {
    let names: Vec<&str> = wanted.iter().map(|column| column.name).collect();
    // All of a part or nothing: half of one would be counted as the whole.
    let mut rows = Vec::new();
    for data in part.files.iter().filter(|data| data.path.starts_with("exchanges/")) {
        let path = root.join(&data.path);
        let read = file::read_columns(&path, &names, &mut |batch| {
            let cells = wanted.iter().map(|column| Ok((column.name, cells(batch, column)?)));
            rows.push(cells.collect::<Result<Columns, RowError>>()?);
            Ok(())
        });
        read.map_err(|unread| unreadable(&path, unread, &part.input.path))?;
    }
    rows.into_iter().for_each(take);
    Ok(())
}

fn cells(batch: &RecordBatch, column: &ColumnDef) -> Result<Values, RowError> {
    Ok(match column.kind {
        ColumnType::Int => Values::Int(typed::<Int64Array>(batch, column.name)?.iter().collect()),
        ColumnType::Real => Values::Real(typed::<Float64Array>(batch, column.name)?.iter().collect()),
        ColumnType::Text => {
            Values::Text(typed::<StringArray>(batch, column.name)?.iter().map(|cell| cell.map(str::to_owned)).collect())
        }
    })
}
