//! What a rule sees: one client's timeline and the capture's profile, nothing of other clients (DESIGN §4).

use std::collections::BTreeMap;

use authtrace_parse::{ExchangeId, HeaderView, Kind};

use crate::{
    capture::Capture,
    dictionary::ErrorClass,
    facts::{
        Fact,
        clock::Offset,
        credential::{Carrier, Credential, Method},
        gate::{Gate, NOT_A_FAILURE},
    },
    finding::Cap,
    key::KeyResult,
    lookup::{Lookup, ends_session},
    profile::{Counts, Profile},
    text::Text,
    tokens::{Token, TokenId},
};

/// One client's timeline within a capture.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    capture: &'a Capture,
    lookup: &'a Lookup<'a>,
}

/// Whether `Authorization` was on a request, and how one knows. Unknown, absent and present are three answers.
#[derive(Clone, PartialEq)]
pub(crate) enum Seen {
    /// The header is there.
    Present,
    /// The header was removed from the capture, and the preflight proves that it was set (G2).
    Set(ExchangeId),
    /// The header was not sent. The caps say how sure that is; the preflight that proves it, if one does.
    Absent {
        /// What limits the claim.
        caps: Vec<Cap>,
        /// The preflight that did not ask for `Authorization`.
        preflight: Option<ExchangeId>,
    },
    /// The capture cannot tell.
    Unknown,
}

impl AsRef<Capture> for Case<'_> {
    fn as_ref(&self) -> &Capture {
        self.capture
    }
}

impl<'a> Case<'a> {
    pub(crate) fn new(capture: &'a Capture, lookup: &'a Lookup<'a>) -> Self {
        Self { capture, lookup }
    }

    /// The client's facts by origin, credential, route and page.
    pub(crate) fn lookup(&self) -> &'a Lookup<'a> {
        self.lookup
    }

