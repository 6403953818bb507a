//! Takes secrets out of what one exchange says: known credentials get their number, values of telling names their length,
//! and whatever is left goes through the scrubber. Structure stays, so that a person can follow it.

use authtrace_analyze::{capture::Capture, facts::Fact, private::is_private, scrub::scrub, tokens::TokenId};

/// Shorter values stand in texts by chance.
const SHORTEST: usize = 8;

/// What hides the secrets of one exchange.
pub(super) struct Conceal<'a> {
    capture: &'a Capture,
    known: Vec<(&'a str, TokenId)>,
}

impl<'a> Conceal<'a> {
    /// Knows every credential that `fact` sends or is given.
    pub(super) fn new(capture: &'a Capture, fact: &Fact) -> Self {
        let sent = fact.credentials.iter().map(|c| c.token).chain(fact.url_credentials.iter().map(|c| c.token));
        let given = fact.delivered.iter().map(|d| d.token).chain(fact.request.refresh_token);
        let mut known: Vec<(&str, TokenId)> = Vec::new();
        for id in sent.chain(given) {
            let token = capture.tokens.get(id);
            let texts = [token.held(), token.cleaned()].into_iter().flatten().map(|text| text.expose().trim());
            known.extend(texts.filter(|text| !text.is_empty()).map(|text| (text, id)));
        }
        // The longest first: a token may stand within another one.
        known.sort_by_key(|(text, id)| (std::cmp::Reverse(text.len()), *id));
        known.dedup();
        Self { capture, known }
    }

    /// The credential whose value this is.
    pub(super) fn token(&self, value: &str) -> Option<TokenId> {
        let value = value.trim();
        self.known.iter().find(|(text, _)| *text == value).map(|(_, id)| *id)
    }

    /// `value` of the field called `name`, fit to be shown.
    pub(super) fn value(&self, name: &str, value: &str) -> String {
        if let Some(id) = self.token(value) {
            return self.name(id);
        }
        if is_private(name) || is_short_for_password(name, value) { hidden(value) } else { self.text(value) }
    }

    /// Free text, fit to be shown.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = std::borrow::Cow::Borrowed(text);
        for (secret, id) in self.known.iter().filter(|(secret, _)| secret.len() >= SHORTEST) {
            if text.contains(secret) {
                text = std::borrow::Cow::Owned(text.replace(secret, &format!("‹{id}›")));
            }
        }
        scrub(&text)
    }

    /// `‹T3 jwt:412:…x9Qk#1b2c3d4e›`, or the placeholder itself, which is no secret.
    pub(super) fn name(&self, id: TokenId) -> String {
        let token = self.capture.tokens.get(id);
        match token.literal() {
            Some(literal) => literal.to_owned(),
            None => format!("‹{id} {}›", self.capture.describe(id)),
        }
    }
}

/// `p` is a page to most, and a password to some (InfluxDB, "HTTP API"): pages are numbered.
fn is_short_for_password(name: &str, value: &str) -> bool {
    matches!(name, "p" | "P") && !value.bytes().all(|b| b.is_ascii_digit())
}

/// What stands in the place of a hidden value: how long it is, unless that would help to guess it.
pub(super) fn hidden(value: &str) -> String {
    match value.len() {
        0 => "‹empty›".to_owned(),
        1..16 => "‹hidden›".to_owned(),
        length => format!("‹hidden, {length} bytes›"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_value_does_not_tell_its_length() {
        assert_eq!(hidden("hunter2"), "‹hidden›");
        assert_eq!(hidden("0123456789abcdef"), "‹hidden, 16 bytes›");
    }
}
