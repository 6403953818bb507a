//! Transcripts: exchanges as lines of text.
//!
//! ```text
//! * key NAME=value                    a candidate key for the analysis; `\n` stands for a line end
//! * openapi {…}                       an API description, on one line
//! * route protected GET /a            what the settings declare of a route;  * route public GET /a
//! * issuer URL                        an issuer that the settings allow;  * audience NAME;  * origin URL
//! * truncated                         the input ends in the middle
//! * packets response-without-request  the input is a packet capture, with these oddities
//! * tls login.x.dev 1.3 h2            a TLS connection without keys: host, version, offered protocol
//!     why=no-beginning                   not for want of keys; missing-secret: read in part; no-content: nothing was in it
//! * quic login.x.dev h3              a QUIC connection: host, offered protocols
//! @120ms POST https://api.x.dev/a type=fetch page=p1 at=save@app.js:12 took=30ms error=net::ERR_FAILED ip=10.0.0.1
//!     from=10.0.0.1:40000 to=10.0.0.2:80   read from packets between these addresses
//! > Name: value                       request header
//! >> text                             request body (JSON, else a form)
//! < 401                               status
//! < Name: value                       response header
//! << text                             response body;  <<? for one that the recording lacks
//! <> text                             WebSocket message of the client;  <- text  of the server;  <-+2s text  after 2 s
//! <! 4401 reason                      close code of a WebSocket, with or without a reason
//! # finding: AUTH001 POST /a          expectation;  # coverage: CAP200;  other comments are prose
//! ```
//!
//! A space in a value is written `%20`, as in `error=`.
//! Offsets count from [`super::tokens::T0`] and may be in `ms` or `s`; `took` defaults to 20 ms.

use std::time::Duration;

use authtrace_analyze::{
    Settings,
    coverage::{Input, InputFormat},
    expect::{ApiDocument, Pattern, RouteRule},
};
use authtrace_parse::{
    AnomalyKind, Body, Browser, CallFrame, Connection, Content, Exchange, ExchangeId, HeaderView, Headers, Initiator,
    Kind, Locator, QuicConnection, QuicVersion, Request, Response, Secret, SecretLabel, Source, Target, Timestamp,
    Timing, TlsConnection, TlsVersion, Unread,
    websocket::{Message, WebSocket},
};

use super::tokens::{T0, expand};

/// An expectation: a rule's code, and the route where one is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expected {
    pub(crate) code: String,
    pub(crate) route: Option<String>,
}

/// A transcript with what it must yield.
pub(crate) struct Transcript {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) settings: Settings,
    pub(crate) input: Input,
    pub(crate) findings: Vec<Expected>,
    pub(crate) coverage: Vec<Expected>,
}

/// Reads a transcript; panics with the line where it is wrong.
pub(crate) fn parse(text: &str) -> Transcript {
    let mut transcript = Transcript {
        exchanges: Vec::new(),
        settings: Settings::default(),
        input: Input::default(),
        findings: Vec::new(),
        coverage: Vec::new(),
    };
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        read_line(line, &mut transcript);
    }
    transcript
}

fn read_line(line: &str, transcript: &mut Transcript) {
    let expanded = expand(line);
    if let Some(rest) = line.strip_prefix("# finding:") {
        transcript.findings.push(expected(rest));
    } else if let Some(rest) = line.strip_prefix("# coverage:") {
        transcript.coverage.push(expected(rest));
    } else if line == "* truncated" {
        transcript.input.truncated = true;
    } else if let Some(rest) = line.strip_prefix("* packets") {
        transcript.input.format = InputFormat::Pcapng;
        transcript.input.anomalies.extend(rest.split_whitespace().map(|name| (anomaly(name).into(), 1)));
    } else if let Some(rest) = line.strip_prefix("* tls ") {
        transcript.input.opaque.push(tls(rest));
        transcript.input.opaque_count += 1;
        transcript.input.format = InputFormat::Pcapng;
    } else if let Some(rest) = line.strip_prefix("* quic ") {
        transcript.input.quic.connections.push(quic(rest));
        transcript.input.quic.count += 1;
        transcript.input.format = InputFormat::Pcapng;
    } else if let Some(rest) = line.strip_prefix("* key ") {
        let (name, value) = rest.split_once('=').unwrap_or_else(|| panic!("key: {line}"));
        transcript.settings.keys.add_secret(name, value.replace("\\n", "\n").into_bytes());
    } else if let Some(rest) = line.strip_prefix("* openapi ") {
        let document = ApiDocument::parse("openapi.json", rest).unwrap_or_else(|error| panic!("{error}"));
        transcript.settings.expectations.documents.push(document);
    } else if let Some(rest) = line.strip_prefix("* route ") {
        let (word, pattern) = rest.split_once(' ').unwrap_or_else(|| panic!("route: {line}"));
        let pattern = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{error}"));
        let protected = Some(word == "protected");
        let from = "authtrace.toml:1".into();
        transcript.settings.expectations.routes.push(RouteRule { pattern, role: None, protected, from });
    } else if let Some(rest) = line.strip_prefix("* issuer ") {
        transcript.settings.expectations.issuers.insert(rest.into());
    } else if let Some(rest) = line.strip_prefix("* audience ") {
        transcript.settings.expectations.audiences.insert(rest.into());
    } else if let Some(rest) = line.strip_prefix("* origin ") {
        transcript.settings.expectations.origins.insert(rest.into());
    } else if let Some(rest) = expanded.strip_prefix('@') {
        let id = u32::try_from(transcript.exchanges.len()).unwrap();
        transcript.exchanges.push(exchange(id, rest));
    } else if !line.starts_with('#') {
        let last = transcript.exchanges.last_mut().unwrap_or_else(|| panic!("no exchange before: {line}"));
        message_line(last, &expanded);
    }
}

