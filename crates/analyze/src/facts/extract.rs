//! One exchange in, one fact out: the order in which its parts are read, and nothing else.

use std::{num::NonZeroU16, sync::Arc};

use authtrace_parse::{
    AnomalyKind, Content, Exchange, Kind, Protocol, Secret, SecretStr, Target, Timestamp, headers::Headers,
    target::origin,
};

use super::{
    Common, Connection, Details, Fact, Hop, LifetimeId, Redirect, RequestFacts,
    body::BodyView,
    call_site,
    client::{Client, Clients},
    cors,
    credential::{self, Carrier, Credential, REFRESH_KEYS},
    csrf::Csrf,
    delivery,
    gate::{Gate, Gates},
    key_set::KeySet,
    login_page::LoginPage,
    oauth, outcome, polling, proof, provenance, role, route, set_cookie,
    sharing::Sharing,
    shown, signed_url, socket,
};
use crate::{
    challenge::Challenge,
    dictionary::responders,
    expect::Expectations,
    key::PublishedKeys,
    settings::Settings,
    stored::StoredFact,
    text::{Interner, Text},
    tokens::{TokenId, TokenStore},
};

/// What facts share and what was read before.
#[derive(Default)]
pub(crate) struct Extractor {
    sharing: Sharing,
    conversations: cors::Conversations,
    clients: Clients,
    published: PublishedKeys,
    /// The last `Date`, which a server repeats for a second.
    date: (String, Option<Timestamp>),
}

