//! Every distinct credential of a capture: classified once, counted wherever it is sent or delivered.
//!
//! Raw values stay here as [`Secret`]s until judging ends, because a key set may be seen after the token that needs it.

use serde::{Deserialize, Serialize};
use std::{collections::HashMap, hash::BuildHasher};

use authtrace_parse::{ExchangeId, Secret, SecretStr, Timestamp};
use hashbrown::HashTable;

use crate::{
    facts::{
        Delivery, Fact,
        credential::{Carrier, Credential, UrlCredential},
        shared::Shared,
    },
    key::KeyResult,
    token::{Claims, Classified, Fingerprinter, Identifier, TokenKind, Told, Value, classify},
};

/// Index of a distinct credential, printed as `T1`, `T2`…
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenId(pub u32);

impl std::fmt::Display for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "T{}", self.0 + 1)
    }
}

/// What a response meant a delivered credential for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

/// How a response hands a credential out.
#[derive(Clone, Copy)]
pub(crate) struct Handed {
    /// The response.
    pub(crate) by: ExchangeId,
    /// When it had arrived.
    pub(crate) at: Option<Timestamp>,
    /// What for.
    pub(crate) purpose: Purpose,
    /// Until when, by its word.
    pub(crate) lasts_until: Option<Timestamp>,
}

/// One distinct credential.
#[derive(Clone, Serialize, Deserialize)]
pub struct Token {
    /// The value.
    pub value: Value,
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
    /// When it ends by the word of that response (`expires_in`, RFC 6749 §5.1), by the capture's clock.
    pub lasts_until: Option<Timestamp>,
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
    /// What keys said of it while its value was at hand.
    pub(crate) checked: Checked,
}

/// How keys did on a credential whose value has been left behind.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Checked {
    /// The candidates that the caller gave.
    pub(crate) given: Vec<KeyResult>,
    /// The keys that the capture publishes.
    pub(crate) published: Vec<KeyResult>,
}

impl Checked {
    fn absorb(&mut self, other: Self) {
        for (ours, theirs) in [(&mut self.given, other.given), (&mut self.published, other.published)] {
            for result in theirs {
                match ours.iter_mut().find(|known| known.name == result.name) {
                    Some(known) if result.verified && !known.verified => *known = result,
                    Some(_) => {}
                    None => ours.push(result),
                }
            }
        }
    }
}

/// Where something was seen first: the exchange, and how many credentials had been read before it.
///
/// Exchanges may arrive in any order; what comes first is told by their ids alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Sight(ExchangeId, u32);

impl Token {
    /// Exchange ids kept in a list; the first and the last are always among them.
    pub const LISTED: usize = 100;
    /// Places in it that hold a secret.
    pub(crate) const SECRETS: usize = 5;

    fn new(value: Value, classified: Classified, seen: Sight) -> Self {
        Self {
            value,
            classified,
            carriers: Vec::new(),
            delivered_by: None,
            delivered_at: None,
            purpose: None,
            lasts_until: None,
            first: None,
            last: None,
            sent_in: Vec::new(),
            sent_count: 0,
            accepted: 0,
            refused: 0,
            seen,
            scheme: None,
            carried: Vec::new(),
            delivered: None,
            checked: Checked::default(),
        }
    }

    /// Whether the value must not be shown: a credential, or an identifier that somebody presented as one. A session id
    /// that opens no door today may open one tomorrow, and whoever sends it as a Bearer token takes it for a key.
    pub fn is_secret(&self) -> bool {
        self.classified.kind.is_credential() || (self.classified.kind == TokenKind::Identifier && self.sent_count > 0)
    }

    /// Where it was seen first, which no other credential was.
    pub(crate) fn first_sight(&self) -> String {
        format!("{}.{}", self.seen.0.0, self.seen.1)
    }

    /// What its payload claims, where it is a token whose payload can be read.
    pub fn claims(&self) -> Option<&Claims> {
        self.classified.jose.as_ref()?.claims.as_ref()
    }

