//! One exchange as an element of `log.entries`.

use std::time::Duration;

use authtrace_parse::{
    Body, Connection, Content, Exchange, HeaderView, Headers, Initiator, Kind, Protocol, Response, Timestamp,
    websocket::WebSocket,
};
use serde_json::{Map, Value, json};

use super::date;

/// The exchange as JSON text, its secrets included.
pub fn entry(exchange: &Exchange) -> String {
    let timing = &exchange.timing;
    let started = timing.started.or(timing.sent);
    let mut entry = json!({
        // HAR demands a date: what the capture does not say becomes 1970.
        "startedDateTime": date(started.unwrap_or(Timestamp::from_nanos(0))),
        "time": timing.duration.map_or(-1.0, milliseconds),
        "request": request(exchange),
        "response": exchange.response.as_ref().map_or_else(|| unanswered(exchange), |r| response(exchange, r)),
        "cache": {},
        "timings": timings(exchange),
        "_authtrace": own(exchange),
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let (Some(value), Some(members)) = (value, entry.as_object_mut()) {
            members.insert(name.to_owned(), value);
        }
    };
    let browser = &exchange.browser;
    add("pageref", browser.page.as_deref().map(Value::from));
    add("serverIPAddress", exchange.server.map(|server| server.ip().to_string().into()));
    add("_serverPort", exchange.server.filter(|server| server.port() != 0).map(|server| server.port().into()));
    add("_connectionId", exchange.connection.as_ref().map(connection));
    add("_resourceType", resource_type(exchange).map(Value::from));
    add("_initiator", browser.initiator.as_ref().map(initiator));
    add("_fromCache", browser.from_cache.then(|| "disk".into()));
    add("_fetchedViaServiceWorker", browser.via_service_worker.then(|| true.into()));
    add("_webSocketMessages", exchange.websocket.as_ref().map(messages));
    entry.to_string()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}

fn connection(connection: &Connection) -> Value {
    match connection {
        Connection::Named(name) => Value::from(&**name),
        Connection::Tcp(tcp) => tcp.first_frame.to_string().into(),
    }
}

fn resource_type(exchange: &Exchange) -> Option<&str> {
    exchange.browser.resource_type.as_deref().or(match exchange.kind {
        Kind::WebSocket => Some("websocket"),
        Kind::Preflight => Some("preflight"),
        Kind::Http | Kind::Connect => None,
    })
}

/// What HAR has no place for.
fn own(exchange: &Exchange) -> Value {
    let view = |view: HeaderView| match view {
        HeaderView::Full => None,
        HeaderView::Provisional => Some("provisional"),
        HeaderView::Partial => Some("partial"),
        HeaderView::Missing => Some("missing"),
    };
    let mut own = Map::new();
    let mut add = |name: &str, value: Option<Value>| own.extend(value.map(|value| (name.to_owned(), value)));
    add("client", exchange.client.map(|client| client.to_string().into()));
    add("requestHeaders", view(exchange.request.view).map(Value::from));
    add("responseHeaders", exchange.response.as_ref().and_then(|r| view(r.view)).map(Value::from));
    let trailers = exchange.response.as_ref().map(|r| &r.trailers).filter(|trailers| !trailers.is_empty());
    add("trailers", trailers.map(headers));
    Value::from(own)
}

fn version(protocol: Option<Protocol>) -> &'static str {
    match protocol {
        Some(Protocol::Http10) => "HTTP/1.0",
        Some(Protocol::Http11) => "HTTP/1.1",
        Some(Protocol::Http2) => "HTTP/2.0",
        Some(Protocol::Http3) => "HTTP/3",
        None => "",
    }
}

/// Name and value pairs, as HAR lists them.
fn headers(headers: &Headers) -> Value {
    headers.iter().map(|(name, value)| json!({"name": name, "value": value.expose()})).collect()
}

fn request(exchange: &Exchange) -> Value {
    let request = &exchange.request;
    let pairs = request.target.query_pairs();
    let mut value = json!({
        "method": &*request.method,
        "url": url(exchange),
        "httpVersion": version(exchange.protocol),
        "cookies": cookies(request.headers.get_all("cookie").flat_map(|field| field.expose().split(';'))),
        "headers": headers(&request.headers),
        "queryString": pairs.map(|(name, value)| json!({"name": name, "value": value.expose()})).collect::<Value>(),
        "headersSize": request.header_bytes.map_or(json!(-1), Value::from),
        "bodySize": size(&request.body),
    });
    if let (Some(text), Some(members)) = (request.body.text(), value.as_object_mut()) {
        let mime = request.body.mime.as_deref().unwrap_or_default();
        members.insert("postData".to_owned(), json!({"mimeType": mime, "text": text.expose()}));
    }
    value
}

