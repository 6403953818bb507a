//! A credential of a request: where it stood, what it is (detectors §1).

mod cookie_name;
mod extract;

use serde::{Deserialize, Serialize};
use std::fmt;

pub(crate) use cookie_name::{CookieName, is_session_cookie};
pub(crate) use extract::{REFRESH_KEYS, extract, in_header_urls, is_token_kind};

use crate::{
    text::Text,
    token::{Classified, Defect, TokenKind},
    tokens::TokenId,
};

/// Where in a message a credential stood.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "CarrierColumns", into = "CarrierColumns")]
pub enum Carrier {
    /// A request header, by lower-case name.
    Header(Text),
    /// A cookie of the request, by name as written.
    Cookie(Text),
    /// A query parameter.
    Query(Text),
    /// A key of the request body.
    Body(Text),
    /// `Sec-WebSocket-Protocol`.
    Subprotocol,
    /// A WebSocket message.
    WebsocketFrame,
    /// A response header.
    ResponseHeader(Text),
    /// A cookie that a response sets.
    SetCookie(Text),
    /// A key of the response body.
    ResponseBody(Text),
}

impl Carrier {
    /// Whether it is `Authorization` of a request.
    pub fn is_authorization(&self) -> bool {
        matches!(self, Self::Header(name) if &**name == "authorization")
    }
}

/// A carrier as a table holds it: `request.header`, `authorization`.
#[derive(Serialize, Deserialize)]
struct CarrierColumns {
    place: Place,
    name: Option<Text>,
}

/// The part of a message that a carrier stands in.
#[derive(Serialize, Deserialize)]
enum Place {
    #[serde(rename = "request.header")]
    Header,
    #[serde(rename = "request.cookie")]
    Cookie,
    #[serde(rename = "request.query")]
    Query,
    #[serde(rename = "request.body")]
    Body,
    #[serde(rename = "request.subprotocol")]
    Subprotocol,
    #[serde(rename = "websocket.frame")]
    WebsocketFrame,
    #[serde(rename = "response.header")]
    ResponseHeader,
    #[serde(rename = "response.cookie")]
    SetCookie,
    #[serde(rename = "response.body")]
    ResponseBody,
}

impl From<Carrier> for CarrierColumns {
    fn from(carrier: Carrier) -> Self {
        let (place, name) = match carrier {
            Carrier::Header(name) => (Place::Header, Some(name)),
            Carrier::Cookie(name) => (Place::Cookie, Some(name)),
            Carrier::Query(name) => (Place::Query, Some(name)),
            Carrier::Body(name) => (Place::Body, Some(name)),
            Carrier::Subprotocol => (Place::Subprotocol, None),
            Carrier::WebsocketFrame => (Place::WebsocketFrame, None),
            Carrier::ResponseHeader(name) => (Place::ResponseHeader, Some(name)),
            Carrier::SetCookie(name) => (Place::SetCookie, Some(name)),
            Carrier::ResponseBody(name) => (Place::ResponseBody, Some(name)),
        };
        Self { place, name }
    }
}

impl From<CarrierColumns> for Carrier {
    fn from(CarrierColumns { place, name }: CarrierColumns) -> Self {
        let name = name.unwrap_or_default();
        match place {
            Place::Header => Self::Header(name),
            Place::Cookie => Self::Cookie(name),
            Place::Query => Self::Query(name),
            Place::Body => Self::Body(name),
            Place::Subprotocol => Self::Subprotocol,
            Place::WebsocketFrame => Self::WebsocketFrame,
            Place::ResponseHeader => Self::ResponseHeader(name),
            Place::SetCookie => Self::SetCookie(name),
            Place::ResponseBody => Self::ResponseBody(name),
        }
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "request.header.{name}"),
            Self::Cookie(name) => write!(f, "request.cookie.{name}"),
            Self::Query(name) => write!(f, "request.query.{name}"),
            Self::Body(key) => write!(f, "request.body.{key}"),
            Self::Subprotocol => f.write_str("request.subprotocol"),
            Self::WebsocketFrame => f.write_str("websocket.frame"),
            Self::ResponseHeader(name) => write!(f, "response.header.{name}"),
            Self::SetCookie(name) => write!(f, "response.cookie.{name}"),
            Self::ResponseBody(key) => write!(f, "response.body.{key}"),
        }
    }
}

/// One credential of one request.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Credential {
    /// Where it stood.
    pub carrier: Carrier,
    /// Authorization scheme as written, where the carrier has one.
    pub scheme: Option<Text>,
    /// The credential itself.
    pub token: TokenId,
    /// What it is.
    pub kind: TokenKind,
    /// Whether it follows its grammar: no defect, no placeholder.
    pub well_formed: bool,
    /// How it departs from its grammar, outermost first.
    #[serde(with = "super::columns::defects")]
    pub defects: Box<[Defect]>,
}

impl Credential {
    /// Takes over what the token turned out to be; `before` is how many of the defects were the token's.
    pub(crate) fn reclassified(mut self, classified: &Classified, before: usize) -> Self {
        let of_field = self.defects.len().saturating_sub(before);
        self.kind = classified.kind;
        self.well_formed = of_field == 0 && classified.defects.is_empty() && classified.kind != TokenKind::Placeholder;
        self.defects = self.defects[..of_field].iter().chain(&classified.defects).copied().collect();
        self
    }

    /// Whether it is a usable value of `Authorization`.
    pub fn is_authorization(&self) -> bool {
        self.carrier.is_authorization()
    }

    /// Whether a cookie carries it.
    pub fn is_cookie(&self) -> bool {
        matches!(self.carrier, Carrier::Cookie(_))
    }

    /// The sort of credential that an API accepts or not: the scheme, or the carrier where there is none.
    pub fn method(&self) -> Method {
        match &self.carrier {
            Carrier::Header(name) if &**name == "authorization" => Method::Authorization,
            Carrier::Header(_) => Method::ApiKey,
            Carrier::Cookie(_) => Method::Cookie,
            Carrier::Query(_) => Method::Query,
            Carrier::Body(_) => Method::Body,
            _ => Method::WebSocket,
        }
    }
}

/// How a credential reaches the API, as far as "which kinds work here" is concerned (gate G12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// `Authorization`, any scheme.
    Authorization,
    /// A header of its own (`x-api-key`).
    ApiKey,
    /// A session-like cookie.
    Cookie,
    /// A query parameter, a signed URL included.
    Query,
    /// The request body.
    Body,
    /// Subprotocol or first message of a WebSocket.
    WebSocket,
}

impl Method {
    /// Every method.
    const ALL: [Self; 6] = [Self::Authorization, Self::ApiKey, Self::Cookie, Self::Query, Self::Body, Self::WebSocket];

    /// Name in the fact table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::ApiKey => "api-key",
            Self::Cookie => "cookie",
            Self::Query => "query",
            Self::Body => "body",
            Self::WebSocket => "websocket",
        }
    }

    /// The method called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// A credential inside a URL that a header field carries: it reaches whoever reads that URL.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UrlCredential {
    /// The field: `Referer` of the request, `Location` of the response.
    pub carrier: Carrier,
    /// Origin of that URL; empty where it is relative.
    pub origin: Text,
    /// Name of the parameter, in the query or the fragment.
    pub parameter: Text,
    /// The credential.
    pub token: TokenId,
}
