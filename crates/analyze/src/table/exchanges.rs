//! The table `exchanges`: the fact table, one row an exchange.

use authtrace_parse::Timestamp;

use super::{ColumnDef, ColumnType, Values, kind_name, protocol_name};
use crate::{
    facts::{Fact, credential::Credential},
    tokens::{Token, TokenStore},
};

/// Every column, its type and what it holds. The one place where names stand.
pub const SCHEMA: &[ColumnDef] = &[
    ColumnDef::new("id", ColumnType::Int, "the exchange, as every verb numbers it"),
    ColumnDef::new("input", ColumnType::Int, "number of the input, from 0"),
    ColumnDef::new("time", ColumnType::Int, "when the client began, in nanoseconds since 1970"),
    ColumnDef::new("duration_ns", ColumnType::Int, "from the request to the end of the answer, in nanoseconds"),
    ColumnDef::new("client_key", ColumnType::Int, "number of the client whose timeline it is in"),
    ColumnDef::new("session", ColumnType::Text, "session (S1, S2…)"),
    ColumnDef::new("connection", ColumnType::Text, "connection that carried it"),
    ColumnDef::new("kind", ColumnType::Text, "http, websocket, preflight or connect"),
    ColumnDef::new("protocol", ColumnType::Text, "http/1.0, http/1.1, h2 or h3"),
    ColumnDef::new("method", ColumnType::Text, "request method"),
    ColumnDef::new("scheme", ColumnType::Text, "http, https, ws or wss"),
    ColumnDef::new("host", ColumnType::Text, "host asked for"),
    ColumnDef::new("port", ColumnType::Int, "port asked for"),
    ColumnDef::new("origin", ColumnType::Text, "scheme, host and port, as Origin spells them"),
    ColumnDef::new("path", ColumnType::Text, "path without the query; a token in it reads {token}"),
    ColumnDef::new("route", ColumnType::Text, "METHOD and path template"),
    ColumnDef::new("api_group", ColumnType::Text, "first static segments of the template"),
    ColumnDef::new("status", ColumnType::Int, "status; null where there was no answer"),
    ColumnDef::new("failure", ColumnType::Text, "error of the transport or the browser"),
    ColumnDef::new("role", ColumnType::Text, "what the endpoint is for"),
    ColumnDef::new("outcome", ColumnType::Text, "how the server answered, as far as authentication goes"),
    ColumnDef::new("error", ColumnType::Text, "what the server says is wrong with the credential"),
    ColumnDef::new("credential", ColumnType::Text, "carrier of the main credential; null where there is none"),
    ColumnDef::new("credential_kind", ColumnType::Text, "jwt, opaque, api-key, cookie…"),
    ColumnDef::new("credential_method", ColumnType::Text, "authorization, api-key, cookie, query, body or websocket"),
    ColumnDef::new("scheme_name", ColumnType::Text, "scheme of Authorization"),
    ColumnDef::new("token", ColumnType::Text, "main credential (T1, T2…)"),
    ColumnDef::new("alg", ColumnType::Text, "algorithm that its header names"),
    ColumnDef::new("kid", ColumnType::Text, "key id that its header names"),
    ColumnDef::new("iss", ColumnType::Text, "issuer claim"),
    ColumnDef::new("aud", ColumnType::Text, "audience claim, with blanks between several"),
    ColumnDef::new("page", ColumnType::Text, "the recorder's page"),
    ColumnDef::new("resource_type", ColumnType::Text, "the browser's resource type; document for a page"),
    ColumnDef::new("initiator", ColumnType::Text, "call site: function (url:line)"),
    ColumnDef::new("oauth_error", ColumnType::Text, "error of an OAuth answer or callback"),
    ColumnDef::new("close_code", ColumnType::Int, "close code of a WebSocket"),
    ColumnDef::new("answered_by", ColumnType::Text, "who made a refusal, as its headers say"),
    ColumnDef::new("counted", ColumnType::Int, "1 where it counts in ratios, 0 where it says nothing of credentials"),
];

/// The cells of `column` for `facts`.
pub(crate) fn values<'a>(column: &ColumnDef, facts: impl Iterator<Item = &'a Fact>, tokens: &[Token]) -> Values {
    match column.kind {
        ColumnType::Int => Values::Int(facts.map(|fact| int(column.name, fact)).collect()),
        ColumnType::Text | ColumnType::Real => {
            Values::Text(facts.map(|fact| text(column.name, fact, tokens)).collect())
        }
    }
}

/// One cell in words; `None` where it is null.
pub(crate) fn cell(name: &str, fact: &Fact, tokens: &TokenStore) -> Option<String> {
    text(name, fact, tokens.as_slice()).or_else(|| int(name, fact).map(|number| number.to_string()))
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

fn text(name: &str, fact: &Fact, tokens: &[Token]) -> Option<String> {
    let credential = fact.main_credential();
    let jose = || tokens.get(credential?.token.0 as usize)?.classified.jose.as_ref();
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
        "answered_by" => fact.hops.first().and_then(|hop| owned(&hop.name)),
        "initiator" => fact.call_site.as_deref().and_then(owned),
        _ => None,
    }
}
