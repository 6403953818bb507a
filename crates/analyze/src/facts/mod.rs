//! Facts: what one exchange says about authentication, and how well it was seen.
//!
//! A [`Fact`] is a compact, secret-free record. Facts state what is there; only rules say what it means.
//! Role and outcome are facts, too.

pub(crate) mod body;
mod call_site;
pub mod client;
pub mod clock;
pub(crate) mod columns;
pub(crate) mod cookie_jar;
pub mod cors;
pub mod credential;
pub mod csrf;
mod delivery;
pub(crate) mod error_page;
pub(crate) mod extract;
pub mod gate;
pub(crate) mod join;
pub mod key_set;
pub(crate) mod legs;
pub mod lifetime;
pub mod login_page;
pub mod mark;
pub mod oauth;
mod oauth_scopes;
pub mod outcome;
mod polling;
pub mod proof;
pub(crate) mod provenance;
pub mod role;
pub mod route;
pub(crate) mod saml;
pub mod session;
pub mod set_cookie;
pub mod shared;
pub(crate) mod sharing;
mod shown;
mod signed_url;
pub(crate) mod silent;
pub(crate) mod site;
pub mod socket;
pub(crate) mod socket_refusal;
pub mod times;
pub(crate) mod views;

use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    num::{NonZeroU16, NonZeroU32, NonZeroU64},
    sync::Arc,
};

use authtrace_parse::{AnomalyKind, ExchangeId, HeaderView, Kind, Protocol, Scheme, Source, Timestamp};

use crate::{
    challenge::Challenge,
    dictionary::ResponderKind,
    text::Text,
    token::Fingerprinter,
    tokens::{Purpose, TokenId},
};
use cors::Cors;
use credential::{Carrier, Credential, Method, UrlCredential};
use csrf::Csrf;
use gate::{Gate, Gates};
use key_set::KeySet;
use login_page::LoginPage;
use oauth::Oauth;
use outcome::Outcome;
use proof::Proof;
use role::Role;
use set_cookie::SetCookie;
use shared::Shared;
use socket::Socket;
use times::{Moment, Times};

/// A client: whoever sent the requests of one timeline (detectors §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientId(pub u32);

/// An authentication session, printed as `S1`, `S2`…
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S{}", self.0 + 1)
    }
}

/// One document's life in a client (DESIGN §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LifetimeId(pub u32);

/// A credential that a response handed to the client.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Delivery {
    /// Where in the response.
    pub carrier: Carrier,
    /// The credential.
    pub token: TokenId,
    /// What for.
    pub purpose: Purpose,
}

/// Where a redirect pointed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// Origin of the target, resolved against the request.
    pub origin: Text,
    /// Path of the target without query.
    pub path: Text,
}

/// What a request body says, by key names only.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RequestFacts {
    /// `grant_type` (RFC 6749), a registered name and no secret.
    pub grant_type: Option<Text>,
    /// Whether a password or one-time code is in the body.
    pub has_password: bool,
    /// The refresh token presented, in whatever carrier.
    pub refresh_token: Option<TokenId>,
    /// Whether the body was there to be read.
    pub body_seen: bool,
}

/// A connection, as the input tells it from others (see [`authtrace_parse::Connection`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ConnectionColumns", into = "ConnectionColumns")]
pub enum Connection {
    /// The recorder's own name for it.
    Named(Text),
    /// The one-based number of its first frame.
    FirstFrame(u32),
}

/// A connection as a table holds it.
#[derive(Serialize, Deserialize)]
struct ConnectionColumns {
    name: Option<Text>,
    first_frame: Option<u32>,
}

impl From<Connection> for ConnectionColumns {
    fn from(connection: Connection) -> Self {
        match connection {
            Connection::Named(name) => Self { name: Some(name), first_frame: None },
            Connection::FirstFrame(frame) => Self { name: None, first_frame: Some(frame) },
        }
    }
}

impl From<ConnectionColumns> for Connection {
    fn from(columns: ConnectionColumns) -> Self {
        match columns.first_frame {
            Some(frame) => Self::FirstFrame(frame),
            None => Self::Named(columns.name.unwrap_or_default()),
        }
    }
}

impl std::fmt::Display for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::FirstFrame(frame) => write!(f, "tcp-{frame}"),
        }
    }
}

/// What only few exchanges have: their part in a login at a provider, a socket, a proof of possession.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Details {
    /// Its part in an OAuth, OpenID Connect or SAML conversation.
    pub oauth: Option<Oauth>,
    /// What followed a WebSocket handshake.
    pub socket: Option<Socket>,
    /// Its DPoP proof.
    pub proof: Option<Proof>,
    /// When the signature of its URL ends.
    pub signed_until: Option<Timestamp>,
    /// The path of the request about which a gateway asks by it, whether to let that one through.
    pub asked_for: Option<Text>,
}

