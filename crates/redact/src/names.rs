//! What the name of a field says of its value.

use authtrace_analyze::private::is_private;

/// What a value is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A credential, or something that helps to guess one.
    Private,
    /// It names a person.
    Personal,
    /// It says what happened: stays, but for secrets quoted in it.
    Shown,
    /// A URL: stays, but for its parameters.
    Url,
    /// It may be anything.
    Unknown,
}

/// Names whose values stay: what protocols and errors say (RFC 6749, RFC 7519, OpenID Connect, RFC 9457, GraphQL), and
/// what tells messages apart.
const SHOWN: &[&str] = &[
    "error",
    "errors",
    "error_description",
    "error_code",
    "errorcode",
    "code",
    "message",
    "messages",
    "msg",
    "detail",
    "details",
    "title",
    "type",
    "status",
    "statuscode",
    "status_code",
    "reason",
    "reasons",
    "loc",
    "ctx",
    "extensions",
    "path",
    "field",
    "hint",
    "long_message",
    "longmessage",
    "error_codes",
    "suberror",
    "severity",
    "expires_in",
    "expires_at",
    "refresh_expires_in",
    "token_type",
    "tokentype",
    "scope",
    "scopes",
    "scp",
    "grant_type",
    "grant_types",
    "response_type",
    "response_mode",
    "prompt",
    "code_challenge_method",
    "iss",
    "issuer",
    "aud",
    "audience",
    "azp",
    "client_id",
    "clientid",
    "cid",
    "appid",
    "tid",
    "iat",
    "nbf",
    "exp",
    "auth_time",
    "token_use",
    "amr",
    "acr",
    "ver",
    "typ",
    "cty",
    "alg",
    "enc",
    "kty",
    "use",
    "kid",
    "n",
    "e",
    "x",
    "y",
    "crv",
    "x5t",
    "x5t#s256",
    "x5c",
    "jkt",
    "jwk",
    "jwks",
    "keys",
    "key_ops",
    "cnf",
    "htm",
    "zip",
    "crit",
    "role",
    "roles",
    "permissions",
    "groups",
    "realm_access",
    "resource_access",
    "authorities",
    "resource",
    "aal",
    "op",
    "event",
    "action",
    "kind",
    "method",
    "operationname",
    "active",
    "object",
    "strategy",
    "version",
    "__typename",
    "channel",
    "topic",
    "state_machine",
    "success",
    "ok",
];
/// Those of them whose values are sentences: they stay where something went wrong, elsewhere they are what people write.
const PROSE: &[&str] = &[
    "message",
    "messages",
    "msg",
    "detail",
    "details",
    "title",
    "reason",
    "reasons",
    "hint",
    "long_message",
    "longmessage",
    "path",
    "field",
    "error",
    "errors",
    "error_description",
];

/// Whether the field called `name` holds sentences.
pub(crate) fn is_prose(name: &str) -> bool {
    PROSE.contains(&name.to_ascii_lowercase().as_str())
}

/// Ends of such names.
const SHOWN_ENDS: &[&str] = &["_supported", "_at", "_in", "_count", "_type", "_methods", "_required"];

/// Names whose values are URLs.
const URLS: &[&str] = &[
    "url",
    "uri",
    "href",
    "htu",
    "location",
    "redirect",
    "redirect_to",
    "return_to",
    "returnurl",
    "next",
    "continue",
    "callback",
    "origin",
    "referer",
    "referrer",
    "target_link_uri",
    "instance",
];
const URL_ENDS: &[&str] = &["_url", "_uri", "_uris", "_endpoint", "url", "uri"];

/// Names, and parts of names, whose values name a person, beside those that are private.
const PERSONAL: &[&str] = &[
    "sub",
    "sid",
    "jti",
    "name",
    "upn",
    "unique_name",
    "oid",
    "puid",
    "picture",
    "avatar",
    "nickname",
    "gender",
    "ip",
    "ipaddr",
    "ssn",
    "iban",
    "street",
    "street_address",
    "city",
    "region",
    "postal_code",
    "postcode",
    "country",
    "age",
    "uid",
    "login_hint",
    "id_token_hint",
    "user",
    "preferred_username",
    "given_name",
    "family_name",
    "middle_name",
    "first_name",
    "last_name",
    "firstname",
    "lastname",
    "full_name",
    "fullname",
    "display_name",
    "displayname",
    "input",
    "rejectedvalue",
    "rejected_value",
    "received",
];

