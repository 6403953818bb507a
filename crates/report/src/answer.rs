//! The answer to an SQL query, as a table, JSON, JSON Lines or CSV; and what there is to ask for.

use authtrace_analyze::table::{Answer, TABLES, Values};
use serde_json::{Map, Number, Value};

use crate::{
    columns::{self, Column},
    csv, json,
    style::{Ink, Style},
};

/// A table for people; numbers stand to the right.
pub fn text(answer: &Answer, style: Style, width: Option<usize>) -> String {
    let columns: Vec<Column<'_>> = answer
        .columns
        .iter()
        .map(|(name, values)| match values {
            Values::Int(_) | Values::Real(_) => Column::right(name),
            Values::Text(_) | Values::Truth(_) => Column::flexible(name, LEAST),
        })
        .collect();
    let rows: Vec<Vec<String>> = (0..height(answer))
        .map(|row| answer.columns.iter().map(|(_, values)| shown(&cell(values, row))).collect())
        .collect();
    columns::table(&columns, &rows, width, style)
}

/// Columns that a text keeps at least where the terminal is narrow.
const LEAST: usize = 12;

/// One JSON array of objects.
pub fn json(answer: &Answer) -> String {
    json::pretty(&objects(answer).collect::<Vec<_>>())
}

/// One object a line.
pub fn jsonl(answer: &Answer) -> String {
    objects(answer).map(|row| json::line(&row)).collect()
}

/// One row a line (RFC 4180), with a header.
pub fn csv(answer: &Answer) -> String {
    let names: Vec<&str> = answer.columns.iter().map(|(name, _)| name.as_str()).collect();
    csv::table(&names, objects(answer))
}

/// Every table with its columns, their types and what they hold.
pub fn schema(style: Style) -> String {
    let mut out = String::new();
    for table in TABLES {
        out.push_str(&style.paint(Ink::Bold, table.name));
        out.push_str(&format!(": {}\n", table.about));
        let wide = table.columns.iter().map(|column| column.name.len()).max().unwrap_or_default();
        for column in table.columns {
            out.push_str(&format!("  {:wide$}  {:7}  {}\n", column.name, column.kind.name(), column.about));
        }
        out.push('\n');
    }
    out.pop();
    out
}

/// Every column as an object: table, column, type, about.
pub fn schema_answer() -> Answer {
    let rows = || TABLES.iter().flat_map(|table| table.columns.iter().map(move |column| (table.name, column)));
    let texts = |cells: Vec<&str>| Values::Text(cells.into_iter().map(|cell| Some(cell.to_owned())).collect());
    Answer {
        columns: vec![
            ("table".to_owned(), texts(rows().map(|(table, _)| table).collect())),
            ("column".to_owned(), texts(rows().map(|(_, column)| column.name).collect())),
            ("type".to_owned(), texts(rows().map(|(_, column)| column.kind.name()).collect())),
            ("about".to_owned(), texts(rows().map(|(_, column)| column.about).collect())),
        ],
    }
}

fn height(answer: &Answer) -> usize {
    answer.columns.first().map_or(0, |(_, values)| values.len())
}

fn objects(answer: &Answer) -> impl Iterator<Item = Map<String, Value>> {
    let row = |row| answer.columns.iter().map(move |(name, values)| (name.clone(), cell(values, row))).collect();
    (0..height(answer)).map(row)
}

fn cell(values: &Values, row: usize) -> Value {
    let found = match values {
        Values::Int(cells) => cells.get(row).copied().flatten().map(Value::from),
        // JSON knows no infinity and no NaN.
        Values::Real(cells) => cells.get(row).copied().flatten().and_then(Number::from_f64).map(Value::Number),
        Values::Text(cells) => cells.get(row).and_then(Option::as_deref).map(Value::from),
        Values::Truth(cells) => cells.get(row).copied().flatten().map(Value::from),
    };
    found.unwrap_or(Value::Null)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
