//! Lookups over one client's timeline: a rule that judges ten thousand refusals must not search all facts for each of them.
//!
//! Every list keeps the order that the lookup was made with. Each is made when a rule first asks for it, so a capture without refusals makes none.

mod found;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::Hash,
    sync::OnceLock,
};

use authtrace_parse::Kind;

pub(crate) use found::Found;

use crate::{
    capture::Capture,
    case::{Case, delivers_token, good_authorization},
    facts::{Fact, LifetimeId, SessionId, credential::Credential, role::Role},
    text::Text,
    token::TokenKind,
    tokens::TokenId,
};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
type Lists<K> = OnceLock<Map<K, Vec<u32>>>;

/// For each origin, indices of facts, each with how many others it stands for.
type Counted = HashMap<Text, Vec<(u32, usize)>, foldhash::fast::RandomState>;

/// For each origin and, with an API group, for each of its groups: kinds of credential, with how often.
type Kinds = HashMap<(Text, Option<Text>), BTreeMap<TokenKind, usize>, foldhash::fast::RandomState>;

/// What a fact is a sign of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sign {
    /// It handed out a token.
    Delivers,
    /// It carried a well-formed `Authorization`.
    Authorized,
    /// It succeeded with a well-formed `Authorization`, or handed out a token, and is no login.
    SignedIn,
    /// It is a login.
    Login,
    /// It is a refresh.
    Refresh,
    /// It is a WebSocket handshake that succeeded.
    Upgraded,
}

/// The lists of one timeline, or of a whole capture.
pub(crate) struct Lookup<'a> {
    capture: &'a Capture,
    /// Indices into the capture's facts: in time order for a timeline, by id for the whole capture.
    order: &'a [u32],
    succeeded: Lists<Text>,
    succeeded_with: Lists<(Text, TokenId)>,
    refused_with: Lists<(Text, TokenId)>,
    routes: Lists<(Text, Text)>,
    pages: Lists<LifetimeId>,
    sessions: Lists<Option<SessionId>>,
    signs: Lists<Sign>,
    cookies: Lists<TokenId>,
    authorized_in_page: Lists<(LifetimeId, Text)>,
    deliveries: Lists<LifetimeId>,
    providers: Lists<LifetimeId>,
    succeeded_in: Lists<(Text, Text)>,
    carrying: Lists<Text>,
    carrying_in_page: Lists<(LifetimeId, Text)>,
    cookie_signs: Lists<(LifetimeId, Text)>,
    /// Index of the first fact, and how many there are.
    authorized: OnceLock<Counted>,
    accepted_kinds: OnceLock<Kinds>,
}

