//! SQL over tables, answered by Polars.

use authtrace_parse::ExchangeId;
use polars::prelude::{
    AnyValue, Column, DataFrame, DataType, IntoLazy, LazyFrame, PolarsError, SortMultipleOptions, col,
};
use polars_sql::SQLContext;

use super::{FilterError, Values, fault};

/// A query that cannot be answered.
#[derive(Debug, thiserror::Error)]
#[error("cannot answer the query: {0}; tables and columns are listed by `authtrace query --schema`")]
pub struct QueryError(String);

impl From<PolarsError> for QueryError {
    fn from(error: PolarsError) -> Self {
        Self(first_line(&error.to_string()))
    }
}

/// What a query came to: columns of equal length, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Names and cells.
    pub columns: Vec<(String, Values)>,
}

/// Tables that SQL may name.
#[derive(Default)]
pub struct Tables {
    frames: Vec<(&'static str, DataFrame)>,
}

impl Tables {
    /// Adds rows to the table `name`, which begins with them where it is not there.
    ///
    /// # Errors
    /// Where columns differ in length, share a name, or are not those that the table has.
    pub fn add(
        &mut self,
        name: &'static str,
        columns: impl IntoIterator<Item = (&'static str, Values)>,
    ) -> Result<(), QueryError> {
        match self.frames.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => drop(rows.vstack_mut(&frame(columns)?)?),
            None => self.frames.push((name, frame(columns)?)),
        }
        Ok(())
    }

    /// Answers the SELECT statement `sql`. The same tables give the same answer: what states no order is sorted.
    ///
    /// # Errors
    /// Where it does not parse, is no SELECT, or names what is not there.
    pub fn query(&self, sql: &str) -> Result<Answer, QueryError> {
        let plan = self.plan(sql)?;
        let rows = plan.collect()?;
        let rows = if has_own_order(sql) { rows } else { in_order(rows)? };
        let columns = rows.columns().iter().map(|column| Ok((column.name().to_string(), cells(column)?)));
        Ok(Answer { columns: columns.collect::<Result<_, PolarsError>>()? })
    }

    /// How Polars would answer `sql`: its optimised plan.
    ///
    /// # Errors
    /// As [`Tables::query`].
    pub fn explain(&self, sql: &str) -> Result<String, QueryError> {
        Ok(self.plan(sql)?.explain(true)?)
    }

