//! The rules, one folder each. This slice is the only list: catalogue, documentation, SARIF and the tests derive from it.

mod against_expectation;
mod algorithm_mismatch;
mod api_base_url_drift;
mod audience_mismatch;
mod auth_client_bypassed;
mod auth_error_hidden_by_cors;
mod auth_redirect_loop;
mod authorization_lost_on_redirect;
mod browser_exposed_secret;
mod client_authentication_failed;
mod clock_skew;
mod code_exchange_failed;
mod conflicting_credentials;
mod cookie_sent_bearer_required;
mod credential_stripped_upstream;
mod credentialed_wildcard_cors;
mod credentials_not_ready;
mod credentials_over_cleartext;
mod csrf_rejected;
mod dpop_or_mtls_binding_error;
mod duplicate_or_clock_inconsistent;
mod encrypted_opaque;
mod environment_crossover;
mod expired_token_sent;
mod identity_switch;
mod incomplete_flow;
mod insufficient_scope;
mod issuer_mismatch;
mod login_html_instead_of_api;
mod lossy_or_truncated;
mod malformed_authorization;
mod missing_authorization;
mod oauth_callback_error;
mod placeholder_token;
mod preflight_blocked;
mod refresh_loop;
mod refresh_rejected;
mod refresh_storm;
mod refresh_token_reuse;
mod rejected_by_intermediary;
mod sanitized_capture;
mod session_cookie_not_sent;
mod set_cookie_rejected;
mod signing_key_mismatch;
mod silent_auth_failed;
mod stale_token_sent;
mod token_format_mismatch;
mod token_in_url;
mod token_issued_never_sent;
mod token_not_yet_valid;
mod token_sent_to_third_party;
mod unchanged_credential_retry;
mod unknown_kid_or_jwks;
mod valid_looking_token_rejected;
mod websocket_closed_unauthorised;
mod websocket_credential_missing;
mod websocket_upgrade_refused;
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
    &token_not_yet_valid::RULE,
    &clock_skew::RULE,
    &audience_mismatch::RULE,
    &issuer_mismatch::RULE,
    &insufficient_scope::RULE,
    &stale_token_sent::RULE,
    &valid_looking_token_rejected::RULE,
    &signing_key_mismatch::RULE,
    &unknown_kid_or_jwks::RULE,
    &algorithm_mismatch::RULE,
    &environment_crossover::RULE,
    &refresh_rejected::RULE,
    &refresh_storm::RULE,
    &refresh_loop::RULE,
    &refresh_token_reuse::RULE,
    &unchanged_credential_retry::RULE,
    &set_cookie_rejected::RULE,
    &session_cookie_not_sent::RULE,
    &csrf_rejected::RULE,
    &login_html_instead_of_api::RULE,
    &identity_switch::RULE,
    &preflight_blocked::RULE,
    &credentialed_wildcard_cors::RULE,
    &auth_error_hidden_by_cors::RULE,
    &authorization_lost_on_redirect::RULE,
    &auth_redirect_loop::RULE,
    &rejected_by_intermediary::RULE,
    &credential_stripped_upstream::RULE,
    &api_base_url_drift::RULE,
    &websocket_upgrade_refused::RULE,
    &websocket_credential_missing::RULE,
    &websocket_closed_unauthorised::RULE,
    &oauth_callback_error::RULE,
    &code_exchange_failed::RULE,
    &client_authentication_failed::RULE,
    &silent_auth_failed::RULE,
    &dpop_or_mtls_binding_error::RULE,
    &token_in_url::RULE,
    &credentials_over_cleartext::RULE,
    &token_sent_to_third_party::RULE,
    &browser_exposed_secret::RULE,
    &against_expectation::RULE,
    &sanitized_capture::RULE,
    &encrypted_opaque::RULE,
    &lossy_or_truncated::RULE,
    &incomplete_flow::RULE,
    &duplicate_or_clock_inconsistent::RULE,
];
