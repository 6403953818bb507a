//! A capture as rules see it: every fact, joined and profiled, before any judgement.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};

use authtrace_parse::{ExchangeId, SecretStr};

use crate::{
    aside::Past,
    coverage::Input,
    expect::{Bindings, Declared, Expectations},
    facts::{
        ClientId, Fact, SessionId,
        client::{self, Client},
        join, lifetime,
        role::Role,
        session::{self, Session},
        silent::Silences,
        views,
    },
    key::{KeyResult, PublishedKeys},
    masked,
    profile::{Profile, tally::Tally},
    sanitized,
    settings::Settings,
    stored::KeysTried,
    table::{self, FilterError},
    thresholds::Overrides,
    token::{Fingerprinter, Identifier, TokenKind},
    tokens::{Checked, TokenId, TokenStore},
};

/// Whether a route needs a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// It refused a request without one, or was only ever used with one.
    Protected,
    /// It accepted a request without one.
    Public,
    /// The capture does not show it.
    Unknown,
}

/// Every fact of a capture, joined, with what is aggregated over them.
pub struct Capture {
    /// Facts by ascending exchange id.
    pub facts: Vec<Fact>,
    /// Distinct credentials.
    pub tokens: TokenStore,
    /// Sessions, in order of first sight.
    pub sessions: Vec<Session>,
    /// What all clients together show.
    pub profile: Profile,
    /// How the candidate keys did on each token that a key applies to.
    pub key_results: BTreeMap<TokenId, Vec<KeyResult>>,
    /// Whether the caller gave any key.
    pub has_keys: bool,
    /// Names of candidate keys that differ only by surrounding white space.
    pub key_twins: Vec<(String, String)>,
    /// Who sent, by the number of [`Fact::sender`].
    pub clients: Vec<Client>,
    /// Inputs in the order given.
    pub inputs: Vec<Input>,
    /// How secrets are named.
    pub fingerprints: Fingerprinter,
    settings: Arc<Settings>,
    bindings: Bindings,
    /// How the keys that the capture publishes did on tokens.
    pub published_results: BTreeMap<TokenId, Vec<KeyResult>>,
    sanitized: BTreeSet<u16>,
    timelines: BTreeMap<ClientId, Vec<u32>>,
    /// For each call that has them, the indices of its other views, in order of id.
    views: BTreeMap<ExchangeId, Vec<u32>>,
}

/// What was drawn of exchanges, each by itself.
#[derive(Clone)]
pub(crate) struct Drawn {
    pub(crate) facts: Vec<Fact>,
    pub(crate) tokens: TokenStore,
    /// Who sent, by the number of [`Fact::sender`].
    pub(crate) clients: Vec<Client>,
    /// Keys that the capture publishes.
    pub(crate) published: PublishedKeys,
    /// Keys that were tried before, where the values of credentials were left behind.
    pub(crate) keys_tried: KeysTried,
    /// What is known of facts that were set aside.
    pub(crate) past: Past,
}

impl Drawn {
    /// Puts facts in order and says of each what its neighbours decide; which views are one call, and which clients are one.
    fn join(&mut self, inputs: &[Input]) {
        let Self { facts, tokens, clients, past, .. } = self;
        sort_by_id(facts);
        tokens.settle(facts);
        masked::mask(facts, tokens, past.secrets());
        let same = views::find(facts, clients, inputs);
        client::settle(facts, clients, same);
        for timeline in in_order(facts).chunk_by_mut(|a, b| a.client == b.client) {
            lifetime::assign(timeline.iter_mut().map(|fact| &mut **fact));
            join::join(timeline, tokens);
        }
    }

    /// What the facts add up to, fit to be added to what others do (see [`Sums`](crate::profile::Sums)).
    pub(crate) fn tally(&mut self, inputs: &[Input]) -> Tally {
        self.join(inputs);
        Tally::of(&self.facts, &self.tokens, &Silences::among(&self.facts))
    }
}

