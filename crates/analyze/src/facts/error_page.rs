//! Error pages of a provider, or of a client's callback: the error that their text names.

use crate::{role::Role, text::start};

/// Errors that a provider's page names in its text, more telling ones first: RFC 6749 §4.1.2.1 and what providers add.
const PAGE_ERRORS: &[(&str, &str)] = &[
    ("redirect_uri_mismatch", "redirect_uri_mismatch"),
    ("redirect_mismatch", "redirect_uri_mismatch"),
    ("invalid_redirect_uri", "redirect_uri_mismatch"),
    ("callback url mismatch", "redirect_uri_mismatch"),
    ("invalid parameter: redirect_uri", "redirect_uri_mismatch"),
    ("redirect uri included is not valid", "redirect_uri_mismatch"),
    ("redirect_uri' parameter must be", "redirect_uri_mismatch"),
    ("mismatching redirect uri", "redirect_uri_mismatch"),
    ("unregistered redirect_uri", "redirect_uri_mismatch"),
    ("invalid redirect_uri", "redirect_uri_mismatch"),
    ("redirect uri is not", "redirect_uri_mismatch"),
    ("redirect_uri is not", "redirect_uri_mismatch"),
    ("redirect_uri must match", "redirect_uri_mismatch"),
    ("redirect_uri did not match", "redirect_uri_mismatch"),
    ("redirect_uri does not match", "redirect_uri_mismatch"),
    ("redirect uri does not match", "redirect_uri_mismatch"),
    ("correlation failed", "correlation_failed"),
    ("unable to verify authorization request state", "invalid_state"),
    ("authorization_request_not_found", "authorization_request_not_found"),
    ("invalidstate", "invalid_state"),
    ("unable to find a valid csrf token", "csrf_detected"),
    ("state mismatch", "invalid_state"),
    ("invalid state", "invalid_state"),
    ("missing state", "invalid_state"),
    ("state parameter", "invalid_state"),
    ("csrf_detected", "csrf_detected"),
    ("unauthorized_client", "unauthorized_client"),
    ("invalid_client", "invalid_client"),
    ("client not found", "invalid_client"),
    ("unknown client", "invalid_client"),
    ("client is not registered", "invalid_client"),
    ("invalid_scope", "invalid_scope"),
    ("unsupported_response_type", "unsupported_response_type"),
    ("login_required", "login_required"),
    ("consent_required", "consent_required"),
    ("interaction_required", "interaction_required"),
    ("account_selection_required", "account_selection_required"),
    ("access_denied", "access_denied"),
    ("invalid_request", "invalid_request"),
    ("invalid_grant", "invalid_grant"),
];

/// What a page of the provider, or of the client's callback, says went wrong.
pub(crate) fn error(text: &str, role: Role) -> (Option<String>, Option<String>) {
    if !matches!(role, Role::Authorize | Role::Callback | Role::Token) {
        return (None, None);
    }
    let lower = start(text, 4096).to_ascii_lowercase();
    let found = PAGE_ERRORS.iter().find(|(words, _)| lower.contains(words));
    let named = found.map(|(_, error)| (*error).to_owned());
    let aadsts = lower.find("aadsts").map(|at| &lower[at..]).map(|rest| {
        let digits = rest[6..].bytes().take_while(u8::is_ascii_digit).count();
        rest[..6 + digits].to_ascii_uppercase()
    });
    let aadsts = aadsts.filter(|code| code.len() > 6);
    let description = match (&aadsts, text.trim_start().starts_with('<')) {
        (Some(code), _) => Some(code.clone()),
        (None, false) if named.is_some() => Some(start(text, 300).to_owned()),
        (None, true) => found.and_then(|(words, _)| sentence_with(text, words)),
        _ => None,
    };
    (aadsts.or(named), description)
}

/// The text between two tags of a page that says `words`: a sentence for people, no script and no attribute.
fn sentence_with(page: &str, words: &str) -> Option<String> {
    let texts = start(page, 4096).split('<').filter_map(|piece| piece.split_once('>'));
    let shown = texts.filter(|(tag, _)| !tag.starts_with("script") && !tag.starts_with("style")).map(|(_, text)| text);
    let sentence = shown.map(str::trim).find(|text| text.to_ascii_lowercase().contains(words))?;
    (sentence.split_whitespace().count() > 2).then(|| start(sentence, 300).to_owned())
}
