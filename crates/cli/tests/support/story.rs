//! Exchanges of a transcript as the files that a browser and a packet capture would have made of them.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;

use authtrace_parse::{Connection, Content, Exchange, HeaderView, Headers, Kind, Timestamp};
use serde_json::{Value, json};

use super::pcap::{self, ACK, FIN, FileOfPackets, Packet, SYN};

const MICROSECOND: i64 = 1_000;

/// A HAR as DevTools writes it.
pub(crate) fn har(exchanges: &[Exchange]) -> Vec<u8> {
    let entries: Vec<Value> = exchanges.iter().map(entry).collect();
    let creator = json!({ "name": "WebInspector", "version": "537.36" });
    json!({ "log": { "version": "1.2", "creator": creator, "pages": [], "entries": entries } }).to_string().into_bytes()
}

fn entry(exchange: &Exchange) -> Value {
    let started = exchange.timing.started.unwrap();
    let took = exchange.timing.duration.unwrap().as_secs_f64() * 1000.0;
    let browser = &exchange.browser;
    let mut entry = json!({
        "startedDateTime": jiff::Timestamp::from_nanosecond(started.nanos().into()).unwrap().to_string(),
        "time": took,
        "request": request(exchange),
        "response": response(exchange),
        "cache": {},
        "timings": { "send": 0, "wait": took, "receive": 0 },
    });
    let frames = browser.initiator.iter().flat_map(|i| &i.frames).map(|f| {
        json!({ "functionName": &*f.function, "url": &*f.url, "lineNumber": f.line, "columnNumber": f.column, "scriptId": "1" })
    });
    let frames: Vec<Value> = frames.collect();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            entry[name] = value;
        }
    };
    set("pageref", browser.page.as_deref().map(Value::from));
    set("_resourceType", browser.resource_type.as_deref().map(Value::from));
    set("_initiator", (!frames.is_empty()).then(|| json!({ "type": "script", "stack": { "callFrames": frames } })));
    set("_fromCache", browser.from_cache.then(|| json!("disk")));
    set("connection", named(exchange).map(Value::from));
    entry
}

fn named(exchange: &Exchange) -> Option<&str> {
    match &exchange.connection {
        Some(Connection::Named(name)) => Some(name),
        _ => None,
    }
}

fn request(exchange: &Exchange) -> Value {
    let request = &exchange.request;
    let provisional = request.view != HeaderView::Full;
    let mut out = json!({
        "method": &*request.method,
        "url": url(exchange),
        "httpVersion": "HTTP/1.1",
        // The network stack adds the host; a list without it is what a script had set.
        "headers": fields(&request.headers, |name| !(provisional && name.eq_ignore_ascii_case("host"))),
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": request.body.size.unwrap_or_default(),
    });
    if let Content::Text { text, .. } = &request.body.content {
        out["postData"] = json!({ "mimeType": request.body.mime.as_deref(), "text": text.expose() });
    }
    out
}

fn url(exchange: &Exchange) -> String {
    let target = &exchange.request.target;
    let query = target.query.as_ref().map_or_else(String::new, |query| format!("?{}", query.expose()));
    let origin = target.origin();
    let origin = match exchange.kind {
        Kind::WebSocket => origin.replacen("http", "ws", 1),
        _ => origin,
    };
    format!("{origin}{}{query}", target.path.expose())
}

fn response(exchange: &Exchange) -> Value {
    let Some(response) = &exchange.response else {
        let error = exchange.failure.as_deref();
        return json!({ "status": 0, "statusText": "", "httpVersion": "", "headers": [], "cookies": [], "content": { "size": 0, "mimeType": "x-unknown" }, "redirectURL": "", "headersSize": -1, "bodySize": -1, "_error": error });
    };
    let mut content = json!({ "size": response.body.size.unwrap_or_default(), "mimeType": response.body.mime.as_deref().unwrap_or_default() });
    if let Content::Text { text, .. } = &response.body.content {
        content["text"] = json!(text.expose());
    }
    json!({
        "status": response.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "headers": fields(&response.headers, |_| true),
        "cookies": [],
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": response.body.size.unwrap_or_default(),
        "_error": exchange.failure.as_deref(),
    })
}

fn fields(headers: &Headers, kept: impl Fn(&str) -> bool) -> Vec<Value> {
    let kept = headers.iter().filter(|(name, _)| kept(name));
    kept.map(|(name, value)| json!({ "name": name, "value": value.expose() })).collect()
}

/// A capture of plain HTTP/1.1 as classic pcap: every exchange on a connection of its own, unless the story names it.
pub(crate) fn packets(exchanges: &[Exchange]) -> Vec<u8> {
    let mut wire = Wire::default();
    for (index, exchange) in exchanges.iter().enumerate() {
        let name = named(exchange).map_or_else(|| format!("{index}"), |name| format!("named {name}"));
        wire.exchange(name, exchange);
    }
    wire.end()
}

