//! The rules, one folder each. This slice is the only list: catalogue, documentation, SARIF and the tests derive from it.

mod credentials_not_ready;
mod missing_authorization;
mod sanitized_capture;

use crate::rule::Rule;

/// Every rule, ordered by code.
pub(crate) static RULES: &[&Rule] =
    &[&missing_authorization::RULE, &credentials_not_ready::RULE, &sanitized_capture::RULE];
