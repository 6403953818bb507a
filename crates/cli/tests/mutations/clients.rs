//! Faults of clients: what they send or leave out, where they send it, what browsers make of it; and of the recording.

use super::tokens::changed;
use crate::support::mutation::{Capture, Mutation};

const API: &str = "https://api.x.dev";
const APP: &str = "https://app.x.dev";
/// What the application's sign-in hands out, and its calls carry.
const TOKEN: &str = "at-9f86d081884c7d659a2feaa0c55ad015";
const BOOKS: &str = "GET /api/v1/books/";
const SOCKET: &str = "GET /ws";
const SESSION: &str = "sid=7F3A9C1D5E8B2046A1C3E5F708192A3B";

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "header-left-out",
        rule: "AUTH001",
        variant: "",
        healthy: application,
        fault: |capture| drop(call(capture, 1, "GET", "/v1/notes", "", 401)),
    },
    Mutation {
        name: "call-before-the-token",
        rule: "AUTH002",
        variant: "",
        healthy: application,
        fault: |capture| {
            // The page of `application` began five seconds before, and its token came four seconds before.
            call(capture, -4500, "GET", "/v1/notes", "", 401).call_site("list", "notes.js");
        },
    },
    Mutation {
        name: "call-around-the-client",
        rule: "AUTH003",
        variant: "",
        healthy: application,
        fault: |capture| {
            let raw = call(capture, -500, "POST", "/v1/shares", "", 401);
            raw.call_site("share", "share.js").request_header("Accept", "*/*");
        },
    },
    Mutation {
        name: "cookie-for-a-header",
        rule: "AUTH004",
        variant: "",
        healthy: |capture| {
            application(capture);
            let cookie = format!("access_token={TOKEN}");
            call(capture, 500, "GET", "/v1/notes/9", &bearer(TOKEN), 200).request_header("Cookie", &cookie);
        },
        fault: |capture| {
            let cookie = format!("access_token={TOKEN}");
            call(capture, 1, "GET", "/v1/notes", "", 401).request_header("Cookie", &cookie);
        },
    },
    Mutation {
        name: "token-never-attached",
        rule: "AUTH005",
        variant: "",
        healthy: application,
        fault: |capture| {
            for route in ["GET /v1/notes/1", "GET /v1/notes/2", "GET /v1/notes/3"] {
                let call = capture.entry(route).request_header("Authorization", "").status(401);
                call.answer(MISSING).response_header("WWW-Authenticate", "Bearer");
            }
        },
    },
    Mutation {
        name: "undefined-for-a-token",
        rule: "AUTH010",
        variant: "",
        healthy: application,
        fault: |capture| {
            call(capture, 1, "GET", "/v1/notes", "Bearer undefined", 401).answer(r#"{"message":"jwt malformed"}"#);
        },
    },
    Mutation {
        name: "scheme-twice",
        rule: "AUTH011",
        variant: "doubled-scheme",
        healthy: application,
        fault: |capture| {
            let twice = format!("Bearer {}", bearer(TOKEN));
            call(capture, 1, "GET", "/v1/notes", &twice, 401).answer(r#"{"message":"invalid token"}"#);
        },
    },
    Mutation {
        name: "another-scheme",
        rule: "AUTH012",
        variant: "",
        healthy: application,
        fault: |capture| {
            call(capture, 1, "GET", "/v1/notes", &format!("Token {TOKEN}"), 401).answer(MISSING);
        },
    },
    Mutation {
        name: "session-id-for-a-token",
        rule: "AUTH013",
        variant: "",
        healthy: application,
        fault: |capture| {
            let id = "Bearer sess_lab2hT2mZk9VxR4pW8yB3nC6";
            call(capture, 1, "GET", "/v1/notes", id, 401).answer(r#"{"detail":"Invalid token"}"#);
        },
    },
    Mutation {
        name: "two-tokens",
        rule: "AUTH015",
        variant: "",
        healthy: application,
        fault: |capture| {
            let query = "/v1/notes?access_token=at-0000d081884c7d659a2feaa0c55ad999";
            let both = call(capture, 1, "GET", query, &bearer(TOKEN), 400);
            both.answer(
                r#"{"error":"invalid_request","error_description":"Found multiple bearer tokens in the request"}"#,
            );
        },
    },
    Mutation {
        name: "blind-retry",
        rule: "AUTH044",
        variant: "",
        healthy: application,
        fault: |capture| {
            for _ in 0..4 {
                call(capture, 800, "GET", "/v1/notes", &bearer(TOKEN), 401).answer("");
            }
        },
    },
    Mutation {
        name: "cookie-without-secure",
        rule: "AUTH050",
        variant: "",
        healthy: cookies,
        fault: |capture| {
            let cookie = format!("{SESSION}; Path=/; HttpOnly; SameSite=None");
            capture.entry("POST /session").response_header("Set-Cookie", &cookie);
            for route in ["GET /cart/1", "GET /cart/2"] {
                capture.entry(route).request_header("Cookie", "").status(401).answer(MISSING);
            }
        },
    },
    Mutation {
        name: "cookies-not-included",
        rule: "AUTH051",
        variant: "credentials-mode",
        healthy: cookies,
        fault: |capture| {
            capture.entry("GET /cart/2").request_header("Cookie", "").status(401).answer(MISSING);
        },
    },
    Mutation {
        name: "preflight-refused",
        rule: "AUTH060",
        variant: "",
        healthy: |capture| {
            application(capture);
            preflight(capture);
            call(capture, 5, "PUT", "/v1/notes/1", &bearer(TOKEN), 200);
        },
        fault: |capture| {
            capture.entry("OPTIONS /v1/notes/1").response_header("Access-Control-Allow-Headers", "content-type");
            capture.entry("PUT /v1/notes/1").status(0).error("net::ERR_FAILED").provisional();
        },
    },
    Mutation {
        name: "wildcard-for-cookies",
        rule: "AUTH061",
        variant: "",
        healthy: cookies,
        fault: |capture| {
            let read = capture.entry("GET /cart/2").response_header("Access-Control-Allow-Origin", "*");
            read.error("net::ERR_FAILED");
        },
    },
    Mutation {
        name: "refusal-without-cors",
        rule: "AUTH062",
        variant: "",
        healthy: application,
        fault: |capture| {
            let refused = call(capture, 1, "GET", "/v1/notes", &bearer(TOKEN), 401).answer("");
            refused.response_header("Access-Control-Allow-Origin", "").error("net::ERR_FAILED");
        },
    },
    Mutation {
        name: "redirect-to-another-host",
        rule: "AUTH070",
        variant: "",
        healthy: application,
        fault: |capture| {
            let to = "https://api-2.x.dev/v1/notes/";
            call(capture, 1000, "GET", "/v1/notes", &bearer(TOKEN), 307).response_header("Location", to);
            let next = capture.add_ms(30, "GET", to, 401).request_header("Origin", APP).answer(MISSING);
            next.response_header("WWW-Authenticate", "Bearer").response_header("Access-Control-Allow-Origin", APP);
        },
    },
    Mutation {
        name: "header-lost-behind-the-proxy",
        rule: "AUTH073",
        variant: "",
        healthy: application,
        fault: |capture| {
            let refused = call(capture, 1, "GET", "/v1/notes", &bearer(TOKEN), 401).answer(MISSING);
            refused.response_header("WWW-Authenticate", "Bearer");
        },
    },
    Mutation {
        name: "another-port",
        rule: "AUTH074",
        variant: "",
        healthy: |_| {},
        fault: |capture| {
            let token = capture.entry(BOOKS).header("authorization");
            let stray = capture.add(10, "GET", "http://localhost:8002/api/v1/books/", 0);
            stray.request_header("Authorization", &token).error("net::ERR_CONNECTION_REFUSED").provisional();
        },
    },
    Mutation {
        name: "socket-refused",
        rule: "AUTH080",
        variant: "",
        healthy: |_| {},
        fault: |capture| {
            capture.entry(SOCKET).status(403).without_messages();
        },
    },
    Mutation {
        name: "token-in-the-query",
        rule: "AUTH100",
        variant: "query",
        healthy: application,
        fault: |capture| {
            let url = format!("/v1/export?access_token={}", long_lived(capture));
            call(capture, 1, "GET", &url, "", 200);
        },
    },
    Mutation {
        name: "no-tls",
        rule: "AUTH101",
        variant: "",
        healthy: application,
        fault: |capture| {
            let call = capture.add(1, "GET", "http://api.shop-example.com/v1/notes", 200);
            call.request_header("Authorization", &bearer(TOKEN)).server("93.184.215.14");
        },
    },
    Mutation {
        name: "secret-key-in-a-page",
        rule: "AUTH103",
        variant: "server-only",
        healthy: |capture| {
            capture.add(10, "GET", "https://api.stripe.com/v1/prices", 200).request_header("Origin", APP);
        },
        fault: |capture| {
            // In two parts: no scanner for leaked keys need stop here.
            let key = ["Bearer sk_live_", "4eC39HqLyjWDarjtT1zdp7dc4eC39HqLyjWDarjtT1"].concat();
            capture.entry("GET /v1/prices").request_header("Authorization", &key);
        },
    },
    Mutation {
        name: "sanitised-export",
        rule: "CAP200",
        variant: "",
        healthy: |_| {},
        fault: |capture| capture.sanitize(),
    },
    Mutation {
        name: "bodies-lost",
        rule: "CAP202",
        variant: "",
        healthy: |_| {},
        fault: |capture| drop(capture.entry(BOOKS).status(401).without_body()),
    },
    Mutation {
        name: "sign-in-not-recorded",
        rule: "CAP203",
        variant: "",
        healthy: |_| {},
        fault: |capture| {
            capture.remove("POST /api/v1/auth/login");
            capture.remove("POST /api/v1/auth/refresh/");
            capture.entry(BOOKS).status(401).answer(r#"{"detail":"Signature verification failed"}"#);
        },
    },
    Mutation {
        name: "recorded-twice",
        rule: "CAP204",
        variant: "",
        healthy: |_| {},
        fault: |capture| capture.repeat(6),
    },
];

const MISSING: &str = r#"{"detail":"Not authenticated"}"#;

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A call of the application, `ms` after the last one, with this `Authorization`; what is refused says that nothing came.
fn call<'c>(
    capture: &'c mut Capture<'_>,
    ms: i64,
    method: &str,
    path: &str,
    authorization: &str,
    status: u16,
) -> crate::support::har::Entry<'c> {
    let entry = capture.add_ms(ms, method, &format!("{API}{path}"), status).call_site("request", "api.js");
    let entry = entry.request_header("Authorization", authorization).request_header("Origin", APP);
    let entry = entry.request_header("Accept", "application/json").response_header("Access-Control-Allow-Origin", APP);
    if status == 401 && authorization.is_empty() {
        return entry.answer(MISSING).response_header("WWW-Authenticate", "Bearer");
    }
    entry.answer(r#"{"id":1}"#)
}

/// A page that signs in and calls its API: sign-in four seconds before the end, calls in the last three.
fn application(capture: &mut Capture<'_>) {
    capture.add(10, "GET", &format!("{APP}/"), 200).document();
    let login = capture.add(1, "POST", &format!("{API}/login"), 200).json(r#"{"email":"a@x.dev","password":"right"}"#);
    let login = login.request_header("Origin", APP).response_header("Access-Control-Allow-Origin", APP);
    let answer = format!(r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":900}}"#);
    login.response_header("Cache-Control", "no-store").answer(&answer);
    for (ms, note) in [(1000, "/v1/notes/1"), (1500, "/v1/notes/2"), (1500, "/v1/notes/3")] {
        call(capture, ms, "GET", note, &bearer(TOKEN), 200);
    }
}

/// The preflight of `PUT /v1/notes/1`.
fn preflight(capture: &mut Capture<'_>) {
    let asks = capture.add(1, "OPTIONS", &format!("{API}/v1/notes/1"), 204).preflight().request_header("Origin", APP);
    let asks = asks.request_header("Access-Control-Request-Method", "PUT");
    let asks = asks.request_header("Access-Control-Request-Headers", "authorization");
    let asks = asks.response_header("Access-Control-Allow-Origin", APP);
    let asks = asks.response_header("Access-Control-Allow-Methods", "PUT");
    asks.response_header("Access-Control-Allow-Headers", "authorization");
}

/// A page whose API on another origin of the same site keeps a session in a cookie.
fn cookies(capture: &mut Capture<'_>) {
    capture.add(10, "GET", &format!("{APP}/"), 200).document();
    let shared = |entry: crate::support::har::Entry<'_>| {
        let entry = entry.request_header("Origin", APP).response_header("Access-Control-Allow-Origin", APP);
        drop(entry.response_header("Access-Control-Allow-Credentials", "true"));
    };
    let login =
        capture.add(1, "POST", &format!("{API}/session"), 200).json(r#"{"email":"a@x.dev","password":"right"}"#);
    let cookie = format!("{SESSION}; Path=/; HttpOnly; Secure; SameSite=Lax");
    shared(login.response_header("Set-Cookie", &cookie).answer(r#"{"user":1}"#));
    for path in ["/cart/1", "/cart/2"] {
        let read = capture.add(1, "GET", &format!("{API}{path}"), 200).request_header("Cookie", SESSION);
        shared(read.answer(r#"{"id":1}"#));
    }
}

/// A token that lives for hours.
fn long_lived(capture: &mut Capture<'_>) -> String {
    let token = capture.entry("POST /api/v1/auth/logout").header("authorization");
    changed(token.trim_start_matches("Bearer "), |_, claims| super::tokens::shift(claims, "exp", 36_000))
}
