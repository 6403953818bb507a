//! A HAR to be changed: find an entry, change a part of it, add one.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A HAR in memory.
#[derive(Clone)]
pub(crate) struct Har(Value);

impl Har {
    /// Reads `path`.
    pub(crate) fn read(path: &Path) -> Self {
        Self(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    /// Writes it into `folder` under `name`.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(format!("{name}.har"));
        std::fs::write(&path, self.0.to_string()).unwrap();
        path
    }

    fn entries(&mut self) -> &mut Vec<Value> {
        self.0["log"]["entries"].as_array_mut().unwrap()
    }

    /// The last entry whose request is `METHOD path`, where the path is compared without host and query.
    #[track_caller]
    pub(crate) fn entry(&mut self, route: &str) -> Entry<'_> {
        let found = self.entries().iter_mut().rfind(|entry| route_of(entry) == route);
        Entry(found.unwrap_or_else(|| panic!("no entry {route}")))
    }

    /// Appends an exchange `seconds` after the last one.
    pub(crate) fn add(&mut self, seconds: i64, method: &str, url: &str, status: u16) -> Entry<'_> {
        self.add_ms(seconds * 1000, method, url, status)
    }

    /// Removes every entry whose request is `METHOD path`.
    pub(crate) fn remove(&mut self, route: &str) {
        self.entries().retain(|entry| route_of(entry) != route);
    }

    /// Removes what a sanitised export leaves out: `Authorization`, `Cookie` and `Set-Cookie`.
    pub(crate) fn sanitize(&mut self) {
        for entry in self.entries() {
            for side in ["request", "response"] {
                for name in ["Authorization", "Cookie", "Set-Cookie"] {
                    set(&mut entry[side]["headers"], name, "");
                }
            }
        }
    }

    /// Changes every entry that was answered 401 or 403.
    pub(crate) fn each_refused(&mut self, change: impl Fn(Entry<'_>)) {
        self.entries().iter_mut().filter(|entry| is_refused(entry)).for_each(|entry| change(Entry(entry)));
    }

    /// Removes every entry that was answered 401 or 403.
    pub(crate) fn remove_refused(&mut self) {
        self.entries().retain(|entry| !is_refused(entry));
    }

    /// Removes every entry that got no answer.
    pub(crate) fn remove_unanswered(&mut self) {
        self.entries().retain(|entry| entry["response"]["status"].as_i64().is_some_and(|status| status > 0));
    }

    /// Lists the last `n` entries once more.
    pub(crate) fn repeat(&mut self, n: usize) {
        let entries = self.entries();
        let again = entries[entries.len() - n..].to_vec();
        entries.extend(again);
    }

    /// Appends an exchange `ms` milliseconds after the last one.
    pub(crate) fn add_ms(&mut self, ms: i64, method: &str, url: &str, status: u16) -> Entry<'_> {
        let last = self.entries().iter().filter_map(|e| e["startedDateTime"].as_str()?.parse::<jiff::Timestamp>().ok());
        let at = last.max().unwrap() + jiff::SignedDuration::from_millis(ms);
        let host = url.split('/').nth(2).unwrap_or_default();
        let entry = json!({
            "startedDateTime": at.to_string(), "time": 20, "_resourceType": "fetch",
            "request": {"method": method, "url": url, "httpVersion": "HTTP/1.1", "cookies": [], "queryString": [],
                        "headers": [{"name": "Host", "value": host}], "headersSize": -1, "bodySize": 0},
            "response": {"status": status, "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [], "headers": [],
                         "content": {"size": 0, "mimeType": ""}, "redirectURL": "", "headersSize": -1, "bodySize": 0},
            "cache": {}, "timings": {"send": 0, "wait": 20, "receive": 0},
        });
        self.entries().push(entry);
        Entry(self.entries().last_mut().unwrap())
    }
}

fn is_refused(entry: &Value) -> bool {
    matches!(entry["response"]["status"].as_u64(), Some(401 | 403))
}

fn route_of(entry: &Value) -> String {
    let url = entry["request"]["url"].as_str().unwrap_or_default();
    let path = url.split_once("://").and_then(|(_, rest)| Some(&rest[rest.find('/')?..])).unwrap_or("/");
    format!(
        "{} {}",
        entry["request"]["method"].as_str().unwrap_or_default(),
        path.split('?').next().unwrap_or_default()
    )
}

