//! Tokens: whatever an Authorization header holds is told apart, and broken JOSE is read as far as it goes.

use authtrace_analyze::token::classify;
use authtrace_parse::SecretStr;

/// Classifies `bytes`, with a scheme and without.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (scheme, rest) = text.split_once(' ').unwrap_or(("Bearer", &text));
    for (scheme, value) in [(Some(scheme), rest), (None, &*text)] {
        let found = classify(SecretStr::new(value), scheme);
        assert!(!found.kind.name().is_empty());
    }
}
