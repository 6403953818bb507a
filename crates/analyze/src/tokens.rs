//! Every distinct credential of a capture: classified once, counted wherever it is sent or delivered.
//!
//! Raw values stay here as [`Secret`]s until judging ends, because a key set may be seen after the token that needs it.

use std::collections::HashMap;

use authtrace_parse::{ExchangeId, Secret, SecretStr, Timestamp};

use crate::{
    facts::credential::Carrier,
    token::{Classified, TokenKind, classify},
};

/// Index of a distinct credential, printed as `T1`, `T2`…
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub u32);

impl std::fmt::Display for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "T{}", self.0 + 1)
    }
}

/// What a response meant a delivered credential for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// An access token, or a token of unstated use.
    Access,
    /// A refresh token (RFC 6749 §1.5).
    Refresh,
    /// An ID token (OIDC Core §2).
    Id,
    /// A session cookie.
    Session,
}

/// One distinct credential.
pub struct Token {
    /// The value.
    pub secret: Secret,
    /// What it is.
    pub classified: Classified,
    /// Carriers that it was seen on, in order of first sight.
    pub carriers: Vec<Carrier>,
    /// Exchange that delivered it first.
    pub delivered_by: Option<ExchangeId>,
    /// When that response had arrived.
    pub delivered_at: Option<Timestamp>,
    /// What it was delivered as.
    pub purpose: Option<Purpose>,
    /// When it was first seen, sent or delivered.
    pub first: Option<Timestamp>,
    /// When it was last seen.
    pub last: Option<Timestamp>,
    /// Requests that carried it: first [`Token::LISTED`] − 1, and the last.
    pub sent_in: Vec<ExchangeId>,
    /// Requests that carried it, in all.
    pub sent_count: u32,
    /// Of those, answered with 2xx or 3xx.
    pub accepted: u32,
    /// Of those, refused for authentication.
    pub refused: u32,
}

impl Token {
    /// Exchange ids kept in a list; the first and the last are always among them.
    pub const LISTED: usize = 100;

    /// Whether the value must not be shown: a credential, or an identifier that somebody presented as one. A session id
    /// that opens no door today may open one tomorrow, and whoever sends it as a Bearer token takes it for a key.
    pub fn is_secret(&self) -> bool {
        self.classified.kind.is_credential() || (self.classified.kind == TokenKind::Identifier && self.sent_count > 0)
    }

    fn see(&mut self, at: Option<Timestamp>) {
        let Some(at) = at else { return };
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    fn carried_on(&mut self, carrier: &Carrier) {
        if !self.carriers.contains(carrier) {
            self.carriers.push(carrier.clone());
        }
    }
}

/// The distinct credentials of a capture.
#[derive(Default)]
pub struct TokenStore {
    tokens: Vec<Token>,
    by_value: HashMap<Secret, TokenId, foldhash::fast::RandomState>,
}

impl TokenStore {
    /// Finds or adds the credential `value`; `scheme` is the Authorization scheme that it came with.
    pub(crate) fn intern(&mut self, value: SecretStr<'_>, scheme: Option<&str>) -> TokenId {
        let secret = value.to_secret();
        if let Some(&id) = self.by_value.get(&secret) {
            return id;
        }
        let id = TokenId(u32::try_from(self.tokens.len()).unwrap_or(u32::MAX));
        self.by_value.insert(secret.clone(), id);
        self.tokens.push(Token {
            secret,
            classified: classify(value, scheme),
            carriers: Vec::new(),
            delivered_by: None,
            delivered_at: None,
            purpose: None,
            first: None,
            last: None,
            sent_in: Vec::new(),
            sent_count: 0,
            accepted: 0,
            refused: 0,
        });
        id
    }

    /// Notes that a request carried `id`.
    pub(crate) fn sent(&mut self, id: TokenId, carrier: &Carrier, exchange: ExchangeId, at: Option<Timestamp>) {
        let Some(token) = self.tokens.get_mut(id.0 as usize) else { return };
        token.carried_on(carrier);
        token.see(at);
        token.sent_count += 1;
        if token.sent_in.len() < Token::LISTED {
            token.sent_in.push(exchange);
        } else if let Some(last) = token.sent_in.last_mut() {
            *last = exchange;
        }
    }

    /// Notes that a response delivered `id`.
    pub(crate) fn delivered(
        &mut self,
        id: TokenId,
        carrier: &Carrier,
        purpose: Purpose,
        exchange: ExchangeId,
        at: Option<Timestamp>,
    ) {
        let Some(token) = self.tokens.get_mut(id.0 as usize) else { return };
        token.carried_on(carrier);
        token.see(at);
        token.purpose.get_or_insert(purpose);
        if token.delivered_by.is_none() {
            token.delivered_by = Some(exchange);
            token.delivered_at = at;
        }
    }

    /// Notes how a request that carried `id` was answered.
    pub(crate) fn judged(&mut self, id: TokenId, accepted: bool) {
        if let Some(token) = self.tokens.get_mut(id.0 as usize) {
            if accepted {
                token.accepted += 1;
            } else {
                token.refused += 1;
            }
        }
    }

    /// The credential `id`.
    ///
    /// # Panics
    /// If `id` comes from another store.
    pub fn get(&self, id: TokenId) -> &Token {
        &self.tokens[id.0 as usize]
    }

    /// Every credential with its id, in order of first sight.
    pub fn iter(&self) -> impl Iterator<Item = (TokenId, &Token)> {
        (0u32..).map(TokenId).zip(&self.tokens)
    }

    /// Number of distinct credentials.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether the capture holds no credential.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}
