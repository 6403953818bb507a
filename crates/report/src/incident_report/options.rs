//! Fix options: what each costs and what it risks, beside what the catalogue says to change.

use authtrace_analyze::Incident;

use super::model::FixOption;

/// What a decision for a fix needs to know.
struct Trade {
    key: &'static str,
    pros: &'static str,
    cons: &'static str,
    effort: &'static str,
    /// Whether it only relieves until the lasting change is there.
    immediate: bool,
}

/// The incident's fixes as a table; the first is recommended.
pub(super) fn options(incident: &Incident) -> Vec<FixOption> {
    let option = |(index, fix): (usize, &&'static authtrace_analyze::fixes::Fix)| {
        let trade = TRADES.iter().find(|trade| trade.key == fix.key);
        FixOption {
            key: fix.key,
            place: fix.place,
            change: fix.text,
            pros: trade.map_or("Mends what the evidence shows.", |t| t.pros),
            cons: trade.map_or("", |t| t.cons),
            effort: trade.map_or("to be estimated", |t| t.effort),
            term: if trade.is_some_and(|t| t.immediate) { "immediate" } else { "lasting" },
            recommended: index == 0,
        }
    };
    incident.fixes.iter().enumerate().map(option).collect()
}

const fn lasting(key: &'static str, pros: &'static str, cons: &'static str, effort: &'static str) -> Trade {
    Trade { key, pros, cons, effort, immediate: false }
}

const fn immediate(key: &'static str, pros: &'static str, cons: &'static str, effort: &'static str) -> Trade {
    Trade { key, pros, cons, effort, immediate: true }
}

