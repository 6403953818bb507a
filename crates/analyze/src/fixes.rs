//! Fix texts: what to change, where, in one sentence; rules name them by key (detectors §17).

/// One fix.
#[derive(Clone, Copy, Debug)]
pub struct Fix {
    /// Key that rules name.
    pub key: &'static str,
    /// Who makes the change: `frontend`, `backend`, `gateway`, `provider`, `security`.
    pub place: &'static str,
    /// What to change.
    pub text: &'static str,
}

/// The fix called `key`.
pub fn fix(key: &str) -> Option<&'static Fix> {
    FIXES.iter().find(|fix| fix.key == key)
}

const FIXES: &[Fix] = &[
    Fix {
        key: "fe.single-client",
        place: "frontend",
        text: "Send every API call through one client that attaches the credential; forbid raw fetch and second clients by lint.",
    },
    Fix {
        key: "fe.fail-fast",
        place: "frontend",
        text: "Resolve the token before building the request; when it is null or undefined, throw instead of sending.",
    },
    Fix {
        key: "fe.gate-ready",
        place: "frontend",
        text: "Call the API only after the auth SDK says loaded and signed in; in tests, wait for the first accepted call that carries the token.",
    },
    Fix {
        key: "fe.await-token",
        place: "frontend",
        text: "Await the promise that yields the token and guard against null; type it as a string, so that the compiler refuses anything else.",
    },
    Fix {
        key: "fe.header-format",
        place: "frontend",
        text: "Build the header as `Bearer ` plus the bare token, in one function with a test; trim what comes from storage or the environment.",
    },
    Fix {
        key: "fe.right-token",
        place: "frontend",
        text: "Send the token that the API verifies (the SDK's getToken result), never a session id, user id or API key.",
    },
    Fix {
        key: "fe.one-carrier",
        place: "frontend",
        text: "Send one credential in one carrier; clear stale cookies on login and logout.",
    },
    Fix {
        key: "fe.single-flight-refresh",
        place: "frontend",
        text: "Share one refresh in flight between all callers and tabs; let waiting requests replay once with the new token.",
    },
    Fix {
        key: "fe.no-refresh-on-refresh",
        place: "frontend",
        text: "Exclude the refresh, login and logout endpoints from the 401 handler, and allow one retry per request.",
    },
    Fix {
        key: "fe.circuit-breaker",
        place: "frontend",
        text: "After a refused refresh stop, clear the session and go to login once; back off only on network errors and 5xx.",
    },
    Fix {
        key: "fe.clock",
        place: "frontend",
        text: "Set the clock by NTP, sign right before sending, and sign anew for every retry.",
    },
    Fix {
        key: "fe.proactive",
        place: "frontend",
        text: "Refresh ahead of expiry from expires_in on a monotonic clock, and check again when the page becomes visible.",
    },
    Fix {
        key: "fe.sign-late",
        place: "frontend",
        text: "Ask for the signed URL when it is used, not when the page is built, and ask again when it is refused.",
    },
    Fix {
        key: "fe.fresh-token",
        place: "frontend",
        text: "Read the token when the request is sent, and rebuild the header before a retry; tell other tabs of a new token.",
    },
    Fix { key: "fe.no-blind-retry", place: "frontend", text: "Do not retry 401 or 403 unless the credential changed." },
    Fix {
        key: "fe.include-credentials",
        place: "frontend",
        text: "Send cookies cross-origin with credentials: 'include', and let the API allow the exact origin with credentials.",
    },
    Fix {
        key: "fe.base-url",
        place: "frontend",
        text: "Take the API's base URL from one place, and fail at start-up when it is not set.",
    },
    Fix {
        key: "fe.canonical-url",
        place: "frontend",
        text: "Call the URL that the redirect leads to: right scheme, host and trailing slash.",
    },
    Fix {
        key: "fe.token-store",
        place: "frontend",
        text: "Check that the code that stores the token and the code that attaches it use the same key and run in this order.",
    },
    Fix {
        key: "be.bearer-only",
        place: "backend",
        text: "Document which carriers the API accepts; reading a cookie as well needs a defence against CSRF.",
    },
    Fix {
        key: "be.challenge",
        place: "backend",
        text: "Answer 401 with WWW-Authenticate: Bearer, with error=\"invalid_token\" and a safe description when a token was sent.",
    },
    Fix {
        key: "fe.header-name",
        place: "frontend",
        text: "Name header fields with hyphens, not underscores: Authorization, or X-Auth-Token.",
    },
    Fix {
        key: "be.leeway",
        place: "backend",
        text: "Allow 30–60 s of clock leeway when checking exp and nbf, and keep server clocks on NTP.",
    },
    Fix {
        key: "be.keys",
        place: "backend",
        text: "Load the signing secret from one source on both sides, assert it at start-up and log its fingerprint, never its value.",
    },
    Fix {
        key: "be.env",
        place: "backend",
        text: "Give each environment its own issuer, keys and required variables; refuse to start when one is missing.",
    },
    Fix {
        key: "be.aud-iss",
        place: "backend",
        text: "Configure the expected issuer byte for byte and the expected audience list.",
    },
    Fix {
        key: "be.cors-order",
        place: "backend",
        text: "Register CORS before authentication, answer OPTIONS without credentials, and name Authorization in Access-Control-Allow-Headers.",
    },
    Fix { key: "be.cors-errors", place: "backend", text: "Add CORS headers on error responses, too." },
    Fix {
        key: "be.cookie-attributes",
        place: "backend",
        text: "Set cookie attributes that the browser accepts here: Secure with SameSite=None, matching Domain and Path, under 4096 bytes.",
    },
    Fix {
        key: "be.relative-redirect",
        place: "gateway",
        text: "Redirect with a relative Location, or trust X-Forwarded-Proto, so that the redirect stays on the same origin.",
    },
    Fix {
        key: "be.proxy",
        place: "gateway",
        text: "Pass Authorization through every hop (proxy_set_header, WSGIPassAuthorization, CGIPassAuth).",
    },
    Fix {
        key: "be.gateway-policy",
        place: "gateway",
        text: "Check the policy of the hop that refused it; give the gateway its own credential when it needs one.",
    },
    Fix {
        key: "be.ws",
        place: "backend",
        text: "Accept a ticket, cookie or subprotocol token on the WebSocket, and log or send the reason of a refusal.",
    },
    Fix {
        key: "be.log-reason",
        place: "backend",
        text: "Turn on the verifier's debug output for one request and match it by request id: the wire does not carry the reason.",
    },
    Fix {
        key: "be.refresh-grace",
        place: "provider",
        text: "Allow a short overlap for rotated refresh tokens, at least as long as the client's retry time.",
    },
    Fix {
        key: "idp.audience",
        place: "provider",
        text: "Request a token for this API: its audience, resource or JWT template.",
    },
    Fix {
        key: "idp.instance",
        place: "provider",
        text: "Use the same provider instance and keys in frontend and backend.",
    },
    Fix {
        key: "sec.no-token-in-url",
        place: "security",
        text: "Move the token from the URL into a header or a single-use ticket; rotate what was logged.",
    },
    Fix { key: "sec.tls", place: "security", text: "Serve this endpoint over TLS only, with HSTS and Secure cookies." },
    Fix {
        key: "sec.hygiene",
        place: "security",
        text: "Keep server-only secrets on the server, cookies HttpOnly and token responses no-store; rotate what was exposed.",
    },
    Fix {
        key: "fe.csrf",
        place: "frontend",
        text: "Fetch the anti-forgery token first and send it with every changing request: the cookie's value, percent-decoded, in the header that the server reads.",
    },
    Fix {
        key: "fe.no-refresh-on-403",
        place: "frontend",
        text: "Neither refresh nor sign out on 403: show that it is not allowed, and hide what the user may not do.",
    },
    Fix {
        key: "fe.one-identity",
        place: "frontend",
        text: "Keep one identity per page: take token and user from one store, and reload the page when the account changes.",
    },
    Fix {
        key: "fe.session-end",
        place: "frontend",
        text: "Treat HTML or a redirect where data was asked for as the end of the session, and send the whole page to sign in.",
    },
    Fix {
        key: "fe.scheme",
        place: "frontend",
        text: "Send the credential as the API reads it: in the field and under the scheme of calls that it accepts, or that its answer names.",
    },
    Fix {
        key: "fe.step-up",
        place: "frontend",
        text: "Send the user to sign in again with the acr_values or max_age that the challenge names, then repeat the request.",
    },
    Fix {
        key: "be.algorithms",
        place: "backend",
        text: "Pin the list of accepted algorithms to the one that the issuer signs with; never accept none.",
    },
    Fix {
        key: "be.callback-open",
        place: "backend",
        text: "Exempt login and callback from the check that protects the application, and set the session before redirecting.",
    },
    Fix {
        key: "be.csrf-bearer",
        place: "backend",
        text: "Exempt requests that authenticate by Authorization from the CSRF check: only cookies need it.",
    },
    Fix {
        key: "be.csrf-origins",
        place: "backend",
        text: "Add the page's origin to the origins that the CSRF check trusts (CSRF_TRUSTED_ORIGINS, stateful domains).",
    },
    Fix {
        key: "be.forwarded",
        place: "gateway",
        text: "Tell the application the scheme and host that the browser uses (X-Forwarded-Proto, X-Forwarded-Host), and let it trust them.",
    },
    Fix {
        key: "be.json-401",
        place: "backend",
        text: "Answer 401 with JSON to requests that ask for data (Accept: application/json, X-Requested-With), and redirect documents only.",
    },
    Fix {
        key: "be.jwks",
        place: "backend",
        text: "Take the keys from the issuer's own jwks_uri and fetch them again, at a limited rate, when a kid is unknown.",
    },
    Fix {
        key: "be.jwks-egress",
        place: "backend",
        text: "Let the API reach the issuer's key set: host name, egress rule, TLS trust, proxy; keep the last good copy.",
    },
    Fix {
        key: "be.no-shared-cache",
        place: "backend",
        text: "Mark answers that depend on the user no-store, or vary the cache by the credential.",
    },
    Fix {
        key: "be.request-signing",
        place: "backend",
        text: "Sign with the secret that belongs to the key's name, and let no proxy change what was signed: host, path, query, signed headers, body.",
    },
    Fix {
        key: "be.policy",
        place: "backend",
        text: "Map the user's roles to what this route asks for, and name what is missing in the answer.",
    },
    Fix {
        key: "be.session-cookie",
        place: "backend",
        text: "Let the answer to a sign-in set the session cookie: save the session before answering, and trust the proxy's X-Forwarded-Proto where cookies are Secure.",
    },
    Fix {
        key: "be.session-store",
        place: "backend",
        text: "Keep sessions in a store that every instance shares, or make the load balancer sticky.",
    },
    Fix {
        key: "gw.api-routes",
        place: "gateway",
        text: "Let the gateway answer API routes with 401 instead of a redirect (oauth2-proxy --api-route), or give the client its own credential for it.",
    },
    Fix {
        key: "idp.algorithm",
        place: "provider",
        text: "Let the provider sign with the algorithm that the API verifies (RS256 or ES256 rather than HS256).",
    },
    Fix {
        key: "idp.backdate",
        place: "provider",
        text: "Let the issuer keep its clock on NTP and backdate nbf by a few seconds, or leave nbf out.",
    },
    Fix {
        key: "idp.account",
        place: "provider",
        text: "Unlock or enable the account, and let the sign-in form say why it was refused.",
    },
    Fix {
        key: "idp.admit",
        place: "provider",
        text: "Admit the address, site, application or tenant that the answer names, or use a credential that may be used from there.",
    },
    Fix {
        key: "idp.scope",
        place: "provider",
        text: "Ask for the missing scope at sign-in, and let the provider grant it to this client and user.",
    },
    Fix {
        key: "idp.seconds",
        place: "provider",
        text: "Write exp, nbf and iat in seconds since the epoch (RFC 7519 §2), not in milliseconds.",
    },
    Fix {
        key: "fe.callback-errors",
        place: "frontend",
        text: "Show the provider's error and error_description on the callback page, and offer one new login instead of a redirect.",
    },
    Fix {
        key: "fe.one-exchange",
        place: "frontend",
        text: "Trade a code exactly once and at once: guard the callback against double mounting, reloads and prefetching, and remove code and state from the URL.",
    },
    Fix {
        key: "fe.device-again",
        place: "frontend",
        text: "Show the user code with the time that is left, ask at the given interval, and start again with a new code where the old one lapsed (RFC 8628 §3.5).",
    },
    Fix {
        key: "fe.pkce-store",
        place: "frontend",
        text: "Keep verifier and state under the state's own key until the callback, on the same origin, so that a second login or tab does not overwrite them.",
    },
    Fix {
        key: "fe.ws-ticket",
        place: "frontend",
        text: "Fetch a single-use ticket over HTTP with the token, and open the WebSocket with it; or use a cookie or the subprotocol list.",
    },
    Fix {
        key: "fe.ws-renew",
        place: "frontend",
        text: "Fetch a fresh ticket or token for every connect, renew before exp, and back off between attempts.",
    },
    Fix {
        key: "fe.dpop-proof",
        place: "frontend",
        text: "Make one proof per request: its method and URL without query, a new jti, the time, ath of the very token, signed with the key that the token is bound to.",
    },
    Fix {
        key: "fe.dpop-nonce",
        place: "frontend",
        text: "Keep the latest DPoP-Nonce of each origin, from any answer, and send it in the next proof.",
    },
    Fix {
        key: "fe.scoped-client",
        place: "frontend",
        text: "Attach the credential only to requests whose origin is on the API's list; use a bare client for storage, CDN and third parties.",
    },
    Fix {
        key: "client.proxy",
        place: "frontend",
        text: "Give the client the proxy's credential, or take the host out of proxying (NO_PROXY).",
    },
    Fix {
        key: "be.gateway-credential",
        place: "gateway",
        text: "Give the gateway a field of its own (X-API-Key, Proxy-Authorization, X-Serverless-Authorization, a cookie), and leave Authorization to the application.",
    },
    Fix {
        key: "be.small-cookies",
        place: "backend",
        text: "Make cookies and tokens smaller: keep the session on the server, drop claims and old cookies; raise the proxy's buffers only after that.",
    },
    Fix {
        key: "be.state-cookie",
        place: "backend",
        text: "Set the state cookie so that it comes back from the provider: SameSite=Lax (None with form_post), Secure, the host of the callback, a store that all instances share.",
    },
    Fix {
        key: "be.client-credentials",
        place: "backend",
        text: "Compare client_id, secret and method (basic, post, private_key_jwt, none) with the registration; percent-encode both parts of Basic; renew an expired secret.",
    },
    Fix {
        key: "be.token-form",
        place: "backend",
        text: "Send the token request as application/x-www-form-urlencoded.",
    },
    Fix {
        key: "be.proxy-url",
        place: "gateway",
        text: "Let the application see the URL that the client sees: trust X-Forwarded-Proto and X-Forwarded-Host from the proxy only, or configure the public URL.",
    },
    Fix {
        key: "be.true-description",
        place: "backend",
        text: "Make the server check what its description and settings declare, or correct them; test both against each other in CI.",
    },
    Fix {
        key: "be.client-certificate",
        place: "gateway",
        text: "Send the client certificate to this host, have its issuer in the server's list, and pass it on behind a proxy that ends TLS.",
    },
    Fix {
        key: "idp.redirect-uri",
        place: "provider",
        text: "Register the redirect URI exactly as it is sent: scheme, host, port, path and trailing slash (RFC 9700 §2.1).",
    },
    Fix {
        key: "idp.client-settings",
        place: "provider",
        text: "Compare the client's registration with the request: type, flow, grants, scopes, response type and tenant.",
    },
    Fix {
        key: "idp.login-policy",
        place: "provider",
        text: "Look the attempt up in the provider's log: assignment, consent, conditional access or a custom rule refused it.",
    },
    Fix { key: "idp.log", place: "provider", text: "Look the attempt up in the provider's log by time and client." },
    Fix {
        key: "idp.silent-renewal",
        place: "provider",
        text: "Renew with rotated refresh tokens, or serve the provider under the application's own site, instead of a hidden frame.",
    },
    Fix {
        key: "sec.rotate",
        place: "security",
        text: "Take the token for known to the receiver: end its session and rotate it.",
    },
];
