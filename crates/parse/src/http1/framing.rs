//! Which body framing a head announces (RFC 9112 §6.3).

use super::reader::Framing;
use crate::{headers::Headers, http::body::length};

/// Framing of a request body: one that announces none has none.
pub(super) fn of_request(headers: &Headers) -> Framing {
    coded(headers).map_or_else(
        || Framing::Length(length(headers).unwrap_or(0)),
        |chunked| {
            // A transfer coding that does not end in chunked leaves a request without an end (RFC 9112 §6.3, 4).
            if chunked { Framing::Chunked } else { Framing::UntilClose }
        },
    )
}

/// Framing of a response body. `method` is the request's, where it is known.
pub(super) fn of_response(status: u16, headers: &Headers, method: Option<&str>) -> Framing {
    match (status, method) {
        (101, _) => Framing::Tunnel,
        (200..=299, Some("CONNECT")) => Framing::Tunnel,
        (100..=199 | 204 | 304, _) | (_, Some("HEAD")) => Framing::Length(0),
        _ => match coded(headers) {
            Some(true) => Framing::Chunked,
            Some(false) => Framing::UntilClose,
            None => length(headers).map_or(Framing::UntilClose, Framing::Length),
        },
    }
}

/// Whether a transfer coding is applied, and if so, whether chunked is the last one. `identity` was never one of them.
fn coded(headers: &Headers) -> Option<bool> {
    let codings = headers.get_all("transfer-encoding").flat_map(|value| value.expose().split(','));
    let applied = |coding: &&str| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity");
    let last = codings.map(str::trim).filter(applied).last()?;
    Some(last.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("chunked")))
}
