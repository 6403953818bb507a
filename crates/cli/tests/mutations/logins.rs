//! Faults at gateways, on WebSockets, at a provider's login, and tokens that go to the wrong party.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::mutation::{Capture, Mutation};

const BOOKS: &str = "GET /api/v1/books/";
const SOCKET: &str = "GET /ws";
const AUTHORIZE: &str = "https://id.x.dev/authorize?response_type=code&client_id=web&redirect_uri=https%3A%2F%2Fapp.x.dev%2Fcb&state=af0ifjsldkj&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
const CODE: &str = "code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj";
const TRADE: &str = "grant_type=authorization_code&client_id=web&redirect_uri=https%3A%2F%2Fapp.x.dev%2Fcb&code=SplxlOBeZQQYbYS6WxSbIA&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const TOKENS: &str = r#"{"access_token":"at-9f86d081884c7d659a2feaa0c55ad015","token_type":"Bearer","expires_in":300}"#;

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "mesh-denies-route",
        rule: "AUTH072",
        variant: "gateway-policy",
        healthy: |_| {},
        fault: |har| {
            har.entry("GET /api/v1/books/1")
                .status(403)
                .response_header("Server", "istio-envoy")
                .answer("RBAC: access denied");
        },
    },
    Mutation {
        name: "cookies-too-large",
        rule: "AUTH072",
        variant: "fields-too-large",
        healthy: |_| {},
        fault: |har| {
            let big = format!("prefs={}", "x".repeat(9000));
            har.entry(BOOKS).status(431).request_header("Cookie", &big).answer("");
        },
    },
    Mutation {
        name: "forward-proxy",
        rule: "AUTH072",
        variant: "proxy-authentication",
        healthy: |_| {},
        fault: |har| {
            har.entry(BOOKS).status(407).response_header("Proxy-Authenticate", "Basic realm=\"corp\"").answer("");
        },
    },
    Mutation {
        name: "socket-without-ticket",
        rule: "AUTH081",
        variant: "refused",
        healthy: |_| {},
        fault: |har| {
            har.entry(SOCKET).url("ws://localhost:8000/ws").status(403).without_messages();
        },
    },
    Mutation {
        name: "socket-without-ticket-closed",
        rule: "AUTH081",
        variant: "closed",
        healthy: |_| {},
        fault: |har| {
            har.entry(SOCKET).url("ws://localhost:8000/ws").without_messages().receive(8, "4401 Unauthorized");
        },
    },
    Mutation {
        name: "ticket-refused",
        rule: "AUTH082",
        variant: "",
        healthy: |_| {},
        fault: |har| {
            har.entry(SOCKET).without_messages().receive(1, r#"{"type":"error","message":"invalid token"}"#);
        },
    },
    Mutation {
        name: "provider-refuses-scope",
        rule: "AUTH090",
        variant: "scope",
        healthy: login,
        fault: |har| {
            const ERROR: &str = "https://app.x.dev/cb?error=invalid_scope&state=af0ifjsldkj";
            har.entry("GET /authorize").response_header("Location", ERROR);
            har.entry("GET /cb").url(ERROR);
            // The application does not get as far as a token.
            har.entry("POST /oauth/token")
                .url("https://app.x.dev/log")
                .request_header("Origin", "")
                .form("a=b")
                .answer("");
        },
    },
    Mutation {
        name: "code-traded-twice",
        rule: "AUTH091",
        variant: "code-replayed",
        healthy: login,
        fault: |har| {
            let again = har.add(1, "POST", "https://id.x.dev/oauth/token", 400).form(TRADE);
            again.answer(r#"{"error":"invalid_grant"}"#);
        },
    },
    Mutation {
        name: "verifier-lost",
        rule: "AUTH091",
        variant: "verifier-mismatch",
        healthy: login,
        fault: |har| {
            let other = TRADE.replace("dBjftJeZ4CVP", "another-one-");
            har.entry("POST /oauth/token").status(400).form(&other).answer(r#"{"error":"invalid_grant"}"#);
        },
    },
    Mutation {
        name: "slash-lost",
        rule: "AUTH091",
        variant: "redirect-uri-mismatch",
        healthy: login,
        fault: |har| {
            let other = TRADE.replace("%2Fcb&", "%2Fcb%2F&");
            har.entry("POST /oauth/token").status(400).form(&other).answer(r#"{"error":"invalid_grant"}"#);
        },
    },
    Mutation {
        name: "secret-expired",
        rule: "AUTH092",
        variant: "post",
        healthy: login,
        fault: |har| {
            let with = format!("{TRADE}&client_secret=old");
            har.entry("POST /oauth/token").status(401).form(&with).answer(r#"{"error":"invalid_client"}"#);
        },
    },
    Mutation {
        name: "frame-without-cookies",
        rule: "AUTH093",
        variant: "cookies-withheld",
        healthy: renewal,
        fault: |har| {
            let to = "https://app.x.dev/silent?error=login_required&state=s2";
            har.entry("GET /authorize").request_header("Cookie", "").response_header("Location", to);
        },
    },
    Mutation {
        name: "proof-for-inner-host",
        rule: "AUTH094",
        variant: "htu-origin",
        healthy: bound,
        fault: |har| {
            let proof = proof("http://api.internal:8080/v1/notes");
            let entry = har.entry("GET /v1/notes").request_header("DPoP", &proof).status(401).answer("");
            entry.response_header("WWW-Authenticate", "DPoP error=\"invalid_dpop_proof\"");
        },
    },
    Mutation {
        name: "token-to-error-reports",
        rule: "AUTH102",
        variant: "known-third-party",
        healthy: |har| {
            let report = har.add(1, "POST", "https://o1.ingest.sentry.io/api/1/envelope/", 200);
            report.request_header("Origin", "http://localhost:3000");
        },
        fault: |har| {
            let token = har.entry(BOOKS).header("authorization");
            har.entry("POST /api/1/envelope/").request_header("Authorization", &token);
        },
    },
    Mutation {
        name: "token-to-signed-url",
        rule: "AUTH102",
        variant: "signed-url",
        healthy: |har| {
            const UPLOAD: &str = "https://b.s3.eu-west-1.amazonaws.com/a.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024";
            har.add(1, "PUT", UPLOAD, 200).request_header("Origin", "http://localhost:3000");
        },
        fault: |har| {
            let token = har.entry(BOOKS).header("authorization");
            let upload = har.entry("PUT /a.pdf").request_header("Authorization", &token).status(400);
            upload.answer("<Error><Message>Only one auth mechanism allowed</Message></Error>");
        },
    },
];

/// A login at a provider with PKCE.
fn login(har: &mut Capture<'_>) {
    let back = format!("https://app.x.dev/cb?{CODE}");
    har.add(1, "GET", AUTHORIZE, 302).document().response_header("Location", &back);
    har.add(1, "GET", &back, 200).document();
    let trade = har.add(1, "POST", "https://id.x.dev/oauth/token", 200).form(TRADE);
    trade.request_header("Origin", "https://app.x.dev").response_header("Cache-Control", "no-store").answer(TOKENS);
}

/// A login, a call with its token, and a renewal in a hidden frame of another site.
fn renewal(har: &mut Capture<'_>) {
    login(har);
    let call = har.add(1, "GET", "https://app.x.dev/v1/notes", 200);
    call.request_header("Authorization", "Bearer at-9f86d081884c7d659a2feaa0c55ad015").answer("{\"a\":1}");
    let silent = "https://tenant.idp.org/authorize?response_type=code&client_id=web&prompt=none&redirect_uri=https%3A%2F%2Fapp.x.dev%2Fsilent&state=s2";
    let frame = har.add(200, "GET", silent, 302).document().request_header("Cookie", "idp=1");
    frame.response_header("Location", "https://app.x.dev/silent?code=AnotherCode0123456789&state=s2");
}

/// A call with a DPoP proof.
fn bound(har: &mut Capture<'_>) {
    // Not in the echo of the logout that ends the capture.
    let call = har.add(10, "GET", "https://api.x.dev/v1/notes", 200).answer("{\"a\":1}");
    let call = call.request_header("Authorization", "DPoP at-9f86d081884c7d659a2feaa0c55ad015");
    call.request_header("DPoP", &proof("https://api.x.dev/v1/notes"));
}

/// A proof for `GET url` with the token of [`bound`]; nobody verifies its signature here.
fn proof(url: &str) -> String {
    let header = r#"{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}}"#;
    // SHA-256 of the token.
    let ath = "bgIpvSWo-cBymN2ExazHcKZ0K_LUDkzUemTB8A2aVqo";
    let claims = format!(r#"{{"jti":"{}","htm":"GET","htu":"{url}","ath":"{ath}"}}"#, url.len());
    [header, &claims, "signature"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}
