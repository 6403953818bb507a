//! What one end of an HTTP/1 connection said, with its secrets replaced byte for byte (RFC 9112). Anything that is not
//! understood to the last byte gives `None`.

use crate::{
    body::{self, Owner},
    redactor::Redactor,
};

/// What must be known of a request to read its answer.
pub(super) struct Asked {
    head: bool,
}

/// Whether `said` begins with a request.
pub(super) fn begins_request(said: &[u8]) -> bool {
    let line = said.split(|byte| *byte == b'\r').next().unwrap_or_default();
    !line.starts_with(b"HTTP/") && line.windows(6).any(|window| window == b"HTTP/1")
}

/// The requests of a connection.
pub(super) fn requests(redactor: &mut Redactor, said: &[u8]) -> Option<(Vec<u8>, Vec<Asked>)> {
    let mut walk = Walk { said, at: 0, out: Vec::with_capacity(said.len()) };
    let mut asked = Vec::new();
    while walk.at < said.len() {
        let head = walk.head()?;
        let (line, fields) = head.split_once("\r\n")?;
        let [method, target, version] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        if method == "CONNECT" || !version.starts_with("HTTP/1.") {
            return None;
        }
        redactor.at("url");
        let made = same_length(target, redactor.url(target))?;
        walk.out.extend_from_slice(format!("{method} {made} {version}\r\n").as_bytes());
        let framing = walk.fields(redactor, false, fields)?;
        asked.push(Asked { head: method == "HEAD" });
        let length = if framing.chunked { Length::Chunked } else { Length::Bytes(framing.length.unwrap_or(0)) };
        walk.body(redactor, Owner::Request, &framing, length)?;
    }
    Some((walk.out, asked))
}

/// The answers to them.
pub(super) fn responses(redactor: &mut Redactor, said: &[u8], asked: &[Asked]) -> Option<Vec<u8>> {
    let mut walk = Walk { said, at: 0, out: Vec::with_capacity(said.len()) };
    let mut asked = asked.iter();
    while walk.at < said.len() {
        let head = walk.head()?;
        let (line, fields) = head.split_once("\r\n")?;
        let status: u16 = line.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
        walk.out.extend_from_slice(format!("{line}\r\n").as_bytes());
        let framing = walk.fields(redactor, true, fields)?;
        let interim = (100..200).contains(&status);
        if status == 101 {
            return None;
        }
        let head = !interim && asked.next()?.head;
        let length = match (framing.chunked, framing.length) {
            _ if head || interim || matches!(status, 204 | 304) => Length::Bytes(0),
            (true, _) => Length::Chunked,
            (false, Some(length)) => Length::Bytes(length),
            (false, None) => Length::Bytes(said.len() - walk.at),
        };
        walk.body(redactor, Owner::of_status(Some(status)), &framing, length)?;
    }
    Some(walk.out)
}

/// What header fields say of the body.
#[derive(Default)]
struct Framing {
    chunked: bool,
    length: Option<usize>,
    coded: bool,
    mime: Option<String>,
}

enum Length {
    Bytes(usize),
    Chunked,
}

struct Walk<'s> {
    said: &'s [u8],
    at: usize,
    out: Vec<u8>,
}

impl<'s> Walk<'s> {
    /// The next head with the end of its last line, without the empty line behind it.
    fn head(&mut self) -> Option<&'s str> {
        let rest = &self.said[self.at..];
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n")?;
        self.at += end + 4;
        str::from_utf8(&rest[..end + 2]).ok()
    }

    /// Header fields, and the empty line.
    fn fields(&mut self, redactor: &mut Redactor, response: bool, fields: &str) -> Option<Framing> {
        let mut framing = Framing::default();
        for line in fields.split_terminator("\r\n") {
            let (name, value) =
                line.split_once(':').filter(|(name, _)| !name.is_empty() && !name.contains([' ', '\t']))?;
            let bare = value.trim();
            let start = value.len() - value.trim_start().len();
            let made = same_length(bare, redactor.header(response, name, bare))?;
            let after = &value[start + bare.len()..];
            self.out.extend_from_slice(format!("{name}:{}{made}{after}\r\n", &value[..start]).as_bytes());
            match name.to_ascii_lowercase().as_str() {
                "transfer-encoding" if bare.eq_ignore_ascii_case("chunked") => framing.chunked = true,
                "transfer-encoding" => return None,
                "content-length" if framing.length.is_some() => return None,
                "content-length" => framing.length = Some(bare.parse().ok()?),
                "content-encoding" => framing.coded = !bare.eq_ignore_ascii_case("identity"),
                "content-type" => framing.mime = Some(bare.to_owned()),
                _ => {}
            }
        }
        self.out.extend_from_slice(b"\r\n");
        Some(framing)
    }

    fn body(&mut self, redactor: &mut Redactor, owner: Owner, framing: &Framing, length: Length) -> Option<()> {
        match length {
            Length::Bytes(0) => Some(()),
            Length::Bytes(length) => {
                let body = self.said.get(self.at..self.at.checked_add(length)?)?;
                self.at += length;
                let made = content(redactor, owner, framing, body)?;
                self.out.extend_from_slice(&made);
                Some(())
            }
            Length::Chunked => self.chunks(redactor, owner, framing),
        }
    }

    /// A chunked body (RFC 9112 §7.1): its data is rewritten as a whole, and put back where it stood.
    fn chunks(&mut self, redactor: &mut Redactor, owner: Owner, framing: &Framing) -> Option<()> {
        let begin = self.at;
        let mut data = Vec::new();
        let mut ranges = Vec::new();
        loop {
            let rest = self.said.get(self.at..)?;
            let line = rest.windows(2).position(|window| window == b"\r\n")?;
            let size = str::from_utf8(&rest[..line]).ok()?.split(';').next()?.trim();
            let size = usize::from_str_radix(size, 16).ok()?;
            self.at += line + 2;
            if size == 0 {
                break;
            }
            let range = self.at..self.at.checked_add(size)?;
            data.extend_from_slice(self.said.get(range.clone())?);
            self.at = range.end + 2;
            ranges.push(range);
        }
        // Fields behind the body are rare; without them an empty line ends it.
        if self.said.get(self.at..self.at + 2)? != b"\r\n" {
            return None;
        }
        self.at += 2;
        let made = content(redactor, owner, framing, &data)?;
        let mut whole = self.said[begin..self.at].to_vec();
        let mut from = 0;
        for range in ranges {
            let length = range.len();
            whole[range.start - begin..range.end - begin].copy_from_slice(&made[from..from + length]);
            from += length;
        }
        self.out.extend_from_slice(&whole);
        Some(())
    }
}

/// A body of as many bytes. What is no text is blanked; compressed text cannot be changed in place.
fn content(redactor: &mut Redactor, owner: Owner, framing: &Framing, body: &[u8]) -> Option<Vec<u8>> {
    let mime = framing.mime.as_deref();
    let text = str::from_utf8(body).ok().filter(|_| !framing.coded);
    if framing.coded && body::is_text(mime) {
        return None;
    }
    match text {
        Some(text) => match redactor.body(owner, mime, text) {
            Some(made) => same_length(text, made).map(String::into_bytes),
            None => Some(vec![b'0'; body.len()]),
        },
        None => {
            redactor.receipt.left_out("body that is no text", body.len());
            Some(vec![b'0'; body.len()])
        }
    }
}

fn same_length(before: &str, after: String) -> Option<String> {
    (before.len() == after.len()).then_some(after)
}
