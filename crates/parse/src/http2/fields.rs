//! What a field block says: control data in pseudo-header fields (RFC 9113 §8.3), and the header fields of a message.

use super::hpack::{Decoder, Field};
use crate::{
    anomaly::AnomalyKind,
    conversation::Scene,
    exchange::{HeaderView, Kind, Protocol},
    headers::Headers,
    http::{
        open::{self, Asked, Oddities},
        target,
    },
    target::{Scheme, Target},
};

/// Bytes kept of one decoded block, names and values together: a short block may stand for very many (RFC 7541 §7.3).
/// Servers refuse more than 8 to 64 KiB, browsers more than 256 KiB.
const MOST_DECODED: usize = 256 * 1024;

/// A decoded field block.
#[derive(Default)]
pub(super) struct Fields {
    method: Option<String>,
    scheme: Option<String>,
    authority: Option<String>,
    path: Option<String>,
    protocol: Option<String>,
    status: Option<u16>,
    pub(super) headers: Headers,
    cookie: Option<String>,
    decoded: usize,
    /// Fields are missing that refer to what was not captured.
    unknown: bool,
    /// Fields are missing because the block was not captured whole, or is longer than what is kept.
    cut: bool,
    /// The block breaks the rules of HPACK or of HTTP/2.
    odd: bool,
}

impl Fields {
    /// Decodes `block`, of which only the beginning was captured if `cut`.
    pub(super) fn decode(decoder: &mut Decoder, block: &[u8], cut: bool) -> Self {
        let mut fields = Self { cut, ..Self::default() };
        let result = decoder.decode(block, cut, &mut |field| fields.take(field));
        // What stands behind the fault is unknown.
        fields.odd |= result.is_err();
        fields.cut |= result.is_err();
        // Crumbs of a cookie are one field (RFC 9113 §8.2.3).
        if let Some(cookie) = fields.cookie.take() {
            fields.headers.push("cookie", &cookie);
        }
        fields
    }

    fn take(&mut self, field: Field<'_>) {
        let Field::Known { name, value } = field else {
            self.unknown = true;
            return;
        };
        self.decoded += name.len() + value.len();
        if self.decoded > MOST_DECODED {
            self.cut = true;
            return;
        }
        let value = String::from_utf8_lossy(value);
        match name {
            b":method" => self.method = Some(value.into_owned()),
            b":scheme" => self.scheme = Some(value.into_owned()),
            b":authority" => self.authority = Some(value.into_owned()),
            b":path" => self.path = Some(value.into_owned()),
            b":protocol" => self.protocol = Some(value.into_owned()),
            b":status" => self.status = value.parse().ok().filter(|status| (100..1000).contains(status)),
            b"cookie" => match &mut self.cookie {
                Some(cookie) => {
                    cookie.push_str("; ");
                    cookie.push_str(&value);
                }
                None => self.cookie = Some(value.into_owned()),
            },
            [b':', ..] | [] => self.odd = true,
            name => {
                // Upper case and what is no token make a message malformed (RFC 9113 §8.2.1).
                self.odd |= name.iter().any(|byte| !byte.is_ascii_graphic() || byte.is_ascii_uppercase());
                self.headers.push(&String::from_utf8_lossy(name), &value);
            }
        }
    }

    /// Bytes that are kept of the block, about.
    pub(super) fn size(&self) -> usize {
        self.decoded.min(MOST_DECODED)
    }

    /// Whether the block begins a request: at least one of its pseudo-header fields is known. Trailers have none.
    pub(super) fn is_request(&self) -> bool {
        [&self.method, &self.scheme, &self.path, &self.authority].into_iter().any(Option::is_some)
    }

    /// Whether the block is a message of a client (`true`) or of a server, beyond reasonable doubt: it is sound, and says
    /// more than what one or two bytes can stand for. `None` where it might be anything.
    pub(super) fn sender_is_client(&self) -> Option<bool> {
        let method = self.method.as_ref().is_some_and(|method| method.bytes().all(|byte| byte.is_ascii_uppercase()));
        let path = self.path.as_ref().is_none_or(|path| path.starts_with(['/', '*']));
        let says_more = self.headers.iter().any(|(_, value)| !value.expose().is_empty());
        let request = method && path && self.status.is_none();
        let response = self.status.is_some() && !self.is_request();
        (!self.odd && says_more && (request || response)).then_some(request)
    }

    /// Status of a response, where it is known.
    pub(super) fn status(&self) -> Option<u16> {
        self.status
    }

    /// How complete the fields are.
    pub(super) fn view(&self) -> HeaderView {
        if self.unknown || self.cut { HeaderView::Partial } else { HeaderView::Full }
    }

    /// What is odd about the block.
    pub(super) fn oddities(&self) -> Oddities {
        [
            self.odd.then_some(AnomalyKind::MalformedHead),
            (self.cut && !self.odd).then_some(AnomalyKind::HeadCut),
            self.unknown.then_some(AnomalyKind::UndecodedFields),
        ]
    }

    /// The request that the block begins on `stream`.
    pub(super) fn request(self, stream: u32, scene: &Scene<'_>) -> Asked {
        let target = self.target(scene);
        let method: Box<str> = self.method.unwrap_or_default().into();
        let kind = match &self.protocol {
            Some(protocol) if protocol.eq_ignore_ascii_case("websocket") => Kind::WebSocket,
            Some(_) => Kind::Connect,
            None => open::kind(&method, &self.headers),
        };
        Asked { kind, protocol: Protocol::Http2, stream: Some(stream), method, target, headers: self.headers }
    }

    fn target(&self, scene: &Scene<'_>) -> Target {
        let server = scene.ends.server;
        let scheme = self.scheme.as_deref().and_then(Scheme::parse).unwrap_or(scene.scheme);
        let host = self.headers.get("host").map(|host| host.expose());
        let host = self.authority.as_deref().or(host);
        match (&self.path, &self.method) {
            // An ordinary CONNECT has no path; one that opens another protocol does (RFC 8441 §4).
            (None, Some(method)) if method == "CONNECT" => {
                target::authority_form(host.unwrap_or_default(), scheme, server)
            }
            (path, _) => target::resolve(path.as_deref().unwrap_or_default(), host, scheme, server),
        }
    }
}
