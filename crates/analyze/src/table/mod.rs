//! The tables of an analysis: what they are called, their columns, and SQL over them.
//!
//! Filters and `query` are SQL, so a table is built when one is asked for. No secret enters a column.
//! No Polars type leaves this module.

mod exchanges;
mod fault;
mod findings;
mod sessions;
mod sql;
mod tokens;

use authtrace_parse::ExchangeId;

pub use exchanges::SCHEMA;
pub(crate) use exchanges::{cell, values as values_of};
pub use fault::FilterError;
pub use sql::{Answer, QueryError, Tables, mentions};

use crate::{
    analysis::Analysis,
    facts::{Fact, SessionId},
    finding::FindingId,
    tokens::{TokenId, TokenStore},
};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnDef {
    /// Name, as SQL writes it.
    pub name: &'static str,
    /// Type of its cells.
    pub kind: ColumnType,
    /// What it holds.
    pub about: &'static str,
}

impl ColumnDef {
    const fn new(name: &'static str, kind: ColumnType, about: &'static str) -> Self {
        Self { name, kind, about }
    }
}

/// Type of a column: Spark-safe, nullable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// 64-bit signed integer.
    Int,
    /// 64-bit floating point.
    Real,
    /// UTF-8 text.
    Text,
}

impl ColumnType {
    /// A column of this type without a row.
    pub fn no_cells(self) -> Values {
        match self {
            Self::Int => Values::Int(Vec::new()),
            Self::Real => Values::Real(Vec::new()),
            Self::Text => Values::Text(Vec::new()),
        }
    }

    /// Name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "BIGINT",
            Self::Real => "DOUBLE",
            Self::Text => "VARCHAR",
        }
    }
}

/// Every finding, in the columns of the table `findings` that mean the same in every part of a larger capture.
pub fn findings_of_a_part(analysis: &Analysis) -> Answer {
    let ids: Vec<FindingId> = (0u32..).map(FindingId).take(analysis.findings.len()).collect();
    let columns = findings::SCHEMA.iter().filter(|column| !findings::NUMBERED.contains(&column.name));
    Answer { columns: columns.map(|c| (c.name.to_owned(), findings::values(c, &ids, analysis))).collect() }
}

/// The cells of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Integers.
    Int(Vec<Option<i64>>),
    /// Floating point numbers.
    Real(Vec<Option<f64>>),
    /// Texts.
    Text(Vec<Option<String>>),
    /// Truth values, which only an answer has.
    Truth(Vec<Option<bool>>),
}

impl Values {
    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Self::Int(cells) => cells.len(),
            Self::Real(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
            Self::Truth(cells) => cells.len(),
        }
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A table that SQL may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableDef {
    /// Name, as SQL writes it.
    pub name: &'static str,
    /// What a row is.
    pub about: &'static str,
    /// Columns in order.
    pub columns: &'static [ColumnDef],
}

/// Every table, in the order in which they are documented.
pub const TABLES: [TableDef; 4] = [
    TableDef { name: "exchanges", about: "one row an exchange", columns: exchanges::SCHEMA },
    TableDef { name: "tokens", about: "one row a distinct credential", columns: tokens::SCHEMA },
    TableDef { name: "sessions", about: "one row a session", columns: sessions::SCHEMA },
    TableDef { name: "findings", about: "one row a finding", columns: findings::SCHEMA },
];

/// What of an analysis the tables hold.
pub struct Selection<'a> {
    /// Exchanges, in order of id.
    pub exchanges: Vec<&'a Fact>,
    /// Credentials, in order of id.
    pub tokens: Vec<TokenId>,
    /// Sessions, in order of id.
    pub sessions: Vec<SessionId>,
    /// Findings, in order of id.
    pub findings: Vec<FindingId>,
}

impl Selection<'_> {
    /// The cells of one column of one table, by their names; `None` where there is no such column.
    pub fn values(&self, table: &str, column: &ColumnDef, analysis: &Analysis) -> Option<Values> {
        Some(match table {
            "exchanges" => {
                exchanges::values(column, self.exchanges.iter().copied(), analysis.capture.tokens.as_slice())
            }
            "tokens" => tokens::values(column, &self.tokens, &analysis.capture),
            "sessions" => sessions::values(column, &self.sessions, &analysis.capture),
            "findings" => findings::values(column, &self.findings, analysis),
            _ => return None,
        })
    }
}

/// The exchanges of `facts` for which the SQL expression `expression` is true.
pub(crate) fn matching(facts: &[Fact], tokens: &TokenStore, expression: &str) -> Result<Vec<ExchangeId>, FilterError> {
    // Whatever is wrong shows without rows: the table is not built in vain.
    check(expression)?;
    matching_each(facts, tokens, &[expression]).pop().unwrap_or_else(|| Ok(Vec::new()))
}

/// The same for several expressions, which were checked, over one table.
pub(crate) fn matching_each(
    facts: &[Fact],
    tokens: &TokenStore,
    expressions: &[&str],
) -> Vec<Result<Vec<ExchangeId>, FilterError>> {
    let needed = |name| name == "id" || expressions.iter().any(|expression| mentions(expression, name));
    let columns = SCHEMA.iter().filter(|column| needed(column.name));
    sql::matching_each(
        columns.map(|column| (column.name, exchanges::values(column, facts.iter(), tokens.as_slice()))),
        expressions,
    )
}

/// Whether the expression fits the table of exchanges, whatever is in it.
pub(crate) fn check(expression: &str) -> Result<(), FilterError> {
    let none = TokenStore::default();
    sql::check(
        SCHEMA.iter().map(|column| (column.name, exchanges::values(column, [].iter(), none.as_slice()))),
        expression,
    )
}

/// Name of an exchange's kind in every output.
pub fn kind_name(kind: authtrace_parse::Kind) -> &'static str {
    match kind {
        authtrace_parse::Kind::Http => "http",
        authtrace_parse::Kind::WebSocket => "websocket",
        authtrace_parse::Kind::Preflight => "preflight",
        authtrace_parse::Kind::Connect => "connect",
    }
}

/// Name of a protocol version in every output, as ALPN spells the newer ones.
pub fn protocol_name(protocol: authtrace_parse::Protocol) -> &'static str {
    match protocol {
        authtrace_parse::Protocol::Http10 => "http/1.0",
        authtrace_parse::Protocol::Http11 => "http/1.1",
        authtrace_parse::Protocol::Http2 => "h2",
        authtrace_parse::Protocol::Http3 => "h3",
    }
}
