//! The rules, one folder each. This slice is the only list: catalogue, documentation, SARIF and the tests derive from it.

mod api_base_url_drift;
mod auth_error_hidden_by_cors;
mod authorization_lost_on_redirect;
mod browser_exposed_secret;
mod credential_stripped_upstream;
mod credentialed_wildcard_cors;
mod credentials_not_ready;
mod credentials_over_cleartext;
mod duplicate_or_clock_inconsistent;
mod incomplete_flow;
mod lossy_or_truncated;
mod missing_authorization;
mod preflight_blocked;
mod sanitized_capture;
mod session_cookie_not_sent;
mod set_cookie_rejected;
mod token_in_url;
mod websocket_upgrade_refused;

use crate::rule::Rule;

/// Every rule, ordered by code.
pub(crate) static RULES: &[&Rule] = &[
    &missing_authorization::RULE,
    &credentials_not_ready::RULE,
    &set_cookie_rejected::RULE,
    &session_cookie_not_sent::RULE,
    &preflight_blocked::RULE,
    &credentialed_wildcard_cors::RULE,
    &auth_error_hidden_by_cors::RULE,
    &authorization_lost_on_redirect::RULE,
    &credential_stripped_upstream::RULE,
    &api_base_url_drift::RULE,
    &websocket_upgrade_refused::RULE,
    &token_in_url::RULE,
    &credentials_over_cleartext::RULE,
    &browser_exposed_secret::RULE,
    &sanitized_capture::RULE,
    &lossy_or_truncated::RULE,
    &incomplete_flow::RULE,
    &duplicate_or_clock_inconsistent::RULE,
];