/// The whole URL; of a CONNECT, what it asked for.
fn url(exchange: &Exchange) -> String {
    let target = &exchange.request.target;
    let (open, close) = if target.host.contains(':') { ("[", "]") } else { ("", "") };
    let mut url = format!("{}://{open}{}{close}", target.scheme.as_str(), target.host);
    if target.port != target.scheme.default_port() {
        url.push_str(&format!(":{}", target.port));
    }
    let path = target.path.expose();
    if exchange.kind == Kind::Connect {
        url.push('/');
        return url;
    }
    if !path.starts_with('/') {
        url.push('/');
    }
    url.push_str(path);
    if let Some(query) = &target.query {
        url.push('?');
        url.push_str(query.expose());
    }
    url
}

/// `name=value` pairs as HAR lists cookies.
fn cookies<'a>(pairs: impl Iterator<Item = &'a str>) -> Value {
    let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| json!({"name": name, "value": value})).collect()
}

/// Bytes of a body; −1 where the capture does not say.
fn size(body: &Body) -> Value {
    match (&body.content, body.size) {
        (Content::Empty, _) => json!(0),
        (_, Some(size)) => size.into(),
        (_, None) => json!(-1),
    }
}

fn response(exchange: &Exchange, response: &Response) -> Value {
    let set = response.headers.get_all("set-cookie").map(|field| field.expose());
    let location = response.headers.get("location").map_or("", |location| location.expose());
    let mut content = json!({
        "size": size(&response.body),
        "mimeType": response.body.mime.as_deref().unwrap_or("x-unknown"),
    });
    if let (Some(text), Some(members)) = (response.body.text(), content.as_object_mut()) {
        members.insert("text".to_owned(), text.expose().into());
    }
    let mut value = json!({
        "status": response.status,
        "statusText": "",
        "httpVersion": version(exchange.protocol),
        "cookies": cookies(set.filter_map(|field| field.split(';').next())),
        "headers": headers(&response.headers),
        "content": content,
        "redirectURL": location,
        "headersSize": -1,
        "bodySize": -1,
    });
    if let (Some(failure), Some(members)) = (&exchange.failure, value.as_object_mut()) {
        members.insert("_error".to_owned(), Value::from(&**failure));
    }
    value
}

/// As DevTools writes a request without an answer.
fn unanswered(exchange: &Exchange) -> Value {
    json!({
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": "x-unknown"},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_error": exchange.failure.as_deref(),
    })
}

fn timings(exchange: &Exchange) -> Value {
    let timing = &exchange.timing;
    let between =
        |from: Option<Timestamp>, to: Option<Timestamp>| to.zip(from).and_then(|(to, from)| to.duration_since(from));
    let blocked = between(timing.started, timing.sent);
    let wait = between(timing.sent, timing.first_byte);
    let receive = between(timing.first_byte, timing.ended);
    let phase = |phase: Option<Duration>| phase.map_or(-1.0, milliseconds);
    json!({
        "blocked": phase(blocked), "dns": -1, "connect": -1, "ssl": -1,
        "send": if wait.is_some() { 0 } else { -1 }, "wait": phase(wait), "receive": phase(receive),
    })
}

fn initiator(initiator: &Initiator) -> Value {
    let frame = |frame: &authtrace_parse::CallFrame| {
        json!({
            "functionName": &*frame.function, "url": &*frame.url,
            "lineNumber": frame.line, "columnNumber": frame.column,
        })
    };
    let frames: Vec<Value> = initiator.frames.iter().map(frame).collect();
    json!({"type": &*initiator.kind, "stack": {"callFrames": frames}})
}

/// Opcodes (RFC 6455 §11.8).
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

/// As DevTools writes them; the close frame stands behind the messages, its code in words as Playwright has it.
fn messages(socket: &WebSocket) -> Value {
    let direction = |from_client: bool| if from_client { "send" } else { "receive" };
    let mut all: Vec<Value> = Vec::new();
    for message in &socket.messages {
        all.push(json!({
            "type": direction(message.from_client),
            "time": message.time.map_or(0.0, Timestamp::seconds_f64),
            "opcode": if message.text.is_some() { TEXT } else { BINARY },
            "data": message.text.as_ref().map_or("", |text| text.expose()),
        }));
    }
    if let Some(code) = socket.close_code {
        let reason = socket.close_reason.as_ref().map_or("", |reason| reason.expose());
        let last = socket.messages.last().and_then(|message| message.time);
        all.push(json!({
            "type": direction(socket.closed_by_client == Some(true)),
            "time": last.map_or(0.0, Timestamp::seconds_f64),
            "opcode": CLOSE, "code": code, "data": format!("{code} {reason}").trim_end(),
        }));
    }
    all.into()
}