    fn plan(&self, sql: &str) -> Result<LazyFrame, QueryError> {
        let verb = sql.split_whitespace().next().unwrap_or_default();
        if !["select", "with"].iter().any(|known| verb.eq_ignore_ascii_case(known)) {
            return Err(QueryError("it is no SELECT statement, and tables cannot be changed".to_owned()));
        }
        let mut context = SQLContext::new();
        for (name, frame) in &self.frames {
            context.register(name, frame.clone().lazy());
        }
        Ok(context.execute(sql)?)
    }
}

/// Says what is wrong with the filter `expression` for a table of `columns`, which has no rows.
pub(super) fn check(
    columns: impl Iterator<Item = (&'static str, Values)>,
    expression: &str,
) -> Result<(), FilterError> {
    let empty = frame(columns).map_err(|error| FilterError::late(expression, &error))?;
    fault::check(expression, &empty)
}

/// For each of `expressions`, the exchanges of one table for which it is true.
pub(super) fn matching_each(
    columns: impl Iterator<Item = (&'static str, Values)>,
    expressions: &[&str],
) -> Vec<Result<Vec<ExchangeId>, FilterError>> {
    let table = frame(columns);
    let matching = |expression: &&str| {
        let table = table.as_ref().map_err(|error| FilterError::late(expression, error))?;
        matching(table, expression)
    };
    expressions.iter().map(matching).collect()
}

fn matching(table: &DataFrame, expression: &str) -> Result<Vec<ExchangeId>, FilterError> {
    let fail = |error: PolarsError| FilterError::late(expression, &error);
    let condition = polars_sql::sql_expr(expression).map_err(fail)?;
    let rows = table.clone().lazy().filter(condition).collect().map_err(fail)?;
    let ids = rows.column("id").and_then(|c| c.i64().cloned()).map_err(fail)?;
    Ok(ids.iter().flatten().filter_map(|id| u32::try_from(id).ok()).map(ExchangeId).collect())
}

/// Whether `sql` may name `column`: the word stands in it, or a star that is not an argument.
///
/// It may say yes too often, never no where the column is needed.
pub fn mentions(sql: &str, column: &str) -> bool {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = sql.split(|c: char| !in_name(c)).any(|word| word.eq_ignore_ascii_case(column));
    let star = || {
        sql.match_indices('*').any(|(at, _)| {
            let (before, after) = (sql[..at].trim_end(), sql[at + 1..].trim_start());
            !(before.ends_with('(') && after.starts_with(')'))
        })
    };
    let natural = || sql.to_ascii_lowercase().contains("columns") || sql.to_ascii_lowercase().contains("natural");
    named || star() || natural()
}

/// Every column of `columns`, in a frame.
pub(super) fn frame(columns: impl IntoIterator<Item = (&'static str, Values)>) -> Result<DataFrame, PolarsError> {
    let column = |(name, values): (&'static str, Values)| match values {
        Values::Int(cells) => Column::new(name.into(), cells),
        Values::Real(cells) => Column::new(name.into(), cells),
        Values::Text(cells) => Column::new(name.into(), cells),
        Values::Truth(cells) => Column::new(name.into(), cells),
    };
    DataFrame::new_infer_height(columns.into_iter().map(column).collect())
}

/// Whether rows come in an order that the query states, or in that of a table: grouping and joining shuffle them.
fn has_own_order(sql: &str) -> bool {
    const SHUFFLES: [&str; 7] = ["group", "distinct", "union", "intersect", "except", "join", "having"];
    let words: Vec<String> = sql.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase).collect();
    let ordered = words.windows(2).any(|pair| pair == ["order", "by"]);
    ordered || !words.iter().any(|word| SHUFFLES.contains(&word.as_str()))
}

fn in_order(rows: DataFrame) -> Result<DataFrame, PolarsError> {
    let sortable = |column: &&Column| !column.dtype().is_nested();
    let names: Vec<_> = rows.columns().iter().filter(sortable).map(|column| col(column.name().clone())).collect();
    if names.is_empty() {
        return Ok(rows);
    }
    rows.lazy().sort_by_exprs(names, SortMultipleOptions::default().with_maintain_order(true)).collect()
}

fn cells(column: &Column) -> Result<Values, PolarsError> {
    Ok(match column.dtype() {
        DataType::Boolean => Values::Truth(column.bool()?.iter().collect()),
        dtype if dtype.is_integer() => Values::Int(column.cast(&DataType::Int64)?.i64()?.iter().collect()),
        dtype if dtype.is_float() || dtype.is_decimal() => {
            Values::Real(column.cast(&DataType::Float64)?.f64()?.iter().collect())
        }
        DataType::String => Values::Text(column.str()?.iter().map(|cell| cell.map(str::to_owned)).collect()),
        DataType::Null => Values::Text(vec![None; column.len()]),
        dtype if dtype.is_nested() => Values::Text(
            (0..column.len()).map(|row| Ok(written(column.get(row)?))).collect::<Result<_, PolarsError>>()?,
        ),
        _ => {
            let text = column.cast(&DataType::String)?;
            Values::Text(text.str()?.iter().map(|cell| cell.map(str::to_owned)).collect())
        }
    })
}

/// A nested value in words, its items with blanks between; `None` where it is null.
fn written(value: AnyValue<'_>) -> Option<String> {
    match value {
        AnyValue::Null => None,
        AnyValue::String(text) => Some(text.to_owned()),
        AnyValue::StringOwned(text) => Some(text.to_string()),
        AnyValue::List(items) => Some(items.iter().filter_map(written).collect::<Vec<_>>().join(" ")),
        other => Some(other.to_string()),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_read_where_it_may_be_named() {
        let check = |sql: &str, column: &str, expected: bool| assert_eq!(mentions(sql, column), expected, "{sql}");
        check("select host, count(*) from exchanges group by host", "host", true);
        check("select host, count( * ) from exchanges group by host", "route", false);
        check("select * from exchanges", "route", true);
        check("select e.* from exchanges e", "route", true);
        check("select \"Route\" from exchanges", "route", true);
    }

    #[test]
    fn only_what_shuffles_is_sorted() {
        let check = |sql: &str, expected: bool| assert_eq!(has_own_order(sql), expected, "{sql}");
        check("select host from exchanges where status = 401", true);
        check("select host, count(*) from exchanges group by host", false);
        check("select host, count(*) as n from exchanges group by host order by n desc, host", true);
    }
}
