//! Credentials that a response hands to the client: in its body, its cookies and its `Authorization`.

use std::time::Duration;

use authtrace_parse::{Exchange, SecretStr, headers::Headers};
use serde_json::Value;

use super::{
    Delivery,
    body::BodyView,
    credential::{self, Carrier},
    set_cookie,
    times::Times,
};
use crate::{
    text::Interner,
    token::Authorization,
    tokens::{Handed, Purpose, TokenStore},
};

/// Response keys that hand out tokens, and what for.
const DELIVERY_KEYS: &[(&str, Purpose)] = &[
    ("access_token", Purpose::Access),
    ("accessToken", Purpose::Access),
    ("AccessToken", Purpose::Access),
    ("access", Purpose::Access),
    ("token", Purpose::Access),
    ("jwt", Purpose::Access),
    ("auth_token", Purpose::Access),
    ("authToken", Purpose::Access),
    ("session_token", Purpose::Access),
    ("sessionToken", Purpose::Access),
    ("id_token", Purpose::Id),
    ("idToken", Purpose::Id),
    ("IdToken", Purpose::Id),
    ("refresh_token", Purpose::Refresh),
    ("refreshToken", Purpose::Refresh),
    ("RefreshToken", Purpose::Refresh),
    ("refresh", Purpose::Refresh),
];

/// The shortest string that counts as a delivered token; shorter ones are flags and names.
const SHORTEST_TOKEN: usize = 16;

/// How long the access token lives by the word of the response (RFC 6749 §5.1). Some write it as a string.
fn lasts(body: &BodyView) -> Option<Duration> {
    /// In seconds. Nobody means more; whoever writes more counts in other units.
    const LONGEST: u64 = 10 * 366 * 86_400;
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    // Matrix counts in milliseconds.
    if let Some(millis) = body.value("expires_in_ms").and_then(number) {
        return (1..=LONGEST * 1000).contains(&millis).then(|| Duration::from_millis(millis));
    }
    let seconds = ["expires_in", "expiresIn", "ExpiresIn"].iter().find_map(|key| body.value(key)).and_then(number)?;
    (1..=LONGEST).contains(&seconds).then(|| Duration::from_secs(seconds))
}

/// What the response of `exchange` delivers; its credentials go to `tokens`.
pub(super) fn deliveries(
    exchange: &Exchange,
    headers: &Headers,
    body: &BodyView,
    tokens: &mut TokenStore,
    interner: &mut Interner,
) -> Vec<Delivery> {
    if !exchange.response.as_ref().is_some_and(|r| (200..400).contains(&r.status)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let timing = Times::from(&exchange.timing);
    let at = timing.ended().or(timing.first_byte());
    let lasts_until = at.zip(lasts(body)).map(|(at, life)| at.saturating_add(life));
    let mut add = |carrier: Carrier, purpose, value: SecretStr<'_>, scheme: Option<&str>| {
        let token = tokens.intern(value, scheme, exchange.id);
        let spoken_of = purpose == Purpose::Access && matches!(carrier, Carrier::ResponseBody(_));
        let lasts_until = lasts_until.filter(|_| spoken_of);
        tokens.delivered(token, &carrier, Handed { by: exchange.id, at, purpose, lasts_until });
        found.push(Delivery { carrier, token, purpose });
    };
    for (key, purpose) in DELIVERY_KEYS {
        if let Some(value) =
            body.string(key).filter(|v| v.expose().len() >= SHORTEST_TOKEN && !v.expose().contains(' '))
        {
            add(Carrier::ResponseBody(interner.text(key)), *purpose, value, None);
        }
    }
    for field in headers.get_all("set-cookie") {
        let Some((cookie, value)) = set_cookie::parse(field, interner) else { continue };
        if !cookie.deletes && credential::is_session_cookie(&cookie.name, value) {
            let purpose = if cookie.name.contains("refresh") { Purpose::Refresh } else { Purpose::Session };
            add(Carrier::SetCookie(cookie.name), purpose, value, None);
        }
    }
    for value in headers.get_all("authorization") {
        let split = Authorization::read(value);
        add(Carrier::ResponseHeader(interner.text("authorization")), Purpose::Access, split.credentials, split.scheme);
    }
    found
}
