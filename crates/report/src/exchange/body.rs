//! A body as lines: JSON indented, forms field by field, text as it is; every value concealed.

use authtrace_analyze::private::is_private;
use authtrace_parse::{Body, Content};
use serde_json::Value;

use super::conceal::{Conceal, hidden};
use crate::{moment::bytes, page::Page, style::Ink};

/// Lines of one body that are shown.
const SHOWN: usize = 2000;
/// Levels of JSON that are unfolded.
const DEEPEST: usize = 32;

/// Writes `body` under the heading `title`.
pub(super) fn write(page: &mut Page, title: &str, body: &Body, conceal: &Conceal<'_>) {
    let mime = body.mime.as_deref().unwrap_or("no media type");
    let size = body.size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    let about = match &body.content {
        Content::Unknown | Content::Empty => state(body).to_owned(),
        Content::Text { cut: false, .. } => format!("{mime}{size}"),
        _ => format!("{mime}{size}, {}", state(body)),
    };
    page.blank();
    page.para(0, Ink::Bold, &format!("{title}  {about}"));
    let Some(text) = body.text().filter(|text| !text.is_empty()) else { return };
    write_text(page, 2, body.essence().as_deref(), text.expose(), conceal);
}

/// What is known of the content, in a few words.
pub(super) fn state(body: &Body) -> &'static str {
    match &body.content {
        Content::Unknown => "not stated",
        Content::Empty => "empty",
        Content::NotCaptured => "not in the capture",
        Content::Skipped => "not read",
        Content::Text { cut: true, .. } => "cut",
        Content::Text { cut: false, .. } => "whole",
    }
}

/// The text of `body`, every value concealed; JSON is indented.
pub(super) fn shown(body: &Body, conceal: &Conceal<'_>) -> Option<String> {
    let text = body.text().filter(|text| !text.is_empty())?;
    Some(joined(body.essence().as_deref(), text.expose(), conceal))
}

/// `text` of the media type `mime` on lines, every value concealed.
pub(super) fn joined(mime: Option<&str>, text: &str, conceal: &Conceal<'_>) -> String {
    let lines = lines(mime, text, conceal);
    let line = |(depth, line): &(usize, String)| format!("{}{line}", "  ".repeat(*depth));
    let mut shown: Vec<String> = lines.iter().take(SHOWN).map(line).collect();
    shown.extend((lines.len() > SHOWN).then(|| "…".to_owned()));
    shown.join("\n")
}

/// Writes `text` of the media type `mime`, indented by `indent`.
pub(super) fn write_text(page: &mut Page, indent: usize, mime: Option<&str>, text: &str, conceal: &Conceal<'_>) {
    let lines = lines(mime, text, conceal);
    for (depth, line) in lines.iter().take(SHOWN) {
        page.para(indent + 2 * depth, Ink::Plain, line);
    }
    if lines.len() > SHOWN {
        page.para(indent, Ink::Dim, &format!("and {} more lines", lines.len() - SHOWN));
    }
}

/// Whether content of this media type is text, in which names tell what must not be shown: in binary content (protobuf, CBOR,
/// an archive) nothing tells a password from the rest.
fn is_text(mime: Option<&str>, text: &str) -> bool {
    const TYPES: &[&str] =
        &["json", "xml", "javascript", "ecmascript", "urlencoded", "graphql", "yaml", "html", "jwt", "csv"];
    let textual = |mime: &str| {
        mime.starts_with("text/") || mime.starts_with("multipart/") || TYPES.iter().any(|word| mime.contains(word))
    };
    mime.is_none_or(textual) && !is_binary(text)
}

fn is_binary(text: &str) -> bool {
    text.chars().any(|c| c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_whitespace() && c != '\u{1e}'))
}

/// Lines, each with its depth.
fn lines(mime: Option<&str>, text: &str, conceal: &Conceal<'_>) -> Vec<(usize, String)> {
    if !is_text(mime, text) {
        return vec![(0, "‹binary content›".to_owned())];
    }
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        let mut lines = Vec::new();
        Printer { conceal, lines: &mut lines }.value("", "", &value, 0, "");
        return lines;
    }
    if mime == Some("application/x-www-form-urlencoded") {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).take(SHOWN);
        let line = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // In a form `code` is an authorization code; in a server's JSON it names an error.
            let shown = if name == "code" { hidden(value) } else { conceal.value(name, value) };
            (0, format!("{} = {shown}", conceal.text(name)))
        };
        return pairs.map(line).collect();
    }
    text.lines().take(SHOWN + 1).map(|line| (0, conceal.text(line))).collect()
}

/// Writes JSON, one member a line.
struct Printer<'a, 'c> {
    conceal: &'a Conceal<'c>,
    lines: &'a mut Vec<(usize, String)>,
}

impl Printer<'_, '_> {
    /// `label` stands before the value, `end` behind it; `name` is the member that the value belongs to, through arrays.
    fn value(&mut self, label: &str, name: &str, value: &Value, depth: usize, end: &str) {
        if self.lines.len() > SHOWN {
            return;
        }
        match value {
            Value::Object(members) if !members.is_empty() && depth < DEEPEST => {
                self.lines.push((depth, format!("{label}{{")));
                let last = members.len() - 1;
                for (index, (key, inner)) in members.iter().enumerate() {
                    let end = if index < last { "," } else { "" };
                    self.value(&format!("{}: ", quoted(&self.conceal.text(key))), key, inner, depth + 1, end);
                }
                self.lines.push((depth, format!("}}{end}")));
            }
            Value::Array(items) if !items.is_empty() && depth < DEEPEST => {
                self.lines.push((depth, format!("{label}[")));
                let last = items.len() - 1;
                for (index, inner) in items.iter().enumerate() {
                    self.value("", name, inner, depth + 1, if index < last { "," } else { "" });
                }
                self.lines.push((depth, format!("]{end}")));
            }
            other => self.lines.push((depth, format!("{label}{}{end}", self.scalar(name, other)))),
        }
    }

    fn scalar(&self, name: &str, value: &Value) -> String {
        match value {
            Value::String(text) => quoted(&self.conceal.value(name, text)),
            Value::Number(number) if is_private(name) => hidden(&number.to_string()),
            Value::Object(members) if !members.is_empty() => "{…}".to_owned(),
            Value::Array(items) if !items.is_empty() => "[…]".to_owned(),
            other => other.to_string(),
        }
    }
}

/// As JSON writes a string; what was put in place of a secret stands without quotes.
fn quoted(text: &str) -> String {
    if text.starts_with('‹') && text.ends_with('›') {
        return text.to_owned();
    }
    serde_json::to_string(text).unwrap_or_default()
}
