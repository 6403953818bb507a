//! Captures that mean harm: text that drives a terminal, fields of megabytes, nesting without end, packed damage.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests write files and may panic")]

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Output},
};

use authtrace_report::is_hidden;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

const VERBS: [&str; 4] = ["analyze", "exchanges", "tokens", "sessions"];
const FORMATS: [&str; 3] = ["text", "json", "jsonl"];

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_authtrace")).args(args).output().unwrap()
}

fn everything(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Sets a title, turns red, hides, turns the direction, has no width: `place` says where it stood.
fn evil(place: &str) -> String {
    format!("{place}\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}8m\u{202e}\u{2066}\u{200b}\u{feff}\u{7f}\u{8}\r{place}")
}

fn jwt(place: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": evil("alg"), "kid": evil("kid"), "typ": evil("typ")});
    let claims = json!({
        "iss": evil("iss"), "aud": [evil("aud")], "azp": evil("azp"), "sub": evil("sub"), "client_id": evil("client"),
        "scope": evil("scope"), "token_use": evil("use"), "exp": 1_700_000_000, "iat": 1_699_990_000, place: 1
    });
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode([7; 32]))
}

fn entry(millis: u32, method: &str, url: &str, request: Value, status: u16, response: Value, body: Value) -> Value {
    json!({
        "startedDateTime": format!("2026-11-21T10:00:00.{millis:03}Z"), "time": 20, "pageref": evil("page"),
        "connection": evil("connection"), "serverIPAddress": evil("ip"), "_connectionId": evil("id"),
        "_resourceType": evil("type"),
        "_initiator": {"type": "script", "stack": {"callFrames": [
            {"functionName": evil("function"), "url": format!("https://x.dev/{}.js", evil("script")), "lineNumber": 1, "columnNumber": 1}]}},
        "request": {"method": method, "url": url, "httpVersion": evil("version"), "headers": request,
            "postData": {"mimeType": "application/json", "text": json!({
                "refresh_token": "0123456789abcdef0123", "grant_type": evil("grant"), "operationName": evil("operation"),
                "query": "{ me }", evil("key"): 1}).to_string()}},
        "response": {"status": status, "statusText": evil("text"), "headers": response,
            "content": {"mimeType": "application/json", "text": body.to_string()}, "_error": evil("error")}
    })
}

