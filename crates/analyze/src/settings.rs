//! What the caller decides before an analysis: keys, focus and the fingerprint key. Values only, no files, no clock.

use authtrace_parse::Secret;

use crate::key::KeyRing;

/// Settings of one analysis.
#[derive(Default)]
pub struct Settings {
    /// Candidate keys to check signatures with.
    pub keys: KeyRing,
    /// Key for fingerprints of secrets; derived from the inputs where absent.
    pub fingerprint_key: Option<Secret>,
    /// Whether what is said of it will be handed on: then not even the last characters of a token are told.
    pub shared: bool,
}
