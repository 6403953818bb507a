//! The rules, one folder each. This slice is the only list: catalogue, documentation, SARIF and the tests derive from it.

mod auth_client_bypassed;
mod conflicting_credentials;
mod cookie_sent_bearer_required;
mod credentials_not_ready;
mod expired_token_sent;
mod malformed_authorization;
mod missing_authorization;
mod placeholder_token;
mod sanitized_capture;
mod token_format_mismatch;
mod token_issued_never_sent;
mod wrong_auth_scheme;
mod wrong_token_type;

use crate::rule::Rule;

/// Every rule, ordered by code.
pub(crate) static RULES: &[&Rule] = &[
    &missing_authorization::RULE,
    &credentials_not_ready::RULE,
    &auth_client_bypassed::RULE,
    &cookie_sent_bearer_required::RULE,
    &token_issued_never_sent::RULE,
    &placeholder_token::RULE,
    &malformed_authorization::RULE,
    &wrong_auth_scheme::RULE,
    &token_format_mismatch::RULE,
    &wrong_token_type::RULE,
    &conflicting_credentials::RULE,
    &expired_token_sent::RULE,
    &sanitized_capture::RULE,
];