/// One sign of who made an answer, by its headers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hop {
    /// Who.
    pub name: Text,
    /// What sort of thing it is.
    pub kind: ResponderKind,
    /// The header that says so.
    pub header: Text,
    /// It made this answer itself, rather than passing it on.
    pub own: bool,
}

/// What many exchanges have in common, kept once for all of them: a fact derefs to it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Common {
    /// Sort of exchange.
    pub kind: Kind,
    /// Protocol version.
    pub protocol: Option<Protocol>,
    /// The recorder's page id.
    pub page: Option<Text>,
    /// Server's transport address; port 0 where only the address is known.
    #[serde(with = "columns::as_text")]
    pub server: Option<SocketAddr>,
    /// Whether it says that a proxy sent it: by a field that proxies add, or by naming another host or page than a browser
    /// would from there.
    pub forwarded: bool,
    /// Method.
    pub method: Text,
    /// Scheme as requested.
    pub scheme: Scheme,
    /// Host.
    pub host: Text,
    /// Port.
    pub port: u16,
    /// Origin, as `Origin` would spell it.
    pub origin: Text,
    /// Names of the query parameters.
    pub query_keys: Box<[Text]>,
    /// `METHOD template`, the unit that rules compare.
    pub route: Text,
    /// First two static segments of the template.
    pub group: Text,
    /// Status of the answer; `None` when there was none.
    pub status: Option<u16>,
    /// Transport or browser error.
    pub failure: Option<Text>,
    /// How complete the request headers are.
    pub view: HeaderView,
    /// Whether the request has any header at all.
    pub has_headers: bool,
    /// Names of the request's header fields as they stood, lower case, with spaces between them.
    pub request_fields: Text,
    /// Whether the request has any cookie, session-like or not.
    pub has_cookies: bool,
    /// Whether the exporter counted more header bytes than it wrote.
    pub removed_header_bytes: bool,
    /// Role of the endpoint.
    pub role: Role,
    /// Whether evidence other than the path made the role (gates G4, G5).
    pub role_proven: bool,
    /// Challenges of the response.
    pub challenges: Box<[Challenge]>,
    /// Whether the response body was there to be read (or there was none).
    pub response_body_seen: bool,
    /// Cross-origin facts, where the request had an `Origin` or the response an `Access-Control-*` field.
    #[serde(with = "columns::maybe_shared")]
    pub cors: Option<Arc<Cors>>,
    /// Browser's resource type.
    pub resource_type: Option<Text>,
    /// How a client library shows in its headers: `accept`, `content-type`, `x-requested-with`.
    pub client_signature: Text,
    /// `User-Agent`, which is no secret.
    pub user_agent: Option<Text>,
    /// Who answered: server, via and the set of header names.
    pub responder: Text,
    /// Which of several servers or regions answered, where a field names it.
    pub instance: Option<Text>,
    /// What the headers of a refusal say of who made it, most telling first; empty for other answers.
    pub hops: Box<[Hop]>,
    /// Bytes of the request's fields where the answer says that they are too many.
    pub head_bytes: Option<u32>,
    /// Whether a cache or the browser answered instead of a server.
    pub from_cache: bool,
    /// Whether the document is HTML for a person to look at.
    pub is_document: bool,
    /// Whether `Cache-Control: no-store` was set.
    pub no_store: bool,
    /// Issuer named by a discovery document in the response.
    pub discovered_issuer: Option<Text>,
    /// Where that document says that the issuer's keys are (`jwks_uri`), without query.
    pub discovered_keys: Option<Text>,
    /// Keys that the response published.
    #[serde(with = "columns::maybe_shared")]
    pub key_set: Option<Arc<KeySet>>,
    /// What it shows of a defence against forged requests.
    #[serde(with = "columns::maybe_shared")]
    pub csrf: Option<Arc<Csrf>>,
    /// How much the answer looks like a login page.
    pub login_page: LoginPage,
    /// Whether a script fetched it for a page that it shows: a router's navigation, a prefetch, a piece of HTML.
    pub for_page: bool,
    /// Oddities of the input.
    pub anomalies: Box<[AnomalyKind]>,
}

