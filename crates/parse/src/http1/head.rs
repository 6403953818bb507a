//! Heads of HTTP/1 messages (RFC 9112 §2–§5): httparse reads the sound ones, a lenient reader the rest.

use std::{borrow::Cow, ops::Range};

use httparse::{EMPTY_HEADER, ParserConfig, Status};
use memchr::memchr_iter;

use crate::headers::Headers;

/// Fields that httparse reads without asking for more room; a head with more goes to the lenient reader.
const FIELDS: usize = 100;
/// The longest method that counts as one; the registered ones have at most 17 letters (`UPDATEREDIRECTREF`).
const METHOD: usize = 20;

/// What the first line of a message says.
pub(crate) enum StartLine<'a> {
    /// A request line.
    Request {
        /// Method, a token.
        method: &'a str,
        /// Request target as sent.
        target: &'a [u8],
        /// Minor version of HTTP/1.
        minor: u8,
    },
    /// A status line.
    Status {
        /// Three digits.
        code: u16,
    },
}

/// A head and its length in bytes, the empty line included.
pub(crate) struct Head<'a> {
    pub(crate) start: StartLine<'a>,
    pub(crate) headers: Headers,
    /// Bytes of the head, with its empty line.
    pub(crate) len: usize,
    /// Whether a line was not a field, or was folded: it was read as well as can be.
    pub(crate) odd: bool,
}

/// What the bytes at the start of a message are.
pub(crate) enum Reading<'a> {
    /// A whole head.
    Whole(Head<'a>),
    /// The start of one.
    Partial,
    /// Something else.
    Other,
}

/// Bytes of a first line in which its version is looked for.
const MOST_FIRST_LINE: usize = 16 * 1024;

/// Methods by which a request line without a version is known (RFC 9110 §9.3, RFC 5789).
const KNOWN_METHODS: [&[u8]; 9] =
    [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"];

/// Which side of the conversation is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Requests, from the client.
    Client,
    /// Responses, from the server.
    Server,
}

impl Side {
    /// The peer.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Reads the head at the start of `bytes`.
pub(crate) fn read(side: Side, bytes: &[u8]) -> Reading<'_> {
    if !may_begin(side, bytes) {
        return Reading::Other;
    }
    if let Some(head) = strict(side, bytes) {
        return Reading::Whole(head);
    }
    match end(bytes) {
        Some(len) => lenient(side, bytes, len).map_or(Reading::Other, Reading::Whole),
        None if first_line_fits(side, bytes) => Reading::Partial,
        None => Reading::Other,
    }
}

/// Reads what is there of a head whose rest was not captured; `None` without a whole first line.
pub(crate) fn read_cut(side: Side, bytes: &[u8]) -> Option<Head<'_>> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n')? + 1;
    lenient(side, &bytes[..whole], whole).map(|head| Head { odd: false, ..head })
}

/// Whether a message of `side` may begin with `bytes`, however few they are.
pub(crate) fn may_begin(side: Side, bytes: &[u8]) -> bool {
    match side {
        Side::Server => starts_alike(bytes, b"HTTP/"),
        Side::Client => {
            let letters = bytes.iter().take(METHOD + 1).take_while(|byte| is_method_byte(**byte)).count();
            letters > 0 && letters <= METHOD && bytes.get(letters).is_none_or(|byte| *byte == b' ')
        }
    }
}

/// Whether `bytes` begin with a whole first line of `side`.
pub(crate) fn begins(side: Side, bytes: &[u8]) -> bool {
    may_begin(side, bytes) && memchr::memchr(b'\n', bytes).is_some_and(|end| start_line(side, &bytes[..end]).is_some())
}

/// Whether `bytes` begin with a first line that names its version: enough to find the next message after a loss.
pub(crate) fn resumes(side: Side, bytes: &[u8]) -> bool {
    begins(side, bytes) && memchr::memmem::find(&bytes[..bytes.len().min(MOST_FIRST_LINE)], b"HTTP/").is_some()
}

/// Extension methods are registered in upper case with hyphens; lower case would make any word a method.
fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_')
}

/// Whether one begins with the other, without case.
fn starts_alike(bytes: &[u8], pattern: &[u8]) -> bool {
    let shared = bytes.len().min(pattern.len());
    bytes[..shared].eq_ignore_ascii_case(&pattern[..shared])
}

/// A first line that has not ended yet may go on; one that has must be one.
fn first_line_fits(side: Side, bytes: &[u8]) -> bool {
    memchr::memchr(b'\n', bytes).is_none_or(|end| start_line(side, &bytes[..end]).is_some())
}