/// Requests to one API group that succeeded with the same `Authorization`.
#[derive(Clone, Copy)]
pub(crate) struct Authorized<'a> {
    /// The first of them.
    pub(crate) fact: &'a Fact,
    /// Its `Authorization`.
    pub(crate) credential: &'a Credential,
    /// How many they are.
    pub(crate) count: usize,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(capture: &'a Capture, order: &'a [u32]) -> Self {
        Self {
            capture,
            order,
            succeeded: Lists::new(),
            succeeded_with: Lists::new(),
            refused_with: Lists::new(),
            routes: Lists::new(),
            pages: Lists::new(),
            sessions: Lists::new(),
            signs: Lists::new(),
            cookies: Lists::new(),
            authorized_in_page: Lists::new(),
            deliveries: Lists::new(),
            providers: Lists::new(),
            succeeded_in: Lists::new(),
            accepted_kinds: OnceLock::new(),
            carrying: Lists::new(),
            carrying_in_page: Lists::new(),
            cookie_signs: Lists::new(),
            authorized: OnceLock::new(),
        }
    }

    pub(crate) fn facts(&self) -> impl DoubleEndedIterator<Item = &'a Fact> + Clone + use<'a> {
        let (capture, order) = (self.capture, self.order);
        order.iter().map(move |&index| &capture.facts[index as usize])
    }

    /// Facts that the client began in `from..=until`, in nanoseconds.
    pub(crate) fn between(&self, from: i64, until: i64) -> impl DoubleEndedIterator<Item = &'a Fact> + use<'a> {
        let capture = self.capture;
        let began = |index: &u32| capture.facts[*index as usize].started_nanos();
        let start = self.order.partition_point(|index| began(index) < from);
        let end = self.order.partition_point(|index| began(index) <= until).max(start);
        self.order[start..end].iter().map(move |&index| &capture.facts[index as usize])
    }

    /// What succeeded at `origin`.
    pub(crate) fn succeeded_at(&self, origin: &Text) -> Found<'a, '_> {
        self.listed(&self.succeeded, origin, |fact, add| {
            if fact.succeeded() {
                add(fact.origin.clone());
            }
        })
    }

    /// What succeeded at `origin` with `token` among its credentials; only for tokens that a refused request carried.
    pub(crate) fn succeeded_with(&self, origin: &Text, token: TokenId) -> Found<'a, '_> {
        let refused = || -> HashSet<TokenId> {
            self.facts()
                .filter(|f| !f.succeeded() || f.outcome.error.is_some())
                .flat_map(|f| f.credentials.iter().map(|c| c.token))
                .collect()
        };
        let tokens = OnceLock::new();
        self.listed(&self.succeeded_with, &(origin.clone(), token), |fact, add| {
            let tokens = tokens.get_or_init(refused);
            for credential in fact.credentials.iter().filter(|c| fact.succeeded() && tokens.contains(&c.token)) {
                add((fact.origin.clone(), credential.token));
            }
        })
    }

    /// What was refused at `origin` with `token` among its credentials.
    pub(crate) fn refused_with(&self, origin: &Text, token: TokenId) -> Found<'a, '_> {
        self.listed(&self.refused_with, &(origin.clone(), token), |fact, add| {
            for credential in fact.credentials.iter().filter(|_| fact.refused()) {
                add((fact.origin.clone(), credential.token));
            }
        })
    }

    /// What `Authorization` succeeded at `origin`, each value once for every API group and for either sort of endpoint, in
    /// order of first sight.
    pub(crate) fn authorized_at<'l>(&'l self, origin: &Text) -> impl Iterator<Item = Authorized<'a>> + use<'a, 'l> {
        let all = self.authorized.get_or_init(|| {
            let mut all = Counted::default();
            let mut seen: HashMap<_, usize, foldhash::fast::RandomState> = HashMap::default();
            for &index in self.order {
                let fact = &self.capture.facts[index as usize];
                let Some(credential) = fact.authorization().filter(|_| fact.succeeded()) else { continue };
                let value = (credential.token, credential.scheme.as_ref(), credential.well_formed);
                let key = (&fact.origin, &fact.group, fact.is_api_call(), value);
                let of_origin = all.entry(fact.origin.clone()).or_default();
                let place = *seen.entry(key).or_insert(of_origin.len());
                match of_origin.get_mut(place) {
                    Some((_, count)) => *count += 1,
                    None => of_origin.push((index, 1)),
                }
            }
            all
        });
        let capture = self.capture;
        all.get(origin).into_iter().flatten().filter_map(move |&(index, count)| {
            let fact = &capture.facts[index as usize];
            Some(Authorized { fact, credential: fact.authorization()?, count })
        })
    }

    /// Kinds of the well-formed `Authorization` that API calls to `origin`, or to one `group` of it, succeeded with, and how
    /// often.
    pub(crate) fn accepted_kinds(&self, origin: &Text, group: Option<&Text>) -> Option<&BTreeMap<TokenKind, usize>> {
        let all = self.accepted_kinds.get_or_init(|| {
            let mut all = Kinds::default();
            for fact in self.facts().filter(|f| f.succeeded() && f.is_api_call()) {
                let Some(credential) = good_authorization(fact) else { continue };
                for group in [None, Some(fact.group.clone())] {
                    *all.entry((fact.origin.clone(), group)).or_default().entry(credential.kind).or_default() += 1;
                }
            }
            all
        });
        all.get(&(origin.clone(), group.cloned()))
    }

    /// What succeeded in one API group of `origin`.
    pub(crate) fn succeeded_in(&self, origin: &Text, group: &Text) -> Found<'a, '_> {
        self.listed(&self.succeeded_in, &(origin.clone(), group.clone()), |fact, add| {
            if fact.succeeded() {
                add((fact.origin.clone(), fact.group.clone()));
            }
        })
    }

    /// The exchanges of one page lifetime with an origin that hands out tokens.
    pub(crate) fn providers_in(&self, lifetime: LifetimeId) -> Found<'a, '_> {
        self.listed(&self.providers, &lifetime, |fact, add| {
            if self.capture.profile.delivers_tokens(&fact.origin) {
                add(fact.lifetime);
            }
        })
    }

    /// The exchanges of one route.
    pub(crate) fn on_route(&self, origin: &Text, route: &Text) -> Found<'a, '_> {
        self.listed(&self.routes, &(origin.clone(), route.clone()), |fact, add| {
            add((fact.origin.clone(), fact.route.clone()));
        })
    }

    /// The exchanges of one page lifetime.
    pub(crate) fn page(&self, lifetime: LifetimeId) -> Found<'a, '_> {
        self.listed(&self.pages, &lifetime, |fact, add| add(fact.lifetime))
    }

    /// The exchanges that are a sign of something.
    pub(crate) fn signs(&self, sign: Sign) -> Found<'a, '_> {
        self.listed(&self.signs, &sign, |fact, add| {
            let (delivers, authorized) = (delivers_token(fact), good_authorization(fact).is_some());
            let login = fact.role == Role::Login;
            for (sign, holds) in [
                (Sign::Delivers, delivers),
                (Sign::Authorized, authorized),
                (Sign::SignedIn, !login && fact.succeeded() && (authorized || delivers)),
                (Sign::Login, login),
                (Sign::Refresh, fact.role == Role::Refresh),
                (Sign::Upgraded, fact.kind == Kind::WebSocket && fact.status == Some(101)),
            ] {
                if holds {
                    add(sign);
                }
            }
        })
    }

    /// The requests that carried `token` in a cookie.
    pub(crate) fn with_cookie(&self, token: TokenId) -> Found<'a, '_> {
        self.listed(&self.cookies, &token, |fact, add| fact.cookies().for_each(|cookie| add(cookie.token)))
    }

    /// The requests of one page lifetime to `origin` that carried a well-formed `Authorization` themselves.
    pub(crate) fn authorized_in_page(&self, lifetime: LifetimeId, origin: &Text) -> Found<'a, '_> {
        self.listed(&self.authorized_in_page, &(lifetime, origin.clone()), |fact, add| {
            if good_authorization(fact).is_some() {
                add((fact.lifetime, fact.origin.clone()));
            }
        })
    }

    /// The exchanges of one session, or of none.
    pub(crate) fn session(&self, session: Option<SessionId>) -> Found<'a, '_> {
        self.listed(&self.sessions, &session, |fact, add| add(fact.session))
    }

    /// The exchanges of one page lifetime that handed out a token.
    pub(crate) fn deliveries_in(&self, lifetime: LifetimeId) -> Found<'a, '_> {
        self.listed(&self.deliveries, &lifetime, |fact, add| {
            if delivers_token(fact) {
                add(fact.lifetime);
            }
        })
    }

    /// The requests to `origin` that carried a well-formed `Authorization`, by themselves or by what a preflight proves.
    pub(crate) fn carrying_at(&self, origin: &Text) -> Found<'a, '_> {
        let case = Case::new(self.capture, self);
        self.listed(&self.carrying, origin, |fact, add| {
            if case.carries_authorization(fact) {
                add(fact.origin.clone());
            }
        })
    }

    /// As [`Self::carrying_at`], of one page lifetime.
    pub(crate) fn carrying_in_page(&self, lifetime: LifetimeId, origin: &Text) -> Found<'a, '_> {
        let case = Case::new(self.capture, self);
        self.listed(&self.carrying_in_page, &(lifetime, origin.clone()), |fact, add| {
            if case.carries_authorization(fact) {
                add((fact.lifetime, fact.origin.clone()));
            }
        })
    }

    /// The requests of one page lifetime to `origin` that show whether the page has a session cookie: API calls accepted
    /// with one, and what ends a session.
    pub(crate) fn cookie_signs(&self, lifetime: LifetimeId, origin: &Text) -> Found<'a, '_> {
        self.listed(&self.cookie_signs, &(lifetime, origin.clone()), |fact, add| {
            if ends_session(fact) || (fact.accepted() && !fact.is_document && fact.cookies().next().is_some()) {
                add((fact.lifetime, fact.origin.clone()));
            }
        })
    }

    /// The list under `key`, after all lists are made; `keys` says under which keys a fact stands.
    fn listed<'l, K: Hash + Eq>(
        &self,
        lists: &'l Lists<K>,
        key: &K,
        keys: impl Fn(&Fact, &mut dyn FnMut(K)),
    ) -> Found<'a, 'l> {
        let lists = lists.get_or_init(|| {
            let mut lists: HashMap<K, Vec<u32>, _> = HashMap::default();
            for &index in self.order {
                keys(&self.capture.facts[index as usize], &mut |key| {
                    let list = lists.entry(key).or_default();
                    // Two fields may carry one token.
                    if list.last() != Some(&index) {
                        list.push(index);
                    }
                });
            }
            lists
        });
        Found::new(self.capture, lists.get(key).map_or(&[], Vec::as_slice))
    }
}

/// Whether a logout or a deleted session cookie ends a session here.
pub(crate) fn ends_session(fact: &Fact) -> bool {
    fact.role == Role::Logout || fact.set_cookies.iter().any(|cookie| cookie.deletes)
}
