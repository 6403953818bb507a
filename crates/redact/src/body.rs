//! Bodies and messages, by what they are: JSON, a form, parts, markup, or text. Anything else is not copied.

use crate::{
    encoded::Encoding,
    json::{self, Edit, Step},
    markup,
    names::{self, Sort},
    redactor::{Redactor, mask},
};

/// Whose body it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A request's.
    Request,
    /// A refusal's: it says what is wrong, in words that nobody knows beforehand.
    Refusal,
    /// Any other response's.
    Answer,
    /// A WebSocket message.
    Message,
}

impl Owner {
    /// Of a response with this status.
    pub(crate) fn of_status(status: Option<u16>) -> Self {
        if status.is_some_and(|status| status >= 400) { Self::Refusal } else { Self::Answer }
    }
}

/// How a body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Parameters,
    Parts,
    Markup,
    Text,
}

/// What a body of the media type `mime` that reads `text` is; `None` for what is not copied.
fn form(mime: Option<&str>, text: &str) -> Option<Form> {
    let mime = mime.unwrap_or_default().to_ascii_lowercase();
    let start = text.trim_start();
    if start.starts_with(['{', '[']) && !mime.contains("javascript") {
        return Some(Form::Json);
    }
    match mime.as_str() {
        _ if mime.contains("urlencoded") => Some(Form::Parameters),
        _ if mime.starts_with("multipart/") => Some(Form::Parts),
        _ if mime.contains("html") || mime.contains("xml") && !mime.contains("svg") => Some(Form::Markup),
        _ if mime.contains("json") => Some(Form::Json),
        "text/css" | "text/javascript" => None,
        _ if mime.starts_with("text/") || mime.is_empty() || mime == "x-unknown" => {
            let form = text.contains('=') && !text.contains(['\n', ' ', '<', '{']);
            Some(if form {
                Form::Parameters
            } else if start.starts_with('<') {
                Form::Markup
            } else {
                Form::Text
            })
        }
        _ => None,
    }
}

/// Whether a body of this media type may be copied at all, once redacted.
pub(crate) fn is_text(mime: Option<&str>) -> bool {
    form(mime, "").is_some()
}

impl Redactor {
    /// A body with its secrets replaced, of as many bytes; `None` where it is of a sort that is not copied.
    pub(crate) fn body(&mut self, owner: Owner, mime: Option<&str>, text: &str) -> Option<String> {
        self.at(match owner {
            Owner::Request => "request.body",
            Owner::Refusal | Owner::Answer => "response.body",
            Owner::Message => "websocket.message",
        });
        match form(mime, text) {
            Some(Form::Json) => Some(self.json(owner, text)),
            Some(Form::Parameters) => Some(self.parameters(text, Encoding::Form)),
            Some(Form::Parts) => Some(self.parts(text)),
            Some(Form::Markup) => Some(markup::rewrite(self, text, owner == Owner::Refusal)),
            Some(Form::Text) => Some(self.prose(owner, text)),
            None => {
                self.receipt.left_out(&format!("body of type {}", essence(mime)), text.len());
                None
            }
        }
    }

    /// A WebSocket message: JSON, also behind a prefix as Socket.IO writes it, or text.
    pub(crate) fn message(&mut self, text: &str) -> String {
        self.at("websocket.message");
        let head = text
            .find(['{', '['])
            .filter(|at| text[..*at].bytes().all(|b| b.is_ascii_alphanumeric() || b"/,-".contains(&b)) && *at <= 32);
        match head {
            Some(at) => format!("{}{}", self.free(&text[..at]), self.json(Owner::Message, &text[at..])),
            None if text.len() <= 8 => self.kept(text),
            None => self.prose(Owner::Message, text),
        }
    }

    fn json(&mut self, owner: Owner, text: &str) -> String {
        json::rewrite(text, &mut Document::new(self, owner))
    }

    /// Text without a structure.
    fn prose(&mut self, owner: Owner, text: &str) -> String {
        match owner {
            Owner::Refusal => self.free(text),
            _ if text.split_whitespace().count() <= 1 => self.unknown(text),
            _ => {
                let known = self.free(text);
                let masked = mask(&known);
                if masked != text {
                    self.receipt.replaced("content", "text");
                }
                masked
            }
        }
    }