impl Extractor {
    /// Draws the fact of `exchange`; its credentials go to `tokens`.
    pub(crate) fn extract(&mut self, exchange: &Exchange, tokens: &mut TokenStore, settings: &Settings) -> Fact {
        let request = &exchange.request;
        let response = exchange.response.as_ref();
        let no_headers = Headers::new();
        let answer = response.map_or(&no_headers, |r| &r.headers);
        let request_body = BodyView::of(&request.body);
        let response_body = response.map_or_else(BodyView::default, |r| BodyView::of_response(&r.body, r.status));
        let cors = self.conversations.extract(exchange, &mut self.sharing.interner);
        let server_date = self.server_date(exchange);
        let interner = &mut self.sharing.interner;

        let credentials = credential::extract(exchange, &request_body, tokens, interner);
        let url_credentials = credential::in_header_urls(exchange, tokens, interner);
        let set_cookies = set_cookies(answer, interner);
        let delivered = delivery::deliveries(exchange, answer, &response_body, tokens, interner);
        let mut inferred = role::infer(&role::Evidence {
            exchange,
            request: &request_body,
            response: &response_body,
            delivered: &delivered,
            set_cookies: &set_cookies,
            has_cookie: credentials.iter().any(Credential::is_cookie),
            has_refresh_cookie: credentials.iter().any(is_refresh_cookie),
        });
        if let Some(role) =
            declared_role(&settings.expectations, exchange).filter(|_| inferred.role != role::Role::Preflight)
        {
            (inferred.role, inferred.proven) = (role, true);
        }
        let challenges = Challenge::read_all(
            answer.get_all("www-authenticate").chain(answer.get_all("proxy-authenticate")).map(SecretStr::expose),
        );
        let outcome = outcome::extract(exchange, &inferred, &challenges, &response_body, interner);
        let path = shown::display_path(request.target.path.expose());
        let template = route::template(&path);
        let reading =
            oauth::Reading { exchange, role: inferred.role, request: &request_body, response: &response_body };
        let details = details(&reading, &credentials, tokens, interner);
        let stack = call_site::application_frames(exchange, &settings.source_maps, interner);
        let refresh_token = refresh_token(&credentials, inferred.role);
        let common = Common {
            kind: exchange.kind,
            protocol: exchange.protocol,
            page: exchange.browser.page.as_deref().map(|p| interner.text(p)),
            server: exchange.server,
            forwarded: provenance::is_forwarded(exchange),
            method: interner.text(&request.method),
            scheme: request.target.scheme,
            host: interner.text(&request.target.host),
            port: request.target.port,
            origin: interner.written(|out| request.target.write_origin(out)),
            query_keys: request.target.query_pairs().map(|(name, _)| shown::safe_name(name, interner)).collect(),
            route: route_name(exchange, &template, &request_body, interner),
            group: interner.text(&route::group(&template)),
            status: response.map(|r| r.status),
            failure: exchange.failure.as_deref().map(|f| interner.text(&crate::scrub::scrub(f))),
            view: request.view,
            has_headers: !request.headers.is_empty(),
            request_fields: interner.written(|out| shown::write_names(&request.headers, out)),
            has_cookies: request.headers.contains("cookie"),
            removed_header_bytes: removed_header_bytes(exchange),
            role: inferred.role,
            role_proven: inferred.proven,
            challenges: challenges.into(),
            response_body_seen: response
                .is_some_and(|r| matches!(r.body.content, Content::Text { .. } | Content::Empty | Content::Skipped)),
            cors,
            resource_type: resource_type(exchange).map(|t| interner.text(t)),
            client_signature: client_signature(&request.headers, interner),
            user_agent: request.headers.get("user-agent").map(|u| interner.scrubbed(u.expose())),
            responder: responder(answer, interner),
            instance: instance(answer, interner),
            hops: hops(exchange, interner),
            head_bytes: head_bytes(exchange),
            from_cache: exchange.browser.from_cache,
            is_document: is_document(exchange),
            no_store: answer.get_all("cache-control").any(|v| has_word(v.expose(), "no-store")),
            discovered_issuer: discovered(inferred.role, &response_body, "issuer", interner),
            discovered_keys: discovered(inferred.role, &response_body, "jwks_uri", interner),
            key_set: key_set(inferred.role, &response_body, interner),
            csrf: Csrf::read(exchange, &request_body, &response_body, &set_cookies, interner).map(Arc::new),
            login_page: response.map_or(LoginPage::No, LoginPage::read),
            for_page: is_for_page(&request.headers),
            anomalies: anomalies(exchange),
        };
        if let (Some(_), Some(document)) = (&common.key_set, response_body.document()) {
            self.published.add(&format!("{}{}", common.origin, path), document);
        }
        let client = self.clients.of(exchange, common.user_agent.as_ref());
        Fact {
            id: exchange.id,
            source: exchange.source,
            timing: (&exchange.timing).into(),
            client,
            sender: client,
            client_port: exchange.client.and_then(|client| NonZeroU16::new(client.port())),
            trace: provenance::trace(exchange),
            lifetime: LifetimeId(0),
            connection: exchange.connection.as_ref().map(|connection| match connection {
                authtrace_parse::Connection::Named(name) => Connection::Named(interner.text(name)),
                authtrace_parse::Connection::Tcp(tcp) => Connection::FirstFrame(tcp.first_frame),
            }),
            opening: match exchange.connection {
                Some(authtrace_parse::Connection::Tcp(tcp)) => tcp.opening,
                Some(authtrace_parse::Connection::Named(_)) | None => None,
            },
            path: interner.text(&path),
            url_credentials: url_credentials.into(),
            set_cookies: set_cookies.into(),
            redirect: redirect(&request.target, answer, outcome.class, interner),
            request: RequestFacts {
                grant_type: request_body.string("grant_type").map(|g| shown::safe_name(g.expose(), interner)),
                has_password: role::has_password(&request_body),
                refresh_token,
                body_seen: matches!(request.body.content, Content::Text { .. } | Content::Empty),
            },
            call_site: stack.first().cloned(),
            stack: self.sharing.stacks.share(stack),
            server_date: server_date.into(),
            bare_accepted: false,
            session: None,
            preflight: None,
            preflight_of: None,
            redirected_from: None,
            gates: own_gates(exchange, inferred.role, &outcome),
            credentials: self.sharing.credentials.share(credentials),
            delivered: delivered.into(),
            outcome,
            on_wire: exchange.client.is_some(),
            details,
            leg_of: 0,
            common: self.sharing.common(common),
        }
    }

    /// The fact that was kept, as this run would have drawn it: what it shares with others is shared again, and its
    /// credentials are those of `tokens` that its own became, each with the defects it had if it is known otherwise by now.
    pub(crate) fn restore(
        &mut self,
        stored: StoredFact,
        adopted: &[(TokenId, Option<usize>)],
        tokens: &TokenStore,
    ) -> Fact {
        let StoredFact { client_address, mut fact } = stored;
        let now = |id: TokenId| adopted.get(id.0 as usize).copied().unwrap_or((id, None));
        let credentials = fact.credentials.iter().cloned().map(|credential| {
            let (token, reclassified) = now(credential.token);
            match reclassified {
                Some(before) => credential.reclassified(&tokens.get(token).classified, before),
                None => credential,
            }
        });
        fact.credentials = credentials.collect::<Vec<_>>().into();
        fact.renumber_tokens(|id| now(id).0);
        self.sharing.share(&mut fact);
        fact.client = self.clients.by(client_address, fact.source.input, fact.user_agent.as_ref());
        fact.sender = fact.client;
        fact
    }