const TRADES: &[Trade] = &[
    lasting(
        "fe.single-client",
        "One place to reason about; the whole class goes away.",
        "Touches every direct call; needs a lint to stay true.",
        "medium",
    ),
    immediate(
        "fe.fail-fast",
        "The mistake shows at its place instead of as a 401.",
        "The call still does not succeed: the page needs a waiting state.",
        "small",
    ),
    lasting(
        "fe.gate-ready",
        "Removes the race for every call of the page.",
        "The first render waits for the auth SDK.",
        "small",
    ),
    immediate(
        "fe.await-token",
        "Mends the value that was sent.",
        "Each place that builds the header must be found.",
        "small",
    ),
    immediate(
        "fe.header-format",
        "Mends every header at once, with a test.",
        "Values in storage may have to be cleaned, too.",
        "small",
    ),
    lasting(
        "fe.right-token",
        "The API gets what it verifies.",
        "Callers that hold only a session id need a call to get the token.",
        "small",
    ),
    lasting(
        "fe.one-carrier",
        "Server and client agree on what counts.",
        "Old cookies stay until they expire or are cleared.",
        "small",
    ),
    lasting(
        "fe.single-flight-refresh",
        "One refresh per expiry, whatever the number of callers and tabs.",
        "Tabs need a lock (Web Locks, BroadcastChannel); a hung refresh blocks all.",
        "medium",
    ),
    immediate(
        "fe.no-refresh-on-refresh",
        "Ends the loop at once.",
        "The user is signed out where the refresh token is dead.",
        "small",
    ),
    immediate(
        "fe.circuit-breaker",
        "Bounds the damage of any broken refresh.",
        "Signs the user out earlier than before.",
        "small",
    ),
    lasting(
        "fe.proactive",
        "Calls seldom meet an expired token.",
        "Timers stop in background tabs: check again when the page becomes visible.",
        "medium",
    ),
    lasting(
        "fe.fresh-token",
        "Retries carry what the refresh gave.",
        "Code that captured the header early must be found.",
        "small",
    ),
    immediate(
        "fe.no-blind-retry",
        "Fewer refused calls, clearer logs.",
        "Hides no cause: the first refusal stays.",
        "small",
    ),
    lasting(
        "fe.include-credentials",
        "Cookies reach the API cross-origin.",
        "Needs an exact allowed origin and a defence against CSRF.",
        "medium",
    ),
    immediate("fe.base-url", "All calls go to the API that runs.", "Builds need the variable.", "small"),
    immediate(
        "fe.canonical-url",
        "No redirect, so nothing to lose on the way.",
        "Callers outside this frontend still meet the redirect.",
        "small",
    ),
    lasting(
        "fe.token-store",
        "Storing and attaching cannot drift apart.",
        "Storage that scripts can read stays exposed to XSS.",
        "small",
    ),
    lasting(
        "be.bearer-only",
        "Clients know what to send.",
        "Reading cookies as well opens CSRF unless defended.",
        "small",
    ),
    lasting(
        "be.challenge",
        "Refusals name their reason; the next incident is decided faster.",
        "Descriptions must stay free of personal data.",
        "small",
    ),
    lasting(
        "be.leeway",
        "Small clock differences no longer refuse valid tokens.",
        "Tokens live that much longer.",
        "small",
    ),
    lasting(
        "be.keys",
        "Signer and verifier cannot differ unnoticed.",
        "Needs a rollout on both sides; tokens of the old key are refused.",
        "medium",
    ),
    lasting(
        "be.env",
        "A token of another environment is refused by name, at start-up.",
        "Every environment needs its own settings.",
        "medium",
    ),
    lasting(
        "be.aud-iss",
        "Exactly the tokens meant for this API are taken.",
        "Issuer and API must change together.",
        "small",
    ),
    lasting(
        "be.cors-order",
        "Preflights pass without credentials, as browsers send them.",
        "Allowed origins must stay exact where credentials are allowed.",
        "small",
    ),
    lasting("be.cors-errors", "Pages can read why they were refused.", "", "small"),
    lasting(
        "be.cookie-attributes",
        "The browser keeps the cookie.",
        "SameSite=None needs TLS and a defence against CSRF.",
        "small",
    ),
    lasting(
        "be.relative-redirect",
        "The redirect stays on the origin and keeps the credential.",
        "Behind a proxy X-Forwarded-Proto must be trusted.",
        "small",
    ),
    immediate("be.proxy", "The credential reaches the API.", "Every hop in between must be checked.", "small"),
    lasting(
        "be.gateway-policy",
        "The hop that refused lets the call pass.",
        "Widening a policy needs a review.",
        "medium",
    ),
    lasting(
        "be.ws",
        "The handshake can be authenticated and a refusal read.",
        "A token in the URL is logged: prefer a ticket or the subprotocol.",
        "medium",
    ),
    immediate(
        "be.log-reason",
        "Names the check that refused: it turns an open question into an answer.",
        "Debug output may hold tokens: one request, then off.",
        "small",
    ),
    lasting(
        "be.refresh-grace",
        "A lost answer or two tabs no longer end the session.",
        "A stolen refresh token lives for the overlap, too.",
        "small",
    ),
    lasting(
        "idp.audience",
        "The token is meant for this API.",
        "Needs a change at the provider and in the token request.",
        "small",
    ),
    lasting(
        "idp.instance",
        "Frontend and backend speak of the same users and keys.",
        "Users of the other instance sign in again.",
        "small",
    ),
    lasting(
        "sec.no-token-in-url",
        "Nothing in logs, history or Referer.",
        "Clients that cannot set headers need a ticket.",
        "medium",
    ),
    lasting(
        "sec.tls",
        "Nobody on the way reads or changes the credential.",
        "Needs certificates in test environments, too.",
        "medium",
    ),
    lasting("sec.hygiene", "What leaked is worth nothing.", "Rotation signs users out.", "medium"),
];

#[cfg(test)]
mod tests {
    use super::TRADES;

    #[test]
    fn every_trade_is_about_a_fix_that_there_is() {
        for trade in TRADES {
            assert!(authtrace_analyze::fixes::fix(trade.key).is_some(), "{}", trade.key);
        }
    }
}
