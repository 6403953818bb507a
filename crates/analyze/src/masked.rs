//! URLs that repeat a credential: what equals one is shown as `{token}`, wherever a path or a parameter's name says it.
//!
//! A segment's shape alone does not tell an id from a session (`;jsessionid=…`), but the token store knows every value
//! that travelled as a credential. One pass over the facts, a hash lookup for each part of a path.

use std::{borrow::Cow, collections::HashSet, hash::BuildHasher as _, sync::Arc};

use crate::{
    facts::{Fact, Redirect, route},
    text::Text,
    token::is_guessable,
    tokens::{Token, TokenStore},
};

/// Shorter values stand in URLs by chance.
const SHORTEST: usize = 12;
/// What parts a path, then a segment.
const SEPARATORS: [&[char]; 2] = [&['/'], &[';', ',', '&', ':', '!', '(', ')']];

/// Values that may not be shown.
struct Secrets<'a> {
    known: HashSet<&'a str, foldhash::fast::RandomState>,
    bygone: &'a Bygone,
}

impl Secrets<'_> {
    fn contains(&self, text: &str) -> bool {
        self.known.contains(text) || self.bygone.contains(text)
    }

    fn is_empty(&self) -> bool {
        self.known.is_empty() && self.bygone.is_empty()
    }
}

/// Values that travelled as credentials and are not at hand any more, by a hash that only this process can make. The last
/// few hundred thousand are known.
#[derive(Clone, Default)]
pub(crate) struct Bygone {
    hasher: foldhash::quality::RandomState,
    recent: Arc<HashSet<u64, foldhash::fast::RandomState>>,
    before: Arc<HashSet<u64, foldhash::fast::RandomState>>,
}

impl Bygone {
    /// Values after which older ones begin to be let go, for a bound of some ten megabytes.
    const MOST: usize = 1 << 18;

    /// Notes what `tokens` must not show; the oldest may be let go.
    pub(crate) fn note<'t>(&mut self, tokens: impl Iterator<Item = &'t Token>) {
        if self.recent.len() >= Self::MOST {
            self.before = std::mem::take(&mut self.recent);
        }
        self.learn(tokens);
    }

    /// Notes what `tokens` must not show, however much that is.
    pub(crate) fn learn<'t>(&mut self, tokens: impl Iterator<Item = &'t Token>) {
        let mut hashes = hard(tokens).map(|value| self.hasher.hash_one(value)).peekable();
        if hashes.peek().is_some() {
            Arc::make_mut(&mut self.recent).extend(hashes);
        }
    }

    fn contains(&self, text: &str) -> bool {
        if self.is_empty() || text.len() < SHORTEST {
            return false;
        }
        let hash = self.hasher.hash_one(text);
        self.recent.contains(&hash) || self.before.contains(&hash)
    }

    fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.before.is_empty()
    }
}

/// Masks known credentials in every path, route, redirect and parameter name.
pub(crate) fn mask(facts: &mut [Fact], tokens: &TokenStore, bygone: &Bygone) {
    let known = hard(tokens.iter().map(|(_, token)| token)).collect();
    let secrets = Secrets { known, bygone };
    if secrets.is_empty() {
        return;
    }
    for fact in facts {
        mask_path(fact, &secrets);
        if let Some(redirect) = &mut fact.redirect
            && let Cow::Owned(path) = masked(&redirect.path, &SEPARATORS, &secrets)
        {
            **redirect = Redirect { origin: redirect.origin.clone(), path: path.into() };
        }
        let is_secret = |key: &Text| matches!(masked(key, &SEPARATORS, &secrets), Cow::Owned(_));
        if fact.query_keys.iter().any(is_secret) {
            let keys = fact.query_keys.iter().map(|key| match masked(key, &SEPARATORS, &secrets) {
                Cow::Owned(name) => name.into(),
                Cow::Borrowed(_) => key.clone(),
            });
            fact.common_mut().query_keys = keys.collect();
        }
    }
}

/// The values that are hard to guess: others are ordinary words, which a path may say.
fn hard<'t>(tokens: impl Iterator<Item = &'t Token>) -> impl Iterator<Item = &'t str> {
    let values = tokens.filter(|token| token.is_secret()).filter_map(Token::cleaned);
    let hard = values.filter(|value| !is_guessable(*value)).map(|value| value.expose().trim());
    hard.filter(|value| value.len() >= SHORTEST)
}

fn mask_path(fact: &mut Fact, secrets: &Secrets<'_>) {
    let Cow::Owned(path) = masked(&fact.path, &SEPARATORS, secrets) else { return };
    let before = route::template(&fact.path);
    // A template that reads `{id}` at that place says nothing, and the same call with another id keeps its name.
    if let Cow::Owned(after) = masked(&before, &SEPARATORS, secrets) {
        // The route is METHOD, space, template, and what follows the template stays.
        let route = Text::from(fact.route.replacen(&before, &after, 1));
        let common = fact.common_mut();
        common.route = route;
        common.group = Text::from(route::group(&after));
    }
    fact.path = path.into();
}

/// `text` with `{token}` for every part that is a secret; borrowed where there is none.
fn masked<'t>(text: &'t str, separators: &[&[char]], secrets: &Secrets<'_>) -> Cow<'t, str> {
    if text.len() < SHORTEST {
        return Cow::Borrowed(text);
    }
    if secrets.contains(text) {
        return Cow::Owned("{token}".to_owned());
    }
    let Some((first, rest)) = separators.split_first() else {
        return match text.split_once('=') {
            Some((name, value)) if secrets.contains(value) => Cow::Owned(format!("{name}={{token}}")),
            _ => Cow::Borrowed(text),
        };
    };
    let mut out = String::new();
    let mut changed = false;
    for piece in text.split_inclusive(*first) {
        let bare = piece.strip_suffix(*first).unwrap_or(piece);
        let shown = masked(bare, rest, secrets);
        changed |= matches!(shown, Cow::Owned(_));
        out.push_str(&shown);
        out.push_str(&piece[bare.len()..]);
    }
    if changed { Cow::Owned(out) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_credentials_are_masked_and_other_ids_stay() {
        let known = ["aB3dE5fG7hJ9kL1m", "x9Y8z7W6v5U4t3S2=="].into_iter().collect();
        let secrets = Secrets { known, bygone: &Bygone::default() };
        let check = |path: &str, expected: &str| assert_eq!(masked(path, &SEPARATORS, &secrets), expected);
        check("/books/aB3dE5fG7hJ9kL1m/pages", "/books/{token}/pages");
        check("/books;jsessionid=aB3dE5fG7hJ9kL1m", "/books;jsessionid={token}");
        check("/books;v=1;s=x9Y8z7W6v5U4t3S2==/a", "/books;v=1;s={token}/a");
        check("/aB3dE5fG7hJ9kL1m", "/{token}");
        check("/(X(1)S(aB3dE5fG7hJ9kL1m))/a.aspx", "/(X(1)S({token}))/a.aspx");
        check("/books/aB3dE5fG7hJ9kL1n", "/books/aB3dE5fG7hJ9kL1n");
    }
}
