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
        let last = self.entries().iter().filter_map(|e| e["startedDateTime"].as_str()?.parse::<jiff::Timestamp>().ok());
        let at = last.max().unwrap() + jiff::SignedDuration::from_secs(seconds);
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
