//! Bodies of an entry: decoded only where the policy keeps them.

use std::borrow::Cow;

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{SideFiles, entry, unescape};
use crate::{
    anomaly::AnomalyKind,
    body::{Body, BodyPolicy, BodyQuestion, Content},
    headers::Headers,
    secret::Secret,
};

/// Standard alphabet, padding optional: writers differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What turning a stored body into a [`Body`] needs to know.
pub(super) struct Bodies<'c> {
    pub(super) policy: &'c dyn BodyPolicy,
    pub(super) side_files: Option<&'c SideFiles<'c>>,
    pub(super) method: &'c str,
    pub(super) status: Option<u16>,
}

/// Where a body's text stands.
struct Stored<'a> {
    raw: Option<&'a str>,
    encoding: Option<Cow<'a, str>>,
    file: Option<Cow<'a, str>>,
}

impl Bodies<'_> {
    /// The request's body.
    pub(super) fn request(&self, request: &entry::Request<'_>, headers: &Headers, odd: &mut Vec<AnomalyKind>) -> Body {
        let post = &request.post_data;
        let mime = post.mime.filled().or_else(|| headers.get("content-type").map(|v| Cow::Borrowed(v.expose())));
        let mut body = Body { mime: mime.as_deref().map(Into::into), ..Body::default() };
        let raw = post.text.map(|raw| raw.get()).filter(|raw| has_text(raw));
        let form = raw.is_none().then(|| form(post.params.as_slice(), mime.as_deref())).flatten();
        let stored =
            Stored { raw: raw.or(form.as_deref()), encoding: post.encoding.filled(), file: post.file.filled() };
        self.read(&stored, request.body_size.size().filter(|size| *size > 0), false, &mut body, odd);
        if matches!(body.content, Content::Unknown) {
            body.content = self.unstored_request(request, headers);
        }
        body
    }

    /// What is known of a request body whose text the entry does not hold.
    fn unstored_request(&self, request: &entry::Request<'_>, headers: &Headers) -> Content {
        let length = headers.get("content-length").and_then(|v| v.expose().trim().parse::<u64>().ok());
        let announced = length.is_some_and(|length| length > 0) || headers.contains("transfer-encoding");
        let size = request.body_size.size();
        if announced || size.is_some_and(|size| size > 0) {
            return Content::NotCaptured;
        }
        let bodiless = matches!(self.method, "GET" | "HEAD" | "OPTIONS" | "CONNECT" | "TRACE");
        if length == Some(0) || size == Some(0) || (bodiless && !headers.is_empty()) {
            return Content::Empty;
        }
        Content::Unknown
    }

    /// The response's body.
    pub(super) fn response(&self, content: &entry::Content<'_>, headers: &Headers, odd: &mut Vec<AnomalyKind>) -> Body {
        let mime = content.mime.filled().filter(|mime| mime != "x-unknown");
        let mime = mime.or_else(|| headers.get("content-type").map(|v| Cow::Borrowed(v.expose())));
        let mut body =
            Body { mime: mime.as_deref().map(Into::into), size: content.size.size(), content: Content::Unknown };
        let raw = content.text.map(|raw| raw.get()).filter(|raw| has_text(raw));
        let stored = Stored { raw, encoding: content.encoding.filled(), file: content.file.filled() };
        self.read(&stored, body.size, true, &mut body, odd);
        if matches!(body.content, Content::Unknown) {
            body.content = self.unstored_response(content);
        }
        body
    }

    /// What is known of a response body whose text the entry does not hold (RFC 9110 §6.4.1: these never have one).
    fn unstored_response(&self, content: &entry::Content<'_>) -> Content {
        let bodiless = self.method == "HEAD" || matches!(self.status, Some(100..=199 | 204 | 304));
        match content.size.size() {
            _ if bodiless => Content::Empty,
            Some(0) => Content::Empty,
            Some(_) => Content::NotCaptured,
            None if content.text.is_some_and(|raw| raw.get() == "\"\"") => Content::Empty,
            None => Content::Unknown,
        }
    }

    /// Fills in what is stored, inline or beside the HAR; leaves the content unknown where nothing is.
    fn read(
        &self,
        stored: &Stored<'_>,
        size: Option<u64>,
        response: bool,
        body: &mut Body,
        odd: &mut Vec<AnomalyKind>,
    ) {
        let side = size.map_or(usize::MAX, |size| usize::try_from(size).unwrap_or(usize::MAX));
        let length = stored.raw.map_or(side, stored_len);
        let keep = || {
            self.policy.keep(&BodyQuestion {
                response,
                method: self.method,
                status: self.status,
                mime: body.mime.as_deref(),
                stored: length,
            })
        };
        if let Some(raw) = stored.raw {
            match keep() {
                0 => body.content = Content::Skipped,
                limit => self.inline(raw, stored.encoding.as_deref(), limit, body, odd),
            }
        } else if let Some(file) = &stored.file {
            match (keep(), self.side_files) {
                (0, Some(_)) => body.content = Content::Skipped,
                (limit, Some(open)) => self.beside(open(file, limit.saturating_add(1)), limit, body, odd),
                (_, None) => not_given(body, odd),
            }
        }
        body.size = body.size.or(size);
    }

    /// A body that stands in the HAR.
    fn inline(&self, raw: &str, encoding: Option<&str>, limit: usize, body: &mut Body, odd: &mut Vec<AnomalyKind>) {
        let base64 = encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64"));
        let budget = if base64 { limit.saturating_mul(2) } else { limit };
        let (text, mut cut) = unescape::prefix(raw, budget).unwrap_or_else(|| {
            odd.push(AnomalyKind::OddType);
            unescape::cut(raw, budget)
        });
        let text = if base64 {
            match decode(&text, cut) {
                Some(bytes) => {
                    cut |= bytes.len() > limit;
                    lossy(bytes, limit)
                }
                None => {
                    odd.push(AnomalyKind::UndecodableBody);
                    text.into_owned()
                }
            }
        } else {
            text.into_owned()
        };
        if !cut {
            body.size = Some(text.len() as u64);
        }
        body.content = Content::Text { text: Secret::new(text), cut };
    }

    /// A body that stands in a file of its own.
    fn beside(&self, bytes: Option<Vec<u8>>, limit: usize, body: &mut Body, odd: &mut Vec<AnomalyKind>) {
        let Some(bytes) = bytes else { return not_given(body, odd) };
        let cut = bytes.len() > limit;
        if !cut {
            body.size = Some(bytes.len() as u64);
        }
        body.content = Content::Text { text: Secret::new(lossy(bytes, limit)), cut };
    }
}

