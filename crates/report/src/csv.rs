//! Rows for a spreadsheet (RFC 4180): one object a row, nothing in a cell that a spreadsheet would run.

use serde::Serialize;
use serde_json::Value;

use crate::{hidden::visible, json, view::View};

/// The most characters of a cell.
const LONGEST: usize = 2000;

/// One finding a row.
pub fn findings(view: &View<'_>) -> String {
    const COLUMNS: &[&str] = &[
        "id",
        "code",
        "rule",
        "variant",
        "severity",
        "confidence",
        "title",
        "message",
        "origin",
        "route",
        "session",
        "token",
        "call_site",
        "exchanges_count",
        "exchanges",
        "caused_by",
        "fixes",
        "fingerprint",
    ];
    table(COLUMNS, json::findings(view))
}

/// `rows` with their fields `columns`.
pub(crate) fn table<R: Serialize>(columns: &[&str], rows: impl IntoIterator<Item = R>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(columns);
    for row in rows {
        let row = serde_json::to_value(row).unwrap_or_default();
        let _ = writer.write_record(columns.iter().map(|column| cell(row.get(column).unwrap_or(&Value::Null))));
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A value as a cell: lists of plain values are joined by blanks, what has structure stays JSON.
fn cell(value: &Value) -> String {
    let plain = |item: &Value| match item {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = match value {
        Value::Null => String::new(),
        Value::Number(number) => return number.to_string(),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(plain).collect::<Vec<_>>().join(" ")
        }
        other => plain(other),
    };
    harmless(&visible(&text, LONGEST))
}

/// What a spreadsheet takes for a formula begins with an apostrophe, which it takes for text (CWE-1236).
fn harmless(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_text() {
        let rows = [
            json!({"a": "=cmd|' /C calc'!A0", "b": [1, 2], "c": null}),
            json!({"a": "x,\"y\"", "b": -3, "c": " @sum"}),
        ];
        assert_eq!(table(&["a", "b", "c"], rows), "a,b,c\n'=cmd|' /C calc'!A0,1 2,\n\"x,\"\"y\"\"\",-3,' @sum\n");
    }
}