fn anomaly(name: &str) -> &'static str {
    let known = [AnomalyKind::ResponseWithoutRequest, AnomalyKind::ResponseLost, AnomalyKind::OneSidedConnection];
    known.into_iter().map(AnomalyKind::name).find(|known| *known == name).unwrap_or_else(|| panic!("anomaly {name}"))
}

fn tls(rest: &str) -> TlsConnection {
    let mut words = rest.split(' ');
    let host = words.next().unwrap();
    let version = words.next().and_then(|version| version.strip_prefix("1.")?.parse::<u16>().ok());
    let unread = match rest.split_once(" why=").map(|(_, why)| why) {
        None => Unread::NoSecret,
        Some("no-beginning") => Unread::NoBeginning,
        Some("missing-secret") => Unread::MissingSecret(SecretLabel::ServerTraffic),
        Some("no-content") => Unread::NoContent,
        Some(other) => panic!("why {other}"),
    };
    let words = words.filter(|word| !word.starts_with("why="));
    TlsConnection {
        client: "10.0.0.1:40000".parse().unwrap(),
        server: "10.0.0.2:443".parse().unwrap(),
        server_name: Some(host.into()),
        alpn: words.map(Into::into).collect(),
        alpn_chosen: false,
        version: version.map(|minor| TlsVersion(0x0301 + minor)),
        alerts: Box::default(),
        first: None,
        sent: 0,
        received: 0,
        unread,
        partly: matches!(unread, Unread::MissingSecret(_)),
    }
}

fn quic(rest: &str) -> QuicConnection {
    let mut words = rest.split(' ');
    QuicConnection {
        client: "10.0.0.1:40000".parse().unwrap(),
        server: "10.0.0.2:443".parse().unwrap(),
        server_name: words.next().map(Into::into),
        alpn: words.map(Into::into).collect(),
        version: QuicVersion(1),
        first: None,
    }
}

fn expected(rest: &str) -> Expected {
    let rest = rest.trim();
    let (code, route) = rest.split_once(' ').map_or((rest, None), |(code, route)| (code, Some(route.to_owned())));
    Expected { code: code.to_owned(), route }
}

fn duration(text: &str) -> Duration {
    if let Some(ms) = text.strip_suffix("ms") {
        return Duration::from_millis(ms.parse().unwrap_or_else(|_| panic!("duration {text}")));
    }
    Duration::from_secs(text.trim_end_matches('s').parse().unwrap_or_else(|_| panic!("duration {text}")))
}

fn exchange(id: u32, line: &str) -> Exchange {
    let mut words = line.split(' ');
    let started = Timestamp::from_seconds(T0).saturating_add(duration(words.next().unwrap()));
    let method = words.next().unwrap();
    let url = words.next().unwrap();
    let target = Target::parse(url).unwrap_or_else(|| panic!("URL {url}"));
    let host = target.host.clone();
    let kind = if url.starts_with("ws") { Kind::WebSocket } else { Kind::Http };
    let mut exchange = Exchange {
        id: ExchangeId(id),
        source: Source { input: 0, locator: Locator::Entry(id) },
        kind,
        protocol: None,
        timing: timing(started, Duration::from_millis(20)),
        client: None,
        server: None,
        connection: None,
        security: None,
        request: Request {
            method: method.into(),
            target,
            // A request names its host; a recorder that writes no header at all proves no absence.
            headers: Headers::from_iter([("Host", host)]),
            view: HeaderView::Full,
            header_bytes: None,
            body: Body { content: Content::Empty, ..Body::default() },
        },
        response: None,
        failure: None,
        browser: Browser::default(),
        websocket: (kind == Kind::WebSocket).then(WebSocket::default),
        anomalies: Vec::new(),
    };
    for word in words.filter(|w| !w.is_empty()) {
        attribute(&mut exchange, started, word);
    }
    exchange
}