/// Packets by their time, and how far each connection has come.
#[derive(Default)]
struct Wire {
    connections: BTreeMap<String, Line>,
    servers: BTreeMap<String, u8>,
    packets: BTreeMap<(i64, usize), Vec<u8>>,
}

#[derive(Clone, Copy)]
struct Line {
    server: u8,
    number: u16,
    /// Next sequence number of the client and of the server.
    next: [u32; 2],
    last: i64,
}

impl Wire {
    fn exchange(&mut self, connection: String, exchange: &Exchange) {
        let next = u8::try_from(self.servers.len()).unwrap();
        let server = *self.servers.entry(exchange.request.target.host.to_string()).or_insert(next);
        let number = u16::try_from(self.connections.len()).unwrap();
        let [asked, answered] = [exchange.timing.started, exchange.timing.ended].map(|t| t.map_or(0, Timestamp::nanos));
        let mut line = match self.connections.get(&connection) {
            Some(line) => *line,
            None => {
                let mut line = Line { server, number, next: [1000, 5000], last: asked };
                self.send(&mut line, asked - 3 * MICROSECOND, false, SYN, b"");
                self.send(&mut line, asked - 2 * MICROSECOND, true, SYN | ACK, b"");
                self.send(&mut line, asked - MICROSECOND, false, ACK, b"");
                line
            }
        };
        self.send(&mut line, asked, false, ACK, &asking(exchange));
        if let Some(answer) = answering(exchange) {
            self.send(&mut line, answered, true, ACK, &answer);
        }
        line.last = answered;
        self.connections.insert(connection, line);
    }

    fn send(&mut self, line: &mut Line, at: i64, from_server: bool, flags: u8, payload: &[u8]) {
        let own = usize::from(from_server);
        let (sequence, acknowledgment) = (line.next[own], line.next[1 - own]);
        line.next[own] += u32::try_from(payload.len()).unwrap() + u32::from(flags & (SYN | FIN) != 0);
        let (server, connection) = (line.server, line.number);
        let packet = Packet { client: 0, server, connection, from_server, sequence, acknowledgment, flags, payload };
        let parts = [at.div_euclid(1_000_000_000), at.rem_euclid(1_000_000_000) / MICROSECOND];
        let record = pcap::record(parts.map(|part| u32::try_from(part).unwrap()), &packet);
        self.packets.insert((at, self.packets.len()), record);
    }

    /// Closes every connection; the file.
    fn end(mut self) -> Vec<u8> {
        for mut line in std::mem::take(&mut self.connections).into_values() {
            let last = line.last;
            self.send(&mut line, last + MICROSECOND, false, FIN | ACK, b"");
            self.send(&mut line, last + 2 * MICROSECOND, true, FIN | ACK, b"");
        }
        FileOfPackets::new().head().into_iter().chain(self.packets.into_values().flatten()).collect()
    }
}

fn asking(exchange: &Exchange) -> Vec<u8> {
    let request = &exchange.request;
    let query = request.target.query.as_ref().map_or_else(String::new, |query| format!("?{}", query.expose()));
    let mut head = format!("{} {}{query} HTTP/1.1\r\n", request.method, request.target.path.expose());
    write_fields(&mut head, &request.headers);
    if exchange.browser.resource_type.as_deref() == Some("document") {
        head += "Accept: text/html\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n";
    }
    if exchange.kind == Kind::WebSocket {
        head += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    }
    with_body(head, &request.headers, &request.body)
}

fn answering(exchange: &Exchange) -> Option<Vec<u8>> {
    let response = exchange.response.as_ref()?;
    let mut head = format!("HTTP/1.1 {} -\r\n", response.status);
    write_fields(&mut head, &response.headers);
    if matches!(response.status, 204 | 304) {
        return Some((head + "\r\n").into_bytes());
    }
    if matches!(response.body.content, Content::Empty) {
        head += "Content-Length: 0\r\n";
    }
    Some(with_body(head, &response.headers, &response.body))
}

fn write_fields(head: &mut String, headers: &Headers) {
    for (name, value) in headers.iter() {
        *head += &format!("{name}: {}\r\n", value.expose());
    }
}

fn with_body(mut head: String, headers: &Headers, body: &authtrace_parse::Body) -> Vec<u8> {
    let Content::Text { text, .. } = &body.content else { return (head + "\r\n").into_bytes() };
    if let Some(mime) = body.mime.as_deref().filter(|_| !headers.contains("content-type")) {
        head += &format!("Content-Type: {mime}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n{}", text.expose().len(), text.expose());
    head.into_bytes()
}
