//! The rules, one folder each. This slice is the only list: catalogue, documentation, SARIF and the tests derive from it.

mod auth_client_bypassed;
mod cookie_sent_bearer_required;
mod credentials_not_ready;
mod missing_authorization;
mod sanitized_capture;
mod token_issued_never_sent;

use crate::rule::Rule;

/// Every rule, ordered by code.
pub(crate) static RULES: &[&Rule] = &[
    &missing_authorization::RULE,
    &credentials_not_ready::RULE,
    &auth_client_bypassed::RULE,
    &cookie_sent_bearer_required::RULE,
    &token_issued_never_sent::RULE,
    &sanitized_capture::RULE,
];