    /// The capture that the timeline belongs to.
    pub(crate) fn capture(&self) -> &'a Capture {
        self.capture
    }

    /// The client's facts in time order.
    pub(crate) fn facts(&self) -> impl DoubleEndedIterator<Item = &'a Fact> + Clone + use<'a> {
        self.lookup.facts()
    }

    /// The client's exchanges that the server refused for authentication and that count as failures.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = &'a Fact> + Clone + use<'a> {
        self.facts().filter(|fact| fact.refused() && !fact.gates.any(NOT_A_FAILURE))
    }

    /// Requests to protected endpoints: everything but preflights, files and the identity provider's own conversation.
    pub(crate) fn api_calls(&self) -> impl DoubleEndedIterator<Item = &'a Fact> + Clone + use<'a> {
        self.facts().filter(|fact| fact.is_api_call())
    }

    /// The fact of an exchange of this capture.
    pub(crate) fn fact(&self, id: ExchangeId) -> Option<&'a Fact> {
        self.capture.fact(id)
    }

    /// A credential.
    pub(crate) fn token(&self, id: TokenId) -> &'a Token {
        self.capture.tokens.get(id)
    }

    /// Names the session of `fact` in a cause: by its first exchange, since numbers differ where a part of a capture is
    /// judged by itself.
    pub(crate) fn session_mark(&self, fact: &Fact) -> String {
        let session = fact.session.and_then(|session| self.capture.session(session));
        session.map_or_else(|| "no session".to_owned(), |session| format!("session of {}", session.first_exchange.0))
    }

    /// The same of a credential.
    pub(crate) fn token_mark(&self, token: Option<TokenId>) -> String {
        token.map_or_else(|| "no credential".to_owned(), |id| format!("credential of {}", self.token(id).first_sight()))
    }

    /// The requests that carried a credential, as far as they are listed (first and last included).
    pub(crate) fn carrying(&self, token: TokenId) -> impl Iterator<Item = &'a Fact> + use<'a> {
        let capture = self.capture;
        capture.tokens.get(token).sent_in.iter().filter_map(move |&id| capture.fact(id))
    }

    /// The capture's profile.
    pub(crate) fn profile(&self) -> &'a Profile {
        &self.capture.profile
    }

    /// Counts of the route of `fact`.
    pub(crate) fn route(&self, fact: &Fact) -> &'a Counts {
        self.capture.profile.route(&fact.origin, &fact.route)
    }

    /// The counts to compare `fact` with, and whether they are of its own API group.
    pub(crate) fn control(&self, fact: &Fact) -> (&'a Counts, bool) {
        self.capture.profile.control(&fact.origin, &fact.group)
    }

    /// The clock of the server of `fact` against the capture's.
    pub(crate) fn clock(&self, fact: &Fact) -> Offset {
        self.capture.profile.clocks.offset(&fact.origin)
    }

    /// How the candidate keys did on a token; empty where no key was given or none applies.
    pub(crate) fn key_results(&self, token: TokenId) -> &'a [KeyResult] {
        self.capture.key_results.get(&token).map_or(&[], Vec::as_slice)
    }

    /// What the keys that the capture publishes say of a token: every one that signed it, and those that did not although
    /// they bear the name that it gives.
    pub(crate) fn published_results(&self, token: TokenId) -> &'a [KeyResult] {
        self.capture.published_results.get(&token).map_or(&[], Vec::as_slice)
    }

    /// An accepted call to the same origin that carried one of the credentials of `fact` in another field or under another
    /// scheme, where none was accepted with it as it stands here.
    pub(crate) fn read_elsewhere(&self, fact: &Fact) -> Option<(&'a Fact, &'a Credential)> {
        let alike = |a: &Credential, b: &Credential| {
            let scheme = |c: &Credential| c.scheme.as_ref().map(|scheme| scheme.to_ascii_lowercase());
            a.carrier == b.carrier && scheme(a) == scheme(b)
        };
        fact.credentials.iter().filter(|own| !own.is_cookie()).find_map(|own| {
            let with = self.lookup().succeeded_with(&fact.origin, own.token);
            let accepted = || with.iter().filter(|f| f.accepted() && !f.bare_accepted && f.is_api_call());
            let places = |f: &'a Fact| f.credentials.iter().filter(|c| c.token == own.token);
            // Most are accepted as they stand here, which the first call shows.
            if accepted().flat_map(places).any(|c| alike(c, own)) {
                return None;
            }
            // Here, too, it may stand twice: then the API has read it.
            let here = |c: &&Credential| fact.credentials.iter().any(|own| own.token == c.token && alike(own, c));
            accepted().find_map(|f| Some((f, places(f).find(|c| !here(c))?)))
        })
    }

    /// Whether `Authorization` was sent with `fact` (gates G1, G2, G10).
    pub(crate) fn authorization(&self, fact: &Fact) -> Seen {
        if fact.authorization().is_some() {
            return Seen::Present;
        }
        let asked = fact
            .preflight
            .and_then(|id| self.fact(id))
            .map(|p| (p.id, p.cors.as_ref().is_some_and(|c| c.asks_authorization())));
        match asked {
            Some((preflight, true)) => Seen::Set(preflight),
            Some((preflight, false)) if fact.is_cross_origin() => {
                Seen::Absent { caps: Vec::new(), preflight: Some(preflight) }
            }
            _ if !fact.on_wire && self.capture.is_sanitized(fact.source.input) => Seen::Unknown,
            // A recorder without headers proves nothing, but the server that says "missing" has seen the request.
            _ if !fact.on_wire && self.capture.hides_headers(fact.source.input) => {
                match fact.outcome.error.is_some_and(|e| e.is_missing()) {
                    true => Seen::Absent { caps: vec![Cap::NoControl], preflight: None },
                    false => Seen::Unknown,
                }
            }
            _ if fact.view != HeaderView::Full || fact.gates.has(Gate::Provisional) => Seen::Unknown,
            _ => Seen::Absent { caps: Vec::new(), preflight: None },
        }
    }

    /// Whether `fact` carried a well-formed `Authorization`, or its preflight proves that it did (G2).
    pub(crate) fn carries_authorization(&self, fact: &Fact) -> bool {
        good_authorization(fact).is_some() || matches!(self.authorization(fact), Seen::Set(_))
    }

    /// Whether `fact` went out without any credential that its API accepts: with none at all, or with cookies only where
    /// the API was never seen to accept cookies (gate G12). `None` where it did not, or where the capture cannot tell.
    pub(crate) fn lacks_credential(&self, fact: &Fact) -> Option<Lack> {
        let (mut caps, preflight) = match self.authorization(fact) {
            Seen::Absent { caps, preflight } => (caps, preflight),
            Seen::Unknown if self.lacks_key(fact) => (Vec::new(), None),
            _ => return None,
        };
        if fact.credentials.iter().any(|c| !c.is_cookie() && !self.is_companion(fact, c)) {
            return None;
        }
        // The server judged a key: there was one, in a place that is not known for it.
        if fact.outcome.says(&[ErrorClass::ApiKeyInvalid]) {
            return None;
        }
        // A handshake fails for many reasons; only these statuses speak of credentials at all.
        if fact.kind == Kind::WebSocket && !matches!(fact.outcome.status, Some(401 | 403 | 407)) {
            return None;
        }
        let (control, own_group) = self.control(fact);
        let cookies = fact.cookies().next().is_some();
        let says_missing = fact.outcome.error.is_some_and(|e| e.is_missing()) || has_bare_challenge(fact);
        let cookie_left_out = control.accepts(Method::Cookie) && self.sent_cookies_before(fact);
        let has_control = control.accepts(Method::Authorization)
            || control.accepts(Method::ApiKey)
            || cookie_left_out
            || (self.capture.hides_headers(fact.source.input) && self.accepts_hidden_authorization(fact));
        // An application of server-rendered pages may call an expired session missing; a challenge for Bearer is plain.
        let declared = self.capture.declared(fact).filter(|declared| declared.protected);
        let asks_other = declared.is_some_and(|d| !d.alternatives.is_empty() && !d.takes_cookie());
        let takes_cookie = control.accepts(Method::Cookie) || declared.is_some_and(|d| d.takes_cookie());
        let wants_other =
            has_control || asks_other || has_bare_challenge(fact) || (says_missing && control.pages_with_cookies == 0);
        if cookies && (takes_cookie || !wants_other) {
            return None;
        }
        // A 403 without a word, compared with another part of the API, is the weakest of refusals.
        let silent = fact.status == Some(403) && fact.outcome.error.is_none();
        if declared.is_none() && (!has_control || (silent && !own_group)) {
            caps.push(Cap::NoControl);
        }
        let cookie_left_out = cookie_left_out && !control.accepts(Method::Authorization);
        let declared = declared.map(|declared| (declared.from(), declared.wants()));
        Some(Lack { caps, preflight, cookies, cookie_left_out, has_control, says_missing, declared })
    }

    /// The header of its own in which this API takes a key, where no accepted request shows `Authorization`.
    pub(crate) fn key_header(&self, fact: &Fact) -> Option<&'a Text> {
        if !self.takes_keys_only(fact) {
            return None;
        }
        let accepted = self.lookup.succeeded_at(&fact.origin);
        accepted.iter().flat_map(|f| f.credentials.iter()).find_map(|credential| match &credential.carrier {
            Carrier::Header(name) if credential.method() == Method::ApiKey => Some(name),
            _ => None,
        })
    }

    /// Whether a key is missing where keys in headers of their own are what this API takes: exporters leave those in place.
    fn lacks_key(&self, fact: &Fact) -> bool {
        fact.view == HeaderView::Full && fact.outcome.says(&[ErrorClass::ApiKeyMissing]) && self.takes_keys_only(fact)
    }

    /// Whether accepted requests show keys in headers of their own, and none shows `Authorization`.
    fn takes_keys_only(&self, fact: &Fact) -> bool {
        let (control, _) = self.control(fact);
        control.accepts(Method::ApiKey) && !control.accepts(Method::Authorization)
    }

    /// Whether `credential` is a key that only stands beside `Authorization` here: it names the application, not the user.
    /// Accepted requests show that, or a server that asks for `Authorization` in its face.
    fn is_companion(&self, fact: &Fact, credential: &Credential) -> bool {
        let accepted = self.lookup.succeeded_with(&fact.origin, credential.token);
        let mut calls = accepted.iter().filter(|f| f.is_api_call()).peekable();
        let asked = has_bare_challenge(fact)
            || fact.outcome.error.is_some_and(|e| e.is_missing() && e != ErrorClass::ApiKeyMissing);
        let shown = calls.peek().is_some();
        credential.method() == Method::ApiKey && (shown || asked) && calls.all(|f| f.authorization().is_some())
    }

    /// Whether `fact` went without cookies right after its page had called this origin with a session cookie and was
    /// accepted, and nothing in between ended the session.
    fn sent_cookies_before(&self, fact: &Fact) -> bool {
        const RECENT: i64 = 60_000_000_000;
        if fact.has_cookies {
            return false;
        }
        let signs = self.lookup.cookie_signs(fact.lifetime, &fact.origin).before(fact.started_nanos());
        let last = signs.iter().rfind(|f| f.ended_nanos() <= fact.started_nanos());
        last.is_some_and(|f| !ends_session(f) && fact.started_nanos() - f.started_nanos() <= RECENT)
    }

    /// Whether the API of `fact` accepted a request whose `Authorization` was removed from the capture (G2).
    fn accepts_hidden_authorization(&self, fact: &Fact) -> bool {
        let mut carrying = self.lookup.carrying_at(&fact.origin).iter();
        carrying.any(|f| f.group == fact.group && f.succeeded() && matches!(self.authorization(f), Seen::Set(_)))
    }

    /// Whether the identity provider or the API handed `fact`'s client a token, in its page, before `at`.
    pub(crate) fn deliveries_in_page(&self, fact: &Fact) -> impl Iterator<Item = &'a Fact> + use<'a> {
        self.lookup.deliveries_in(fact.lifetime).iter()
    }

    /// The client's facts of the same page lifetime as `fact`.
    pub(crate) fn page(&self, fact: &Fact) -> impl Iterator<Item = &'a Fact> + Clone + use<'a> {
        self.lookup.page(fact.lifetime).iter()
    }

    /// Groups `facts` into the cases of one finding each: one route, session and credential, as `token` names it.
    pub(crate) fn by_credential(
        facts: impl Iterator<Item = &'a Fact>,
        token: impl Fn(&Fact) -> Option<TokenId>,
    ) -> impl Iterator<Item = Vec<&'a Fact>> {
        Self::grouped(facts, |f| (f.origin.clone(), f.route.clone(), f.session, token(f))).into_values()
    }

    /// Groups `facts` by `key`, keeping time order within each group.
    pub(crate) fn grouped<K: Ord>(
        facts: impl Iterator<Item = &'a Fact>,
        key: impl Fn(&Fact) -> K,
    ) -> BTreeMap<K, Vec<&'a Fact>> {
        let mut groups: BTreeMap<K, Vec<&'a Fact>> = BTreeMap::new();
        for fact in facts {
            groups.entry(key(fact)).or_default().push(fact);
        }
        groups
    }
}

