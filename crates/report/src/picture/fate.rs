//! How an exchange went, as colour and as sign: no meaning is carried by colour alone.

use authtrace_analyze::facts::Fact;

/// Class of a shape.
pub(super) fn class(fact: &Fact) -> &'static str {
    match () {
        () if fact.accepted() => "good",
        () if fact.refused() => "bad",
        () if fact.succeeded() => "plain",
        () => "broken",
    }
}

/// The same as a sign.
pub(super) fn sign(fact: &Fact) -> &'static str {
    match class(fact) {
        "good" => "✓",
        "bad" => "✗",
        "plain" => "→",
        _ => "!",
    }
}