/// One exchange, as far as authentication is concerned: what is its own, and what it shares with others.
#[derive(Clone, Serialize, Deserialize)]
pub struct Fact {
    /// Exchange.
    pub id: ExchangeId,
    /// Where it came from.
    pub source: Source,
    /// When its parts were seen.
    pub timing: Times,
    /// Who sent it.
    #[serde(skip)]
    pub client: ClientId,
    /// The same before clients that are one were joined: it tells the address.
    #[serde(skip)]
    pub sender: ClientId,
    /// From which port, where the wire shows it: every exchange that was read from packets has one.
    #[serde(with = "columns::non_zero")]
    pub client_port: Option<NonZeroU16>,
    /// Hash of the identifier under which it is traced (W3C Trace Context, `X-Request-Id`).
    #[serde(with = "columns::non_zero")]
    pub trace: Option<NonZeroU32>,
    /// Document that it belongs to.
    #[serde(skip)]
    pub lifetime: LifetimeId,
    /// Connection that carried it.
    pub connection: Option<Connection>,
    /// What one TCP connection has in common with every other capture of it (see [`authtrace_parse::TcpConnection`]).
    #[serde(with = "columns::non_zero")]
    pub opening: Option<NonZeroU64>,
    /// Path without query; a segment that is a token reads `{token}`.
    pub path: Text,
    /// Credentials of the request, the one that names the principal first (see [`Credential::method`]).
    pub credentials: Shared<Credential>,
    /// Credentials in the URLs of `Referer` and `Location`.
    pub url_credentials: Shared<UrlCredential>,
    /// How the server answered.
    pub outcome: Outcome,
    /// Credentials that the response delivered.
    pub delivered: Shared<Delivery>,
    /// Cookies that the response set.
    pub set_cookies: Shared<SetCookie>,
    /// Target of a redirect.
    pub redirect: Option<Box<Redirect>>,
    /// Facts of the request body.
    pub request: RequestFacts,
    /// Call site: the first application frame of the initiator, `function (url:line)`.
    pub call_site: Option<Text>,
    /// The application frames of the initiator, innermost first.
    pub stack: Shared<Text>,
    /// Server clock: `Date` of an answer that no cache gave.
    pub server_date: Moment,
    /// Whether its route ever accepted a request without a credential (G4).
    #[serde(skip)]
    pub bare_accepted: bool,
    /// Session.
    #[serde(skip)]
    pub session: Option<SessionId>,
    /// Its preflight.
    #[serde(skip)]
    pub preflight: Option<ExchangeId>,
    /// The request that this preflight asked for.
    #[serde(skip)]
    pub preflight_of: Option<ExchangeId>,
    /// The exchange that redirected here.
    #[serde(skip)]
    pub redirected_from: Option<ExchangeId>,
    /// Gates that take it out of some judgements.
    pub gates: Gates,
    /// Whether its header list is the wire's: read from packets, or lent by a view that was.
    pub on_wire: bool,
    /// What only few exchanges have.
    pub details: Option<Box<Details>>,
    /// The view that stands for the call, plus one; 0 where this is it.
    #[serde(skip)]
    leg_of: u32,
    #[serde(with = "columns::shared")]
    common: Arc<Common>,
}

impl std::ops::Deref for Fact {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

impl Fact {
    /// What it has in common with others, to be changed for this one alone.
    pub(crate) fn common_mut(&mut self) -> &mut Common {
        Arc::make_mut(&mut self.common)
    }

    /// The exchange that stands for the call of which this is another view.
    pub fn leg_of(&self) -> Option<ExchangeId> {
        self.leg_of.checked_sub(1).map(ExchangeId)
    }

    pub(crate) fn set_leg_of(&mut self, id: ExchangeId) {
        self.leg_of = id.0.saturating_add(1);
    }

    /// Makes its marks those of the holder of a key (see [`Mark::keyed`]).
    pub(crate) fn key_marks(&mut self, names: &Fingerprinter) {
        let Some(details) = &mut self.details else { return };
        let oauth = details.oauth.iter_mut().flat_map(Oauth::marks);
        let proof = details.proof.iter_mut().filter_map(|proof| proof.id.as_mut());
        oauth.chain(proof).for_each(|mark| *mark = mark.keyed(names));
    }

    /// Every credential that it names.
    pub(crate) fn token_ids(&self) -> impl Iterator<Item = TokenId> {
        let sent = self.credentials.iter().map(|c| c.token).chain(self.url_credentials.iter().map(|c| c.token));
        sent.chain(self.delivered.iter().map(|d| d.token)).chain(self.request.refresh_token)
    }

    /// Calls its credentials by their numbers elsewhere.
    pub(crate) fn renumber_tokens(&mut self, number: impl Fn(TokenId) -> TokenId) {
        self.credentials = self.credentials.changed(|c| Credential { token: number(c.token), ..c });
        self.url_credentials = self.url_credentials.changed(|c| UrlCredential { token: number(c.token), ..c });
        self.delivered = self.delivered.changed(|d| Delivery { token: number(d.token), ..d });
        self.request.refresh_token = self.request.refresh_token.map(number);
    }

    /// Its part in an OAuth, OpenID Connect or SAML conversation.
    pub fn oauth(&self) -> Option<&Oauth> {
        self.details.as_ref()?.oauth.as_ref()
    }

