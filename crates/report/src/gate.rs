//! The last check before anything is written: no raw secret of the capture may stand in the rendered text (detectors §13).
//!
//! Secrets are found by their last bytes, which differ even between tokens of one issuer: one pass over the text with a
//! small bit set in front of a hash table, whatever the number of tokens.

use std::{borrow::Cow, collections::HashMap};

use authtrace_analyze::{Analysis, token::is_guessable, tokens::Token};

/// Shorter secrets are not searched for: they occur by chance.
const SHORTEST: usize = 12;
/// Bytes of a secret's end that the table is keyed by.
const KEY: usize = 8;
/// Bits of the set in front of the table, as a power of two.
const BITS: u32 = 20;

/// Whether `rendered` holds a raw secret of the capture. Says which credential (`T3`), never its value.
pub fn leaks(rendered: &str, analysis: &Analysis) -> Option<String> {
    let endings = Endings::of(rendered.as_bytes());
    let mut needles = Needles::default();
    for (id, token) in analysis.capture.tokens.iter() {
        let texts = [token.held(), token.cleaned()].into_iter().flatten().map(|text| text.expose().trim());
        let texts = texts.flat_map(|text| [Cow::Borrowed(text), escaped(text).into()]);
        // A capture may hold a million secrets, and what is rendered the ends of a few of them.
        let mut may_stand_there = texts.filter(|text| endings.may_hold(text)).peekable();
        if may_stand_there.peek().is_some() && is_secret(token) {
            may_stand_there.for_each(|text| needles.add(&text, id.0));
        }
    }
    needles.find(rendered.as_bytes()).map(|id| authtrace_analyze::tokens::TokenId(id).to_string())
}

/// The same for text whose punctuation may be escaped as Markdown or HTML write it.
pub fn leaks_escaped(rendered: &str, analysis: &Analysis) -> Option<String> {
    const ENTITIES: [(&str, &str); 6] =
        [("&#x2f;", "/"), ("&#x27;", "'"), ("&#39;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">")];
    let plain = rendered.replace('\\', "");
    let plain = ENTITIES.iter().fold(plain, |text, (entity, c)| text.replace(entity, c)).replace("&amp;", "&");
    leaks(rendered, analysis).or_else(|| leaks(&plain, analysis))
}

/// Placeholders, mere identifiers and guessable values occur in ordinary text; they are kept out by construction instead.
fn is_secret(token: &Token) -> bool {
    use authtrace_analyze::token::TokenKind as K;
    let kind = token.classified.kind;
    let named = matches!(kind, K::Redacted | K::UuidOpaque | K::LowEntropy);
    !named && token.is_secret() && token.held().is_some_and(|value| !is_guessable(value))
}

/// As JSON writes it between quotes.
fn escaped(value: &str) -> String {
    if !value.contains(['"', '\\']) {
        return String::new();
    }
    let quoted = serde_json::to_string(value).unwrap_or_default();
    quoted.trim_matches('"').to_owned()
}

/// Which endings stand somewhere in a text.
struct Endings(Vec<u64>);

impl Endings {
    fn of(text: &[u8]) -> Self {
        let mut seen = vec![0; 1 << (BITS - 6)];
        for end in text.windows(KEY).filter_map(|window| window.first_chunk::<KEY>()) {
            let bit = slot(*end);
            seen[bit >> 6] |= 1 << (bit & 63);
        }
        Self(seen)
    }

    /// Whether the end of `value` may stand there.
    fn may_hold(&self, value: &str) -> bool {
        value.as_bytes().last_chunk::<KEY>().is_some_and(|end| {
            let bit = slot(*end);
            self.0[bit >> 6] & (1 << (bit & 63)) != 0
        })
    }
}

/// Values that end alike, each with the number of its credential.
type Ending = Vec<(Box<[u8]>, u32)>;

#[derive(Default)]
struct Needles {
    by_end: HashMap<[u8; KEY], Ending, foldhash::fast::FixedState>,
    seen: Vec<u64>,
}

impl Needles {
    fn add(&mut self, value: &str, id: u32) {
        let Some(end) = value.as_bytes().last_chunk::<KEY>().filter(|_| value.len() >= SHORTEST) else { return };
        self.seen.resize(1 << (BITS - 6), 0);
        let bit = slot(*end);
        self.seen[bit >> 6] |= 1 << (bit & 63);
        self.by_end.entry(*end).or_default().push((value.as_bytes().into(), id));
    }

    fn find(&self, text: &[u8]) -> Option<u32> {
        if self.seen.is_empty() {
            return None;
        }
        text.windows(KEY).enumerate().find_map(|(at, window)| {
            let end: [u8; KEY] = window.try_into().ok()?;
            let bit = slot(end);
            if self.seen[bit >> 6] & (1 << (bit & 63)) == 0 {
                return None;
            }
            let before = &text[..at + KEY];
            self.by_end.get(&end)?.iter().find(|(value, _)| before.ends_with(value)).map(|(_, id)| *id)
        })
    }
}

/// Multiplicative hash of a key to its bit.
fn slot(end: [u8; KEY]) -> usize {
    (u64::from_le_bytes(end).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_whole_secrets_only() {
        let mut needles = Needles::default();
        needles.add("sk_live_0123456789abcdef", 1);
        needles.add("other_secret_0123456789abcdef", 2);
        needles.add("short", 3);
        let find = |text: &str| needles.find(text.as_bytes());
        assert_eq!(find("key: sk_live_0123456789abcdef."), Some(1));
        assert_eq!(find("other_secret_0123456789abcdef"), Some(2));
        assert_eq!(find("…56789abcdef, short"), None);
        assert_eq!(find(""), None);
        let endings = Endings::of(b"key: sk_live_0123456789abcdef.");
        assert!(endings.may_hold("sk_live_0123456789abcdef") && !endings.may_hold("no such end of a secret"));
    }
}
