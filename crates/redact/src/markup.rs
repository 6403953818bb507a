//! HTML and XML: elements stay, so that a login page is seen to be one; texts, values and addresses do not.

use crate::redactor::{Redactor, mask};

/// Words for which the text around them stays: pages of providers say in a sentence what went wrong.
const TELLING: &[&str] = &[
    "error",
    "invalid",
    "mismatch",
    "denied",
    "required",
    "failed",
    "aadsts",
    "expired",
    "unauthorized",
    "forbidden",
    "not found",
];

/// Whether a sentence says that something went wrong.
pub(crate) fn is_telling(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    TELLING.iter().any(|word| lower.contains(word))
}

/// Rewrites `text`; of a refusal, sentences stay.
pub(crate) fn rewrite(redactor: &mut Redactor, text: &str, refusal: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // The element whose text comes next, where that text is of a sort of its own.
    let mut inside = "";
    while !rest.is_empty() {
        let end = match inside {
            "script" | "style" => find_end(rest, inside),
            _ => rest.find('<').unwrap_or(rest.len()),
        };
        let (content, after) = rest.split_at(end);
        out.push_str(&self::content(redactor, content, inside, refusal));
        let tag_end = after.find('>').map_or(after.len(), |at| at + 1);
        let (tag, next) = after.split_at(tag_end);
        out.push_str(&self::tag(redactor, tag));
        inside = ["script", "style", "title"].into_iter().find(|name| is_start(tag, name)).unwrap_or("");
        rest = next;
    }
    out
}

/// Where the element called `name` ends.
fn find_end(text: &str, name: &str) -> usize {
    let close = format!("</{name}");
    text.match_indices('<')
        .map(|(at, _)| at)
        .find(|at| text[*at..].get(..close.len()).is_some_and(|t| t.eq_ignore_ascii_case(&close)))
        .unwrap_or(text.len())
}

fn is_start(tag: &str, name: &str) -> bool {
    tag.get(1..=name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        && tag.as_bytes().get(name.len() + 1).is_some_and(|b| !b.is_ascii_alphanumeric())
}

fn content(redactor: &mut Redactor, text: &str, inside: &str, refusal: bool) -> String {
    let lower = text.to_ascii_lowercase();
    match inside {
        "style" => text.to_owned(),
        "script" if lower.contains("error") || lower.contains("location") || lower.contains("postmessage") => {
            script(redactor, text)
        }
        "script" => {
            if !text.trim().is_empty() {
                redactor.receipt.replaced("script", "response.body");
            }
            mask(text)
        }
        "title" => redactor.free(text),
        _ if refusal || is_telling(text) => redactor.free(text),
        _ if text.trim().is_empty() => text.to_owned(),
        _ => {
            redactor.receipt.replaced("text of a page", "response.body");
            mask(text)
        }
    }
}

/// A script that tells another window what went wrong: its string literals are values.
fn script(redactor: &mut Redactor, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = if rest[at..].starts_with('"') { '"' } else { '\'' };
        let (before, literal) = rest.split_at(at + 1);
        out.push_str(&redactor.free(before));
        let end = literal.find([quote, '\n']).unwrap_or(literal.len());
        let value = &literal[..end];
        let word =
            value.len() <= 32 && value.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-' || b == b' ');
        out.push_str(&match value {
            _ if word => redactor.free(value),
            _ if value.contains("://") || value.starts_with('/') => redactor.url(value),
            _ if value.contains('=') => redactor.parameters(value, crate::encoded::Encoding::Percent),
            _ => redactor.value("content", value),
        });
        rest = &literal[end..];
        if let Some(after) = rest.strip_prefix(quote) {
            out.push(quote);
            rest = after;
        }
    }
    out.push_str(&redactor.free(rest));
    out
}

/// Attributes of one tag.
fn tag(redactor: &mut Redactor, tag: &str) -> String {
    if tag.starts_with("<!--") || tag.starts_with("</") || !tag.contains('=') {
        return if tag.starts_with("<!--") { mask(tag) } else { tag.to_owned() };
    }
    let mut out = String::with_capacity(tag.len());
    let mut rest = tag;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = if rest[at..].starts_with('"') { '"' } else { '\'' };
        let (before, value) = rest.split_at(at + 1);
        out.push_str(&redactor.free(before));
        let end = value.find(quote).unwrap_or(value.len());
        let name = before.trim_end_matches(['"', '\'', '=', ' ']).rsplit([' ', '\n', '\t']).next().unwrap_or_default();
        out.push_str(&attribute(redactor, name, &value[..end]));
        rest = &value[end..];
        if let Some(after) = rest.strip_prefix(quote) {
            out.push(quote);
            rest = after;
        }
    }
    out.push_str(&redactor.free(rest));
    out
}

fn attribute(redactor: &mut Redactor, name: &str, value: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "href" | "src" | "action" | "formaction" | "srcset" | "poster" => redactor.url(value),
        "value" => redactor.value("content", value),
        "alt" | "title" | "content" | "placeholder" if !value.contains("url=") => redactor.free(value),
        name if name.starts_with("data-") => redactor.unknown(value),
        _ => redactor.free(value),
    }
}
