//! One parsed entry becomes one exchange.

use std::net::{IpAddr, SocketAddr};

use serde_json::value::RawValue;

use super::{
    SideFiles,
    body::Bodies,
    date,
    entry::{Entry, Own, Trouble},
    fields, initiator,
    lenient::Scalar,
    record::Shape,
    timing, unescape, websocket,
};
use crate::{
    anomaly::AnomalyKind,
    body::BodyPolicy,
    exchange::{Browser, Connection, Exchange, ExchangeId, HeaderView, Kind, Protocol, Request, Response, Source},
    headers::Headers,
    target::{Scheme, Target},
};

/// What an entry does not know of itself.
pub(super) struct Context<'c> {
    pub(super) id: ExchangeId,
    pub(super) source: Source,
    pub(super) policy: &'c dyn BodyPolicy,
    pub(super) side_files: Option<&'c SideFiles<'c>>,
}

/// Bytes kept of a failure's text.
const FAILURE_KEPT: usize = 1024;

/// Statuses that count as an answer: three digits (RFC 9110 §15). 0 and −1 mean that none came.
const STATUSES: std::ops::RangeInclusive<f64> = 100.0..=999.0;

/// Turns an entry into an exchange; the error says why it is none.
pub(super) fn build(entry: &Entry<'_>, context: &Context<'_>) -> Result<Exchange, AnomalyKind> {
    if entry.shape != Shape::Object {
        return Err(AnomalyKind::UnreadableEntry);
    }
    let target = target(&entry.request.url)?;
    let mut anomalies = odd_types(entry);
    let method: Box<str> = entry.request.method.text().unwrap_or_default().trim().into();
    let headers = fields::request(&entry.request.headers, entry.request.cookies.as_slice());
    let kind = kind(entry, &method, &target, &headers);
    let from_cache = from_cache(entry, &headers);
    let status = status(entry);
    let listed = entry.request.headers.items.is_some();
    let view = request_view(&headers, listed, status.is_none() || from_cache);
    let bodies = Bodies { policy: context.policy, side_files: context.side_files, method: &method, status: None };
    let body = bodies.request(&entry.request, &headers, &mut anomalies);
    let response =
        status.map(|status| response(entry, status, &Bodies { status: Some(status), ..bodies }, &mut anomalies));
    let mut record = websocket::read(entry.messages);
    let failure = failure(entry).or(record.error.take());
    if kind == Kind::WebSocket && response.is_none() {
        record.websocket.refused_with = failure.as_deref().and_then(websocket::refused_with);
    }
    if date::timestamp(&entry.started).is_none() {
        anomalies.push(AnomalyKind::UnreadableDate);
    }
    let reached_network = view != HeaderView::Provisional;
    let mut exchange = Exchange {
        id: context.id,
        source: context.source,
        kind,
        protocol: reached_network.then(|| protocol(entry)).flatten(),
        timing: timing::read(entry, reached_network, response.is_some()),
        client: None,
        server: server(entry),
        connection: connection(entry),
        security: None,
        request: Request {
            method,
            target,
            headers,
            view,
            header_bytes: entry.request.headers_size.size().filter(|size| *size > 0),
            body,
        },
        response,
        failure,
        browser: browser(entry, from_cache),
        websocket: (kind == Kind::WebSocket).then_some(record.websocket),
        anomalies: tidy(anomalies),
    };
    if let Some(own) = entry.own.and_then(|raw| serde_json::from_str::<Own<'_>>(raw.get()).ok()) {
        own.complete(&mut exchange);
    }
    Ok(exchange)
}

impl Own<'_> {
    /// Puts back what HAR had no place for.
    fn complete(&self, exchange: &mut Exchange) {
        let view = |stated: &Scalar<'_>| match stated.text().as_deref() {
            Some("provisional") => Some(HeaderView::Provisional),
            Some("partial") => Some(HeaderView::Partial),
            Some("missing") => Some(HeaderView::Missing),
            _ => None,
        };
        exchange.client = self.client.text().and_then(|client| client.parse().ok());
        exchange.request.view = view(&self.request_view).unwrap_or(exchange.request.view);
        if let Some(response) = &mut exchange.response {
            response.view = view(&self.response_view).unwrap_or(response.view);
            response.trailers = fields::collect(self.trailers.as_slice());
        }
    }
}

fn target(url: &Scalar<'_>) -> Result<Target, AnomalyKind> {
    let url = url.filled().ok_or(AnomalyKind::EntryWithoutUrl)?;
    Target::parse(&url)
        .ok_or_else(|| if other_scheme(&url) { AnomalyKind::NotHttp } else { AnomalyKind::EntryWithoutUrl })
}

/// Whether a URL has a scheme (RFC 3986 §3.1), and one that is not HTTP's or WebSocket's.
fn other_scheme(url: &str) -> bool {
    let Some((scheme, _)) = url.trim().split_once(':') else { return false };
    let legal = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(legal)
        && Scheme::parse(scheme).is_none()
}

fn kind(entry: &Entry<'_>, method: &str, target: &Target, headers: &Headers) -> Kind {
    let resource = entry.resource_type.text().unwrap_or_default();
    let upgrade = headers.get_all("upgrade").any(|v| v.expose().trim().eq_ignore_ascii_case("websocket"));
    let asks_leave = headers.contains("origin") && headers.contains("access-control-request-method");
    if resource == "websocket" || matches!(target.scheme, Scheme::Ws | Scheme::Wss) || upgrade {
        Kind::WebSocket
    } else if resource == "preflight" || (method.eq_ignore_ascii_case("OPTIONS") && asks_leave) {
        Kind::Preflight
    } else if method == "CONNECT" {
        Kind::Connect
    } else {
        Kind::Http
    }
}

