//! Distinct secrets planted in every place that can hold one; none may come out, in any verb, format or log.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests write files and may panic")]

#[path = "support/pcap.rs"]
mod pcap;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use authtrace_dataset::Dataset;

/// Where each canary is planted. Every value starts with its place, so that a failure names the leak.
const PLACES: [&str; 16] = [
    "authorization",
    "cookie",
    "setcookie",
    "query",
    "path",
    "requestbody",
    "password",
    "responsebody",
    "wsmessage",
    "location",
    "referer",
    "subprotocol",
    "identifier",
    "keyfile",
    "envfile",
    "keylog",
];

/// A random-looking value of forty characters that differs from place to place.
fn canary(place: &str) -> String {
    let mut state = place
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mut value = String::new();
    for _ in 0..40 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        value
            .push(char::from(b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"[(state >> 33) as usize % 56]));
    }
    value
}

fn capture() -> String {
    let c = canary;
    let entry = |url: String,
                 method: &str,
                 extra: String,
                 post: String,
                 status: u16,
                 headers: String,
                 body: String,
                 more: &str| {
        format!(
            r#"{{"startedDateTime":"2026-11-21T10:00:00.{status}Z","time":20,{more}
                "request":{{"method":"{method}","url":"{url}","httpVersion":"HTTP/1.1",
                    "headers":[{{"name":"Host","value":"localhost:8000"}},{{"name":"User-Agent","value":"test"}},{extra}]{post}}},
                "response":{{"status":{status},"headers":[{headers}],
                    "content":{{"mimeType":"application/json","size":{},"text":{}}}}}}}"#,
            body.len(),
            serde_json::to_string(&body).unwrap()
        )
    };
    let header = |name: &str, value: String| format!(r#"{{"name":"{name}","value":"{value}"}}"#);
    let all = [
        header("Authorization", format!("Bearer {}", c("authorization"))),
        header("Cookie", format!("session={}", c("cookie"))),
        header("Referer", format!("http://localhost:3000/cb?code={}", c("referer"))),
    ]
    .join(",");
    let post = format!(
        r#","postData":{{"mimeType":"application/json","text":{}}}"#,
        serde_json::to_string(&format!(r#"{{"refresh_token":"{}","password":"{}"}}"#, c("requestbody"), c("password")))
            .unwrap()
    );
    let given = format!(r#"{{"access_token":"{}","detail":"token {} refused"}}"#, c("responsebody"), c("responsebody"));
    let set = header("Set-Cookie", format!("sid={}; Path=/", c("setcookie")));
    let there = header("Location", format!("http://localhost:3000/#access_token={0}&code={0}", c("location")));
    let socket = format!(
        r#""_resourceType":"websocket","_webSocketMessages":[{{"type":"send","time":1.0,"opcode":1,"data":"{{\"token\":\"{0}\"}}"}}],"#,
        c("wsmessage")
    );
    let protocol = [
        header("Sec-WebSocket-Protocol", format!("bearer, {}", c("subprotocol"))),
        header("Upgrade", "websocket".into()),
    ]
    .join(",");
    let at = |path: &str| format!("http://localhost:8000{path}");
    [
        entry(
            at(&format!("/api/reset/{}", c("path"))),
            "GET",
            all.clone(),
            String::new(),
            401,
            String::new(),
            given.clone(),
            "",
        ),
        entry(
            at(&format!("/api/items?access_token={}", c("query"))),
            "GET",
            all.clone(),
            String::new(),
            403,
            String::new(),
            given.clone(),
            "",
        ),
        // An identifier is no secret, until somebody presents it as a credential: then it is one wherever it stands.
        entry(
            at(&format!("/api/sessions/sess_{0}/tokens?sess_{0}=1", c("identifier"))),
            "POST",
            header("Authorization", format!("Bearer sess_{}", c("identifier"))),
            String::new(),
            401,
            header("Location", format!("/sessions/sess_{}", c("identifier"))),
            given.clone(),
            "",
        ),
        entry(at("/api/auth/refresh"), "POST", all.clone(), post.clone(), 200, set.clone(), given.clone(), ""),
        entry(at("/api/auth/refresh"), "POST", all, post, 401, set, given, ""),
        entry(at("/login"), "GET", header("Accept", "*/*".into()), String::new(), 302, there, String::new(), ""),
        entry(
            format!("ws://localhost:8000/ws?token={}", c("query")),
            "GET",
            protocol,
            String::new(),
            101,
            String::new(),
            String::new(),
            &socket,
        ),
    ]
    .join(",")
}

/// A connection with a canary in every place that packets have.
fn packets() -> Vec<u8> {
    let c = canary;
    let fields = format!(
        "Host: localhost:8000\r\nAuthorization: Bearer {}\r\nCookie: session={}\r\nReferer: http://localhost:3000/cb?code={}\r\n",
        c("authorization"),
        c("cookie"),
        c("referer")
    );
    let given = format!(r#"{{"access_token":"{0}","detail":"token {0} refused"}}"#, c("responsebody"));
    let asked = format!(r#"{{"refresh_token":"{}","password":"{}"}}"#, c("requestbody"), c("password"));
    let json = |body: &str| format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let get = |target: String| format!("GET {target} HTTP/1.1\r\n{fields}\r\n");
    let socket = format!(
        "GET /ws?token={} HTTP/1.1\r\nHost: localhost:8000\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: bearer, {}\r\n\r\n",
        c("query"),
        c("subprotocol")
    );
    pcap::pcap(&[
        (true, &get(format!("/api/reset/{}", c("path")))),
        (false, &format!("HTTP/1.1 401 Unauthorized\r\n{}", json(&given))),
        (true, &get(format!("/api/items?access_token={}", c("query")))),
        (false, &format!("HTTP/1.1 403 Forbidden\r\n{}", json(&given))),
        (true, &format!("POST /api/auth/refresh HTTP/1.1\r\n{fields}{}", json(&asked))),
        (false, &format!("HTTP/1.1 200 OK\r\nSet-Cookie: sid={}; Path=/\r\n{}", c("setcookie"), json(&given))),
        (true, &get("/login".to_owned())),
        (
            false,
            &format!(
                "HTTP/1.1 302 Found\r\nLocation: http://localhost:3000/#access_token={0}&code={0}\r\nContent-Length: 0\r\n\r\n",
                c("location")
            ),
        ),
        (true, &socket),
        (false, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
    ])
}

fn check(args: &[&str], env: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrace"));
    let output = command.args(args).env("CANARY_KEY", env).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(!text.is_empty() || args.contains(&"analyze"), "{args:?}");
    assert!(!text.contains("this is a defect"), "{args:?}: {text}");
    for place in PLACES.iter().chain(&["environment"]) {
        let canary = canary(place);
        for (what, part) in [("all", &canary[..]), ("the start", &canary[..12]), ("the end", &canary[28..])] {
            assert!(!text.contains(part), "{args:?} shows {what} of `{place}`: {text}");
        }
    }
    text
}

/// Every canary, in a HAR and in packets.
fn inputs(folder: &Path) -> [PathBuf; 2] {
    let har = folder.join("canary.har");
    let text =
        format!(r#"{{"log":{{"version":"1.2","creator":{{"name":"test","version":"1"}},"entries":[{}]}}}}"#, capture());
    std::fs::write(&har, text).unwrap();
    let pcap = folder.join("canary.pcap");
    std::fs::write(&pcap, packets()).unwrap();
    [har, pcap]
}

#[test]
fn no_canary_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let [har, pcap] = inputs(folder.path()).map(|path| path.to_str().unwrap().to_owned());
    let key = format!("file=@{}", write("key", canary("keyfile")));
    let env = write("keys.env", format!("JWT_SECRET={}\n", canary("envfile")));
    let keys = ["--key", &key, "--key", "variable=env:CANARY_KEY", "--env-file", &env];
    assert!(Path::new(&har).exists());
    let pcap = pcap.as_str();
    // A key log, and a connection that it opens.
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../capture/tests/data/tls");
    let tls = data.join("tls12-ccm8.pcap").to_str().unwrap().to_owned();
    let text = std::fs::read_to_string(data.join("tls12-ccm8.keys")).unwrap();
    let key_log = write("keys.txt", format!("{text}{} {}\n", canary("keylog"), canary("keylog")));
    let secrets: Vec<&str> = text.split_whitespace().filter(|word| word.len() >= 64).collect();
    assert_eq!(secrets.len(), 2);
    let seen = Command::new(env!("CARGO_BIN_EXE_authtrace")).args(["exchanges", pcap, "-T", "jsonl"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&seen.stdout).lines().count(), 5, "the packets are read");
    for verb in ["analyze", "exchanges", "tokens", "sessions"] {
        for format in ["text", "json", "jsonl"] {
            for detail in ["-q", "-v", "-vv", "-vvv"] {
                let mut args = vec![verb, &har, "-T", format, detail];
                args.extend(keys);
                check(&args, &canary("environment"));
                args[1] = pcap;
                check(&args, &canary("environment"));
                args[1] = &tls;
                args.extend(["--keylog", &key_log]);
                let text = check(&args, &canary("environment"));
                let shown = text.to_ascii_lowercase();
                for secret in &secrets {
                    assert!(!shown.contains(&secret.to_ascii_lowercase()[..12]), "{args:?} shows a TLS secret");
                }
            }
        }
    }
}

#[test]
fn no_report_and_no_format_shows_a_canary() {
    let folder = tempfile::tempdir().unwrap();
    let [har, pcap] = inputs(folder.path());
    for input in [har.to_str().unwrap(), pcap.to_str().unwrap()] {
        for format in ["csv", "md", "html", "sarif", "junit", "github"] {
            check(&["analyze", input, "-T", format], "");
        }
        check(&["exchanges", input, "-T", "csv"], "");
        check(&["tokens", input, "-T", "csv"], "");
        for format in ["text", "json", "jsonl"] {
            let full = check(&["exchanges", input, "--full", "-T", format], "");
            assert!(full.to_lowercase().contains("set-cookie"), "{input}: {full}");
        }
        assert!(check(&["exchanges", input, "--curl"], "").starts_with("curl -X GET "));
        let out = folder.path().join("report");
        check(&["report", input, "-o", out.to_str().unwrap()], "");
        for file in ["report.md", "report.html", "report.json"] {
            // Escapes of Markdown and HTML may stand within a value.
            let text = std::fs::read_to_string(out.join(file)).unwrap().replace('\\', "");
            for place in PLACES {
                let canary = canary(place);
                assert!(!text.contains(&canary[..12]) && !text.contains(&canary[28..]), "{file} shows `{place}`");
            }
        }
    }
}

#[test]
fn no_copy_and_no_receipt_holds_a_canary() {
    let folder = tempfile::tempdir().unwrap();
    let [har, pcap] = inputs(folder.path());
    for input in [&har, &pcap] {
        for verb in ["redact", "convert"] {
            let out = folder.path().join("copy");
            check(&[verb, input.to_str().unwrap(), "-o", out.to_str().unwrap()], "");
            for file in [&out, &folder.path().join("copy.receipt.json")] {
                let bytes = std::fs::read(file).unwrap();
                assert!(bytes.len() > 200);
                let text = String::from_utf8_lossy(&bytes);
                for place in PLACES {
                    let canary = canary(place);
                    for part in [&canary[..12], &canary[14..26], &canary[28..]] {
                        assert!(!text.contains(part), "{verb} {input:?}: {file:?} shows `{place}`");
                    }
                }
            }
        }
    }
}

#[test]
fn no_dataset_holds_a_canary() {
    let folder = tempfile::tempdir().unwrap();
    for input in inputs(folder.path()) {
        let dataset = folder.path().join(format!("{}.facts", input.file_name().unwrap().display()));
        let out = dataset.to_str().unwrap();
        check(
            &["extract", input.to_str().unwrap(), "-o", out, "--key", "variable=env:CANARY_KEY"],
            &canary("environment"),
        );
        let mut seen = 0;
        for part in Dataset::open(&dataset).unwrap().parts() {
            let part = part.unwrap().part;
            let text = serde_json::to_string(&part.facts).unwrap() + &serde_json::to_string(&part.tokens).unwrap();
            seen += part.facts.len();
            holds_none(&text, out);
        }
        assert!(seen >= 5, "{seen}");
        let everything = "SELECT * FROM exchanges JOIN tokens ON exchanges.token = tokens.id";
        for args in [vec!["query", out, everything], vec!["tokens", out, "-T", "json"], vec!["analyze", out, "-v"]] {
            check(&args, "");
        }
        // What stands in columns is packed; what is not packed shows here.
        let mut folders = vec![dataset];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    holds_none(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()), &path.display().to_string());
                }
            }
        }
    }
}

fn holds_none(text: &str, place: &str) {
    for of in PLACES.iter().chain(&["environment"]) {
        let canary = canary(of);
        for part in [&canary[..12], &canary[14..26], &canary[28..]] {
            assert!(!text.contains(part), "{place} holds `{of}`");
        }
    }
}

#[test]
fn errors_show_no_canary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authtrace.toml");
    std::fs::write(&path, format!("key = \"{}\"\n", canary("keyfile"))).unwrap();
    check(&["analyze", "x.har", "--config", path.to_str().unwrap()], "");
    std::fs::write(&path, format!("{}\n", canary("keyfile"))).unwrap();
    check(&["analyze", "x.har", "--config", path.to_str().unwrap()], "");
    check(&["analyze", "x.har", "--key", &format!("x={}", canary("keyfile"))], "");
    check(&["analyze", "x.har", "--fingerprint-key", &canary("keyfile")], "");
    check(&["token", &canary("keyfile")], "");
}