fn header(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

fn capture() -> Value {
    let url = format!("https://{}.dev/{}/a?{}=1&token={}", evil("host"), evil("path"), evil("parameter"), jwt("query"));
    let bearer = json!([
        header("Authorization", &format!("Bearer {}", jwt("bearer"))),
        header("Cookie", &format!("session{}=0123456789abcdef; auth={}", evil("cookie"), jwt("cookie"))),
        header("Origin", &evil("origin")),
        header("User-Agent", &evil("agent")),
        header("Accept", &evil("accept")),
        header("X-Amz-Target", &evil("target")),
        header(&evil("name"), "1"),
        header("Referer", &format!("https://{}/?token={}", evil("referer"), jwt("referer"))),
    ]);
    let answer = json!([
        header(
            "WWW-Authenticate",
            &format!(
                "Bearer realm=\"{}\", error=\"{}\", error_description=\"{}\"",
                evil("realm"),
                evil("code"),
                evil("description")
            )
        ),
        header("Server", &evil("server")),
        header("Via", &evil("via")),
        header("Location", &format!("/{}", evil("location"))),
        header(
            "Set-Cookie",
            &format!(
                "sid{}=0123456789abcdef0123; Domain={}; Path=/{}; SameSite=None",
                evil("setcookie"),
                evil("domain"),
                evil("cookiepath")
            )
        ),
        header("Access-Control-Allow-Origin", &evil("allow")),
        header(&evil("answer"), "1"),
    ]);
    let scheme = json!([header("Authorization", &format!("{} undefined", evil("scheme"))), header("Host", "x.dev")]);
    let words = json!({"detail": evil("detail"), "message": evil("message"), "error": evil("bodyerror"), "access_token": jwt("given"), "issuer": evil("issuer"), "token_endpoint": "x"});
    let get = "GET";
    let entries = [
        entry(0, &evil("method"), &url, bearer.clone(), 401, answer.clone(), words.clone()),
        entry(100, get, &url, bearer.clone(), 401, answer.clone(), words.clone()),
        entry(200, get, &url, scheme, 403, answer.clone(), words.clone()),
        entry(
            300,
            "POST",
            &format!("https://x.dev/auth/refresh/{}", evil("refresh")),
            bearer.clone(),
            401,
            answer.clone(),
            words.clone(),
        ),
        entry(400, "POST", "https://x.dev/oauth/token", bearer.clone(), 200, answer.clone(), words.clone()),
        entry(
            500,
            get,
            "https://x.dev/.well-known/openid-configuration",
            bearer.clone(),
            200,
            answer.clone(),
            words.clone(),
        ),
        entry(600, get, &url, bearer, 0, json!([]), words),
    ];
    json!({"log": {"version": "1.2", "creator": {"name": evil("creator"), "version": evil("build")},
        "browser": {"name": evil("browser"), "version": "1"},
        "pages": [{"startedDateTime": "2026-11-21T10:00:00Z", "id": evil("page"), "title": evil("title"), "pageTimings": {}}],
        "entries": entries}})
}

#[track_caller]
fn shows_nothing_hidden(args: &[&str]) -> String {
    let text = everything(&run(args));
    let hidden: Vec<char> = text.chars().filter(|c| *c != '\n' && is_hidden(*c)).collect();
    assert!(hidden.is_empty(), "{args:?} prints {hidden:?} in: {}", text.escape_debug());
    text
}

fn file(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn nothing_in_a_capture_drives_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    // A name may hold everything but a slash.
    let name = format!("{}.har", evil("file"));
    let har = file(&folder, &name, capture().to_string().as_bytes());
    let mut all = String::new();
    for verb in VERBS {
        for format in FORMATS {
            for detail in ["-q", "-v", "-vvv"] {
                all += &shows_nothing_hidden(
                    &[verb, &har, "-T", format, detail, "--min-confidence", "0"]
                        [..if verb == "analyze" { 7 } else { 5 }],
                );
            }
        }
    }
    // What was planted did come out, made harmless.
    for place in ["method", "host", "path", "iss", "cookie", "function", "file"] {
        assert!(all.contains(place), "{place} is shown nowhere");
    }
    for args in [
        &["token", &jwt("argument")][..],
        &["token", &jwt("argument"), "-T", "json"],
        &["analyze", &evil("missing")],
        &["exchanges", "--full", &har],
        &["exchanges", "--full", &har, "-T", "jsonl"],
        &["exchanges", "--curl", &har],
        &["analyze", &har, "-T", &evil("format")],
        &["analyze", &har, "-Y", &evil("filter")],
        &["analyze", &har, "--since", &evil("since")],
        &["analyze", &har, "--session", &evil("session")],
        &["explain", &evil("rule")],
        &[&evil("verb")],
    ] {
        shows_nothing_hidden(args);
    }
}

#[test]
fn a_field_of_megabytes_is_cut() {
    const LONG: usize = 10 << 20;
    let long = "a".repeat(LONG);
    let segments = "segment/".repeat(LONG / 8);
    let folder = tempfile::tempdir().unwrap();
    let plain = |url: &str, headers: Value| {
        entry(0, "GET", url, headers, 401, json!([]), json!({"detail": "Not authenticated"}))
    };
    let bearer = header("Authorization", "Bearer undefined");
    let cases = [
        ("path", plain(&format!("https://x.dev/{segments}"), json!([bearer]))),
        ("segment", plain(&format!("https://x.dev/{long}"), json!([bearer]))),
        ("query", plain(&format!("https://x.dev/?a={long}&{long}=1"), json!([bearer]))),
        ("host", plain(&format!("https://{long}/"), json!([bearer]))),
        ("header", plain("https://x.dev/", json!([header("X-Long", &long), header(&long, "1"), bearer]))),
        ("credential", plain("https://x.dev/", json!([header("Authorization", &format!("Bearer {long}"))]))),
        ("cookie", plain("https://x.dev/", json!([header("Cookie", &format!("session{long}={long}"))]))),
        (
            "words",
            entry(
                0,
                "GET",
                "https://x.dev/",
                json!([bearer]),
                401,
                json!([header("Server", &long)]),
                json!({"detail": long}),
            ),
        ),
        ("method", entry(0, &long, "https://x.dev/", json!([bearer]), 401, json!([]), json!({}))),
    ];
    for (name, entry) in cases {
        let har = json!({"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": [entry]}});
        let path = file(&folder, "long.har", har.to_string().as_bytes());
        for (verb, format) in [
            ("analyze", "text"),
            ("analyze", "json"),
            ("exchanges", "text"),
            ("exchanges", "jsonl"),
            ("tokens", "text"),
            ("sessions", "json"),
        ] {
            let output = run(&[verb, &path, "-T", format]);
            let printed = output.stdout.len() + output.stderr.len();
            assert!(printed < 64 << 10, "{verb} -T {format} prints {printed} bytes for a long {name}");
            assert!(matches!(output.status.code(), Some(0 | 1)), "{name}: {}", everything(&output));
        }
    }
}

#[test]
fn nesting_without_end_is_an_entry_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let whole = capture().to_string();
        for text in [
            whole.replacen("\"entries\":[", &format!("\"entries\":[{deep},"), 1),
            whole.replacen("\"creator\":", &format!("\"extra\":{deep},\"creator\":"), 1),
            whole.replacen("\"postData\":", &format!("\"extra\":{deep},\"postData\":"), 1),
            deep.clone(),
        ] {
            let path = file(&folder, "deep.har", text.as_bytes());
            let output = run(&["analyze", &path, "-q"]);
            assert!(matches!(output.status.code(), Some(1 | 2)), "{:?}", output.status);
            assert!(everything(&output).len() < 16 << 10);
        }
    }
}

