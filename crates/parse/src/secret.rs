//! Text that may hold a credential: it can be looked at on purpose, never printed by accident.
//!
//! Neither type implements `Debug`, `Display` or `Serialize`, so a log line, a panic message or a derived
//! serialiser that would leak a value does not compile. [`Secret::expose`] is the one way in, and easy to search for.

use zeroize::Zeroize;

/// Owned text that may hold a credential; wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret(Box<str>);

impl Secret {
    /// Takes ownership of `text`.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Borrows this secret without exposing it.
    pub fn as_secret_str(&self) -> SecretStr<'_> {
        SecretStr(&self.0)
    }

    /// The raw text: for code that derives a fact from it, never for output.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Length in bytes, which is not secret.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl From<SecretStr<'_>> for Secret {
    fn from(text: SecretStr<'_>) -> Self {
        Self::new(text.0)
    }
}

/// Borrowed text that may hold a credential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretStr<'a>(&'a str);

impl<'a> SecretStr<'a> {
    /// Marks `text` as possibly secret.
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The raw text: for code that derives a fact from it, never for output.
    pub fn expose(self) -> &'a str {
        self.0
    }

    /// An owned copy that stays secret.
    pub fn to_secret(self) -> Secret {
        Secret::new(self.0)
    }
}