    /// Lets go of everything but what `facts`, the only ones from now on, have in common, and the keys that were published.
    pub(crate) fn keep_only(&mut self, facts: &mut [Fact]) {
        let published = std::mem::take(&mut self.published);
        let before = std::mem::replace(self, Self { published, ..Self::default() });
        let clients = before.clients.into_list();
        for fact in facts {
            self.sharing.share(fact);
            let address = clients.get(fact.sender.0 as usize).and_then(Client::address);
            fact.client = self.clients.by(address, fact.source.input, fact.user_agent.as_ref());
            fact.sender = fact.client;
        }
    }

    /// The clients that were met so far.
    pub(crate) fn clients(&self) -> Vec<Client> {
        self.clients.list()
    }

    /// The clients that were met, by the number of [`Fact::sender`], and the keys that were published.
    pub(crate) fn into_parts(self) -> (Vec<Client>, PublishedKeys) {
        (self.clients.into_list(), self.published)
    }

    /// Takes `earlier` keys for published, too.
    pub(crate) fn learn_keys(&mut self, earlier: &PublishedKeys) {
        let own = std::mem::replace(&mut self.published, earlier.clone());
        self.published.extend(own);
    }

    /// The keys that were published so far.
    pub(crate) fn published(&self) -> &PublishedKeys {
        &self.published
    }

    fn server_date(&mut self, exchange: &Exchange) -> Option<Timestamp> {
        let field = server_date(exchange)?;
        if self.date.0 != field {
            let date = jiff::fmt::rfc2822::parse(field.trim()).ok();
            let date = date.map(|date| Timestamp::from_seconds(date.timestamp().as_second()));
            self.date = (field.to_owned(), date);
        }
        self.date.1
    }
}

/// The role that the settings give to such a request.
fn declared_role(expectations: &Expectations, exchange: &Exchange) -> Option<role::Role> {
    if expectations.routes.is_empty() {
        return None;
    }
    let target = &exchange.request.target;
    expectations.role(&exchange.request.method, &target.origin(), target.path.expose())
}

/// DevTools counts header bytes before it removes sensitive fields: a Bearer token leaves a gap of 50 bytes or more.
fn removed_header_bytes(exchange: &Exchange) -> bool {
    const GAP: u64 = 50;
    let request = &exchange.request;
    let Some(stated) = request.header_bytes.filter(|_| exchange.protocol == Some(Protocol::Http11)) else {
        return false;
    };
    let written: usize = request.headers.iter().map(|(name, value)| name.len() + value.expose().len() + 4).sum();
    let line =
        request.method.len() + request.target.path.len() + request.target.query.as_ref().map_or(0, Secret::len) + 14;
    stated > (written + line) as u64 + GAP
}

fn route_name(exchange: &Exchange, template: &str, body: &BodyView, interner: &mut Interner) -> Text {
    let target = || exchange.request.headers.get("x-amz-target").map(SecretStr::expose);
    let operation = match body.graphql_operation() {
        Some(operation) => Some(interner.text(operation)),
        None => target().map(|target| shown::safe_name(target, interner)),
    };
    interner.written(|out| {
        out.extend([&*exchange.request.method, " ", template]);
        if let Some(operation) = &operation {
            out.extend(["#", operation]);
        }
    })
}

fn set_cookies(headers: &Headers, interner: &mut Interner) -> Vec<set_cookie::SetCookie> {
    headers.get_all("set-cookie").filter_map(|field| Some(set_cookie::parse(field, interner)?.0)).collect()
}