/// What the field called `name` holds.
pub(crate) fn sort(name: &str) -> Sort {
    let lower = name.to_ascii_lowercase();
    let name_of = lower.as_str();
    if SHOWN.contains(&name_of) {
        Sort::Shown
    } else if PERSONAL.contains(&name_of) || lower.contains("email") || lower.contains("phone") {
        Sort::Personal
    } else if is_private(name) {
        Sort::Private
    } else if URLS.contains(&name_of) || URL_ENDS.iter().any(|end| lower.ends_with(end)) {
        Sort::Url
    } else if SHOWN_ENDS.iter().any(|end| lower.ends_with(end)) {
        Sort::Shown
    } else {
        Sort::Unknown
    }
}

/// Parameters of a query or form whose values stay: what a grant asks for, and how and when a URL was signed.
const SHOWN_PARAMETERS: &[&str] = &[
    "grant_type",
    "response_type",
    "response_mode",
    "prompt",
    "error",
    "error_description",
    "error_subcode",
    "template",
    "scope",
    "client_id",
    "audience",
    "resource",
    "acr_values",
    "max_age",
    "ui_locales",
    "code_challenge_method",
    "display",
    "token_type",
    "token_type_hint",
    "expires_in",
    "client_assertion_type",
    "subject_token_type",
    "requested_token_type",
    "expires",
    "x-amz-algorithm",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-goog-algorithm",
    "x-goog-date",
    "x-goog-expires",
    "x-goog-signedheaders",
    "se",
    "st",
    "sp",
    "sv",
    "sr",
    "spr",
    "eio",
    "transport",
    "apiversion",
    "api-version",
    "sigalg",
];

/// What the parameter called `name` of a query or form holds: unlike in JSON, `code` is a credential here.
pub(crate) fn sort_of_parameter(name: &str) -> Sort {
    let lower = name.to_ascii_lowercase();
    if SHOWN_PARAMETERS.contains(&lower.as_str()) {
        return Sort::Shown;
    }
    match sort(name) {
        Sort::Shown => Sort::Private,
        other => other,
    }
}

/// Header fields whose values stay as they are: they negotiate, or say what the message is.
const SHOWN_FIELDS: &[&str] = &[
    "host",
    ":authority",
    ":method",
    ":scheme",
    ":status",
    "accept",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "alt-svc",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "content-range",
    "date",
    "dnt",
    "etag",
    "expect",
    "expires",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "keep-alive",
    "last-modified",
    "pragma",
    "priority",
    "range",
    "retry-after",
    "server",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "vary",
    "via",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-powered-by",
    "x-frame-options",
    "x-content-type-options",
    "x-requested-with",
    "traceparent",
    "sec-websocket-key",
    "sec-websocket-accept",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "http2-settings",
    "x-forwarded-for",
    "x-real-ip",
    "forwarded",
    "clear-site-data",
    "cross-origin-opener-policy",
    "referrer-policy",
];
/// Starts of such names.
const SHOWN_FIELD_STARTS: &[&str] =
    &["access-control-", "sec-fetch-", "sec-ch-", "sec-gpc", "x-ratelimit-", "ratelimit"];

/// Whether the header field called `name` (in lower case) stays as it is.
pub(crate) fn is_shown_field(name: &str) -> bool {
    SHOWN_FIELDS.contains(&name) || SHOWN_FIELD_STARTS.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_a_value_is() {
        let all =
            |names: &[&str], expected: Sort| names.iter().for_each(|name| assert_eq!(sort(name), expected, "{name}"));
        all(&["access_token", "password", "client_secret", "csrf", "apiKey", "username"], Sort::Private);
        all(&["sub", "email", "userEmail", "given_name", "sid", "Phone"], Sort::Personal);
        all(&["error", "iss", "exp", "token_type", "code", "created_at"], Sort::Shown);
        all(&["redirect_uri", "authorization_endpoint", "jwks_uri", "next"], Sort::Url);
        all(&["note", "customClaim"], Sort::Unknown);
        assert_eq!(sort_of_parameter("code"), Sort::Private);
        assert_eq!(sort_of_parameter("grant_type"), Sort::Shown);
    }
}
