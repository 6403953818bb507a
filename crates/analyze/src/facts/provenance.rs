//! Where a request came from, as far as it says so itself: through a proxy, and under which trace.

use std::{hash::BuildHasher as _, num::NonZeroU32};

use authtrace_parse::{Exchange, Protocol, Target};

use super::shown;

/// Fields that proxies add (RFC 7239, RFC 9110 §7.6.3, and their customary forerunners).
const ADDED: [&str; 6] = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "via", "x-real-ip"];

/// Fields that name the same call at every hop, the first one that is there: W3C Trace Context, B3, and what gateways add.
const TRACES: [&str; 5] = ["traceparent", "x-b3-traceid", "x-request-id", "x-correlation-id", "x-amzn-trace-id"];

/// Whether a `User-Agent` is a browser's: all of them begin so, for reasons of history.
pub(super) fn names_browser(agent: &str) -> bool {
    agent.starts_with("Mozilla/")
}

/// Whether a proxy sent the request: it says so, or it names a page or a port that a browser would not name from there.
pub(super) fn is_forwarded(exchange: &Exchange) -> bool {
    let Some(server) = exchange.server.filter(|_| exchange.client.is_some()) else { return false };
    let headers = &exchange.request.headers;
    let added = headers.iter().any(|(name, _)| ADDED.iter().any(|added| name.eq_ignore_ascii_case(added)));
    // `Host` as the client wrote it for the proxy, and the packets go on to another port.
    let passed_on = headers.contains("host") && exchange.request.target.port != server.port();
    let same_origin = headers.get("sec-fetch-site").is_some_and(|site| site.expose() == "same-origin");
    // No browser speaks HTTP/1.0; nginx does, to what is behind it, unless told otherwise.
    let browser = || headers.get("user-agent").is_some_and(|agent| names_browser(agent.expose()));
    let older = exchange.protocol == Some(Protocol::Http10) && browser();
    let page =
        || headers.get("origin").or_else(|| headers.get("referer")).and_then(|page| Target::parse(page.expose()));
    let elsewhere = || page().is_some_and(|page| page.origin() != exchange.request.target.origin());
    added || passed_on || older || (same_origin && elsewhere())
}

/// Fields by which a gateway says which request it asks about, first the ones of whoever asks nothing else.
const ASKED: [&str; 4] = ["x-original-uri", "x-original-url", "x-auth-request-redirect", "x-forwarded-uri"];

/// The path of the request about which a gateway asks whether to let it through, as it is shown.
pub(super) fn asked_for(exchange: &Exchange) -> Option<String> {
    exchange.client?;
    let value = ASKED.iter().find_map(|name| exchange.request.headers.get(name))?.expose();
    let path = match Target::parse(value) {
        Some(target) => shown::display_path(target.path.expose()).into_owned(),
        None => shown::display_path(value.split('?').next().unwrap_or_default()).into_owned(),
    };
    path.starts_with('/').then_some(path)
}

/// A hash of the identifier under which the request is traced.
pub(super) fn trace(exchange: &Exchange) -> Option<NonZeroU32> {
    exchange.client?;
    let value = TRACES.iter().find_map(|name| exchange.request.headers.get(name))?.expose().trim();
    // Of a `traceparent` only the trace identifier is the same at every hop (W3C Trace Context §3.2.2).
    let id = value.split('-').nth(1).filter(|id| id.len() == 32).unwrap_or(value);
    // Fixed, so that the same capture is joined alike in every run.
    let hash = foldhash::fast::FixedState::default().hash_one(id);
    NonZeroU32::new((hash >> 32) as u32)
}