/// How a request lacked a credential.
#[derive(Clone)]
pub(crate) struct Lack {
    /// What limits the claim.
    pub(crate) caps: Vec<Cap>,
    /// The preflight that proves that `Authorization` was not set.
    pub(crate) preflight: Option<ExchangeId>,
    /// Whether session-like cookies went along.
    pub(crate) cookies: bool,
    /// Whether the API takes session cookies, and the page had one that this request lacks.
    pub(crate) cookie_left_out: bool,
    /// Whether the API was seen to accept another carrier.
    pub(crate) has_control: bool,
    /// Whether the server itself says that nothing was sent.
    pub(crate) says_missing: bool,
    /// Who declares that the route needs a credential, and what it needs.
    pub(crate) declared: Option<(String, String)>,
}

/// Whether `fact` successfully handed out a token, by its bytes or, where the body was not captured, by its role.
pub(crate) fn delivers_token(fact: &Fact) -> bool {
    fact.succeeded()
        && (!fact.delivered.is_empty() || (fact.role.delivers() && fact.role_proven && !fact.response_body_seen))
}

/// A challenge without `error=`: the request had no authentication information (RFC 6750 §3.1).
pub(crate) fn has_bare_challenge(fact: &Fact) -> bool {
    fact.challenges.iter().any(|c| c.is("bearer") && c.error().is_none())
}

/// The token that `fact` presents to an API, in whatever carrier a bearer token has; cookies and body keys are no such carrier.
pub(crate) fn presented(fact: &Fact) -> Option<&Credential> {
    let bearer = |c: &&Credential| matches!(c.method(), Method::Authorization | Method::Query | Method::WebSocket);
    fact.credentials.iter().filter(bearer).min_by_key(|c| c.method())
}

/// The `Authorization` of `fact` if it is well formed.
pub(crate) fn good_authorization(fact: &Fact) -> Option<&Credential> {
    fact.authorization().filter(|c| c.well_formed)
}
