//! The rules, one folder each. This slice is the only list: catalogue, documentation, SARIF and the tests derive from it.

mod audience_mismatch;
mod credentials_not_ready;
mod environment_crossover;
mod issuer_mismatch;
mod missing_authorization;
mod refresh_loop;
mod refresh_rejected;
mod refresh_storm;
mod refresh_token_reuse;
mod sanitized_capture;
mod signing_key_mismatch;
mod stale_token_sent;
mod unchanged_credential_retry;
mod valid_looking_token_rejected;

use crate::rule::Rule;

/// Every rule, ordered by code.
pub(crate) static RULES: &[&Rule] = &[
    &missing_authorization::RULE,
    &credentials_not_ready::RULE,
    &audience_mismatch::RULE,
    &issuer_mismatch::RULE,
    &stale_token_sent::RULE,
    &valid_looking_token_rejected::RULE,
    &signing_key_mismatch::RULE,
    &environment_crossover::RULE,
    &refresh_rejected::RULE,
    &refresh_storm::RULE,
    &refresh_loop::RULE,
    &refresh_token_reuse::RULE,
    &unchanged_credential_retry::RULE,
    &sanitized_capture::RULE,
];
