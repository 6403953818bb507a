//! One entry: every string of it, by its place.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    body::{self, Owner},
    encoded::Encoding,
    json::{self, Edit, Step},
    names::Sort,
    redactor::{Redactor, mask},
};

/// The entry with its secrets replaced; `None` where it is no JSON object.
pub fn redact(redactor: &mut Redactor, text: &str) -> Option<String> {
    let entry: Value = serde_json::from_str(text).ok().filter(Value::is_object)?;
    Some(json::rewrite(text, &mut Entry { redactor, entry: &entry }))
}

struct Entry<'r, 'e> {
    redactor: &'r mut Redactor,
    /// The whole entry, for what a string's neighbours say of it.
    entry: &'e Value,
}

/// A place in an entry: names of members, `#` for elements.
fn keys(path: &[Step]) -> Vec<&str> {
    path.iter().map(Step::name).collect()
}

impl Entry<'_, '_> {
    /// The text of member `name` beside the value at `path`.
    fn sibling(&self, path: &[Step], name: &str) -> Option<&str> {
        let (_, parents) = path.split_last()?;
        let parent = parents.iter().try_fold(self.entry, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        });
        parent?.get(name)?.as_str()
    }

    fn status(&self) -> Option<u16> {
        let status = self.entry.pointer("/response/status")?;
        let number = status.as_f64().or_else(|| status.as_str()?.trim().parse().ok())?;
        (100.0..1000.0).contains(&number).then_some(number as u16)
    }

    fn owner(&self, response: bool) -> Owner {
        if response { Owner::of_status(self.status()) } else { Owner::Request }
    }

    /// The media type of a stored body: its own, or the one that the header field states.
    fn mime(&self, path: &[Step], response: bool) -> Option<String> {
        let own = self.sibling(path, "mimeType").filter(|mime| !mime.is_empty() && *mime != "x-unknown");
        own.map(str::to_owned).or_else(|| {
            let headers = self.entry.pointer(if response { "/response/headers" } else { "/request/headers" })?;
            let is_type =
                |field: &&Value| field["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("content-type"));
            Some(headers.as_array()?.iter().find(is_type)?["value"].as_str()?.to_owned())
        })
    }

    fn body(&mut self, path: &[Step], response: bool, text: &str) -> String {
        let (owner, mime) = (self.owner(response), self.mime(path, response));
        let encoding = self.sibling(path, "encoding").or_else(|| self.sibling(path, "_encoding"));
        if !encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64")) {
            return self.redactor.body(owner, mime.as_deref(), text).unwrap_or_default();
        }
        let bytes = STANDARD.decode(text.split_whitespace().collect::<String>()).ok();
        let inner = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|_| body::is_text(mime.as_deref()));
        match inner {
            Some(inner) => {
                self.redactor.body(owner, mime.as_deref(), &inner).map(|made| STANDARD.encode(made)).unwrap_or_default()
            }
            None => {
                self.redactor.receipt.left_out("body in base64 that is no text", text.len() / 4 * 3);
                String::new()
            }
        }
    }

    fn message(&mut self, path: &[Step], text: &str) -> String {
        let (_, parents) = path.split_last().unwrap_or((&Step::Index(0), &[]));
        let index = parents.iter().rev().find_map(|step| match step {
            Step::Index(index) => Some(*index),
            Step::Key(_) => None,
        });
        let message = index.and_then(|index| self.entry["_webSocketMessages"].get(index));
        let opcode = message.and_then(|message| message["opcode"].as_f64());
        let kind = message.and_then(|message| message["type"].as_str());
        match (kind, opcode) {
            (Some("error" | "close"), _) => self.redactor.free(text),
            (_, Some(8.0)) => self.redactor.free(text),
            (_, None | Some(1.0)) => self.redactor.message(text),
            _ => {
                self.redactor.receipt.left_out("binary WebSocket message", text.len() / 4 * 3);
                String::new()
            }
        }
    }

    /// A header field's value, listed as an object with a name or as a member.
    fn header(&mut self, path: &[Step], response: bool, text: &str) -> String {
        let listed = self.sibling(path, "name").filter(|_| json::name(path) == "value").map(str::to_owned);
        let name = listed.unwrap_or_else(|| json::name(path).to_owned());
        self.redactor.header(response, &name, text)
    }
}

impl Edit for Entry<'_, '_> {
    fn string(&mut self, path: &[Step], text: &str) -> Option<String> {
        let keys = keys(path);
        let side = |name: &str| name == "response";
        Some(match keys.as_slice() {
            ["request", "url"] | ["response", "redirectURL"] => {
                self.redactor.at("url");
                self.redactor.url(text)
            }
            [_, "headers", .., "name"] | [_, "cookies" | "queryString", _, "name"] => self.redactor.kept(text),
            [message @ ("request" | "response"), "headers", ..] => self.header(path, side(message), text),
            ["_authtrace", "trailers", ..] => self.header(path, true, text),
            [message @ ("request" | "response"), "cookies", _, "value"] => {
                self.redactor.at(if side(message) { "response.cookie" } else { "request.cookie" });
                self.redactor.cookie(text)
            }
            ["request", list @ ("queryString" | "postData"), .., "value"] => {
                let name = self.sibling(path, "name").unwrap_or_default().to_owned();
                let place = if *list == "postData" { "request.body" } else { "request.query" };
                self.redactor.at(place);
                self.redactor.parameter(&name, text, Encoding::Percent)
            }
            ["request", "postData", .., "fileName"] => mask(text),
            ["request", "postData", "text"] => self.body(path, false, text),
            ["response", "content", "text"] => self.body(path, true, text),
            // JSON that a tool embedded as it came.
            ["request", "postData", "text", ..] => {
                return body::Document::new(self.redactor, Owner::Request).string(&path[3..], text);
            }
            ["response", "content", "text", ..] => {
                let owner = self.owner(true);
                return body::Document::new(self.redactor, owner).string(&path[3..], text);
            }
            [.., "_file"] => {
                self.redactor.receipt.not_understood("body in a file beside the HAR: not copied", 1);
                String::new()
            }
            ["_webSocketMessages", _, "data"] => self.message(path, text),
            [
                "startedDateTime" | "pageref" | "serverIPAddress" | "connection" | "_connectionId" | "_resourceType",
                ..,
            ]
            | [_, "method" | "httpVersion" | "mimeType" | "encoding" | "statusText"]
            | [_, _, "mimeType" | "encoding"]
            | ["_authtrace", ..] => self.redactor.kept(text),
            _ => {
                self.redactor.at("other");
                match json::sort(path) {
                    Sort::Url => self.redactor.link(text),
                    Sort::Private if keys.first().is_none_or(|key| *key != "_initiator") => {
                        self.redactor.value("credential", text)
                    }
                    _ => self.redactor.free(text),
                }
            }
        })
    }

    fn number(&mut self, path: &[Step], digits: &str) -> Option<String> {
        let keys = keys(path);
        match keys.as_slice() {
            ["request", "postData", "text", ..] => {
                body::Document::new(self.redactor, Owner::Request).number(&path[3..], digits)
            }
            ["response", "content", "text", ..] => {
                let owner = self.owner(true);
                body::Document::new(self.redactor, owner).number(&path[3..], digits)
            }
            _ => None,
        }
    }
}