    /// multipart/form-data (RFC 7578): the fields' heads stay, their values do not.
    fn parts(&mut self, text: &str) -> String {
        let Some(boundary) = text.lines().next().filter(|line| line.starts_with("--") && line.len() > 2) else {
            return mask(text);
        };
        text.split(boundary)
            .map(|part| {
                match part
                    .split_once("\r\n\r\n")
                    .map(|(head, value)| (head, value, "\r\n\r\n"))
                    .or_else(|| part.split_once("\n\n").map(|(head, value)| (head, value, "\n\n")))
                {
                    Some((head, value, gap)) => {
                        let bare = value.trim_end_matches(['\r', '\n']);
                        let file = head.contains("filename");
                        let made = if file || bare.contains('\n') { mask(bare) } else { self.value("content", bare) };
                        if file {
                            self.receipt.replaced("file", "request.body");
                        }
                        format!("{}{gap}{made}{}", self.part_head(head), &value[bare.len()..])
                    }
                    None => part.to_owned(),
                }
            })
            .collect::<Vec<_>>()
            .join(boundary)
    }

    /// The name of a file may name a person.
    fn part_head(&mut self, head: &str) -> String {
        match head.split_once("filename=\"").and_then(|(before, rest)| Some((before, rest.split_once('"')?))) {
            Some((before, (name, after))) => format!("{before}filename=\"{}\"{after}", mask(name)),
            None => head.to_owned(),
        }
    }
}

/// A media type without its parameters, as far as it is one.
fn essence(mime: Option<&str>) -> String {
    let mime = mime.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let sound =
        !mime.is_empty() && mime.len() <= 64 && mime.bytes().all(|b| b.is_ascii_alphanumeric() || b"/+-.".contains(&b));
    if sound { mime } else { "unknown".to_owned() }
}

/// The policy for JSON.
pub(crate) struct Document<'r> {
    redactor: &'r mut Redactor,
    owner: Owner,
}

impl<'r> Document<'r> {
    /// For a document of `owner`.
    pub(crate) fn new(redactor: &'r mut Redactor, owner: Owner) -> Self {
        Self { redactor, owner }
    }

    fn sort(&self, path: &[Step]) -> Sort {
        match (json::sort(path), json::name(path)) {
            // In a request a code is a credential, in an answer it names an error.
            (Sort::Shown, "code") if self.owner == Owner::Request => Sort::Private,
            (sort, _) => sort,
        }
    }
}

impl Document<'_> {
    /// A value that stays; a sentence only where it says what went wrong.
    fn shown(&mut self, path: &[Step], text: &str) -> String {
        let name = json::name(path);
        if !names::is_prose(name) {
            // Codes of errors are short; a code that grants something is not.
            return if name == "code" { self.redactor.free(text) } else { self.redactor.kept(text) };
        }
        let within_error = path.iter().any(|step| step.name().to_ascii_lowercase().starts_with("error"));
        let wrong = self.owner == Owner::Refusal || within_error || markup::is_telling(text);
        if wrong { self.redactor.free(text) } else { self.redactor.unknown(text) }
    }
}

impl Edit for Document<'_> {
    fn string(&mut self, path: &[Step], text: &str) -> Option<String> {
        let redactor = &mut *self.redactor;
        if json::name(path) == "query" && text.contains('{') {
            return Some(graphql(redactor, text));
        }
        Some(match self.sort(path) {
            Sort::Shown => self.shown(path, text),
            Sort::Url => self.redactor.link(text),
            Sort::Private => self.redactor.value("credential", text),
            Sort::Personal => self.redactor.value("personal", text),
            Sort::Unknown if self.owner == Owner::Refusal => self.redactor.free(text),
            Sort::Unknown => self.redactor.unknown(text),
        })
    }

    fn number(&mut self, path: &[Step], digits: &str) -> Option<String> {
        let hidden = match self.sort(path) {
            Sort::Private | Sort::Personal => true,
            Sort::Shown | Sort::Url => false,
            // Card, account and phone numbers; times have thirteen digits at most and begin with 1.
            Sort::Unknown => digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit()) && !is_epoch(digits),
        };
        hidden.then(|| self.redactor.value("number", digits))
    }

    fn key(&mut self, path: &[Step]) -> Option<String> {
        let Some(Step::Key(name)) = path.last() else { return None };
        let odd = name.len() >= 16 || name.contains('@');
        odd.then(|| self.redactor.free(name))
    }
}

fn is_epoch(digits: &str) -> bool {
    matches!(digits.len(), 10 | 13) && digits.starts_with('1')
}

/// A GraphQL document: its literals are values like others.
fn graphql(redactor: &mut Redactor, text: &str) -> String {
    let parts: Vec<String> = text
        .split('"')
        .enumerate()
        .map(|(index, part)| if index % 2 == 1 { redactor.value("content", part) } else { redactor.free(part) })
        .collect();
    parts.join("\"")
}