    /// Whether it asks for the token of a sign-in that a person confirms on another device (RFC 8628 §3.4).
    pub(crate) fn asks_for_device(&self) -> bool {
        self.request
            .grant_type
            .as_deref()
            .is_some_and(|grant| grant.ends_with(":device_code") || grant == "device_code")
    }

    /// What followed a WebSocket handshake.
    pub fn socket(&self) -> Option<&Socket> {
        self.details.as_ref()?.socket.as_ref()
    }

    /// Its DPoP proof.
    pub fn proof(&self) -> Option<&Proof> {
        self.details.as_ref()?.proof.as_ref()
    }

    /// When the signature of its URL ends.
    pub fn signed_until(&self) -> Option<Timestamp> {
        self.details.as_ref()?.signed_until
    }

    /// The path of the request about which a gateway asks by it, whether to let that one through.
    pub fn asked_for(&self) -> Option<&str> {
        self.details.as_ref()?.asked_for.as_deref()
    }

    /// When the request was sent: the best that the input knows, 0 where it knows nothing.
    pub fn sent_nanos(&self) -> i64 {
        self.timing.sent().or(self.timing.started()).map_or(0, Timestamp::nanos)
    }

    /// When the client asked for it, before queueing and preflight.
    pub fn started_nanos(&self) -> i64 {
        self.timing.started().or(self.timing.sent()).map_or(0, Timestamp::nanos)
    }

    /// When the answer was complete; its start where no end is known.
    pub fn ended_nanos(&self) -> i64 {
        self.timing.ended().or(self.timing.first_byte()).map_or_else(|| self.sent_nanos(), Timestamp::nanos)
    }

    /// When the head of the answer had come, which sets its cookies; the end where nothing tells.
    pub fn answered_nanos(&self) -> i64 {
        self.timing.first_byte().map_or_else(|| self.ended_nanos(), Timestamp::nanos)
    }

    /// Whether the answer has a status of 200–399, and the client could read it.
    pub fn succeeded(&self) -> bool {
        self.outcome.is_success()
    }

    /// Whether the server accepted it, credential included: a redirect is an answer and says nothing about the credential.
    pub fn accepted(&self) -> bool {
        self.outcome.class == outcome::OutcomeClass::Success
    }

    /// Why a browser ignores `cookie`, one of those that the response sets; other clients keep cookies by rules of their own.
    pub fn cookie_refusal(&self, cookie: &SetCookie) -> Option<String> {
        cookie_jar::rejection(self, cookie).map(|why| cookie_jar::explain(self, cookie, why))
    }

    /// Whether the server refused it for authentication (detectors §1, AF).
    pub fn refused(&self) -> bool {
        self.outcome.is_refusal()
    }

    /// Whether it counts in ratios: what does not says nothing of how an API treats credentials (G3, G9, G14, G17).
    pub fn counts(&self) -> bool {
        const NOT: &[Gate] =
            &[Gate::Preflight, Gate::NotServer, Gate::HealthCheck, Gate::Probe, Gate::ChallengeLeg, Gate::LoggingOut];
        self.leg_of == 0 && !self.gates.any(NOT)
    }

    /// Whether it went to a protected API, as far as its role says: no preflight, no file, no identity provider.
    pub fn is_api_call(&self) -> bool {
        !self.role.is_identity() && !matches!(self.role, Role::Static | Role::Preflight)
    }

    /// The value of `Authorization`, where there is one.
    pub fn authorization(&self) -> Option<&Credential> {
        self.credentials.iter().find(|c| c.is_authorization())
    }

    /// Session-like cookies of the request.
    pub fn cookies(&self) -> impl Iterator<Item = &Credential> {
        self.credentials.iter().filter(|c| c.is_cookie())
    }

    /// Whether the request carries a credential by `method`.
    pub fn has_method(&self, method: Method) -> bool {
        self.credentials.iter().any(|c| c.method() == method)
    }

    /// The credential that names the principal: `Authorization` before a header of its own, query, subprotocol, cookie.
    pub fn main_credential(&self) -> Option<&Credential> {
        self.credentials.first()
    }

    /// Whether a browser sent it, as far as its recorder or it itself says.
    pub fn is_from_browser(&self) -> bool {
        self.resource_type.is_some() || self.user_agent.as_deref().is_some_and(provenance::names_browser)
    }

    /// Whether it says that another program than a browser sent it.
    pub fn is_from_program(&self) -> bool {
        self.user_agent.is_some() && !self.is_from_browser()
    }

    /// Whether the page's origin differs from the request's (Fetch, "same origin").
    pub fn is_cross_origin(&self) -> bool {
        self.cors.as_ref().and_then(|c| c.origin.as_ref()).is_some_and(|origin| *origin != self.origin)
    }
}
