//! Facts as they are kept in files: without any secret, and complete enough to be judged again as if the capture were read.
//!
//! What is left behind here is what only the bytes could tell: keys are tried before, values and identifiers become keyed
//! fingerprints ([`Told`](crate::token::Told)), and paths that repeat a credential are masked.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};

use crate::{
    capture::{key_results, sort_by_id},
    facts::{Fact, client::Client, columns, sharing::Sharing},
    key::{KeyRing, PublishedKeys},
    masked,
    settings::Settings,
    table::{ColumnDef, SCHEMA, Values},
    token::Fingerprinter,
    tokens::{Token, TokenId, TokenStore},
};

/// The fact of one exchange as it is kept, before anything is joined or judged.
#[derive(Clone, Serialize, Deserialize)]
pub struct StoredFact {
    /// Who sent it, where the wire shows the address.
    #[serde(with = "columns::as_text")]
    pub client_address: Option<IpAddr>,
    /// The fact; credentials are numbered within the part.
    pub fact: Fact,
}

impl KeysTried {
    pub(crate) fn of(keys: &KeyRing) -> Self {
        let twins = keys.twins().into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        Self { any: !keys.is_empty(), twins }
    }
}

/// What one input says, fit to be kept.
#[derive(Clone, Default)]
pub struct Part {
    /// Facts by ascending exchange id, which counts from 0.
    pub facts: Vec<StoredFact>,
    /// Credentials by their number.
    pub tokens: Vec<Token>,
    /// Names of candidate keys that were tried, and which of them differ only by white space around them.
    pub keys: KeysTried,
}

/// The candidate keys that a part was checked with, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysTried {
    /// Whether there was any.
    pub any: bool,
    /// Pairs that differ only by surrounding white space.
    pub twins: Vec<(String, String)>,
}

/// A part that is read back row by row. What many facts share is shared again at once: written out, it would fill memory.
#[derive(Default)]
pub struct Gathering {
    part: Part,
    sharing: Sharing,
    /// What the credentials of [`Gathering::push_token`] are called in the file that they come from.
    numbers: HashMap<u32, u32>,
}

impl Gathering {
    /// Takes one fact in.
    pub fn push(&mut self, mut stored: StoredFact) {
        self.sharing.share(&mut stored.fact);
        self.part.facts.push(stored);
    }

    /// Takes credentials in, in the order of their numbers.
    pub fn push_tokens(&mut self, tokens: Vec<Token>) {
        self.part.tokens.extend(tokens);
    }

    /// Takes in the credential that facts call `number`: some of a part's, in any order, once each.
    pub fn push_token(&mut self, number: u32, token: Token) {
        let next = u32::try_from(self.part.tokens.len()).unwrap_or(u32::MAX);
        if let Entry::Vacant(free) = self.numbers.entry(number) {
            free.insert(next);
            self.part.tokens.push(token);
        }
    }

    /// What the facts so far call their credentials.
    pub fn named(&self) -> HashSet<u32> {
        self.part.facts.iter().flat_map(|stored| stored.fact.token_ids()).map(|id| id.0).collect()
    }

    /// Rows so far, facts and credentials together.
    pub fn rows(&self) -> usize {
        self.part.facts.len() + self.part.tokens.len()
    }

    /// The part, with facts by ascending id, and what keys were tried on it.
    pub fn finish(mut self, keys: KeysTried) -> Part {
        self.part.facts.sort_by_key(|stored| stored.fact.id);
        if !self.numbers.is_empty() {
            let number = |id: TokenId| TokenId(self.numbers.get(&id.0).copied().unwrap_or(u32::MAX));
            self.part.facts.iter_mut().for_each(|stored| stored.fact.renumber_tokens(number));
        }
        Part { keys, ..self.part }
    }
}

/// Columns of the fact table that a fact alone decides: sessions and clients are numbered over a whole capture.
pub fn columns_of_a_fact() -> impl Iterator<Item = &'static ColumnDef> {
    const JOINED: &[&str] = &["id", "input", "client_key", "session", "token", "counted"];
    SCHEMA.iter().filter(|column| !JOINED.contains(&column.name))
}

impl Part {
    /// The part that `facts` and `tokens` of one input make.
    pub(crate) fn new(
        mut facts: Vec<Fact>,
        mut tokens: TokenStore,
        clients: &[Client],
        published: &PublishedKeys,
        settings: &Settings,
        names: &Fingerprinter,
    ) -> Self {
        sort_by_id(&mut facts);
        tokens.settle(&mut facts);
        masked::mask(&mut facts, &tokens, &masked::Bygone::default());
        let mut given = key_results(&tokens, |token| settings.keys.verify(token));
        let mut by_published = key_results(&tokens, |token| published.verify(token));
        let told = tokens.iter().map(|(id, token)| {
            let checked = (given.remove(&id).unwrap_or_default(), by_published.remove(&id).unwrap_or_default());
            token.told(names, checked)
        });
        let facts = facts.into_iter().map(|mut fact| {
            let client_address = clients.get(fact.sender.0 as usize).and_then(Client::address);
            fact.key_marks(names);
            fact.source.input = 0;
            StoredFact { client_address, fact }
        });
        let keys = KeysTried::of(&settings.keys);
        Self { tokens: told.collect(), facts: facts.collect(), keys }
    }

    /// The cells of one of [`columns_of_a_fact`] for the facts at `rows`.
    pub fn values(&self, column: &ColumnDef, rows: &[usize]) -> Values {
        let facts = rows.iter().filter_map(|&row| self.facts.get(row)).map(|stored| &stored.fact);
        crate::table::values_of(column, facts, &self.tokens)
    }

    /// Whether every credential that a fact names is there: what was read of a file may be damaged.
    pub fn is_whole(&self) -> bool {
        let known = |number: u32| (number as usize) < self.tokens.len();
        self.facts.iter().all(|stored| stored.fact.token_ids().all(|id| known(id.0)))
    }
}
