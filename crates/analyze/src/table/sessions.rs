//! The table `sessions`: one row an authentication lifetime.

use super::{ColumnDef, ColumnType, Values};
use crate::{
    capture::Capture,
    facts::{SessionId, session::Session},
};

/// Every column of the table.
pub(super) const SCHEMA: &[ColumnDef] = &[
    ColumnDef::new("id", ColumnType::Text, "session (S1, S2…), as exchanges.session names it"),
    ColumnDef::new("principal", ColumnType::Text, "fingerprint of the subject, where a token names one"),
    ColumnDef::new("client_key", ColumnType::Int, "client of its first exchange"),
    ColumnDef::new("first", ColumnType::Int, "when it was first seen, in nanoseconds since 1970"),
    ColumnDef::new("last", ColumnType::Int, "when it was last seen, in nanoseconds since 1970"),
    ColumnDef::new("exchanges", ColumnType::Int, "exchanges that belong to it"),
    ColumnDef::new("refused", ColumnType::Int, "of those, refused for authentication"),
    ColumnDef::new("first_exchange", ColumnType::Int, "its first exchange"),
];

pub(super) fn values(column: &ColumnDef, ids: &[SessionId], capture: &Capture) -> Values {
    let sessions = ids.iter().filter_map(|&id| Some((id, capture.sessions.get(id.0 as usize)?)));
    match column.kind {
        ColumnType::Int => Values::Int(sessions.map(|(_, session)| int(column.name, session, capture)).collect()),
        _ => Values::Text(sessions.map(|(id, session)| text(column.name, id, session)).collect()),
    }
}

fn int(name: &str, session: &Session, capture: &Capture) -> Option<i64> {
    match name {
        "client_key" => capture.fact(session.first_exchange).map(|fact| i64::from(fact.client.0)),
        "first" => session.first.map(|at| at.nanos()),
        "last" => session.last.map(|at| at.nanos()),
        "exchanges" => Some(i64::from(session.exchanges)),
        "refused" => Some(i64::from(session.refused)),
        "first_exchange" => Some(i64::from(session.first_exchange.0)),
        _ => None,
    }
}

fn text(name: &str, id: SessionId, session: &Session) -> Option<String> {
    match name {
        "id" => Some(id.to_string()),
        "principal" => session.subject.as_deref().map(str::to_owned),
        _ => None,
    }
}
