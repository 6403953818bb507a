//! Faults of tokens, keys and sessions.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::support::{
    har::Har,
    mutation::{Capture, Mutation},
};

pub(super) type Object = Map<String, Value>;

const BOOKS: &str = "GET /api/v1/books/";
const JWKS: &str = "http://localhost:8000/.well-known/jwks.json";
const ORDERS: &str = "https://app.x.dev/api/orders";
const SESSION: &str = "JSESSIONID=7F3A9C1D5E8B2046A1C3E5F708192A3B; XSRF-TOKEN=9f3a11c2";
const AUTHORIZE: &str = "https://id.x.dev/authorize?response_type=code&client_id=web&state=s1";
const CALLBACK: &str = "https://app.x.dev/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=s1";

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "refresh-token-at-the-api",
        rule: "AUTH014",
        variant: "",
        healthy: |_| {},
        fault: |capture| {
            capture.second_token(|_, claims| drop(claims.insert("token_type".into(), json!("refresh"))));
            capture.refuse(BOOKS, r#"{"detail":"Token has wrong type"}"#);
        },
    },
    Mutation {
        name: "token-expired",
        rule: "AUTH020",
        variant: "",
        healthy: |_| {},
        fault: |capture| {
            capture.second_token(|_, claims| {
                shift(claims, "iat", -600);
                shift(claims, "exp", -600);
            });
            capture.refuse(BOOKS, r#"{"detail":"Signature has expired"}"#);
        },
    },
    Mutation {
        name: "audience-left-out",
        rule: "AUTH023",
        variant: "",
        healthy: |capture| {
            capture.first_token(|_, claims| drop(claims.insert("aud".into(), json!("books-api"))));
            capture.second_token(|_, claims| drop(claims.insert("aud".into(), json!("books-api"))));
        },
        fault: |capture| {
            capture.second_token(|_, claims| drop(claims.remove("aud")));
            capture.refuse(BOOKS, "");
        },
    },
    Mutation {
        name: "another-issuer",
        rule: "AUTH024",
        variant: "",
        healthy: |capture| {
            capture.first_token(|_, claims| drop(claims.insert("iss".into(), json!("https://id.x.dev/"))));
            capture.second_token(|_, claims| drop(claims.insert("iss".into(), json!("https://id.x.dev/"))));
        },
        fault: |capture| {
            capture.second_token(|_, claims| drop(claims.insert("iss".into(), json!("https://id.y.org/"))));
            capture.refuse(BOOKS, r#"{"detail":"Invalid issuer"}"#);
        },
    },
    Mutation {
        name: "token-from-before-the-refresh",
        rule: "AUTH026",
        variant: "",
        healthy: |_| {},
        fault: |capture| {
            let old = capture.har.entry("POST /api/v1/ws-ticket").header("authorization");
            capture.har.entry(BOOKS).request_header("Authorization", &old).status(401).answer("");
        },
    },
    Mutation {
        name: "refused-without-a-word",
        rule: "AUTH027",
        variant: "",
        healthy: |_| {},
        fault: |capture| capture.refuse(BOOKS, ""),
    },
    Mutation {
        name: "session-lost-by-the-server",
        rule: "AUTH027",
        variant: "session",
        healthy: orders,
        fault: |capture| drop(capture.har.entry("GET /api/orders").status(401).answer("")),
    },
    Mutation {
        name: "signed-by-another-key",
        rule: "AUTH030",
        variant: "",
        healthy: |_| {},
        fault: |capture| capture.refuse(BOOKS, r#"{"detail":"Signature verification failed"}"#),
    },
    Mutation {
        name: "token-of-the-development-tenant",
        rule: "AUTH033",
        variant: "",
        healthy: |capture| {
            capture.first_token(|_, claims| drop(claims.insert("iss".into(), json!("https://id.staging.x.org/"))));
            capture.second_token(|_, claims| drop(claims.insert("iss".into(), json!("https://id.staging.x.org/"))));
        },
        fault: |capture| {
            capture.second_token(|_, claims| drop(claims.insert("iss".into(), json!("https://id.dev.x.org/"))));
            capture.refuse(BOOKS, r#"{"detail":"Invalid issuer"}"#);
        },
    },
    Mutation {
        name: "issuer-a-step-ahead",
        rule: "AUTH021",
        variant: "",
        healthy: |_| {},
        fault: |capture| {
            capture.second_token(|_, claims| shift(claims, "iat", 8));
            capture.refuse(BOOKS, r#"{"detail":"The token is not yet valid (iat)"}"#);
        },
    },
    Mutation {
        name: "milliseconds-for-seconds",
        rule: "AUTH021",
        variant: "milliseconds",
        healthy: |_| {},
        fault: |capture| {
            capture.second_token(|_, claims| {
                let iat = claims["iat"].as_i64().unwrap();
                claims.insert("nbf".into(), json!(iat * 1000));
            });
            capture.refuse(BOOKS, r#"{"detail":"The token is not yet valid (nbf)"}"#);
        },
    },
    Mutation {
        name: "issuer-clock-ahead",
        rule: "AUTH022",
        variant: "issuer-ahead",
        healthy: |_| {},
        fault: |capture| {
            capture.second_token(|_, claims| {
                shift(claims, "iat", 90);
                shift(claims, "exp", 90);
            });
            capture.refuse(BOOKS, r#"{"detail":"The token is not yet valid (iat)"}"#);
        },
    },
    Mutation {
        name: "scope-missing",
        rule: "AUTH025",
        variant: "",
        healthy: |_| {},
        fault: |capture| {
            let entry = capture.har.entry("GET /api/v1/books/999").status(403).answer("");
            entry.response_header("WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"books:audit\"");
        },
    },
    Mutation {
        name: "stronger-sign-in-wanted",
        rule: "AUTH025",
        variant: "step-up",
        healthy: |_| {},
        fault: |capture| {
            const ASKS: &str = "Bearer error=\"insufficient_user_authentication\", acr_values=\"mfa\"";
            capture.har.entry("GET /api/v1/books/999").status(401).answer("").response_header("WWW-Authenticate", ASKS);
        },
    },
    Mutation {
        name: "key-not-published",
        rule: "AUTH031",
        variant: "",
        healthy: published,
        fault: |capture| {
            capture.har.entry("GET /.well-known/jwks.json").answer(&keys("k1"));
            capture.refuse(BOOKS, "");
        },
    },
    Mutation {
        name: "keys-unreachable",
        rule: "AUTH031",
        variant: "unreachable",
        healthy: published,
        fault: |capture| {
            capture.har.entry("GET /.well-known/jwks.json").status(503).answer("");
            capture.refuse(BOOKS, "");
        },
    },
    Mutation {
        name: "key-rotated",
        rule: "AUTH031",
        variant: "rotated",
        healthy: |capture| {
            capture.first_token(|header, claims| sign_with(header, claims, "k1"));
            capture.second_token(|header, claims| sign_with(header, claims, "k2"));
        },
        fault: |capture| capture.refuse(BOOKS, ""),
    },
    Mutation {
        name: "shared-secret-for-key-pair",
        rule: "AUTH032",
        variant: "",
        healthy: |capture| {
            capture.first_token(|header, claims| sign_with(header, claims, "k1"));
            capture.second_token(|header, claims| sign_with(header, claims, "k1"));
        },
        fault: |capture| {
            capture.second_token(|header, _| {
                header.insert("alg".into(), json!("HS256"));
                header.remove("kid");
            });
            capture.refuse(BOOKS, "");
        },
    },
    Mutation {
        name: "signature-left-out",
        rule: "AUTH032",
        variant: "unsigned",
        healthy: |_| {},
        fault: |capture| {
            capture.second_token(|header, _| drop(header.insert("alg".into(), json!("none"))));
            capture.refuse(BOOKS, "");
        },
    },
    Mutation {
        name: "csrf-header-dropped",
        rule: "AUTH052",
        variant: "no-token",
        healthy: orders,
        fault: |capture| {
            let order = capture.har.entry("POST /api/orders").request_header("X-XSRF-TOKEN", "");
            order.status(419).answer(r#"{"message":"CSRF token mismatch."}"#);
        },
    },
    Mutation {
        name: "csrf-header-dropped-in-silence",
        rule: "AUTH052",
        variant: "no-token",
        healthy: orders,
        fault: |capture| {
            capture.har.entry("POST /api/orders").request_header("X-XSRF-TOKEN", "").status(403).answer("");
        },
    },
    Mutation {
        name: "session-ended",
        rule: "AUTH053",
        variant: "session-ended",
        healthy: orders,
        fault: |capture| {
            let entry = capture.har.entry("GET /api/orders").status(302).answer("");
            entry.response_header("Location", "https://app.x.dev/login");
        },
    },
    Mutation {
        name: "login-page-for-data",
        rule: "AUTH053",
        variant: "session-ended",
        healthy: orders,
        fault: |capture| {
            const PAGE: &str = "<html><title>Sign in</title><form><input type=\"password\"></form></html>";
            capture.har.entry("GET /api/orders").answer(PAGE);
        },
    },
    Mutation {
        name: "refresh-of-another-user",
        rule: "AUTH054",
        variant: "refresh-changed-user",
        healthy: |_| {},
        fault: |capture| {
            capture.second_token(|_, claims| drop(claims.insert("sub".into(), json!("user_lab0002"))));
        },
    },
    Mutation {
        name: "sessions-not-shared",
        rule: "AUTH054",
        variant: "session-store",
        healthy: orders,
        fault: |capture| {
            for id in ["01", "02", "03", "04"] {
                let own = SESSION.replace("3B;", &format!("{id};"));
                let next = format!("JSESSIONID=7F3A9C1D5E8B2046A1C3E5F70819F{id}9; Path=/; Secure; HttpOnly");
                let call = capture.har.add(1, "GET", ORDERS, 200).request_header("Cookie", &own);
                call.response_header("Set-Cookie", &next).answer("[]");
            }
        },
    },
    Mutation {
        name: "callback-sends-back",
        rule: "AUTH071",
        variant: "callback-protected",
        healthy: |capture| {
            turn(capture, "https://app.x.dev/dashboard");
            capture.har.add(1, "GET", "https://app.x.dev/dashboard", 200).document();
        },
        fault: |capture| {
            for _ in 0..3 {
                turn(capture, AUTHORIZE);
            }
        },
    },
];

/// One turn from the application through the provider to the callback, which leads to `target`.
fn turn(capture: &mut Capture<'_>, target: &str) {
    capture.har.add(1, "GET", "https://app.x.dev/", 302).document().response_header("Location", AUTHORIZE);
    capture.har.add(1, "GET", AUTHORIZE, 302).document().response_header("Location", CALLBACK);
    capture.har.add(1, "GET", CALLBACK, 302).document().response_header("Location", target);
}

/// An application with a session cookie and a defence against forged requests.
fn orders(capture: &mut Capture<'_>) {
    for _ in 0..2 {
        let read = capture.har.add(1, "GET", ORDERS, 200).request_header("Cookie", SESSION);
        read.request_header("Accept", "application/json").answer(r#"{"orders":[]}"#);
    }
    let order = capture.har.add(1, "POST", ORDERS, 201).request_header("Cookie", SESSION).form("book=1");
    order.request_header("X-XSRF-TOKEN", "9f3a11c2");
}

/// Tokens that a published key signs. The keys are fetched after the login, so that the last call comes last.
fn published(capture: &mut Capture<'_>) {
    capture.second_token(|header, claims| sign_with(header, claims, "k2"));
    capture.har.add(-60, "GET", JWKS, 200).answer(&keys("k2"));
}

fn keys(kid: &str) -> String {
    json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": "AQAB", "e": "AQAB"}]}).to_string()
}

fn sign_with(header: &mut Object, claims: &mut Object, kid: &str) {
    header.insert("alg".into(), json!("RS256"));
    header.insert("kid".into(), json!(kid));
    claims.insert("iss".into(), json!("http://localhost:8000"));
}

pub(super) fn shift(claims: &mut Object, name: &str, seconds: i64) {
    let value = claims[name].as_i64().unwrap() + seconds;
    claims.insert(name.into(), json!(value));
}

impl Capture<'_> {
    /// Refuses the last request of `route` with 401.
    pub(super) fn refuse(&mut self, route: &str, answer: &str) {
        self.har.entry(route).status(401).answer(answer);
    }

    /// Rewrites the token that the login delivers, wherever it stands.
    fn first_token(&mut self, change: fn(&mut Object, &mut Object)) {
        let token = self.har.entry("POST /api/v1/ws-ticket").header("authorization");
        self.rewrite(&token, change);
    }

    /// Rewrites the token that the refresh delivers, wherever it stands.
    pub(super) fn second_token(&mut self, change: fn(&mut Object, &mut Object)) {
        let token = self.har.entry("POST /api/v1/auth/logout").header("authorization");
        self.rewrite(&token, change);
    }

    fn rewrite(&mut self, authorization: &str, change: fn(&mut Object, &mut Object)) {
        let token = authorization.strip_prefix("Bearer ").unwrap();
        let path = self.har.write(self.folder, "rewritten");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace(token, &changed(token, change))).unwrap();
        self.har = Har::read(&path);
    }
}

/// `token` with another header or other claims; nobody verifies its signature here, so it only has the right length.
pub(super) fn changed(token: &str, change: fn(&mut Object, &mut Object)) -> String {
    let mut parts = token.split('.').take(2).map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice::<Object>(&bytes).unwrap()
    });
    let (mut header, mut claims) = (parts.next().unwrap(), parts.next().unwrap());
    change(&mut header, &mut claims);
    let signature = match header["alg"].as_str().unwrap() {
        "none" => 0,
        "RS256" => 256,
        _ => 32,
    };
    let encode = |object: &Object| URL_SAFE_NO_PAD.encode(serde_json::to_vec(object).unwrap());
    format!("{}.{}.{}", encode(&header), encode(&claims), URL_SAFE_NO_PAD.encode(vec![0x5a; signature]))
}
