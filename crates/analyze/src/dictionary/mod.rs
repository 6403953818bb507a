//! What is known of the world's servers, providers and vendors: tables in TOML beside this file, read once.
//!
//! Knowledge is data, so that a row can be added, dated and doubted without touching code. `README.md` documents each
//! table's schema. A row marked `K` was not checked against its source: it may support a claim, never carry it alone.

mod class;
mod identifiers;
mod prefixes;
mod providers;
mod resources;
mod responders;
mod signatures;
mod third_parties;

use std::sync::LazyLock;

use serde::de::DeserializeOwned;

pub use class::{ErrorClass, Stage};
pub use identifiers::{Identifier, Identifiers};
pub use prefixes::{Prefix, Prefixes};
pub use providers::{EndpointHit, Provider, Providers, Route};
pub use resources::{Resource, Resources};
pub use responders::{Responder, ResponderHit, ResponderKind, Responders};
pub use signatures::{Answer, SignatureHit, Signatures, Verifier};
pub use third_parties::{ThirdParties, ThirdParty, ThirdPartyKind};

/// Where a row comes from: `V:n` checked against source n of the knowledge base, `R` a standard's text,
/// `K` common knowledge that was not checked again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Provenance(Box<str>);

impl Provenance {
    /// The mark as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether at least one source was checked.
    pub fn is_checked(&self) -> bool {
        self.0.starts_with(['V', 'R'])
    }
}

impl TryFrom<String> for Provenance {
    type Error = String;

    fn try_from(mark: String) -> Result<Self, String> {
        let known = mark.starts_with("V:") || mark.starts_with("R") || mark.starts_with('K');
        if known { Ok(Self(mark.into())) } else { Err(format!("provenance is V:…, R… or K, not {mark}")) }
    }
}

/// Texts and headers by which servers say why they refused.
pub fn signatures() -> &'static Signatures {
    static TABLE: LazyLock<Signatures> = LazyLock::new(|| Signatures::new(table(include_str!("signatures.toml"))));
    &TABLE
}

/// Identity providers and frameworks with their endpoints.
pub fn providers() -> &'static Providers {
    static TABLE: LazyLock<Providers> = LazyLock::new(|| Providers::new(table(include_str!("providers.toml"))));
    &TABLE
}

/// Who answered, by response headers.
pub fn responders() -> &'static Responders {
    static TABLE: LazyLock<Responders> = LazyLock::new(|| Responders::new(table(include_str!("responders.toml"))));
    &TABLE
}

/// Hosts that take no customer's own token.
pub fn third_parties() -> &'static ThirdParties {
    static TABLE: LazyLock<ThirdParties> =
        LazyLock::new(|| ThirdParties::new(table(include_str!("third_parties.toml"))));
    &TABLE
}

/// Well-known APIs and their audiences.
pub fn resources() -> &'static Resources {
    static TABLE: LazyLock<Resources> = LazyLock::new(|| Resources::new(table(include_str!("resources.toml"))));
    &TABLE
}

/// Public prefixes of vendors' keys and tokens.
pub fn prefixes() -> &'static Prefixes {
    static TABLE: LazyLock<Prefixes> = LazyLock::new(|| Prefixes::new(table(include_str!("prefixes.toml"))));
    &TABLE
}

/// Shapes of identifiers that are no credentials.
pub fn identifiers() -> &'static Identifiers {
    static TABLE: LazyLock<Identifiers> = LazyLock::new(|| Identifiers::new(table(include_str!("identifiers.toml"))));
    &TABLE
}

/// Reads one table. The text is compiled in and every table is read by a test, so a mistake in it never ships.
fn table<T: DeserializeOwned>(text: &str) -> T {
    match toml::from_str(text) {
        Ok(table) => table,
        Err(error) => unreachable!("a compiled-in table is valid: {error}"),
    }
}

/// Whether `host` is `suffix` or a subdomain of it.
fn is_host_suffix(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The alphabet of a run of characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Alphabet {
    /// Digits and `a`–`f`, either case.
    Hex,
    /// ASCII letters and digits.
    Alnum,
    /// Upper-case ASCII letters and digits.
    Upper,
    /// Letters, digits, `-` and `_`.
    #[default]
    Base64url,
    /// Any printable ASCII without white space.
    Graphic,
    /// Crockford's base 32, as ULID writes it.
    Crockford,
}

impl Alphabet {
    fn holds(self, text: &str) -> bool {
        text.bytes().all(|b| match self {
            Self::Hex => b.is_ascii_hexdigit(),
            Self::Alnum => b.is_ascii_alphanumeric(),
            Self::Upper => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Self::Base64url => b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'),
            Self::Graphic => b.is_ascii_graphic(),
            Self::Crockford => b.is_ascii_digit() || b.is_ascii_uppercase() && !matches!(b, b'I' | b'L' | b'O' | b'U'),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_loads() {
        assert!(signatures().len() > 100);
        assert!(!providers().is_empty() && !responders().is_empty());
        assert!(!prefixes().is_empty() && !identifiers().is_empty());
    }
}
