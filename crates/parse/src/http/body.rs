//! Bodies of packet captures: counted always, kept and decoded only as far as the policy asks.

use std::io::Read;

use crate::{
    anomaly::AnomalyKind,
    body::{Body, BodyPolicy, BodyQuestion, Content},
    headers::Headers,
    secret::Secret,
};

/// A content coding (RFC 9110 §8.4.1, RFC 7932, RFC 8878).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
    /// A coding that is not decoded, or several.
    Other,
}

/// Bytes that an announcement alone may reserve.
const MOST_RESERVED: usize = 64 * 1024;

/// A body in the making.
#[derive(Default)]
pub(crate) struct Keeper {
    /// Most bytes to keep.
    keep: usize,
    kept: Vec<u8>,
    /// Bytes that the message announced, as far as they are worth a reservation.
    expected: usize,
    /// Bytes seen or known to be missing, before content coding is removed.
    size: u64,
    /// Whether bytes are missing somewhere.
    gap: bool,
    coding: Option<Coding>,
}

/// Which message a body belongs to: what the policy is asked.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) response: bool,
    pub(crate) method: &'a str,
    pub(crate) status: Option<u16>,
}

impl Owner<'_> {
    fn keep(&self, policy: &dyn BodyPolicy, mime: Option<&str>, stored: usize) -> usize {
        policy.keep(&BodyQuestion { response: self.response, method: self.method, status: self.status, mime, stored })
    }
}

impl Keeper {
    /// A body whose message has `headers`.
    pub(crate) fn new(owner: Owner<'_>, headers: &Headers, policy: &dyn BodyPolicy) -> Self {
        let stored = usize::try_from(length(headers).unwrap_or(0)).unwrap_or(usize::MAX);
        let keep = owner.keep(policy, mime(headers), stored);
        Self { keep, expected: stored.min(MOST_RESERVED), coding: coding(headers), ..Self::default() }
    }

    /// The next bytes.
    pub(crate) fn data(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        // Behind a gap nothing is kept: a prefix is evidence, a patchwork is not.
        if !self.gap && self.kept.len() < self.keep {
            let room = self.keep - self.kept.len();
            if self.kept.is_empty() {
                // Once, where the length is known, instead of by doubling.
                self.kept.reserve_exact(self.expected.min(self.keep).max(bytes.len().min(room)));
            }
            self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Bytes that were not captured.
    pub(crate) fn gap(&mut self, len: u64) {
        self.size += len;
        self.gap = true;
    }

    /// The body, asked about once more now that its size is known. `whole` unless its end was not captured.
    pub(crate) fn finish(
        mut self,
        owner: Owner<'_>,
        headers: &Headers,
        whole: bool,
        policy: &dyn BodyPolicy,
        anomalies: &mut Vec<AnomalyKind>,
    ) -> Body {
        let complete = whole && !self.gap;
        if !complete {
            anomalies.push(AnomalyKind::BodyCut);
        }
        let mime = mime(headers);
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let limit = if self.size == 0 { 0 } else { owner.keep(policy, mime, size).min(self.keep) };
        let mut body = Body { mime: mime.map(Into::into), ..Body::default() };
        body.content = match (self.size, limit, self.kept.is_empty()) {
            (0, _, _) if complete => Content::Empty,
            (0, _, _) => Content::NotCaptured,
            (_, 0, _) => Content::Skipped,
            (_, _, true) => Content::NotCaptured,
            _ => self.text(limit, complete, anomalies),
        };
        body.size = match &body.content {
            Content::Text { text, cut: false } => Some(text.len() as u64),
            _ => self.coding.is_none().then_some(self.size),
        };
        body
    }

    fn text(&mut self, limit: usize, complete: bool, anomalies: &mut Vec<AnomalyKind>) -> Content {
        let all_kept = complete && self.kept.len() as u64 == self.size;
        let (bytes, cut) = match self.coding {
            None => (std::mem::take(&mut self.kept), !all_kept),
            Some(coding) => match decode(coding, &self.kept, limit) {
                Some((bytes, cut)) => (bytes, cut || !all_kept),
                None => {
                    anomalies.push(AnomalyKind::UndecodableBody);
                    return Content::NotCaptured;
                }
            },
        };
        let text = String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
        Content::Text { text: Secret::new(text), cut }
    }
}

/// `Content-Length`, where all of its values agree.
pub(crate) fn length(headers: &Headers) -> Option<u64> {
    let mut values = headers.get_all("content-length").flat_map(|value| value.expose().split(',')).map(str::trim);
    let first = values.next()?;
    // A sign is no digit (RFC 9110 §8.6).
    let length = first.bytes().all(|byte| byte.is_ascii_digit()).then(|| first.parse().ok())??;
    values.all(|value| value == first).then_some(length)
}

fn mime(headers: &Headers) -> Option<&str> {
    headers.get("content-type").map(|value| value.expose().trim()).filter(|mime| !mime.is_empty())
}

fn coding(headers: &Headers) -> Option<Coding> {
    let mut named = headers
        .get_all("content-encoding")
        .flat_map(|value| value.expose().split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
    let coding = match named.next()?.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => Coding::Gzip,
        "deflate" => Coding::Deflate,
        "br" => Coding::Brotli,
        "zstd" => Coding::Zstd,
        _ => Coding::Other,
    };
    Some(if named.next().is_some() { Coding::Other } else { coding })
}

/// Decodes at most `limit` bytes, and says whether there were more; what a damaged end leaves is a cut text.
/// `None` where nothing can be decoded.
fn decode(coding: Coding, bytes: &[u8], limit: usize) -> Option<(Vec<u8>, bool)> {
    match coding {
        Coding::Gzip => read(flate2::bufread::MultiGzDecoder::new(bytes), limit, bytes.len()),
        // "deflate" is zlib by the book and raw deflate in practice (RFC 9110 §8.4.1.2).
        Coding::Deflate => read(flate2::bufread::ZlibDecoder::new(bytes), limit, bytes.len())
            .or_else(|| read(flate2::bufread::DeflateDecoder::new(bytes), limit, bytes.len())),
        Coding::Brotli => read(brotli_decompressor::Decompressor::new(bytes, BROTLI_BUFFER), limit, bytes.len()),
        Coding::Zstd => read(ruzstd::decoding::StreamingDecoder::new(bytes).ok()?, limit, bytes.len()),
        Coding::Other => None,
    }
}

/// How much longer text usually is than what it is packed to.
const USUAL_RATIO: usize = 4;
/// Bytes that the brotli decoder reads at a time.
const BROTLI_BUFFER: usize = 4096;

fn read(decoder: impl Read, limit: usize, packed: usize) -> Option<(Vec<u8>, bool)> {
    let mut decoded = Vec::with_capacity(packed.saturating_mul(USUAL_RATIO).min(limit.saturating_add(1)));
    let failed = decoder.take(limit as u64 + 1).read_to_end(&mut decoded).is_err();
    let cut = failed || decoded.len() > limit;
    decoded.truncate(limit);
    (!decoded.is_empty() || !failed).then_some((decoded, cut))
}