fn not_given(body: &mut Body, odd: &mut Vec<AnomalyKind>) {
    body.content = Content::NotCaptured;
    odd.push(AnomalyKind::BodyInSideFile);
}

/// Bytes of a raw JSON value, a string's quotes not counted.
fn stored_len(raw: &str) -> usize {
    raw.strip_prefix('"').map_or(raw.len(), |rest| rest.len() - 1)
}

/// Whether a raw JSON value is a string with something in it, or JSON that a tool embedded as it came.
fn has_text(raw: &str) -> bool {
    (raw.starts_with('"') && raw.len() > 2) || raw.starts_with(['{', '['])
}

/// Decodes base64; of a cut text, the whole groups.
fn decode(text: &str, cut: bool) -> Option<Vec<u8>> {
    let mut clean: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if cut {
        clean.truncate(clean.len() / 4 * 4);
    }
    BASE64.decode(clean).ok()
}

/// The first `limit` bytes as text. Images are bodies too: what is not UTF-8 is replaced without a word.
fn lossy(mut bytes: Vec<u8>, limit: usize) -> String {
    bytes.truncate(limit);
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The parameters as a JSON string that holds a form (application/x-www-form-urlencoded), unless they are multipart:
/// what a multipart body looked like cannot be told from its parameters.
fn form(params: &[entry::Field<'_>], mime: Option<&str>) -> Option<String> {
    let multipart = mime.is_some_and(|mime| mime.trim_start().to_ascii_lowercase().starts_with("multipart/"));
    if params.is_empty() || multipart {
        return None;
    }
    let mut form = url::form_urlencoded::Serializer::new(String::from("\""));
    for param in params {
        for value in param.value.each() {
            form.append_pair(&param.name, &value.text().unwrap_or_default());
        }
    }
    let mut text = form.finish();
    // The serialiser writes a separator behind any text that it finds.
    if text.starts_with("\"&") {
        text.remove(1);
    }
    text.push('"');
    Some(text)
}