fn strict(side: Side, bytes: &[u8]) -> Option<Head<'_>> {
    let mut fields = [EMPTY_HEADER; FIELDS];
    match side {
        Side::Client => {
            let mut request = httparse::Request::new(&mut fields);
            let Ok(Status::Complete(len)) = request.parse(bytes) else { return None };
            let start = StartLine::Request {
                method: request.method?,
                target: request.path?.as_bytes(),
                minor: request.version?,
            };
            Some(Head { start, headers: collect(request.headers), len, odd: false })
        }
        Side::Server => {
            let mut response = httparse::Response::new(&mut fields);
            let Ok(Status::Complete(len)) = ParserConfig::default().parse_response(&mut response, bytes) else {
                return None;
            };
            let start = StartLine::Status { code: response.code? };
            Some(Head { start, headers: collect(response.headers), len, odd: false })
        }
    }
}

fn collect(fields: &[httparse::Header<'_>]) -> Headers {
    let bytes = fields.iter().map(|field| field.name.len() + field.value.len()).sum();
    let mut headers = Headers::with_capacity(fields.len(), bytes);
    for field in fields {
        headers.push(field.name, &text(field.value));
    }
    headers
}

/// As text. Nearly all of them are ASCII, which is told faster in one go than replaced piece by piece.
fn text(value: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed)
}

/// Length of the head: up to and with the first empty line, whether lines end in CRLF or LF.
fn end(bytes: &[u8]) -> Option<usize> {
    let empty = |newline: &usize| match bytes.get(newline + 1) {
        Some(b'\n') => Some(newline + 2),
        Some(b'\r') if bytes.get(newline + 2) == Some(&b'\n') => Some(newline + 3),
        _ => None,
    };
    memchr_iter(b'\n', bytes).find_map(|newline| empty(&newline))
}

/// Reads the head `bytes[..len]` line by line and keeps every field that has a name.
fn lenient(side: Side, bytes: &[u8], len: usize) -> Option<Head<'_>> {
    let mut lines = lines(&bytes[..len]);
    let start = start_line(side, &bytes[lines.next()?])?;
    let mut headers = Headers::new();
    let mut folded: Option<(String, String)> = None;
    for range in lines {
        let line = String::from_utf8_lossy(&bytes[range]);
        match (&mut folded, line.starts_with([' ', '\t'])) {
            // Obsolete folding (RFC 9112 §5.2): the line goes on the value above.
            (Some((_, value)), true) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            _ => {
                push(&mut headers, folded.take());
                folded = line.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
            }
        }
    }
    push(&mut headers, folded);
    Some(Head { start, headers, len, odd: true })
}

fn push(headers: &mut Headers, field: Option<(String, String)>) {
    if let Some((name, value)) = field.filter(|(name, _)| !name.is_empty()) {
        headers.push(&name, &value);
    }
}

/// The lines of `bytes` without their ends, up to the first empty one.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    memchr_iter(b'\n', bytes)
        .map(move |newline| {
            let line = from..newline;
            from = newline + 1;
            line
        })
        .map(|line| if bytes[line.clone()].ends_with(b"\r") { line.start..line.end - 1 } else { line })
        .take_while(|line| !line.is_empty())
}

/// Reads a first line, its end already off. Whitespace may be wider than one space (RFC 9112 §3, §4 allow lenience).
fn start_line(side: Side, line: &[u8]) -> Option<StartLine<'_>> {
    let line = line.trim_ascii();
    match side {
        Side::Client => request_line(line),
        Side::Server => {
            let version_end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
            version(&line[..version_end])?;
            let code = line[version_end..].trim_ascii().get(..3)?;
            let code = std::str::from_utf8(code).ok()?.parse().ok().filter(|code| (100..1000).contains(code))?;
            Some(StartLine::Status { code })
        }
    }
}

/// A request line. A version that is broken, or glued to the target, is taken for 1.0 if the method leaves no doubt.
fn request_line(line: &[u8]) -> Option<StartLine<'_>> {
    let (method, rest) = line.split_at(line.iter().position(u8::is_ascii_whitespace)?);
    let rest = rest.trim_ascii();
    let last = rest.iter().rposition(u8::is_ascii_whitespace);
    let versioned = last.and_then(|at| Some((&rest[..at], version(rest[at..].trim_ascii())?)));
    let (target, minor) = match versioned {
        Some((target, minor)) => (target.trim_ascii(), minor),
        None if KNOWN_METHODS.contains(&method)
            && rest.starts_with(b"/")
            && memchr::memmem::find(rest, b"HTTP/").is_some() =>
        {
            (&rest[..rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len())], 0)
        }
        None => return None,
    };
    Some(StartLine::Request { method: std::str::from_utf8(method).ok()?, target, minor })
}

/// `HTTP/x.y`, without case; the minor version, where the major one is 1. Other versions are written by mistake in
/// messages that are HTTP/1 all the same.
fn version(text: &[u8]) -> Option<u8> {
    let digits = text.get(5..).filter(|_| starts_alike(text, b"HTTP/"))?;
    match digits {
        [b'1', b'.', minor @ b'0'..=b'9', ..] => Some(minor - b'0'),
        [b'0'..=b'9', b'.', b'0'..=b'9', ..] => Some(1),
        _ => None,
    }
}