/// The refresh token that a request presents: in the body, or in a cookie of that name on a refresh endpoint.
fn refresh_token(credentials: &[Credential], role: role::Role) -> Option<TokenId> {
    let in_body =
        credentials.iter().find(|c| matches!(&c.carrier, Carrier::Body(key) if REFRESH_KEYS.contains(&&**key)));
    let in_cookie = || {
        let refreshes = role == role::Role::Refresh;
        refreshes.then(|| credentials.iter().find(|c| is_refresh_cookie(c))).flatten()
    };
    in_body.or_else(in_cookie).map(|c| c.token)
}

fn is_refresh_cookie(credential: &Credential) -> bool {
    matches!(&credential.carrier, Carrier::Cookie(name) if name.to_ascii_lowercase().contains("refresh"))
}

fn redirect(
    target: &Target,
    headers: &Headers,
    class: outcome::OutcomeClass,
    interner: &mut Interner,
) -> Option<Box<Redirect>> {
    if class != outcome::OutcomeClass::Redirect {
        return None;
    }
    let location = headers.get("location")?.expose();
    let absolute =
        if location.starts_with("//") { format!("{}:{location}", target.scheme.as_str()) } else { location.to_owned() };
    if let Some(to) = Target::parse(&absolute) {
        let path = interner.text(&shown::display_path(to.path.expose()));
        return Some(Box::new(Redirect { origin: interner.text(&to.origin()), path }));
    }
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let origin = interner.text(&origin(target.scheme, &target.host, target.port));
    path.starts_with('/').then(|| Box::new(Redirect { origin, path: interner.text(&shown::display_path(path)) }))
}

fn client_signature(headers: &Headers, interner: &mut Interner) -> Text {
    let field = |name: &'static str| headers.get(name).map_or("-", |v| v.expose());
    let content_type = field("content-type").split(';').next().unwrap_or_default();
    interner.written(|out| {
        out.extend(["accept: ", field("accept"), "; content-type: ", content_type]);
        out.extend(["; x-requested-with: ", field("x-requested-with")]);
    })
}

/// Fields in which deployments name the server, pod or region that answered.
const INSTANCE_FIELDS: &[&str] = &[
    "x-served-by",
    "x-instance",
    "x-instance-id",
    "x-pod",
    "x-pod-name",
    "x-node",
    "x-backend",
    "x-backend-server",
    "x-server",
    "x-server-name",
    "x-server-id",
    "x-upstream",
    "x-region",
    "fly-region",
    "x-hostname",
    "x-container-id",
    "x-app-version",
];

fn instance(headers: &Headers, interner: &mut Interner) -> Option<Text> {
    /// Longest name that is kept: a host name's.
    const LONGEST: usize = 64;
    let value = INSTANCE_FIELDS.iter().find_map(|name| headers.get(name))?.expose().trim();
    (!value.is_empty() && value.len() <= LONGEST).then(|| interner.scrubbed(value))
}

/// `server`, `via` and the sorted header names that say which hop answered; values that vary are left out.
fn responder(headers: &Headers, interner: &mut Interner) -> Text {
    let field = |name: &'static str| headers.get(name).map_or("-", |v| v.expose());
    let vary = |name: &str| {
        matches!(
            name,
            "set-cookie" | "content-length" | "etag" | "last-modified" | "location" | "www-authenticate" | "vary"
        ) || name.starts_with("access-control-")
            || name.starts_with(':')
    };
    // The raw names in their order, behind the values that stay.
    let raw = |out: &mut String| {
        out.extend(["r", field("server"), " ", field("via")]);
        headers.iter().for_each(|(name, _)| out.extend(["\n", name]));
    };
    interner.derived(raw, |_, interner| {
        let names = headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        let mut names: Vec<String> = names.filter(|name| !vary(name)).collect();
        names.sort_unstable();
        names.dedup();
        let server = interner.scrubbed(&format!("{} {}", field("server"), field("via")));
        interner.text(&format!("{server} | {}", names.join(" ")))
    })
}

/// What followed a WebSocket handshake, or stands in the answer to a poll that takes its place.
fn socket_of(exchange: &Exchange, interner: &mut Interner) -> Option<socket::Socket> {
    match &exchange.websocket {
        Some(websocket) => Some(socket::extract(websocket, interner)),
        None => polling::extract(exchange, interner),
    }
}

