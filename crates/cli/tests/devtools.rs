//! A converted HAR in Chrome DevTools: the importer of a real Chromium reads it, and lists the requests that were written.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read and write files, and report"
)]

mod support;

use std::{
    io::Read,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use support::{browser, root};

/// A request in a line, with the WebSocket messages that belong to it.
fn line(method: &Value, url: &Value, status: &Value, messages: usize) -> String {
    // DevTools shows 0 where a request got no answer, however the HAR writes that.
    let status = status.as_i64().unwrap_or_default().max(0);
    format!("{} {} {status} {messages}", method.as_str().unwrap(), url.as_str().unwrap())
}

fn written(har: &str) -> Vec<String> {
    let har: Value = serde_json::from_str(har).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    let request = |entry: &Value| {
        let messages = entry["_webSocketMessages"].as_array().map_or(0, Vec::len);
        line(&entry["request"]["method"], &entry["request"]["url"], &entry["response"]["status"], messages)
    };
    entries.iter().map(request).collect()
}

/// Reads to the end of the page.
fn whole_page(mut from: impl Read) -> String {
    let (mut page, mut buffer) = (Vec::new(), [0; 4096]);
    while !page.trim_ascii_end().ends_with(b"</html>") {
        match from.read(&mut buffer).unwrap() {
            0 => break,
            read => page.extend_from_slice(&buffer[..read]),
        }
    }
    String::from_utf8(page).unwrap()
}

/// What DevTools makes of `har`; `None` where this browser carries no importer, which is said.
fn imported(browser: &str, har: &str, folder: &Path) -> Option<Vec<String>> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // A script element ends at the first `</`, wherever that stands.
    let har = har.replace("</", "<\\/");
    let page = format!(
        r#"<body><script type="module">
        try {{
            const {{HARFormat, Importer}} = await import("http://localhost:{port}/devtools/models/har/har.js");
            const requests = Importer.Importer.requestsFromHARLog(new HARFormat.HARRoot({har}).log);
            const rows = requests.map(r => [r.requestMethod, r.url(), r.statusCode, r.frames().length]);
            document.body.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(rows))));
        }} catch (error) {{ document.body.textContent = "!" + error; }}
        </script>"#
    );
    let path = folder.join("page.html");
    std::fs::write(&path, page).unwrap();
    let mut browser = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom"])
        // The page asks the browser's own debugging port for the importer that DevTools is made of.
        .args(["--disable-web-security", "--virtual-time-budget=20000", &format!("--remote-debugging-port={port}")])
        .args([&format!("--user-data-dir={}", folder.join("profile").display()), &format!("file://{}", path.display())])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let dom = whole_page(browser.stdout.take().unwrap());
    // With its debugging port open it does not end by itself.
    browser.kill().unwrap();
    browser.wait().unwrap();
    let body = dom.split_once("<body>").and_then(|(_, rest)| rest.split_once("</body>")).expect(&dom).0;
    if let Some(error) = body.strip_prefix('!').filter(|error| error.contains("dynamically imported module")) {
        println!("SKIPPED: this Chromium carries no DevTools importer: {error}");
        return None;
    }
    use base64::Engine as _;
    let rows = base64::engine::general_purpose::STANDARD.decode(body.trim()).expect(body);
    let rows: Vec<[Value; 4]> = serde_json::from_slice(&rows).unwrap();
    let messages = |count: &Value| usize::try_from(count.as_u64().unwrap()).unwrap();
    Some(rows.iter().map(|[method, url, status, count]| line(method, url, status, messages(count))).collect())
}

#[test]
fn converted_captures_open_in_devtools() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    for capture in ["race.pcapng", "websocket-403.har", "issuer.pcapng.gz"] {
        let out = folder.path().join("converted.har");
        let status = Command::new(env!("CARGO_BIN_EXE_authtrace"))
            .args(["convert", "-q", "-o"])
            .args([&out, &root().join("captures").join(capture)])
            .status();
        assert_eq!(status.unwrap().code(), Some(0), "{capture}");
        let har = std::fs::read_to_string(&out).unwrap();
        let Some(rows) = imported(browser, &har, folder.path()) else { return };
        assert!(!rows.is_empty());
        assert_eq!(rows, written(&har), "{capture}");
    }
}