/// Cut and flipped samples, plain and packed: an exit code of INTERFACE and at most one line of complaint, never a panic.
#[test]
fn damage_is_a_result_or_one_line() {
    let captures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../captures");
    let sample = |name: &str| fs::read(captures.join(name)).unwrap();
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(&sample("race.har")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let packets = [sample("race.pcapng"), sample("storm.pcap"), sample("issuer.pcapng.gz")];
    for whole in [sample("race.har"), packer.finish().unwrap()].into_iter().chain(packets) {
        for step in 1..50 {
            let at = whole.len() * step / 50;
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (step % 8);
            for bytes in [&whole[..at], &flipped] {
                let path = file(&folder, "damaged", bytes);
                let output = run(&["analyze", &path]);
                let error = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(matches!(output.status.code(), Some(0..=3)), "{step}: {:?} {error}", output.status);
                assert!(error.lines().count() <= 1 && !error.contains("panicked"), "{step}: {error}");
            }
        }
    }
}

/// What stands beside a capture may have come with it: aliases that multiply, nesting and size end in one line.
#[test]
fn descriptions_and_settings_that_swell_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let capture = format!("{}/../../captures/race.har", env!("CARGO_MANIFEST_DIR"));
    let mut aliases = String::from("openapi: 3.1.0\na0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for n in 1..12 {
        let before = format!("*a{}", n - 1);
        aliases += &format!("a{n}: &a{n} [{}]\n", vec![before; 9].join(","));
    }
    let nested = format!("filter = {}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let deep = format!("openapi: {}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let large = "# nothing\n".repeat(4 << 20);
    for (flag, text) in [
        ("--openapi", &aliases),
        ("--openapi", &deep),
        ("--openapi", &large),
        ("--config", &nested),
        ("--config", &large),
    ] {
        let path = file(&folder, "given", text.as_bytes());
        let output = run(&["analyze", &capture, flag, &path]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{flag}: {error}");
        assert!(error.lines().count() == 1 && error.len() < 400, "{flag}: {error}");
    }
}

/// Dates of tokens, of URLs and of the capture itself are anyone's to write: the ends of time are a judgement like any other.
#[test]
fn dates_at_the_ends_of_time_are_judged() {
    const ENDS: [&str; 6] = ["-9223372036", "-1", "0", "9223372036", "-99999999999999999999", "1700000000"];
    const STARTS: [&str; 3] = ["1678-01-01T00:00:00Z", "2026-11-21T10:00:00Z", "2261-12-31T00:00:00Z"];
    const DATES: [&str; 2] = ["Mon, 01 Jan 1680 00:00:00 GMT", "Thu, 31 Dec 2260 00:00:00 GMT"];
    const WORDS: [&str; 3] = ["token expired", "token not yet valid", "invalid token"];
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let mut entries = Vec::new();
    for (index, (exp, iat)) in ENDS.iter().flat_map(|exp| ENDS.iter().map(move |iat| (exp, iat))).enumerate() {
        let claims = format!(r#"{{"iss":"https://id.x.dev","sub":"ann","exp":{exp},"iat":{iat},"nbf":{iat}}}"#);
        let token = format!("{}.{}.{}", part(r#"{"alg":"HS256"}"#.into()), part(claims), part("signature".repeat(4)));
        let bearer = json!([header("Authorization", &format!("Bearer {token}"))]);
        let date = json!([header("Date", DATES[index % 2])]);
        let refused = json!({"message": WORDS[index % 3]});
        let granted = json!({"access_token": token, "refresh_token": token});
        let link = format!("https://x.dev/v?Expires={exp}&Key-Pair-Id=K2&Signature=0123456789abcdef&token={token}");
        for (url, headers, status, body) in [
            ("https://x.dev/v1/me", &bearer, 401, &refused),
            ("https://x.dev/v1/me", &bearer, 200, &json!({})),
            ("https://x.dev/auth/refresh", &json!([]), 200, &granted),
            ("https://x.dev/auth/refresh", &json!([]), 401, &refused),
            (link.as_str(), &json!([]), 403, &json!({"message": "Access denied"})),
        ] {
            let mut entry = entry(0, "GET", url, headers.clone(), status, date.clone(), body.clone());
            entry["startedDateTime"] = STARTS[index % 3].into();
            entry["request"]["postData"]["text"] = json!({"refresh_token": token}).to_string().into();
            entries.push(entry);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "dates.har", json!({"log": {"entries": entries}}).to_string().as_bytes());
    let reports = folder.path().join("reports");
    for args in [
        vec!["analyze", &path],
        vec!["analyze", &path, "-T", "json"],
        vec!["exchanges", &path],
        vec!["tokens", &path],
        vec!["sessions", &path],
        vec!["query", &path, "SELECT * FROM tokens"],
        vec!["report", &path, "-o", reports.to_str().unwrap()],
    ] {
        let output = run(&args);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {}", everything(&output));
    }
}