/// What only few exchanges have; `None` for all others.
fn details(
    reading: &oauth::Reading<'_>,
    credentials: &[Credential],
    tokens: &TokenStore,
    interner: &mut Interner,
) -> Option<Box<Details>> {
    let in_url = credentials.iter().any(|credential| matches!(credential.carrier, Carrier::Query(_)));
    let details = Details {
        oauth: oauth::extract(reading, interner),
        socket: socket_of(reading.exchange, interner),
        proof: proof::extract(reading.exchange, credentials, tokens),
        signed_until: in_url.then(|| signed_url::expiry(reading.exchange)).flatten(),
        asked_for: provenance::asked_for(reading.exchange).map(|path| interner.text(&path)),
    };
    let any = details.oauth.is_some()
        || details.socket.is_some()
        || details.proof.is_some()
        || details.signed_until.is_some()
        || details.asked_for.is_some();
    any.then(|| Box::new(details))
}

/// Who made a refusal, as far as its headers say.
fn hops(exchange: &Exchange, interner: &mut Interner) -> Box<[Hop]> {
    let Some(response) = exchange.response.as_ref().filter(|r| r.status >= 400) else { return Box::default() };
    let mut hits = responders().identify(response.status, &response.headers);
    hits.sort_by(|a, b| b.own.cmp(&a.own).then(b.weight.total_cmp(&a.weight)));
    let hop = hits.iter().map(|hit| Hop {
        name: interner.text(hit.name),
        kind: hit.kind,
        header: interner.text(hit.header),
        own: hit.own,
    });
    hop.collect()
}

/// Bytes of the request's fields, name and value, where the answer may be about their size (RFC 6585 §5; nginx's 494).
fn head_bytes(exchange: &Exchange) -> Option<u32> {
    let status = exchange.response.as_ref()?.status;
    matches!(status, 400 | 413 | 431 | 494).then_some(())?;
    let bytes: usize = exchange.request.headers.iter().map(|(name, value)| name.len() + value.expose().len() + 4).sum();
    u32::try_from(bytes).ok()
}

/// `Date` of an answer that no cache gave.
fn server_date(exchange: &Exchange) -> Option<&str> {
    let response = exchange.response.as_ref()?;
    let cached = exchange.browser.from_cache || exchange.browser.via_service_worker;
    if cached || response.status == 304 || response.headers.contains("age") {
        return None;
    }
    Some(response.headers.get("date")?.expose())
}

/// What the browser fetched it for: the recorder's word, else the request's own (Fetch Metadata, `Sec-Fetch-Dest`).
fn resource_type(exchange: &Exchange) -> Option<&str> {
    if let Some(kind) = exchange.browser.resource_type.as_deref() {
        return Some(kind);
    }
    let headers = &exchange.request.headers;
    let scripted = || headers.get("sec-fetch-mode").is_some_and(|mode| matches!(mode.expose(), "cors" | "same-origin"));
    match headers.get("sec-fetch-dest")?.expose() {
        "empty" if headers.get("accept").is_some_and(|v| v.expose() == "text/event-stream") => Some("eventsource"),
        "empty" if scripted() => Some("fetch"),
        "document" => Some("document"),
        _ => None,
    }
}

fn is_document(exchange: &Exchange) -> bool {
    let headers = &exchange.request.headers;
    match headers.get("sec-fetch-dest").map(|v| v.expose()) {
        Some(dest) => dest == "document",
        None => match exchange.browser.resource_type.as_deref() {
            Some(kind) => kind == "document",
            None => {
                let wants = headers.get("accept").is_some_and(|v| v.expose().starts_with("text/html"));
                let html = exchange.response.as_ref().and_then(|r| r.body.essence()).is_some_and(|m| m == "text/html");
                wants && html
            }
        },
    }
}

/// What a discovery document states under `key`; a URL without its query.
fn discovered(role: role::Role, body: &BodyView, key: &str, interner: &mut Interner) -> Option<Text> {
    let stated = body.string(key).filter(|_| role == role::Role::Discovery)?;
    stated.expose().split('?').next().map(|url| interner.text(url))
}

fn key_set(role: role::Role, body: &BodyView, interner: &mut Interner) -> Option<Arc<KeySet>> {
    let set = (role == role::Role::Jwks).then(|| KeySet::read(body, interner))?;
    set.map(Arc::new)
}

/// Header fields of routers, prefetchers and libraries that put pieces of HTML into a page.
const PAGE_HEADERS: &[&str] = &[
    "hx-request",
    "next-router-prefetch",
    "next-router-state-tree",
    "next-url",
    "rsc",
    "sec-purpose",
    "turbo-frame",
    "x-inertia",
    "x-nextjs-data",
    "x-pjax",
    "x-up-version",
];

