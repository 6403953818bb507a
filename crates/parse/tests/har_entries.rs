//! What one HAR entry means, flavour by flavour: each row is a piece of an entry and what must be read from it.

mod support;

use authtrace_parse::{Connection, HeaderView, Kind, Protocol, Timestamp};
use support::{content, fields, one};

/// An entry with these parts of `request`, `response` and of itself.
fn entry(request: &str, response: &str, own: &str) -> String {
    let comma = |text: &str| if text.is_empty() { String::new() } else { format!(",{text}") };
    format!(
        r#"{{"startedDateTime":"2026-01-01T00:00:00Z","request":{{"method":"GET","url":"https://x.dev/a"{}}},"response":{{{}}}{}}}"#,
        comma(request),
        response,
        comma(own)
    )
}

const HOST: &str = r#""headers":[{"name":"Host","value":"x.dev"}]"#;

#[test]
fn status() {
    #[track_caller]
    fn check(response: &str, status: Option<u16>, failure: Option<&str>) {
        let e = one(&entry(HOST, response, ""));
        assert_eq!(e.response.as_ref().map(|r| r.status), status, "{response}");
        assert_eq!(e.failure.as_deref(), failure, "{response}");
    }
    check(r#""status":200"#, Some(200), None);
    check(r#""status":"401""#, Some(401), None);
    check(r#""status":403.0"#, Some(403), None);
    check(r#""status":999"#, Some(999), None);
    check(r#""status":0"#, None, None);
    check(r#""status":-1,"_failureText":"net::ERR_FAILED""#, None, Some("net::ERR_FAILED"));
    check(r#""status":0,"_error":"net::ERR_CONNECTION_REFUSED""#, None, Some("net::ERR_CONNECTION_REFUSED"));
    check(r#""status":200,"_error":"net::ERR_FAILED""#, Some(200), Some("net::ERR_FAILED"));
    check(
        r#""status":302,"_error":{"message":"Max redirects exceeded","code":"MAXREDIRECTS"}"#,
        Some(302),
        Some("Max redirects exceeded"),
    );
    check(r#""status":200,"_error":null"#, Some(200), None);
    check(r#""status":200,"_error":"""#, Some(200), None);
    check(r#""status":null"#, None, None);
    check("", None, None);
    check(r#""status":{"code":200}"#, None, None);
    let e = one(r#"{"request":{"url":"http://x.dev"},"response":null,"_error":"blocked"}"#);
    assert!(e.response.is_none() && e.failure.as_deref() == Some("blocked"));
}

#[test]
fn header_shapes() {
    #[track_caller]
    fn check(request: &str, expected: &str, view: HeaderView) {
        let e = one(&entry(request, r#""status":200"#, ""));
        assert_eq!(fields(&e.request.headers), expected, "{request}");
        assert_eq!(e.request.view, view, "{request}");
    }
    use HeaderView::{Full, Missing};
    check(r#""headers":[{"name":"A","value":"1"},{"name":"a","value":"2"}]"#, "A: 1 ¦ a: 2", Full);
    check(r#""headers":{"name":"A","value":"1"}"#, "A: 1", Full);
    check(r#""headers":{"A":"1","B":["2","3"]}"#, "A: 1 ¦ B: 2 ¦ B: 3", Full);
    check(r#""headers":[{"name":"content-length","value":178}]"#, "content-length: 178", Full);
    check(r#""headers":[{"name":"A","value":"1\nB=2\r\nC=3"}]"#, "A: 1 ¦ A: B=2 ¦ A: C=3", Full);
    check(r#""headers":[{"value":"1","name":"A"},null,"x",{"value":"nameless"}]"#, "A: 1", Full);
    check(r#""headers":[{"name":":authority","value":"x.dev"}]"#, ":authority: x.dev", Full);
    check(r#""headers":[{"name":"Authorization","value":"[REDACTED]"}]"#, "Authorization: [REDACTED]", Full);
    check(r#""headers":[{"name":"A","value":null},{"name":"B"}]"#, "A:  ¦ B: ", Full);
    check(r#""headers":[]"#, "", Full);
    check(r#""headers":null"#, "", Missing);
    check(r#""headers":7"#, "", Missing);
    check(r#""bodySize":0"#, "", Missing);
}

#[test]
fn cookies_without_a_header() {
    let list = r#"[{"name":"a","value":"1"},{"name":"b","value":"2"}]"#;
    let of = |e: authtrace_parse::Exchange| fields(&e.request.headers);
    assert_eq!(of(one(&entry(&format!(r#""cookies":{list}"#), "", ""))), "cookie: a=1; b=2");
    assert_eq!(of(one(&entry(r#""cookies":{"name":"a","value":"1","path":"/"}"#, "", ""))), "cookie: a=1");
    assert_eq!(of(one(&entry(r#""cookies":{"a":"1","b":"2"}"#, "", ""))), "cookie: a=1; b=2");
    let both = format!(r#""headers":[{{"name":"Cookie","value":"z=9"}}],"cookies":{list}"#);
    assert_eq!(of(one(&entry(&both, "", ""))), "Cookie: z=9");
    let set = r#""status":200,"cookies":[{"name":"s","value":"v","path":"/","domain":"x.dev","httpOnly":true,"secure":true,"sameSite":"Lax","expires":"2026-01-02T03:04:05.000Z"},{"name":"t","value":"","expires":null,"secure":false}]"#;
    let e = one(&entry("", set, ""));
    assert_eq!(
        fields(&e.response.expect("answered").headers),
        "set-cookie: s=v; Path=/; Domain=x.dev; SameSite=Lax; Expires=Fri, 02 Jan 2026 03:04:05 GMT; HttpOnly; Secure ¦ set-cookie: t="
    );
}

#[test]
fn provisional_headers_and_caches() {
    #[track_caller]
    fn check(headers: &str, response: &str, own: &str, view: HeaderView, from_cache: bool) {
        let e = one(&entry(headers, response, own));
        assert_eq!((e.request.view, e.browser.from_cache), (view, from_cache), "{response} {own}");
    }
    use HeaderView::{Full, Provisional};
    let script = r#""headers":[{"name":"Authorization","value":"x"}]"#;
    let three = r#""headers":[{"name":"a","value":"x"},{"name":"b","value":"x"},{"name":"c","value":"x"}]"#;
    check(script, r#""status":0"#, "", Provisional, false);
    check(script, r#""status":-1"#, "", Provisional, false);
    check(HOST, r#""status":0"#, "", Full, false);
    check(script, r#""status":200"#, "", Full, false);
    check(script, r#""status":200,"_transferSize":0"#, "", Provisional, true);
    check(three, r#""status":200,"_transferSize":0"#, "", Full, false);
    check(script, r#""status":304,"_transferSize":0"#, "", Full, false);
    check(three, r#""status":200"#, r#""_fromCache":"memory""#, Provisional, true);
    let e = one(&entry(script, r#""status":0"#, r#""timings":{"send":0,"wait":0}"#));
    assert!(e.timing.sent.is_none() && e.protocol.is_none());
}

#[test]
fn response_bodies() {
    #[track_caller]
    fn check(content_json: &str, expected: &str, size: Option<u64>) {
        let e = one(&entry(HOST, &format!(r#""status":200,"content":{content_json}"#), ""));
        let body = e.response.expect("answered").body;
        assert_eq!((content(&body.content).as_str(), body.size), (expected, size), "{content_json}");
    }
    check(r#"{"size":2,"mimeType":"text/plain","text":"hi"}"#, "hi", Some(2));
    check(r#"{"size":9,"text":"{\"a\":1}"}"#, r#"{"a":1}"#, Some(7));
    check(r#"{"size":2,"text":"aGk=","encoding":"base64"}"#, "hi", Some(2));
    check(r#"{"size":2,"text":"aGk","encoding":"BASE64"}"#, "hi", Some(2));
    check(r#"{"size":2,"text":"a\nGk=","encoding":"base64"}"#, "hi", Some(2));
    check(r#"{"size":2,"text":"!!","encoding":"base64"}"#, "!!", Some(2));
    check(r#"{"size":7,"text":{"a":1}}"#, r#"{"a":1}"#, Some(7));
    check(r#"{"size":120}"#, "not captured", Some(120));
    check(r#"{"size":120,"text":""}"#, "not captured", Some(120));
    check(r#"{"size":"120","text":null}"#, "not captured", Some(120));
    check(r#"{"size":0}"#, "empty", Some(0));
    check(r#"{"text":""}"#, "empty", None);
    check(r#"{"size":-1}"#, "unknown", None);
    check("null", "unknown", None);
    check(r#"{"size":5,"_file":"abc.json"}"#, "not captured", Some(5));
}

#[test]
fn request_bodies() {
    #[track_caller]
    fn check(request: &str, expected: &str) {
        let e = one(&entry(&format!(r#""method":"POST",{request}"#), "", ""));
        assert_eq!(content(&e.request.body.content), expected, "{request}");
    }
    check(r#""postData":{"mimeType":"a/b","text":"x=1","params":[{"name":"y","value":"2"}]}"#, "x=1");
    check(r#""postData":{"params":[{"name":"a b","value":"&"},{"name":"c"}]}"#, "a+b=%26&c=");
    check(r#""postData":{"mimeType":"multipart/form-data","params":[{"name":"a"}]}"#, "unknown");
    check(r#""postData":{"mimeType":"","params":[],"text":""},"bodySize":0"#, "empty");
    check(r#""bodySize":0,"headers":[{"name":"Content-Length","value":"2428"}]"#, "not captured");
    check(r#""bodySize":12"#, "not captured");
    check(r#""bodySize":-1"#, "unknown");
    check(r#""postData":"x=1""#, "unknown");
    let get = one(&entry(HOST, "", ""));
    assert_eq!(content(&get.request.body.content), "empty");
}

#[test]
fn kinds() {
    #[track_caller]
    fn check(request: &str, own: &str, kind: Kind) {
        assert_eq!(one(&entry(request, "", own)).kind, kind, "{request} {own}");
    }
    let asks = r#""method":"OPTIONS","headers":[{"name":"Origin","value":"o"},{"name":"Access-Control-Request-Method","value":"PUT"}]"#;
    check("", "", Kind::Http);
    check(r#""method":"OPTIONS""#, "", Kind::Http);
    check(r#""method":"OPTIONS""#, r#""_resourceType":"preflight""#, Kind::Preflight);
    check(asks, "", Kind::Preflight);
    check("", r#""_resourceType":"websocket""#, Kind::WebSocket);
    check(r#""url":"wss://x.dev/ws""#, "", Kind::WebSocket);
    check(r#""headers":[{"name":"upgrade","value":"WebSocket"}]"#, "", Kind::WebSocket);
    check(r#""method":"CONNECT""#, "", Kind::Connect);
}

#[test]
fn refused_websockets() {
    const WORDS: &str = "Error during WebSocket handshake: Unexpected response code: 403";
    let devtools = format!(
        r#""_resourceType":"websocket","_webSocketMessages":[{{"type":"error","time":1795199009.39,"opcode":-1,"data":"{WORDS}"}}]"#
    );
    let playwright = format!(r#""status":-1,"_failureText":"{WORDS}""#);
    for e in [
        one(&entry(HOST, r#""status":0"#, &devtools)),
        one(&entry(HOST, &playwright, r#""_resourceType":"websocket""#)),
    ] {
        let socket = e.websocket.expect("a WebSocket");
        assert_eq!((socket.refused_with, socket.message_count), (Some(403), 0));
        assert!(e.response.is_none());
        assert_eq!(e.failure.as_deref(), Some(WORDS));
    }
}

#[test]
fn websocket_messages() {
    let messages = |time: &str| {
        format!(
            r#""_resourceType":"websocket","_webSocketMessages":[{{"type":"send","time":{time},"opcode":1,"data":"hi"}},{{"type":"receive","time":{time},"opcode":2,"data":"AAA="}}]"#
        )
    };
    for time in ["1795199115.25", "1795199115250", "\"1795199115.25\""] {
        let socket = one(&entry(HOST, r#""status":101"#, &messages(time))).websocket.expect("a WebSocket");
        assert_eq!(socket.message_count, 2);
        assert_eq!(socket.messages[0].time, Some(Timestamp::from_nanos(1_795_199_115_250_000_000)), "{time}");
        assert!(socket.messages[0].from_client && !socket.messages[1].from_client);
        assert_eq!(socket.messages[0].text.as_ref().map(|t| t.expose()), Some("hi"));
        assert!(socket.messages[1].text.is_none());
    }
}

#[test]
fn timings() {
    #[track_caller]
    fn check(own: &str, micros: [Option<i64>; 3]) {
        let t = one(&entry(HOST, r#""status":200"#, own)).timing;
        let started = t.started.expect("started");
        let after = |t: Option<Timestamp>| t.map(|t| t.nanos_since(started) / 1000);
        assert_eq!([after(t.sent), after(t.first_byte), after(t.ended)], micros, "{own}");
    }
    let full =
        r#""time":10.5,"timings":{"blocked":1.5,"dns":-1,"connect":2,"ssl":1,"send":0.25,"wait":4,"receive":2.75}"#;
    check(full, [Some(3500), Some(7750), Some(10_500)]);
    check(r#""timings":{"blocked":"1","send":"1","wait":"2","receive":"3"}"#, [Some(1000), Some(4000), Some(7000)]);
    check(r#""time":-1,"timings":{"send":-1,"wait":-1,"receive":-1}"#, [None, None, None]);
    check(r#""time":5,"timings":{}"#, [None, None, Some(5000)]);
    check(r#""time":null"#, [None, None, None]);
}

#[test]
fn versions_addresses_connections() {
    #[track_caller]
    fn version(name: &str, protocol: Option<Protocol>) {
        let e = one(&entry(&format!(r#"{HOST},"httpVersion":"{name}""#), r#""status":200"#, ""));
        assert_eq!(e.protocol, protocol, "{name}");
    }
    for name in ["HTTP/1.1", "http/1.1"] {
        version(name, Some(Protocol::Http11));
    }
    for name in ["HTTP/2.0", "http/2.0", "h2", "HTTP/2"] {
        version(name, Some(Protocol::Http2));
    }
    for name in ["h3", "h3-29", "HTTP/3", "http/2+quic/46"] {
        version(name, Some(Protocol::Http3));
    }
    version("HTTP/1.0", Some(Protocol::Http10));
    for name in ["", "unknown", "HTTP/9"] {
        version(name, None);
    }
    let e = one(&entry(
        HOST,
        "",
        r#""serverIPAddress":"[::1]","_serverPort":8000,"connection":"443","_connectionId":"37""#,
    ));
    assert_eq!(e.server.map(|s| s.to_string()).as_deref(), Some("[::1]:8000"));
    assert_eq!(e.connection, Some(Connection::Named("37".into())));
    let e = one(&entry(HOST, "", r#""serverIPAddress":"127.0.0.1","connection":52"#));
    assert_eq!(e.server.map(|s| s.to_string()).as_deref(), Some("127.0.0.1:0"));
    assert_eq!(e.connection, Some(Connection::Named("52".into())));
    assert!(one(&entry(HOST, "", r#""serverIPAddress":"""#)).server.is_none());
}

#[test]
fn initiators() {
    let own = r#""_initiator":{"type":"script","stack":{"callFrames":[{"functionName":"f","url":"https://x.dev/a.js?v=1#x","lineNumber":3,"columnNumber":56}],"parent":{"description":"await","callFrames":[{"functionName":"","url":"https://x.dev/b.js","lineNumber":5,"columnNumber":9}]}}}"#;
    let initiator = one(&entry(HOST, "", own)).browser.initiator.expect("an initiator");
    let frames: Vec<_> = initiator.frames.iter().map(|f| (&*f.function, &*f.url, f.line, f.column)).collect();
    assert_eq!(frames, [("f", "https://x.dev/a.js", 3, 56), ("", "https://x.dev/b.js", 5, 9)]);
    let parser = one(&entry(HOST, "", r#""_initiator":{"type":"parser","url":"https://x.dev/?q","lineNumber":7}"#));
    let parser = parser.browser.initiator.expect("an initiator");
    assert_eq!((&*parser.kind, &*parser.frames[0].url, parser.frames[0].line), ("parser", "https://x.dev/", 7));
    assert!(one(&entry(HOST, "", r#""_initiator":"https://x.dev/""#)).browser.initiator.is_none());
    let deep = format!("{}null{}", r#"{"callFrames":[],"parent":"#.repeat(5000), "}".repeat(5000));
    let e = one(&entry(HOST, "", &format!(r#""_initiator":{{"type":"script","stack":{deep}}}"#)));
    assert_eq!(e.browser.initiator.map(|i| i.frames.len()), Some(0));
}
