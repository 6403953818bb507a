//! Aligned columns: as wide as their content, the flexible one cut where the width ends.

use crate::{
    hidden::visible,
    style::{Ink, Style},
};

/// One column.
#[derive(Clone, Copy)]
pub(crate) struct Column<'a> {
    name: &'a str,
    right: bool,
    /// Narrowest that it may get; `None` where it is never cut.
    least: Option<usize>,
    /// The highest goes first when the table is too wide; 0 stays.
    rank: u8,
}

impl<'a> Column<'a> {
    pub(crate) const fn left(name: &'a str) -> Self {
        Self { name, right: false, least: None, rank: 0 }
    }

    pub(crate) const fn right(name: &'a str) -> Self {
        Self { name, right: true, least: None, rank: 0 }
    }

    /// May be cut down to `least` columns.
    pub(crate) const fn flexible(name: &'a str, least: usize) -> Self {
        Self { name, right: false, least: Some(least), rank: 0 }
    }

    /// May be left out, before those of a lower rank.
    pub(crate) const fn dispensable(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    /// Columns that it needs at least to show a content of `wide` columns.
    fn needs(&self, wide: usize) -> usize {
        self.least.map_or(wide, |least| wide.min(least))
    }
}

/// Columns between two columns.
const GAP: usize = 2;

/// The most characters of a cell where nothing else cuts it: every row is as wide as the widest.
const WIDEST: usize = 300;

/// The table as text: a dim header, then the rows; `width` of `None` cuts nothing.
pub(crate) fn table(columns: &[Column<'_>], rows: &[Vec<String>], width: Option<usize>, style: Style) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| visible(cell, WIDEST).into_owned()).collect()).collect();
    let mut widths = natural(columns, &rows);
    if let Some(width) = width {
        shrink(columns, &mut widths, width);
    }
    let header: Vec<String> = columns.iter().map(|c| visible(c.name, WIDEST).into_owned()).collect();
    let mut out = style.paint(Ink::Dim, &line(columns, &header, &widths, width));
    out.push('\n');
    for row in &rows {
        out.push_str(&line(columns, row, &widths, width));
        out.push('\n');
    }
    out
}

/// As wide as the longest cell; a column without content is left out if it may be.
fn natural(columns: &[Column<'_>], rows: &[Vec<String>]) -> Vec<Option<usize>> {
    let of = |(index, column): (usize, &Column<'_>)| {
        let cells = rows.iter().filter_map(|row| row.get(index)).filter(|cell| !matches!(cell.as_str(), "" | "-"));
        let longest = cells.map(|cell| cell.chars().count()).max();
        let longest = if column.rank == 0 { Some(longest.unwrap_or(0)) } else { longest };
        longest.map(|longest| longest.max(column.name.chars().count()))
    };
    columns.iter().enumerate().map(of).collect()
}

/// Leaves out columns until the rest fits when cut, then cuts the widest.
fn shrink(columns: &[Column<'_>], widths: &mut [Option<usize>], width: usize) {
    let total = |widths: &[Option<usize>], least: bool| -> usize {
        let shown = columns.iter().zip(widths).filter_map(|(c, wide)| Some((c, (*wide)?)));
        shown.map(|(column, wide)| GAP + if least { column.needs(wide) } else { wide }).sum::<usize>()
    };
    while total(widths, true) > width + GAP {
        let shown = (0..columns.len()).filter(|&i| widths[i].is_some() && columns[i].rank > 0);
        let Some(first) = shown.max_by_key(|&i| columns[i].rank) else { break };
        widths[first] = None;
    }
    while total(widths, false) > width + GAP {
        let flexible = (0..columns.len()).filter(|&i| widths[i].is_some_and(|wide| wide > columns[i].needs(wide)));
        let Some(widest) = flexible.max_by_key(|&i| widths[i]) else { break };
        widths[widest] = widths[widest].map(|wide| wide - 1);
    }
}

fn line(columns: &[Column<'_>], cells: &[String], widths: &[Option<usize>], width: Option<usize>) -> String {
    let mut out = String::new();
    for ((column, cell), wide) in columns.iter().zip(cells).zip(widths) {
        let Some(wide) = *wide else { continue };
        let cell = fitted(cell, wide);
        let padding = " ".repeat(wide - cell.chars().count());
        if !out.is_empty() {
            out.push_str(&" ".repeat(GAP));
        }
        let (before, after) = if column.right { (padding.as_str(), "") } else { ("", padding.as_str()) };
        out.push_str(&[before, &cell, after].concat());
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
    fn columns_give_way() {
        let columns = [
            Column::right("#"),
            Column::flexible("route", 12),
            Column::left("status"),
            Column::left("role").dispensable(1),
        ];
        let rows = vec![vec!["1".into(), "GET /api/v1/a/very/long/route".into(), "200".into(), "resource".into()]];
        let text = table(&columns, &rows, Some(30), Style::PLAIN);
        assert_eq!(text, "#  route                status\n1  GET /api/v1/a/very…  200\n");
    }
}