impl AsRef<Self> for Capture {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Capture {
    /// Joins and aggregates what was drawn, which may be in any order. Facts are judged against `profile` where it is given:
    /// then they are whole timelines out of a larger capture.
    pub(crate) fn new(
        mut drawn: Drawn,
        inputs: Vec<Input>,
        fingerprints: Fingerprinter,
        settings: Arc<Settings>,
        profile: Option<Profile>,
    ) -> Self {
        drawn.join(&inputs);
        let Drawn { mut facts, mut tokens, clients, published, keys_tried: tried, past } = drawn;
        let (timelines, views) = (timelines(&facts), views_of(&facts));
        let silences = Silences::among(&facts);
        let profile = profile.unwrap_or_else(|| past.and(Tally::of(&facts, &tokens, &silences)).finish());
        silences.mark(&mut facts, &profile.accepted);
        count_answers(&facts, &mut tokens);
        let mut order: Vec<u32> = (0..).take(facts.len()).collect();
        sort_by_time(&mut order, &facts);
        let sessions = session::assign(&mut facts, &order, &tokens, &fingerprints);
        for fact in &mut facts {
            fact.bare_accepted = profile.route(&fact.origin, &fact.route).bare_ok > 0;
        }
        let keys = &settings.keys;
        let bindings = settings.expectations.bind(&facts);
        let KeysTried { any, twins: mut key_twins } = KeysTried::of(keys);
        key_twins.extend(tried.twins);
        key_twins.dedup();
        Self {
            profile,
            key_results: known_results(&tokens, |token| keys.verify(token), |checked| &checked.given),
            published_results: known_results(&tokens, |token| published.verify(token), |checked| &checked.published),
            has_keys: any || tried.any,
            key_twins,
            sanitized: sanitized::inputs(&facts, &inputs),
            sessions,
            facts,
            tokens,
            clients,
            inputs,
            fingerprints,
            bindings,
            timelines,
            views,
            settings,
        }
    }

    /// The exchanges for which the SQL expression `expression` is true of their row in the fact table.
    ///
    /// # Errors
    /// Where the expression does not parse, names no column of [`SCHEMA`](crate::table::SCHEMA), or is not a truth value.
    pub fn matching(&self, expression: &str) -> Result<Vec<ExchangeId>, FilterError> {
        table::matching(&self.facts, &self.tokens, expression)
    }

    /// The fact of exchange `id`.
    pub fn fact(&self, id: ExchangeId) -> Option<&Fact> {
        self.facts.binary_search_by_key(&id, |fact| fact.id).ok().map(|index| &self.facts[index])
    }

    /// The session `id`.
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(id.0 as usize)
    }

    /// The other views of the call for which exchange `id` stands.
    pub(crate) fn views(&self, id: ExchangeId) -> impl Iterator<Item = &Fact> {
        self.views.get(&id).into_iter().flatten().map(|&index| &self.facts[index as usize])
    }

    /// Client's transport address, where the wire shows it.
    pub fn client_socket(&self, fact: &Fact) -> Option<SocketAddr> {
        let address = self.clients.get(fact.sender.0 as usize)?.address()?;
        Some(SocketAddr::new(address, fact.client_port?.get()))
    }

    /// Whether the exporter removed credentials from the input (CAP200).
    pub fn is_sanitized(&self, input: u16) -> bool {
        self.sanitized.contains(&input)
    }

    /// Whether a header that is not in the capture may have been on the wire all the same.
    pub fn hides_headers(&self, input: u16) -> bool {
        self.sanitized.contains(&input) || !self.profile.has_headers(input)
    }

    /// The inputs whose exporter removed credentials.
    pub fn sanitized_inputs(&self) -> impl Iterator<Item = &Input> {
        self.sanitized.iter().filter_map(|&index| self.inputs.get(usize::from(index)))
    }

    /// For each client, the indices of its facts in time order.
    pub(crate) fn timelines(&self) -> impl Iterator<Item = &[u32]> {
        self.timelines.values().map(Vec::as_slice)
    }

    /// Whether the route of `fact` needs a credential: as declared, else told by how it treated requests with and without
    /// one (G4).
    pub fn protection(&self, fact: &Fact) -> Protection {
        if matches!(fact.role, Role::Preflight | Role::Static) {
            return Protection::Public;
        }
        match self.declared(fact) {
            Some(declared) if declared.protected => return Protection::Protected,
            Some(_) => return Protection::Public,
            None => {}
        }
        let counts = self.profile.route(&fact.origin, &fact.route);
        match (counts.bare_ok, counts.bare_refused, counts.credentialed_ok, counts.credentialed_refused) {
            (_, 1.., _, _) | (0, _, _, 1..) => Protection::Protected,
            (1.., 0, _, _) => Protection::Public,
            (0, 0, 1.., _) => Protection::Protected,
            _ => Protection::Unknown,
        }
    }

    /// Numbers of rules that are set otherwise than by default.
    pub(crate) fn thresholds(&self) -> &Overrides {
        &self.settings.thresholds
    }

    /// What is declared of routes, tokens and origins.
    pub(crate) fn expectations(&self) -> &Expectations {
        &self.settings.expectations
    }

    /// API descriptions that describe nothing of this capture.
    pub fn idle_documents(&self) -> impl Iterator<Item = &str> {
        self.settings.expectations.idle(&self.bindings)
    }