/// One entry, to be changed.
pub(crate) struct Entry<'a>(&'a mut Value);

impl Entry<'_> {
    /// Sets a request header; an empty value removes it.
    pub(crate) fn request_header(self, name: &str, value: &str) -> Self {
        set(&mut self.0["request"]["headers"], name, value);
        self
    }

    /// Sets a response header; an empty value removes it.
    pub(crate) fn response_header(self, name: &str, value: &str) -> Self {
        set(&mut self.0["response"]["headers"], name, value);
        self
    }

    /// The value of a request header.
    pub(crate) fn header(&self, name: &str) -> String {
        let headers = self.0["request"]["headers"].as_array().unwrap();
        let field = headers.iter().find(|h| h["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name)));
        field.unwrap()["value"].as_str().unwrap().to_owned()
    }

    /// Replaces the URL.
    pub(crate) fn url(self, url: &str) -> Self {
        self.0["request"]["url"] = url.into();
        self
    }

    /// Replaces the status.
    pub(crate) fn status(self, status: u16) -> Self {
        self.0["response"]["status"] = status.into();
        self
    }

    /// Makes it a navigation.
    pub(crate) fn document(self) -> Self {
        self.0["_resourceType"] = "document".into();
        self
    }

    /// Replaces the request body by a form.
    pub(crate) fn form(self, text: &str) -> Self {
        self.0["request"]["postData"] = json!({"mimeType": "application/x-www-form-urlencoded", "text": text});
        self
    }

    /// Replaces the response body.
    pub(crate) fn answer(self, text: &str) -> Self {
        let mime = if text.starts_with('{') { "application/json" } else { "text/html" };
        self.0["response"]["content"] = json!({"size": text.len(), "mimeType": mime, "text": text});
        self
    }

    /// Replaces the request body by JSON.
    pub(crate) fn json(self, text: &str) -> Self {
        self.0["request"]["postData"] = json!({"mimeType": "application/json", "text": text});
        self
    }

    /// Drops the text of the response body, as browsers do when a page is left.
    pub(crate) fn without_body(self) -> Self {
        self.0["response"]["content"] = json!({"size": 120, "mimeType": "application/json"});
        self
    }

    /// Makes `function` of `file` the place that sent it.
    pub(crate) fn call_site(self, function: &str, file: &str) -> Self {
        let url = format!("https://app.x.dev/js/{file}");
        let frame = json!({"functionName": function, "scriptId": "9", "url": url, "lineNumber": 7, "columnNumber": 3});
        self.0["_initiator"] = json!({"type": "script", "stack": {"callFrames": [frame]}});
        self
    }

    /// Keeps the answer from the page, or the request from leaving: the browser's words for it.
    pub(crate) fn error(self, text: &str) -> Self {
        self.0["response"]["_error"] = text.into();
        self
    }

    /// Leaves only what a script set of the request's headers, as browsers list them when nothing was sent.
    pub(crate) fn provisional(self) -> Self {
        let headers = self.0["request"]["headers"].as_array_mut().unwrap();
        headers.retain(|h| h["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case("authorization")));
        self.0["response"]["headers"] = json!([]);
        self
    }

    /// Says which address answered.
    pub(crate) fn server(self, address: &str) -> Self {
        self.0["serverIPAddress"] = address.into();
        self
    }

    /// Makes it a preflight.
    pub(crate) fn preflight(self) -> Self {
        self.0["_resourceType"] = "preflight".into();
        self
    }

    /// Appends a message of the server to a WebSocket; opcode 8 closes it.
    pub(crate) fn receive(self, opcode: u8, data: &str) -> Self {
        let messages = self.0["_webSocketMessages"].as_array_mut().unwrap();
        let time = messages.last().map_or(json!(0), |last| last["time"].clone());
        messages.push(json!({"type": "receive", "time": time, "opcode": opcode, "data": data}));
        self
    }

    /// Forgets the messages of a WebSocket.
    pub(crate) fn without_messages(self) -> Self {
        self.0["_webSocketMessages"] = json!([]);
        self
    }
}

fn set(headers: &mut Value, name: &str, value: &str) {
    let headers = headers.as_array_mut().unwrap();
    headers.retain(|h| !h["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name)));
    if !value.is_empty() {
        headers.push(json!({"name": name, "value": value}));
    }
}
