//! The fact table: one row per exchange, one schema, as a Polars frame.
//!
//! Filters are SQL expressions over it, so it is built when one is asked for. No secret enters a column.
//! No Polars type leaves this module.

mod fault;

use authtrace_parse::{ExchangeId, Timestamp};
use rayon::prelude::*;

use polars::prelude::{Column, DataFrame, IntoLazy, PolarsError};

use crate::{
    facts::{Fact, credential::Credential},
    tokens::TokenStore,
};

pub use fault::FilterError;

/// Every column, its type and what it holds. The one place where names stand.
pub const SCHEMA: &[(&str, ColumnType)] = &[
    ("id", ColumnType::Int),
    ("input", ColumnType::Int),
    ("time", ColumnType::Int),
    ("duration_ns", ColumnType::Int),
    ("client_key", ColumnType::Int),
    ("session", ColumnType::Text),
    ("connection", ColumnType::Text),
    ("kind", ColumnType::Text),
    ("protocol", ColumnType::Text),
    ("method", ColumnType::Text),
    ("scheme", ColumnType::Text),
    ("host", ColumnType::Text),
    ("port", ColumnType::Int),
    ("origin", ColumnType::Text),
    ("path", ColumnType::Text),
    ("route", ColumnType::Text),
    ("api_group", ColumnType::Text),
    ("status", ColumnType::Int),
    ("failure", ColumnType::Text),
    ("role", ColumnType::Text),
    ("outcome", ColumnType::Text),
    ("error", ColumnType::Text),
    ("credential", ColumnType::Text),
    ("credential_kind", ColumnType::Text),
    ("credential_method", ColumnType::Text),
    ("scheme_name", ColumnType::Text),
    ("token", ColumnType::Text),
    ("alg", ColumnType::Text),
    ("kid", ColumnType::Text),
    ("iss", ColumnType::Text),
    ("aud", ColumnType::Text),
    ("page", ColumnType::Text),
    ("resource_type", ColumnType::Text),
    ("initiator", ColumnType::Text),
    ("oauth_error", ColumnType::Text),
    ("close_code", ColumnType::Int),
    ("answered_by", ColumnType::Text),
    ("counted", ColumnType::Int),
];

/// Type of a column: Spark-safe, nullable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// 64-bit signed integer.
    Int,
    /// UTF-8 text.
    Text,
}

/// The rows of a capture.
pub(crate) struct Table(DataFrame);

impl Table {
    /// One row per fact.
    fn from_facts(facts: &[Fact], tokens: &TokenStore) -> Result<Self, PolarsError> {
        let columns: Vec<Column> = SCHEMA.par_iter().map(|(name, kind)| column(name, *kind, facts, tokens)).collect();
        Ok(Self(DataFrame::new_infer_height(columns)?))
    }