    /// The bytes as sent, where they are at hand.
    pub fn held(&self) -> Option<SecretStr<'_>> {
        self.value.held()
    }

    /// The value to compare, verify and fingerprint, without its wrapping, where it is at hand.
    pub fn cleaned(&self) -> Option<SecretStr<'_>> {
        self.held().map(|raw| self.classified.value(raw))
    }

    /// The placeholder, fit to be shown: it is no secret. `None` for every other kind.
    pub fn literal(&self) -> Option<&str> {
        self.value.literal(&self.classified)
    }

    /// What it is found by: the value, or what is left of it, its fingerprint or a placeholder's own text; `None` where
    /// neither is told.
    fn key(&self) -> Option<&str> {
        match &self.value {
            Value::Held(secret) => Some(secret.expose()),
            Value::Told(told) => told.fingerprint.as_deref().or(told.literal.as_deref()),
        }
    }

    /// What of it can be compared with what other files say; `None` where it is easy to guess, or not left behind yet.
    pub(crate) fn told_as(&self) -> Option<&str> {
        matches!(self.value, Value::Told(_)).then(|| self.key()).flatten()
    }

    /// Whether this is the same credential as `other`: both held, or both told.
    fn is(&self, other: &Self) -> bool {
        self.held().is_some() == other.held().is_some() && self.key().is_some() && self.key() == other.key()
    }

    /// What may be kept of it in a file, with what the keys at hand say of it.
    pub(crate) fn told(&self, names: &Fingerprinter, (given, published): (Vec<KeyResult>, Vec<KeyResult>)) -> Self {
        let mut token = self.clone();
        token.value = Value::Told(self.value.told(&self.classified, names));
        token.classified.cleaned = None;
        if let Some(claims) = token.claims_mut() {
            for identifier in [&mut claims.sub, &mut claims.sid, &mut claims.jti].into_iter().flatten() {
                *identifier = identifier.told(names);
            }
        }
        token.checked = Checked { given, published };
        token
    }

    /// The same credential without anything that is counted of it or was seen later: somebody else adds that.
    pub(crate) fn bare(&self) -> Self {
        Self { scheme: self.scheme.clone(), ..Self::new(self.value.clone(), self.classified.clone(), self.seen) }
    }

    /// Takes out everything that is secret, so that the rest can be written; [`Self::put_back`] makes it whole again.
    pub(crate) fn take_secrets(&mut self) -> [Option<Secret>; Self::SECRETS] {
        let value = match std::mem::replace(&mut self.value, Value::Told(Told::default())) {
            Value::Held(secret) => Some(secret),
            told @ Value::Told(_) => {
                self.value = told;
                None
            }
        };
        let cleaned = self.classified.cleaned.take();
        let [sub, sid, jti] = match self.claims_mut() {
            Some(claims) => [&mut claims.sub, &mut claims.sid, &mut claims.jti].map(Identifier::take_held),
            None => Default::default(),
        };
        [value, cleaned, sub, sid, jti]
    }

    /// Puts back what [`Self::take_secrets`] took out.
    pub(crate) fn put_back(&mut self, [value, cleaned, sub, sid, jti]: [Option<Secret>; Self::SECRETS]) {
        if let Some(value) = value {
            self.value = Value::Held(value);
        }
        self.classified.cleaned = cleaned;
        let Some(claims) = self.claims_mut() else { return };
        for (identifier, held) in [(&mut claims.sub, sub), (&mut claims.sid, sid), (&mut claims.jti, jti)] {
            if let Some(held) = held {
                *identifier = Some(Identifier::Held(held));
            }
        }
    }

    fn claims_mut(&mut self) -> Option<&mut Claims> {
        self.classified.jose.as_mut()?.claims.as_mut()
    }

    fn renumber(&mut self, first_id: u32) {
        let sights = self.carried.iter_mut().chain(&mut self.delivered).chain([&mut self.seen]);
        let sights = sights.map(|sight| &mut sight.0);
        let ids = sights.chain(&mut self.sent_in).chain(&mut self.delivered_by);
        ids.for_each(|id| id.0 = id.0.saturating_add(first_id));
    }

    /// Adds what `other`, which is the same credential elsewhere, says of it; whether `other` was seen later.
    fn absorb(&mut self, other: Self) -> bool {
        self.see(other.first);
        self.see(other.last);
        for (carrier, sight) in other.carriers.iter().zip(&other.carried) {
            self.carried_on(carrier, *sight);
        }
        other.sent_in.iter().for_each(|id| self.list(*id));
        self.sent_count = self.sent_count.saturating_add(other.sent_count);
        if other.delivered.is_some_and(|theirs| self.delivered.is_none_or(|ours| theirs < ours)) {
            self.delivered = other.delivered;
            self.delivered_by = other.delivered_by;
            self.delivered_at = other.delivered_at;
            self.purpose = other.purpose;
            self.lasts_until = other.lasts_until;
        }
        self.checked.absorb(other.checked);
        let later = self.seen <= other.seen;
        if !later {
            (self.seen, self.scheme, self.classified) = (other.seen, other.scheme, other.classified);
        }
        later
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

/// Calls the credentials of `facts` by other numbers, after `change` was made to those of their requests.
pub(crate) fn renumber(
    facts: &mut [Fact],
    number: impl Fn(TokenId) -> TokenId,
    change: impl Fn(Credential) -> Credential,
) {
    let (mut carried, mut in_urls, mut delivered) = (Rewritten::new(), Rewritten::new(), Rewritten::new());
    for fact in facts {
        rewrite(&mut fact.credentials, &mut carried, |credential| {
            let credential = change(credential);
            Credential { token: number(credential.token), ..credential }
        });
        rewrite(&mut fact.url_credentials, &mut in_urls, |c| UrlCredential { token: number(c.token), ..c });
        rewrite(&mut fact.delivered, &mut delivered, |d| Delivery { token: number(d.token), ..d });
        fact.request.refresh_token = fact.request.refresh_token.map(&number);
    }
}

/// The distinct credentials of a capture.
#[derive(Clone, Default)]
pub struct TokenStore {
    tokens: Vec<Token>,
    /// Ids by value; the value itself stands only in [`Token::value`].
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
        let same = |id: &u32| self.tokens[*id as usize].held() == Some(value);
        if let Some(&id) = self.by_value.find(hash, same) {
            if sight < self.tokens[id as usize].seen {
                self.seen_earlier(TokenId(id), sight, scheme);
            }
            return TokenId(id);
        }
        let id = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        let new = Token::new(Value::Held(value.to_secret()), classify(value, scheme), sight);
        self.tokens.push(Token { scheme: scheme.map(Into::into), ..new });
        self.index(hash, id);
        TokenId(id)
    }

    /// Lets the credential `id`, which is new, be found by its key, whose hash is `hash`.
    fn index(&mut self, hash: u64, id: u32) {
        let (tokens, hasher) = (&self.tokens, &self.hasher);
        let hash_of = |id: &u32| hasher.hash_one(tokens[*id as usize].key().unwrap_or_default());
        self.by_value.insert_unique(hash, id, hash_of);
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
        let Some(raw) = token.value.held() else { return };
        token.classified = classify(raw, scheme);
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
    pub(crate) fn delivered(&mut self, id: TokenId, carrier: &Carrier, handed: Handed) {
        let sight = Sight(handed.by, self.read);
        let Some(token) = self.tokens.get_mut(id.0 as usize) else { return };
        token.carried_on(carrier, sight);
        token.see(handed.at);
        if token.delivered.is_none_or(|first| sight < first) {
            token.delivered = Some(sight);
            token.purpose = Some(handed.purpose);
            token.delivered_by = Some(handed.by);
            token.delivered_at = handed.at;
            token.lasts_until = handed.lasts_until;
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
        renumber(
            facts,
            |id| ids[id.0 as usize],
            |credential| {
                let classified = &self.tokens[credential.token.0 as usize].classified;
                match reclassified.get(&credential.token) {
                    Some(&before) => credential.reclassified(classified, before),
                    None => credential,
                }
            },
        );
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

    /// Every credential, by its number.
    pub(crate) fn as_slice(&self) -> &[Token] {
        &self.tokens
    }

    /// Takes over a credential that was kept, whose exchanges count from `first_id` here. Where the credential is known
    /// already, the second part says how many defects `token` had, if it was first seen with another scheme.
    pub(crate) fn adopt(&mut self, mut token: Token, first_id: u32) -> (TokenId, Option<usize>) {
        token.renumber(first_id);
        let hash = token.key().map(|key| self.hasher.hash_one(key));
        let known = hash.and_then(|hash| {
            let same = |id: &u32| self.tokens[*id as usize].is(&token);
            self.by_value.find(hash, same).copied()
        });
        if let Some(id) = known {
            return (TokenId(id), self.absorb(id, token));
        }
        let id = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        self.tokens.push(token);
        if let Some(hash) = hash {
            self.index(hash, id);
        }
        (TokenId(id), None)
    }

    /// Keeps those that `facts`, the only ones from now on, name; they can be found again, and others added.
    pub(crate) fn keep_only(&mut self, facts: &mut [Fact]) {
        let mut numbers: Vec<Option<TokenId>> = vec![None; self.tokens.len()];
        for id in facts.iter().flat_map(Fact::token_ids) {
            numbers[id.0 as usize] = Some(id);
        }
        let stay = (0..).map(TokenId);
        numbers.iter_mut().flatten().zip(stay).for_each(|(number, next)| *number = next);
        renumber(facts, |id| numbers[id.0 as usize].unwrap_or(id), |credential| credential);
        let mut numbers = numbers.iter();
        self.tokens.retain(|_| numbers.next().is_some_and(Option::is_some));
        self.by_value = HashTable::new();
        for (id, hash) in (0u32..).zip(self.hashes()) {
            self.index(hash, id);
        }
    }

    /// The hash of every credential's key.
    fn hashes(&self) -> Vec<u64> {
        self.tokens.iter().map(|token| self.hasher.hash_one(token.key().unwrap_or_default())).collect()
    }

    /// Adds what `other` says of the credential `id`.
    fn absorb(&mut self, id: u32, other: Token) -> Option<usize> {
        let token = &mut self.tokens[id as usize];
        let same_scheme = token.scheme == other.scheme;
        let (before, others) = (token.classified.defects.len(), other.classified.defects.len());
        let later = token.absorb(other);
        if same_scheme {
            return None;
        }
        // The first sight decides what it is; whoever was wrong about it is told.
        if later {
            return Some(others);
        }
        if !self.reclassified.iter().any(|(known, _)| *known == TokenId(id)) {
            self.reclassified.push((TokenId(id), before));
        }
        None
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that the same value, kept in two files, gets when both are read.
    fn adopted_twice(value: &str) -> (TokenId, TokenId) {
        let mut kept = TokenStore::default();
        kept.intern(SecretStr::new(value), Some("Bearer"), ExchangeId(0));
        let token = kept.get(TokenId(0)).told(&Fingerprinter::with_key(b"key"), (Vec::new(), Vec::new()));
        let mut store = TokenStore::default();
        (store.adopt(token.clone(), 0).0, store.adopt(token, 7).0)
    }

    #[test]
    fn a_credential_of_several_files_is_one() {
        for value in ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "undefined"] {
            assert_eq!(adopted_twice(value), (TokenId(0), TokenId(0)), "{value}");
        }
        // Of a guessable value nothing is told that another file could be compared with.
        assert_eq!(adopted_twice("hunter2"), (TokenId(0), TokenId(1)));
    }
}