fn timing(started: Timestamp, took: Duration) -> Timing {
    let ended = started.saturating_add(took);
    Timing {
        started: Some(started),
        sent: Some(started),
        first_byte: Some(ended),
        ended: Some(ended),
        duration: Some(took),
    }
}

fn attribute(exchange: &mut Exchange, started: Timestamp, word: &str) {
    let (key, value) = word.split_once('=').unwrap_or_else(|| panic!("attribute {word}"));
    match key {
        "type" => {
            exchange.browser.resource_type = Some(value.into());
            if value == "preflight" {
                exchange.kind = Kind::Preflight;
            }
        }
        "page" => exchange.browser.page = Some(value.into()),
        "took" => exchange.timing = timing(started, duration(value)),
        "error" => {
            let words = value.replace("%20", " ");
            // As the HAR reader does: a browser names the status of a refused handshake in its error text only.
            let status = words.split_once("response code: ").and_then(|(_, code)| code.get(..3)?.parse().ok());
            if let Some(websocket) = &mut exchange.websocket {
                websocket.refused_with = status;
            }
            exchange.failure = Some(words.into());
        }
        "conn" => exchange.connection = Some(Connection::Named(value.into())),
        "from" => exchange.client = Some(value.parse().unwrap()),
        "to" => exchange.server = Some(value.parse().unwrap()),
        "ip" => exchange.server = Some(format!("{value}:0").parse().unwrap()),
        "cache" => exchange.browser.from_cache = true,
        "view" if value == "partial" => exchange.request.view = HeaderView::Partial,
        "view" => exchange.request.view = HeaderView::Provisional,
        "at" => {
            let (function, place) = value.split_once('@').unwrap();
            let (url, line) = place.rsplit_once(':').unwrap();
            let frame = CallFrame {
                function: function.into(),
                url: format!("https://app.x.dev/{url}").into(),
                line: line.parse::<u32>().unwrap() - 1,
                column: 0,
            };
            exchange.browser.initiator = Some(Initiator { kind: "script".into(), frames: vec![frame] });
        }
        _ => panic!("attribute {word}"),
    }
}

fn message_line(exchange: &mut Exchange, line: &str) {
    let message = |from_client, text: &str| Message { time: None, from_client, text: Some(Secret::new(text)) };
    if line == "<<?" {
        response(exchange).body.content = Content::NotCaptured;
    } else if let Some(text) = line.strip_prefix(">> ") {
        exchange.request.body = body(text);
    } else if let Some(text) = line.strip_prefix("<< ") {
        response(exchange).body = body(text);
    } else if let Some(text) = line.strip_prefix("<> ") {
        exchange.websocket.as_mut().unwrap().messages.push(message(true, text));
    } else if let Some(close) = line.strip_prefix("<! ") {
        let (code, reason) = close.split_once(' ').map_or((close, None), |(code, reason)| (code, Some(reason)));
        let websocket = exchange.websocket.as_mut().unwrap();
        websocket.close_code = Some(code.parse().unwrap_or_else(|_| panic!("code {code}")));
        websocket.close_reason = reason.map(Secret::new);
    } else if let Some((after, text)) = line.strip_prefix("<-+").and_then(|rest| rest.split_once(' ')) {
        let time = exchange.timing.started.map(|started| started.saturating_add(duration(after)));
        let message = Message { time, ..message(false, text) };
        exchange.websocket.as_mut().unwrap().messages.push(message);
    } else if let Some(text) = line.strip_prefix("<- ") {
        exchange.websocket.as_mut().unwrap().messages.push(message(false, text));
    } else if let Some(field) = line.strip_prefix("> ") {
        let (name, value) = field.split_once(": ").unwrap_or_else(|| (field.trim_end_matches(':'), ""));
        exchange.request.headers.push(name, value);
    } else if let Some(rest) = line.strip_prefix("< ") {
        match rest.parse() {
            Ok(status) => response(exchange).status = status,
            Err(_) => {
                let (name, value) = rest.split_once(": ").unwrap_or_else(|| panic!("header {line}"));
                response(exchange).headers.push(name, value);
            }
        }
    } else {
        panic!("line {line}");
    }
}

fn response(exchange: &mut Exchange) -> &mut Response {
    exchange.response.get_or_insert_with(|| Response {
        status: 200,
        headers: Headers::new(),
        view: HeaderView::Full,
        trailers: Headers::new(),
        body: Body { content: Content::Empty, ..Body::default() },
    })
}

fn body(text: &str) -> Body {
    let mime = if text.starts_with(['{', '[']) {
        "application/json"
    } else if text.starts_with('<') {
        "text/html"
    } else if text.contains('=') && !text.contains(' ') {
        "application/x-www-form-urlencoded"
    } else {
        "text/plain"
    };
    let size = u64::try_from(text.len()).ok();
    Body { mime: Some(mime.into()), size, content: Content::Text { text: Secret::new(text), cut: false } }
}