/// Whether a script asked for a page or a piece of one, as its headers say.
fn is_for_page(headers: &Headers) -> bool {
    let wants_html = headers.get("accept").is_some_and(|accept| {
        let first = accept.expose().split([',', ';']).next().unwrap_or_default().trim();
        matches!(first, "text/html" | "application/xhtml+xml" | "text/vnd.turbo-stream.html" | "text/x-component")
    });
    wants_html || PAGE_HEADERS.iter().any(|name| headers.contains(name))
}

/// Gates that the exchange alone decides; the others need its neighbours (`facts::join`).
fn own_gates(exchange: &Exchange, role: role::Role, outcome: &outcome::Outcome) -> Gates {
    let mut gates = Gates::default();
    let mut set = |gate, holds: bool| {
        if holds {
            gates.add(gate);
        }
    };
    set(Gate::Preflight, exchange.kind == Kind::Preflight);
    set(Gate::LoginFailure, outcome.class == outcome::OutcomeClass::LoginFailed);
    set(Gate::NotServer, exchange.browser.from_cache);
    set(Gate::Provisional, exchange.request.view != authtrace_parse::HeaderView::Full);
    set(Gate::Blocked, outcome.class == outcome::OutcomeClass::Blocked);
    set(Gate::HealthCheck, is_health_check(exchange));
    set(Gate::BrowserItself, is_by_browser(exchange));
    let failed = exchange.response.as_ref().is_none_or(|r| r.status >= 500);
    set(Gate::RefreshUnavailable, matches!(role, role::Role::Refresh | role::Role::Token | role::Role::Mint) && failed);
    gates
}

fn is_health_check(exchange: &Exchange) -> bool {
    const AGENTS: &[&str] = &["kube-probe", "ELB-HealthChecker", "GoogleHC", "Prometheus", "UptimeRobot"];
    const PATHS: &[&str] = &["health", "healthz", "ready", "readyz", "live", "livez", "metrics", "ping"];
    let agent = exchange.request.headers.get("user-agent").map_or("", |v| v.expose());
    let last = exchange.request.target.path.expose().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    // `/ws/live` is a feed, not a liveness probe.
    AGENTS.iter().any(|a| agent.contains(a)) || (exchange.kind != Kind::WebSocket && PATHS.contains(&last))
}

/// Icons, manifests, source maps, and reports of violations: the browser and its tools ask for them, and the page does not.
fn is_by_browser(exchange: &Exchange) -> bool {
    const TYPES: &[&str] = &["manifest", "csp-violation-report", "csp-report"];
    const NAMES: &[&str] =
        &["favicon.ico", "manifest.json", "browserconfig.xml", "robots.txt", "csp-report", "csp-reports"];
    const REPORTS: &[&str] = &["application/csp-report", "application/reports+json"];
    let path = exchange.request.target.path.expose();
    let last = path.rsplit('/').next().unwrap_or_default();
    let kind = exchange.request.headers.get("content-type").map_or("", |v| v.expose());
    exchange.browser.resource_type.as_deref().is_some_and(|t| TYPES.contains(&t))
        || is_dev_server(exchange, path)
        || NAMES.contains(&last)
        || [".webmanifest", ".js.map", ".css.map"].iter().any(|ending| last.ends_with(ending))
        || last.starts_with("apple-touch-icon")
        || path.starts_with("/.well-known/appspecific/")
        || REPORTS.iter().any(|report| kind.starts_with(report))
}

/// The socket by which a development server reloads its page.
fn is_dev_server(exchange: &Exchange, path: &str) -> bool {
    let protocol = exchange.request.headers.get("sec-websocket-protocol").map_or("", |v| v.expose());
    ["/_next/webpack-hmr", "/_nuxt/", "/sockjs-node", "/__vite", "/webpack-dev-server"]
        .iter()
        .any(|p| path.starts_with(p))
        || protocol.starts_with("vite-")
}

/// Whether `text` contains `word`, which is in lower case, in any letter case.
fn has_word(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

fn anomalies(exchange: &Exchange) -> Box<[AnomalyKind]> {
    exchange.anomalies.as_slice().into()
}