    /// What is declared of the route of `fact`.
    pub(crate) fn declared(&self, fact: &Fact) -> Option<Declared<'_>> {
        self.settings.expectations.of(fact, &self.bindings)
    }

    /// One line that names a credential without telling it.
    pub fn describe(&self, id: TokenId) -> String {
        let token = self.tokens.get(id);
        self.fingerprints.describe(&token.classified, &token.value)
    }

    /// Fingerprint of a credential; `None` where it is guessable, or no secret.
    pub fn token_fingerprint(&self, id: TokenId) -> Option<String> {
        let token = self.tokens.get(id);
        let shown = matches!(token.classified.kind, TokenKind::Placeholder | TokenKind::Redacted);
        (!shown).then(|| self.fingerprints.of_value(&token.value)).flatten()
    }

    /// Fingerprint of an identifier (`sub`, `sid`).
    pub fn fingerprint(&self, identifier: &Identifier) -> String {
        self.fingerprints.of_identifier(identifier)
    }
}

fn timelines(facts: &[Fact]) -> BTreeMap<ClientId, Vec<u32>> {
    let mut timelines: BTreeMap<ClientId, Vec<u32>> = BTreeMap::new();
    for (index, fact) in (0..).zip(facts).filter(|(_, fact)| fact.leg_of().is_none()) {
        timelines.entry(fact.client).or_default().push(index);
    }
    timelines.values_mut().for_each(|order| sort_by_time(order, facts));
    timelines
}

fn views_of(facts: &[Fact]) -> BTreeMap<ExchangeId, Vec<u32>> {
    let mut views: BTreeMap<ExchangeId, Vec<u32>> = BTreeMap::new();
    for (index, fact) in (0..).zip(facts) {
        if let Some(call) = fact.leg_of() {
            views.entry(call).or_default().push(index);
        }
    }
    views
}

/// Puts facts in the order of their ids. Packets complete them nearly in order, and each is moved once: they are large.
pub(crate) fn sort_by_id(facts: &mut [Fact]) {
    if facts.is_sorted_by_key(|fact| fact.id) {
        return;
    }
    let mut order: Vec<u32> = (0..).take(facts.len()).collect();
    order.sort_by_cached_key(|&index| facts[index as usize].id);
    let mut places = vec![0; order.len()];
    for (place, &index) in (0u32..).zip(&order) {
        places[index as usize] = place;
    }
    for at in 0..places.len() {
        while places[at] as usize != at {
            let to = places[at] as usize;
            facts.swap(at, to);
            places.swap(at, to);
        }
    }
}

/// Sorts indices of `facts` by when the client began; they are ascending before, which decides between equals.
fn sort_by_time(order: &mut [u32], facts: &[Fact]) {
    // The key is read once for each: facts lie far apart in memory.
    order.sort_by_cached_key(|&index| facts[index as usize].started_nanos());
}

/// Mutable references to the facts that stand for a call, client by client, each in time order.
fn in_order(facts: &mut [Fact]) -> Vec<&mut Fact> {
    let mut order: Vec<&mut Fact> = facts.iter_mut().filter(|fact| fact.leg_of().is_none()).collect();
    // They are in order of id, which decides between equals.
    order.sort_by_cached_key(|fact| (fact.client, fact.started_nanos()));
    order
}

/// Counts, for every token, how the requests that carried it were answered; a call counts once.
fn count_answers(facts: &[Fact], tokens: &mut TokenStore) {
    for fact in facts.iter().filter(|fact| fact.leg_of().is_none()) {
        for credential in &fact.credentials {
            if fact.accepted() {
                tokens.judged(credential.token, true);
            } else if fact.refused() {
                tokens.judged(credential.token, false);
            }
        }
    }
}

/// How keys did on each credential: now, where its value is at hand, or before it was left behind.
fn known_results(
    tokens: &TokenStore,
    verify: impl Fn(SecretStr<'_>) -> Vec<KeyResult>,
    before: impl Fn(&Checked) -> &Vec<KeyResult>,
) -> BTreeMap<TokenId, Vec<KeyResult>> {
    let mut results = key_results(tokens, verify);
    let kept = tokens.iter().map(|(id, token)| (id, before(&token.checked)));
    results.extend(kept.filter(|(_, kept)| !kept.is_empty()).map(|(id, kept)| (id, kept.clone())));
    results
}

/// How keys did on each credential whose value is at hand.
pub(crate) fn key_results(
    tokens: &TokenStore,
    verify: impl Fn(SecretStr<'_>) -> Vec<KeyResult>,
) -> BTreeMap<TokenId, Vec<KeyResult>> {
    let signed = tokens.iter().filter(|(_, token)| token.classified.jose.is_some());
    let results = signed.filter_map(|(id, token)| Some((id, verify(token.cleaned()?))));
    results.filter(|(_, results)| !results.is_empty()).collect()
}
