//! Aligned columns: as wide as their content, the flexible one cut where the width ends.

use crate::{
    page::clean,
    style::{Ink, Style},
};

/// One column.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) right: bool,
    /// Gives way when the table is too wide.
    pub(crate) flexible: bool,
}

impl Column {
    pub(crate) const fn left(name: &'static str) -> Self {
        Self { name, right: false, flexible: false }
    }

    pub(crate) const fn right(name: &'static str) -> Self {
        Self { name, right: true, flexible: false }
    }

    pub(crate) const fn flexible(name: &'static str) -> Self {
        Self { name, right: false, flexible: true }
    }
}

/// Narrowest that a flexible column gets.
const LEAST: usize = 12;
/// Columns between two columns.
const GAP: usize = 2;

/// The table as text: a dim header, then the rows; `width` of `None` cuts nothing.
pub(crate) fn table(columns: &[Column], rows: &[Vec<String>], width: Option<usize>, style: Style) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
    let widths = widths(columns, &rows, width);
    let header: Vec<String> = columns.iter().map(|c| c.name.to_owned()).collect();
    let mut out = style.paint(Ink::Dim, &line(columns, &header, &widths, width));
    out.push('\n');
    for row in &rows {
        out.push_str(&line(columns, row, &widths, width));
        out.push('\n');
    }
    out
}

fn widths(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> Vec<usize> {
    let longest = |index: usize| rows.iter().filter_map(|row| row.get(index)).map(|c| c.chars().count()).max();
    let mut widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| longest(index).unwrap_or(0).max(column.name.chars().count()))
        .collect();
    let Some(width) = width else { return widths };
    let total: usize = widths.iter().sum::<usize>() + GAP * columns.len().saturating_sub(1);
    let mut excess = total.saturating_sub(width);
    // The widest flexible column gives way first.
    while excess > 0 {
        let flexible = (0..columns.len()).filter(|&i| columns[i].flexible && widths[i] > LEAST);
        let Some(widest) = flexible.max_by_key(|&i| widths[i]) else { break };
        widths[widest] -= 1;
        excess -= 1;
    }
    widths
}

fn line(columns: &[Column], cells: &[String], widths: &[usize], width: Option<usize>) -> String {
    let mut out = String::new();
    for (index, (column, cell)) in columns.iter().zip(cells).enumerate() {
        let wide = widths[index];
        let cell = fitted(cell, wide);
        let padding = " ".repeat(wide - cell.chars().count());
        if index > 0 {
            out.push_str(&" ".repeat(GAP));
        }
        if column.right {
            out.push_str(&padding);
            out.push_str(&cell);
        } else {
            out.push_str(&cell);
            out.push_str(&padding);
        }
    }
    let out = out.trim_end();
    width.map_or_else(|| out.to_owned(), |width| fitted(out, width))
}

/// `text`, cut with an ellipsis where it is longer than `width`.
fn fitted(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flexible_column_gives_way() {
        let columns = [Column::right("#"), Column::flexible("route"), Column::left("status")];
        let rows = vec![vec!["1".into(), "GET /api/v1/a/very/long/route".into(), "200".into()]];
        let text = table(&columns, &rows, Some(30), Style::PLAIN);
        assert_eq!(text, "#  route                status\n1  GET /api/v1/a/very…  200\n");
    }
}
