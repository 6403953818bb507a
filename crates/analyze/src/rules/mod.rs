//! The rules, one folder each. This slice is the only list: catalogue, documentation, SARIF and the tests derive from it.

mod credentials_not_ready;
mod missing_authorization;
mod sanitized_capture;
mod session_cookie_not_sent;
mod set_cookie_rejected;

use crate::rule::Rule;

/// Every rule, ordered by code.
pub(crate) static RULES: &[&Rule] = &[
    &missing_authorization::RULE,
    &credentials_not_ready::RULE,
    &set_cookie_rejected::RULE,
    &session_cookie_not_sent::RULE,
    &sanitized_capture::RULE,
];
