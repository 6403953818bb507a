//! Known secrets wherever they stand: in texts that stay, and in what is about to be written.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use authtrace_analyze::{
    Analysis,
    token::{TokenKind, entropy},
};
use authtrace_parse::Secret;

/// Shorter values stand in texts by chance.
const SHORTEST: usize = 8;
/// Shorter ones, and guessable ones, may stand in the output by chance.
const SHORTEST_CERTAIN: usize = 12;

/// Finds secrets in text.
pub struct Sweep {
    finder: Option<AhoCorasick>,
    secrets: Vec<Secret>,
}

impl Sweep {
    /// Every credential of the capture, and what `more` adds to them.
    pub fn new(analysis: &Analysis, more: impl IntoIterator<Item = Secret>) -> Self {
        Self::of(credentials(analysis).chain(more), SHORTEST)
    }

    fn of(secrets: impl Iterator<Item = Secret>, shortest: usize) -> Self {
        let secrets: BTreeSet<Secret> = secrets.filter(|secret| secret.len() >= shortest).collect();
        let secrets: Vec<Secret> = secrets.into_iter().collect();
        let finder =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(secrets.iter().map(Secret::expose));
        Self { finder: finder.ok().filter(|_| !secrets.is_empty()), secrets }
    }

    /// The secrets that no output may hold.
    pub fn certain(analysis: &Analysis) -> Self {
        let certain = credentials(analysis).filter(|secret| entropy::bits(secret.expose()) >= entropy::GUESSABLE_BITS);
        let escaped = certain.flat_map(|secret| {
            let quoted = serde_json::to_string(secret.expose()).unwrap_or_default();
            [Some(Secret::new(quoted.trim_matches('"'))), Some(secret)].into_iter().flatten()
        });
        Self::of(escaped, SHORTEST_CERTAIN)
    }

    /// Whether `bytes` hold one of the secrets.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.finder.as_ref().is_some_and(|finder| finder.is_match(bytes))
    }

    /// Bytes of the longest secret: how far what is written in pieces must overlap to be searched.
    pub fn longest(&self) -> usize {
        self.secrets.iter().map(Secret::len).max().unwrap_or(0)
    }

    /// The parts of `text`, each with whether it is a secret.
    pub(crate) fn parts<'t>(&self, text: &'t str) -> Vec<(&'t str, bool)> {
        let mut parts = Vec::new();
        let mut at = 0;
        for found in self.finder.iter().flat_map(|finder| finder.find_iter(text)) {
            parts.push((&text[at..found.start()], false));
            parts.push((&text[found.start()..found.end()], true));
            at = found.end();
        }
        parts.push((&text[at..], false));
        parts
    }
}

/// The values of every credential that is one, as sent and without their wrapping.
fn credentials(analysis: &Analysis) -> impl Iterator<Item = Secret> {
    let tokens = analysis.capture.tokens.iter().map(|(_, token)| token);
    // A word may be a session's name and stand in every second text.
    let word =
        |value: &str| !(value.bytes().any(|b| b.is_ascii_digit()) && value.bytes().any(|b| b.is_ascii_alphabetic()));
    let secret = tokens.filter(move |token| {
        let kind = token.classified.kind;
        let ordinary = kind == TokenKind::LowEntropy && token.held().is_some_and(|value| word(value.expose()));
        token.is_secret() && kind != TokenKind::Redacted && !ordinary
    });
    secret.flat_map(|token| {
        let raw = token.held().map(|value| Secret::new(value.expose().trim()));
        [raw, token.classified.cleaned.clone()].into_iter().flatten()
    })
}
