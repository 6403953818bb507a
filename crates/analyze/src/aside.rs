//! Facts that are set aside while a capture goes on: which go, with what of the credentials, and what stays known of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    capture::{Drawn, sort_by_id},
    facts::{ClientId, Fact, client::Client},
    key::PublishedKeys,
    masked::Bygone,
    profile::tally::Tally,
    stored::{KeysTried, Part, StoredFact},
    tokens::{Token, TokenId, TokenStore, renumber},
};

/// Facts of one part: it is read back as a whole, with everything that its facts share written out.
const PART: usize = 4096;

/// What is known of facts that were set aside.
#[derive(Clone, Default)]
pub(crate) struct Past {
    sums: Arc<Tally>,
    secrets: Bygone,
}

impl Past {
    /// Values that must not be shown, though nothing at hand says so.
    pub(crate) fn secrets(&self) -> &Bygone {
        &self.secrets
    }

    /// What everything adds up to: what was set aside, and what is at hand.
    pub(crate) fn and(&self, mut now: Tally) -> Tally {
        now.absorb(Tally::clone(&self.sums));
        now
    }

    /// Those who take back what was set aside count it themselves.
    pub(crate) fn forget_sums(&mut self) {
        self.sums = Arc::default();
    }

    /// The same without what it adds up to.
    pub(crate) fn without_sums(&self) -> Self {
        Self { sums: Arc::default(), secrets: self.secrets.clone() }
    }

    /// Notes what `tokens` must not show, for as long as it is judged.
    pub(crate) fn learn_secrets(&mut self, tokens: &[Token]) {
        self.secrets.learn(tokens.iter());
    }

    /// Takes all but `keep` of `facts` out, part by part, with what `tokens` says of their credentials; remembers what is
    /// needed of them.
    pub(crate) fn part_with(
        &mut self,
        facts: &mut Vec<Fact>,
        tokens: &mut TokenStore,
        clients: &[Client],
        keep: usize,
        take: impl FnMut(Part),
    ) {
        sort_by_id(facts);
        tokens.settle(facts);
        let gone = quiet(facts, keep);
        self.add_up(&gone, tokens, clients);
        let mut shares = Shares::new(tokens, facts);
        self.secrets.note(shares.left_behind());
        let mut gone = gone.into_iter();
        let parts = std::iter::from_fn(|| {
            let facts: Vec<Fact> = gone.by_ref().take(PART).collect();
            (!facts.is_empty()).then(|| shares.part(facts, clients))
        });
        parts.for_each(take);
    }

    /// Adds `gone` to the sums, as far as they can be judged without the rest.
    fn add_up(&mut self, gone: &[Fact], tokens: &mut TokenStore, clients: &[Client]) {
        let mut drawn = Drawn {
            facts: gone.to_vec(),
            tokens: std::mem::take(tokens),
            clients: clients.to_vec(),
            published: PublishedKeys::default(),
            keys_tried: KeysTried::default(),
            past: self.without_sums(),
        };
        let sums = Arc::make_mut(&mut self.sums);
        sums.absorb(drawn.tally(&[]));
        sums.condense();
        *tokens = drawn.tokens;
    }
}

/// Takes out of `facts`, which are in order of id, all but `keep`: whole timelines as far as that comes out, the one that has
/// been quiet longest first; of the last one, its oldest facts. Both stay in order.
fn quiet(facts: &mut Vec<Fact>, keep: usize) -> Vec<Fact> {
    let surplus = facts.len().saturating_sub(keep);
    let mut last: HashMap<ClientId, usize, foldhash::fast::RandomState> = HashMap::default();
    for (place, fact) in facts.iter().enumerate() {
        last.insert(fact.client, place);
    }
    let mut order: Vec<(usize, usize)> = facts.iter().enumerate().map(|(place, f)| (last[&f.client], place)).collect();
    order.sort_unstable();
    let mut goes = vec![false; facts.len()];
    order.iter().take(surplus).for_each(|(_, place)| goes[*place] = true);
    let mut goes = goes.into_iter();
    facts.extract_if(.., |_| goes.next().unwrap_or_default()).collect()
}

/// Who gets what of each credential. Everything that is counted of one goes with one of those who name it, so that it is
/// counted once when they meet again: with the rest where that names it, else with the first part.
struct Shares<'t> {
    tokens: &'t TokenStore,
    stay: BTreeSet<TokenId>,
    given: BTreeSet<TokenId>,
}

impl<'t> Shares<'t> {
    fn new(tokens: &'t TokenStore, rest: &[Fact]) -> Self {
        Self { tokens, stay: rest.iter().flat_map(Fact::token_ids).collect(), given: BTreeSet::new() }
    }

    /// Credentials that the rest does not name.
    fn left_behind(&self) -> impl Iterator<Item = &'t Token> {
        self.tokens.iter().filter(|(id, _)| !self.stay.contains(id)).map(|(_, token)| token)
    }

    /// The part that `facts` make with the credentials that they name.
    fn part(&mut self, mut facts: Vec<Fact>, clients: &[Client]) -> Part {
        let named: BTreeSet<TokenId> = facts.iter().flat_map(Fact::token_ids).collect();
        let numbers: BTreeMap<TokenId, TokenId> = named.iter().copied().zip((0..).map(TokenId)).collect();
        renumber(&mut facts, |id| numbers.get(&id).copied().unwrap_or(id), |credential| credential);
        let facts = facts.into_iter().map(|fact| {
            let client_address = clients.get(fact.sender.0 as usize).and_then(Client::address);
            StoredFact { client_address, fact }
        });
        let tokens = named.into_iter().map(|id| self.share(id));
        Part { facts: facts.collect(), tokens: tokens.collect(), keys: KeysTried::default() }
    }

    fn share(&mut self, id: TokenId) -> Token {
        let token = self.tokens.get(id);
        let counted = !self.stay.contains(&id) && self.given.insert(id);
        if counted { token.clone() } else { token.bare() }
    }
}
