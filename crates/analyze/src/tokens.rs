//! Every distinct credential of a capture: classified once, counted wherever it is sent or delivered.
//!
//! Raw values stay here as [`Secret`]s until judging ends, because a key set may be seen after the token that needs it.

use std::{collections::HashMap, hash::BuildHasher};

use authtrace_parse::{ExchangeId, Secret, SecretStr, Timestamp};
use hashbrown::HashTable;

use crate::{
    facts::{
        Delivery, Fact,
        credential::{Carrier, Credential, UrlCredential},
        shared::Shared,
    },
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
#[derive(Clone)]
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
    seen: Sight,
    /// Authorization scheme of its first sight.
    scheme: Option<Box<str>>,
    /// For each of `carriers`, its first sight.
    carried: Vec<Sight>,
    /// First sight in a response.
    delivered: Option<Sight>,
}

/// Where something was seen first: the exchange, and how many credentials had been read before it.
///
/// Exchanges may arrive in any order; what comes first is told by their ids alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sight(ExchangeId, u32);

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

    fn carried_on(&mut self, carrier: &Carrier, sight: Sight) {
        let known = self.carriers.iter().position(|known| known == carrier);
        if known.is_some_and(|place| self.carried[place] <= sight) {
            return;
        }
        let first = known.map_or(sight, |place| sight.min(self.carried.remove(place)));
        known.into_iter().for_each(|place| drop(self.carriers.remove(place)));
        let place = self.carried.partition_point(|other| *other < first);
        self.carriers.insert(place, carrier.clone());
        self.carried.insert(place, first);
    }

    fn list(&mut self, exchange: ExchangeId) {
        let place = self.sent_in.partition_point(|listed| *listed <= exchange);
        self.sent_in.insert(place, exchange);
        if self.sent_in.len() > Self::LISTED {
            self.sent_in.remove(Self::LISTED - 1);
        }
    }
}

/// Lists that were rewritten, by address, each with what became of it; the old one keeps its address taken.
type Rewritten<T> = HashMap<usize, (Shared<T>, Shared<T>)>;

/// Rewrites a list once for all facts that share it.
fn rewrite<T: Clone>(list: &mut Shared<T>, done: &mut Rewritten<T>, change: impl FnMut(T) -> T) {
    if list.is_empty() {
        return;
    }
    let (_, new) = done.entry(list.address()).or_insert_with(|| (list.clone(), list.changed(change)));
    *list = new.clone();
}

/// The distinct credentials of a capture.
#[derive(Clone, Default)]
pub struct TokenStore {
    tokens: Vec<Token>,
    /// Ids by value; the value itself stands only in [`Token::secret`].
    by_value: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    /// Credentials read so far.
    read: u32,
    /// Tokens that were classified anew, because an earlier exchange turned out to name another scheme, with the number of
    /// defects that they had before.
    reclassified: Vec<(TokenId, usize)>,
}

impl TokenStore {
    /// Finds or adds the credential `value` of `exchange`; `scheme` is the Authorization scheme that it came with.
    pub(crate) fn intern(&mut self, value: SecretStr<'_>, scheme: Option<&str>, exchange: ExchangeId) -> TokenId {
        let hash = self.hasher.hash_one(value.expose());
        self.read = self.read.wrapping_add(1);
        let sight = Sight(exchange, self.read);
        let same = |id: &u32| self.tokens[*id as usize].secret.expose() == value.expose();
        if let Some(&id) = self.by_value.find(hash, same) {
            if sight < self.tokens[id as usize].seen {
                self.seen_earlier(TokenId(id), sight, scheme);
            }
            return TokenId(id);
        }
        let id = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        self.tokens.push(Token {
            secret: value.to_secret(),
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
            seen: sight,
            scheme: scheme.map(Into::into),
            carried: Vec::new(),
            delivered: None,
        });
        let (tokens, hasher) = (&self.tokens, &self.hasher);
        self.by_value.insert_unique(hash, id, |id| hasher.hash_one(tokens[*id as usize].secret.expose()));
        TokenId(id)
    }

    /// The first sight decides with which scheme a value is classified.
    fn seen_earlier(&mut self, id: TokenId, sight: Sight, scheme: Option<&str>) {
        let token = &mut self.tokens[id.0 as usize];
        token.seen = sight;
        if token.scheme.as_deref() == scheme {
            return;
        }
        token.scheme = scheme.map(Into::into);
        let before = token.classified.defects.len();
        token.classified = classify(token.secret.as_secret_str(), scheme);
        if !self.reclassified.iter().any(|(known, _)| *known == id) {
            self.reclassified.push((id, before));
        }
    }

    /// Notes that a request carried `id`.
    pub(crate) fn sent(&mut self, id: TokenId, carrier: &Carrier, exchange: ExchangeId, at: Option<Timestamp>) {
        let sight = Sight(exchange, self.read);
        let Some(token) = self.tokens.get_mut(id.0 as usize) else { return };
        token.carried_on(carrier, sight);
        token.see(at);
        token.sent_count += 1;
        token.list(exchange);
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
        let sight = Sight(exchange, self.read);
        let Some(token) = self.tokens.get_mut(id.0 as usize) else { return };
        token.carried_on(carrier, sight);
        token.see(at);
        if token.delivered.is_none_or(|first| sight < first) {
            token.delivered = Some(sight);
            token.purpose = Some(purpose);
            token.delivered_by = Some(exchange);
            token.delivered_at = at;
        }
    }

    /// Makes ids follow the order of exchanges, whatever order they arrived in; nothing can be added any more.
    pub(crate) fn settle(&mut self, facts: &mut [Fact]) {
        self.by_value = HashTable::new();
        let reclassified: HashMap<TokenId, usize> = std::mem::take(&mut self.reclassified).into_iter().collect();
        let mut order: Vec<u32> = (0..).take(self.tokens.len()).collect();
        order.sort_by_key(|&id| self.tokens[id as usize].seen);
        if order.is_sorted() && reclassified.is_empty() {
            return;
        }
        let mut ids = vec![TokenId(0); order.len()];
        for (new, &old) in (0..).zip(&order) {
            ids[old as usize] = TokenId(new);
        }
        let renumbered = |id: TokenId| ids[id.0 as usize];
        let (mut carried, mut in_urls, mut delivered) = (Rewritten::new(), Rewritten::new(), Rewritten::new());
        for fact in facts {
            rewrite(&mut fact.credentials, &mut carried, |credential: Credential| {
                let classified = &self.tokens[credential.token.0 as usize].classified;
                let credential = match reclassified.get(&credential.token) {
                    Some(&before) => credential.reclassified(classified, before),
                    None => credential,
                };
                Credential { token: renumbered(credential.token), ..credential }
            });
            rewrite(&mut fact.url_credentials, &mut in_urls, |c| UrlCredential { token: renumbered(c.token), ..c });
            rewrite(&mut fact.delivered, &mut delivered, |d| Delivery { token: renumbered(d.token), ..d });
            fact.request.refresh_token = fact.request.refresh_token.map(renumbered);
        }
        let mut slots: Vec<Option<Token>> = std::mem::take(&mut self.tokens).into_iter().map(Some).collect();
        self.tokens = order.iter().filter_map(|&old| slots[old as usize].take()).collect();
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