    /// The exchanges of `facts` for which the SQL expression `expression` is true.
    pub(crate) fn matching(
        facts: &[Fact],
        tokens: &TokenStore,
        expression: &str,
    ) -> Result<Vec<ExchangeId>, FilterError> {
        Self::matching_each(facts, tokens, &[expression]).pop().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// The same for several expressions over one table.
    pub(crate) fn matching_each(
        facts: &[Fact],
        tokens: &TokenStore,
        expressions: &[&str],
    ) -> Vec<Result<Vec<ExchangeId>, FilterError>> {
        // Most faults need no rows to be found.
        let checked: Vec<_> = expressions.iter().map(|expression| Self::check(expression)).collect();
        let table = if checked.iter().any(Result::is_ok) { Some(Self::from_facts(facts, tokens)) } else { None };
        let matching = |(expression, checked): (&&str, Result<(), FilterError>)| {
            let fail = |error: &PolarsError| FilterError::late(expression, error);
            let Some(table) = &table else { return checked.map(|()| Vec::new()) };
            checked?;
            let condition = polars_sql::sql_expr(expression).map_err(|e| fail(&e))?;
            let rows = table.as_ref().map_err(fail)?.0.clone();
            let rows = rows.lazy().filter(condition).collect().map_err(|e| fail(&e))?;
            let ids = rows.column("id").and_then(|c| c.i64().cloned()).map_err(|e| fail(&e))?;
            Ok(ids.iter().flatten().filter_map(|id| u32::try_from(id).ok()).map(ExchangeId).collect())
        };
        expressions.iter().zip(checked).map(matching).collect()
    }

    /// Whether the expression fits the table, whatever is in it.
    pub(crate) fn check(expression: &str) -> Result<(), FilterError> {
        let empty = Self::from_facts(&[], &TokenStore::default()).map_err(|e| FilterError::late(expression, &e))?;
        fault::check(expression, &empty.0)
    }
}

fn column(name: &str, kind: ColumnType, facts: &[Fact], tokens: &TokenStore) -> Column {
    match kind {
        ColumnType::Int => {
            let values: Vec<Option<i64>> = facts.iter().map(|fact| int(name, fact)).collect();
            Column::new(name.into(), values)
        }
        ColumnType::Text => {
            let values: Vec<Option<String>> = facts.iter().map(|fact| text(name, fact, tokens)).collect();
            Column::new(name.into(), values)
        }
    }
}

/// One cell in words; `None` where it is null.
pub(crate) fn cell(name: &str, fact: &Fact, tokens: &TokenStore) -> Option<String> {
    text(name, fact, tokens).or_else(|| int(name, fact).map(|number| number.to_string()))
}

fn int(name: &str, fact: &Fact) -> Option<i64> {
    match name {
        "id" => Some(i64::from(fact.id.0)),
        "input" => Some(i64::from(fact.source.input)),
        "time" => fact.timing.started().map(Timestamp::nanos),
        "duration_ns" => fact.timing.duration().and_then(|d| i64::try_from(d.as_nanos()).ok()),
        "client_key" => Some(i64::from(fact.client.0)),
        "port" => Some(i64::from(fact.port)),
        "status" => fact.status.map(i64::from),
        "close_code" => fact.socket()?.close_code.map(i64::from),
        "counted" => Some(i64::from(fact.counts())),
        _ => None,
    }
}

fn text(name: &str, fact: &Fact, tokens: &TokenStore) -> Option<String> {
    let credential = fact.main_credential();
    let jose = || tokens.get(credential?.token).classified.jose.as_ref();
    let owned = |text: &str| Some(text.to_owned());
    match name {
        "session" => fact.session.map(|s| s.to_string()),
        "connection" => fact.connection.as_ref().map(ToString::to_string),
        "kind" => owned(kind_name(fact.kind)),
        "protocol" => fact.protocol.and_then(|p| owned(protocol_name(p))),
        "method" => owned(&fact.method),
        "scheme" => owned(fact.scheme.as_str()),
        "host" => owned(&fact.host),
        "origin" => owned(&fact.origin),
        "path" => owned(&fact.path),
        "route" => owned(&fact.route),
        "api_group" => owned(&fact.group),
        "failure" => fact.failure.as_deref().and_then(owned),
        "role" => owned(fact.role.name()),
        "outcome" => owned(fact.outcome.class.name()),
        "error" => fact.outcome.error.and_then(|e| owned(e.name())),
        "credential" => credential.map(|c: &Credential| c.carrier.to_string()),
        "credential_kind" => credential.and_then(|c| owned(c.kind.name())),
        "credential_method" => credential.and_then(|c| owned(c.method().name())),
        "scheme_name" => credential.and_then(|c| c.scheme.as_deref()).and_then(owned),
        "token" => credential.map(|c| c.token.to_string()),
        "alg" => jose()?.header.alg.as_deref().and_then(owned),
        "kid" => jose()?.header.kid.as_deref().and_then(owned),
        "iss" => jose()?.claims.as_ref()?.iss.as_deref().and_then(owned),
        "aud" => jose()?.claims.as_ref().map(|c| c.aud.join(" ")).filter(|aud| !aud.is_empty()),
        "page" => fact.page.as_deref().and_then(owned),
        "resource_type" if fact.is_document => owned("document"),
        "resource_type" => fact.resource_type.as_deref().and_then(owned),
        "oauth_error" => {
            let oauth = fact.oauth()?;
            oauth.answered.error.as_deref().or(oauth.asked.error.as_deref()).and_then(owned)
        }
        "answered_by" => fact.hops.first().and_then(|hop| owned(hop.name)),
        "initiator" => fact.call_site.as_deref().and_then(owned),
        _ => None,
    }
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
