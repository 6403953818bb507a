//! What the caller decides before an analysis: keys, expectations, thresholds and rules of its own. Values only, no files, no
//! clock.

use std::collections::BTreeMap;

use authtrace_parse::Secret;

use crate::{
    expect::Expectations, finding::Severity, key::KeyRing, own_rule::OwnRule, source_maps::SourceMaps,
    thresholds::Overrides,
};

/// Settings of one analysis.
#[derive(Default)]
pub struct Settings {
    /// Candidate keys to check signatures with.
    pub keys: KeyRing,
    /// Key for fingerprints of secrets; derived from the inputs where absent.
    pub fingerprint_key: Option<Secret>,
    /// What is declared of routes, tokens and origins.
    pub expectations: Expectations,
    /// Numbers of rules that are not their defaults.
    pub thresholds: Overrides,
    /// Severities by code of rule, in place of the rules' own.
    pub severities: BTreeMap<&'static str, Severity>,
    /// Rules beside those of the catalogue.
    pub own_rules: Vec<OwnRule>,
    /// Where the pieces of minified scripts come from.
    pub source_maps: SourceMaps,
    /// Whether what is said of it will be handed on: then not even the last characters of a token are told.
    pub shared: bool,
}