fn status(entry: &Entry<'_>) -> Option<u16> {
    entry.response.status.number().filter(|status| STATUSES.contains(status)).map(|status| status as u16)
}

fn response(entry: &Entry<'_>, status: u16, bodies: &Bodies<'_>, anomalies: &mut Vec<AnomalyKind>) -> Response {
    let headers = fields::response(&entry.response.headers, entry.response.cookies.as_slice());
    let listed = entry.response.headers.items.is_some() || !headers.is_empty();
    let view = if listed { HeaderView::Full } else { HeaderView::Missing };
    let body = bodies.response(&entry.response.content, &headers, anomalies);
    Response { status, headers, view, trailers: Headers::new(), body }
}

/// A request that reached the network names its host; without one, only what a script set was recorded.
///
/// An empty list is a statement, a missing one is not: only the latter is [`HeaderView::Missing`].
fn request_view(headers: &Headers, listed: bool, unanswered_or_cached: bool) -> HeaderView {
    if headers.is_empty() && !listed {
        HeaderView::Missing
    } else if unanswered_or_cached && !headers.contains("host") && !headers.contains(":authority") {
        HeaderView::Provisional
    } else {
        HeaderView::Full
    }
}

/// DevTools says it; in other exports, an answer without a byte transferred to a request with hardly a header.
fn from_cache(entry: &Entry<'_>, headers: &Headers) -> bool {
    let silent = entry.response.transfer_size.number() == Some(0.0) && headers.len() <= 2;
    entry.from_cache.truthy() || (silent && entry.response.status.number() == Some(200.0))
}

fn failure(entry: &Entry<'_>) -> Option<Box<str>> {
    let said = [&entry.response.error, &entry.error, &entry.response.failure_text];
    said.into_iter().flatten().find_map(|raw| words(raw))
}

/// A failure in words: text, or an object's `message`; the first [`FAILURE_KEPT`] bytes.
fn words(raw: &RawValue) -> Option<Box<str>> {
    let text: Box<str> = match unescape::prefix(raw.get(), FAILURE_KEPT) {
        Some((text, _)) => text.into(),
        None => serde_json::from_str::<Trouble<'_>>(raw.get()).ok()?.message.filled()?.into(),
    };
    (!text.trim().is_empty()).then_some(text)
}

/// The response's version is what was negotiated; the request's is often a default.
fn protocol(entry: &Entry<'_>) -> Option<Protocol> {
    let read = |version: &Scalar<'_>| version.text().and_then(|version| version_named(&version));
    read(&entry.response.version).or_else(|| read(&entry.request.version))
}

fn version_named(name: &str) -> Option<Protocol> {
    let name = name.trim().to_ascii_lowercase();
    let number = name.strip_prefix("http/").unwrap_or(&name);
    match number {
        _ if name.contains("quic") || number == "3" || number.starts_with("3.") || name.starts_with("h3") => {
            Some(Protocol::Http3)
        }
        "2" | "2.0" | "h2" | "h2c" => Some(Protocol::Http2),
        "1.1" => Some(Protocol::Http11),
        "1.0" | "0.9" => Some(Protocol::Http10),
        _ => None,
    }
}

fn server(entry: &Entry<'_>) -> Option<SocketAddr> {
    let text = entry.server_address.filled()?;
    let address: IpAddr = text.trim().trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    let port = entry.server_port.number().filter(|port| (0.0..65536.0).contains(port)).map_or(0, |port| port as u16);
    Some(SocketAddr::new(address, port))
}

fn connection(entry: &Entry<'_>) -> Option<Connection> {
    [&entry.connection_id, &entry.connection]
        .into_iter()
        .find_map(|id| id.filled().filter(|id| id != "0").map(|id| Connection::Named(id.into())))
}

fn browser(entry: &Entry<'_>, from_cache: bool) -> Browser {
    Browser {
        resource_type: entry.resource_type.filled().map(Into::into),
        page: entry.page.filled().map(Into::into),
        initiator: entry.initiator.and_then(initiator::read),
        from_cache,
        via_service_worker: entry.via_service_worker.truthy() || entry.response.via_service_worker.truthy(),
    }
}

/// `OddType` where a field that was read has another type than HAR 1.2 gives it.
fn odd_types(entry: &Entry<'_>) -> Vec<AnomalyKind> {
    let (request, response) = (&entry.request, &entry.response);
    let texts = [&entry.started, &request.method, &request.url, &request.version, &response.version];
    let numbers = [&entry.time, &response.status, &response.content.size];
    let shapes = [request.shape, response.shape, entry.timings.shape, request.post_data.shape, response.content.shape];
    let lists = request.headers.odd || response.headers.odd || request.cookies.odd || response.cookies.odd;
    let mut fields = request.headers.as_slice().iter().chain(response.headers.as_slice());
    let odd = texts.iter().any(|text| text.odd_text())
        || numbers.iter().any(|number| number.odd_number())
        || shapes.contains(&Shape::Odd)
        || lists
        || fields.any(|field| field.value.odd());
    if odd { vec![AnomalyKind::OddType] } else { Vec::new() }
}

fn tidy(mut anomalies: Vec<AnomalyKind>) -> Vec<AnomalyKind> {
    anomalies.sort_unstable();
    anomalies.dedup();
    anomalies
}
