//! Why a filter is refused, and which part of it is to blame.

use std::ops::{ControlFlow, Range};

use polars::prelude::{DataFrame, IntoLazy, PolarsError};
use sqlparser::{
    ast::{Expr, Spanned as _, visit_expressions},
    dialect::GenericDialect,
    parser::Parser,
    tokenizer::Location,
};

/// A filter expression that does not fit the table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot filter by `{expression}`: {reason}{}; columns are listed by `authtrace exchanges --help`", self.place())]
pub struct FilterError {
    expression: String,
    reason: String,
    at: Option<Range<usize>>,
}

/// Parts of an expression that are tried one by one.
const TRIED: usize = 200;

impl FilterError {
    /// Why, in one line.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The part of the expression that is to blame, in bytes; empty where something is missing there.
    pub fn at(&self) -> Option<Range<usize>> {
        self.at.clone()
    }

    /// ` (at status = 'a')`, where it is known and the reason does not name it.
    fn place(&self) -> String {
        let part = self.at.clone().and_then(|at| self.expression.get(at)).filter(|part| !part.is_empty());
        let part = part.filter(|part| *part != self.expression && !self.reason.contains(part));
        part.map(|part| format!(" (at {part})")).unwrap_or_default()
    }

    /// What went wrong with `expression` although it fits a table without rows.
    pub(super) fn late(expression: &str, error: &PolarsError) -> Self {
        Self { expression: expression.to_owned(), reason: first_line(error), at: None }
    }
}

/// Tries `expression` on a table without rows: syntax, names and types are the same.
///
/// # Errors
/// Where it is not SQL, names no column, compares what cannot be compared, or is no truth value.
pub(super) fn check(expression: &str, empty: &DataFrame) -> Result<(), FilterError> {
    let fail = |reason: String, at| FilterError { expression: expression.to_owned(), reason, at };
    let parsed = parse(expression).map_err(|(reason, at)| fail(reason, at))?;
    let Err(error) = filters(expression, empty) else { return Ok(()) };
    let Some((part, error)) = blamed(&parsed, empty) else {
        let whole = Some(0..expression.len()).filter(|_| error.to_string().contains("oolean"));
        let reason = if whole.is_some() { "it is neither true nor false".to_owned() } else { first_line(&error) };
        return Err(fail(reason, whole));
    };
    let span = part.span();
    let at = offset(expression, span.start).zip(offset(expression, span.end)).map(|(start, end)| start..end.max(start));
    Err(fail(reason(&part, &error), at))
}

fn filters(expression: &str, empty: &DataFrame) -> Result<(), PolarsError> {
    let condition = polars_sql::sql_expr(expression)?;
    empty.clone().lazy().filter(condition).collect().map(drop)
}

/// Why it is no SQL, and where that shows.
fn parse(expression: &str) -> Result<Expr, (String, Option<Range<usize>>)> {
    let parser = Parser::new(&GenericDialect).try_with_sql(expression);
    let parsed = parser.and_then(|mut parser| {
        let parsed = parser.parse_expr()?;
        let rest = parser.peek_token();
        if rest.token == sqlparser::tokenizer::Token::EOF { Ok(parsed) } else { parser.expected("the end", rest) }
    });
    parsed.map_err(|error| {
        let text = error.to_string();
        let text = text.strip_prefix("sql parser error: ").unwrap_or(&text);
        let (reason, place) = text.split_once(" at Line: ").unwrap_or((text, ""));
        let mut numbers = place.split(", Column: ").filter_map(|number| number.trim().parse().ok());
        let location = numbers.next().zip(numbers.next()).map(|(line, column)| Location::new(line, column));
        let start = location.and_then(|location| offset(expression, location)).unwrap_or(expression.len());
        (reason.to_owned(), Some(start..word_end(expression, start)))
    })
}

/// The smallest part that does not even stand alone.
fn blamed(whole: &Expr, empty: &DataFrame) -> Option<(Expr, PolarsError)> {
    let mut parts = Vec::new();
    let _ = visit_expressions(whole, |part| {
        parts.push(part.clone());
        if parts.len() < TRIED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    parts.sort_by_cached_key(|part| part.to_string().len());
    parts.into_iter().find_map(|part| {
        let stands = polars_sql::sql_expr(part.to_string()).and_then(|e| empty.clone().lazy().select([e]).collect());
        stands.err().map(|error| (part, error))
    })
}

fn reason(part: &Expr, error: &PolarsError) -> String {
    match part {
        Expr::Identifier(name) if name.quote_style.is_some() => {
            format!("`{}` is no column; text stands in single quotes", name.value)
        }
        Expr::Identifier(name) => format!("`{}` is no column", name.value),
        _ => first_line(error),
    }
}

fn first_line(error: &PolarsError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The byte at a place that is told in lines and characters, both counted from one.
fn offset(text: &str, location: Location) -> Option<usize> {
    let before = usize::try_from(location.line).ok()?.checked_sub(1)?;
    let line: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let column = usize::try_from(location.column).ok()?.checked_sub(1)?;
    let rest = text.get(line..)?;
    Some(line + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at))
}

/// Where the word at `start` ends; a sign is a word of its own.
fn word_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let letters = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    start + if letters > 0 { letters } else { rest.chars().next().map_or(0, char::len_utf8) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        table::{SCHEMA, exchanges, sql},
        tokens::TokenStore,
    };

    #[test]
    fn faults_are_pointed_at() {
        let tokens = TokenStore::default();
        let columns =
            SCHEMA.iter().map(|column| (column.name, exchanges::values(column, [].iter(), tokens.as_slice())));
        let empty = sql::frame(columns).unwrap();
        let check = |text: &str, at: &str, why: &str| {
            let fault = check(text, &empty).unwrap_err();
            let part = fault.at().and_then(|range| text.get(range));
            assert_eq!(part, Some(at), "{fault}");
            assert!(fault.reason().contains(why), "{fault}");
        };
        check("statos = 401", "statos", "`statos` is no column");
        check("status = 401 AND hsot = 'statos'", "hsot", "`hsot` is no column");
        check("host = \"x\"", "\"x\"", "single quotes");
        check("status = 401 and (host = 'é' or status = 'b')", "status = 'b'", "cannot compare");
        check("status = ", "", "Expected");
        check("status == = 4", "=", "Expected");
        check("(status = 401", "", "Expected");
        check("status = 401 host", "host", "Expected");
        check("status", "status", "neither true nor false");
        check("", "", "Expected");
        for fine in ["status = 401", "credential is null and not (path like '%é%')", "status between 400 and 499"] {
            assert_eq!(super::check(fine, &empty), Ok(()));
        }
    }
}
