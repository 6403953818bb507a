//! `exchanges`: the reconstructed timeline of requests, one row an exchange.

use std::collections::BTreeMap;

use authtrace_analyze::{
    capture::Capture,
    facts::Fact,
    table::{kind_name, protocol_name},
};
use authtrace_parse::Locator;
use serde::Serialize;

use crate::{
    columns::{Column, table},
    csv, json,
    moment::{Ticker, rfc3339},
    terminal::Layout,
    view::View,
};

/// One JSON document: an array.
pub fn json(view: &View<'_>) -> String {
    json::pretty(&view.facts().map(|fact| row(&view.analysis.capture, fact)).collect::<Vec<_>>())
}

/// One exchange a line.
pub fn jsonl(view: &View<'_>) -> String {
    view.facts().map(|fact| json::line(&row(&view.analysis.capture, fact))).collect()
}

/// One exchange a row, for a spreadsheet.
pub fn csv(view: &View<'_>) -> String {
    const COLUMNS: &[&str] = &[
        "id",
        "time",
        "duration_ns",
        "client",
        "server",
        "connection",
        "protocol",
        "method",
        "scheme",
        "host",
        "port",
        "path",
        "query_keys",
        "status",
        "kind",
        "role",
        "route",
        "credentials",
        "outcome",
        "error",
        "failure",
        "session",
        "client_key",
        "leg_of",
        "page",
        "initiator",
        "source",
        "anomalies",
    ];
    csv::table(COLUMNS, view.facts().map(|fact| row(&view.analysis.capture, fact)))
}

/// A table.
pub fn text(view: &View<'_>, layout: &Layout, width: Option<usize>) -> String {
    let columns = [
        Column::right("id"),
        Column::left("time"),
        Column::left("session").dispensable(4),
        Column::left("method"),
        Column::flexible("host", 14).dispensable(1),
        Column::flexible("path", 22),
        Column::right("status"),
        Column::left("outcome").dispensable(2),
        Column::left("role").dispensable(5),
        Column::left("token"),
        Column::flexible("carrier", 16).dispensable(3),
    ];
    let clock = layout.clock.clone().unwrap_or_default();
    let mut ticker = Ticker::new(&clock, view.begins());
    let rows: Vec<Vec<String>> = view.facts().map(|fact| cells(fact, &mut ticker)).collect();
    if rows.is_empty() {
        return nothing(view);
    }
    table(&columns, &rows, width, layout.style)
}

/// What is said where there is no row.
pub fn nothing(view: &View<'_>) -> String {
    let empty = view.analysis.is_empty();
    if empty { "No HTTP exchange could be read.\n" } else { "No exchange in focus.\n" }.to_owned()
}

fn cells(fact: &Fact, ticker: &mut Ticker<'_>) -> Vec<String> {
    let tokens: Vec<String> = fact.credentials.iter().map(|c| c.token.to_string()).collect();
    let carriers: Vec<String> = fact.credentials.iter().map(|c| short(&c.carrier.to_string()).to_owned()).collect();
    vec![
        fact.id.0.to_string(),
        ticker.show(fact.timing.started().or(fact.timing.sent())),
        fact.session.map_or_else(|| "-".to_owned(), |session| session.to_string()),
        fact.method.to_string(),
        host(fact),
        fact.path.to_string(),
        fact.status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
        fact.outcome.class.name().to_owned(),
        fact.role.name().to_owned(),
        tokens.join(" "),
        carriers.join(", "),
    ]
}

/// A carrier of a request without what every row would repeat.
fn short(carrier: &str) -> &str {
    let carrier = carrier.strip_prefix("request.").unwrap_or(carrier);
    carrier.strip_prefix("header.").unwrap_or(carrier)
}

fn host(fact: &Fact) -> String {
    let host = if fact.host.contains(':') { format!("[{}]", fact.host) } else { fact.host.to_string() };
    if fact.port == fact.scheme.default_port() { host } else { format!("{host}:{}", fact.port) }
}

/// One exchange as programs read it; what is not known is null.
#[derive(Serialize)]
pub(crate) struct Row<'a> {
    id: u32,
    time: Option<String>,
    duration_ns: Option<u64>,
    client: Option<String>,
    server: Option<String>,
    connection: Option<String>,
    protocol: Option<&'static str>,
    method: &'a str,
    scheme: &'static str,
    host: &'a str,
    port: u16,
    path: &'a str,
    query_keys: Vec<&'a str>,
    status: Option<u16>,
    kind: &'static str,
    role: &'static str,
    route: &'a str,
    credentials: Vec<CredentialRow>,
    outcome: &'static str,
    error: Option<&'static str>,
    failure: Option<&'a str>,
    session: Option<String>,
    client_key: u32,
    leg_of: Option<u32>,
    page: Option<&'a str>,
    initiator: Option<&'a str>,
    source: SourceRow,
    anomalies: Vec<&'static str>,
}

#[derive(Serialize)]
struct CredentialRow {
    carrier: String,
    kind: &'static str,
    token: String,
}

#[derive(Serialize)]
struct SourceRow {
    input: u16,
    locator: BTreeMap<&'static str, Option<u32>>,
}

/// The row of `fact`.
pub(crate) fn row<'a>(capture: &Capture, fact: &'a Fact) -> Row<'a> {
    let credential = |c: &authtrace_analyze::facts::credential::Credential| CredentialRow {
        carrier: c.carrier.to_string(),
        kind: c.kind.name(),
        token: c.token.to_string(),
    };
    Row {
        id: fact.id.0,
        time: fact.timing.started().or(fact.timing.sent()).map(rfc3339),
        duration_ns: fact.timing.duration().and_then(|d| u64::try_from(d.as_nanos()).ok()),
        client: capture.client_socket(fact).map(|client| client.to_string()),
        server: fact.server.map(|server| if server.port() == 0 { server.ip().to_string() } else { server.to_string() }),
        connection: fact.connection.as_ref().map(ToString::to_string),
        protocol: fact.protocol.map(protocol_name),
        method: &fact.method,
        scheme: fact.scheme.as_str(),
        host: &fact.host,
        port: fact.port,
        path: &fact.path,
        query_keys: fact.query_keys.iter().map(|key| &**key).collect(),
        status: fact.status,
        kind: kind_name(fact.kind),
        role: fact.role.name(),
        route: &fact.route,
        credentials: fact.credentials.iter().map(credential).collect(),
        outcome: fact.outcome.class.name(),
        error: fact.outcome.error.map(|error| error.name()),
        failure: fact.failure.as_deref(),
        session: fact.session.map(|session| session.to_string()),
        client_key: fact.client.0,
        leg_of: fact.leg_of().map(|id| id.0),
        page: fact.page.as_deref(),
        initiator: fact.call_site.as_deref(),
        source: SourceRow { input: fact.source.input, locator: locator(fact.source.locator) },
        anomalies: fact.anomalies.iter().map(|kind| kind.name()).collect(),
    }
}

fn locator(locator: Locator) -> BTreeMap<&'static str, Option<u32>> {
    match locator {
        Locator::Entry(entry) => BTreeMap::from([("entry", Some(entry))]),
        Locator::Frames { request, response, stream } => {
            let frames = [("request_frame", request), ("response_frame", response)];
            frames.into_iter().chain(stream.map(|stream| ("http2_stream", Some(stream)))).collect()
        }
    }
}
