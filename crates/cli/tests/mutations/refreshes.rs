//! Faults of refreshing.

use crate::support::mutation::{Capture, Mutation};

const REFRESH: &str = "https://api.x.dev/auth/refresh";

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "refresh-token-revoked",
        rule: "AUTH040",
        variant: "",
        healthy: renewed,
        fault: |capture| refresh(capture, 900_000, "rt-2", Err("invalid_grant")),
    },
    Mutation {
        name: "refresh-before-every-call",
        rule: "AUTH041",
        variant: "",
        healthy: renewed,
        fault: |capture| {
            for _ in 0..7 {
                refresh(capture, 700, "rt-2", Ok("rt-2"));
            }
        },
    },
    Mutation {
        name: "refresh-of-the-refresh",
        rule: "AUTH042",
        variant: "",
        healthy: renewed,
        fault: |capture| {
            for ms in [900_000, 60, 60, 60, 60, 60] {
                refresh(capture, ms, "rt-2", Err("invalid_grant"));
            }
        },
    },
    Mutation {
        name: "two-tabs-one-token",
        rule: "AUTH043",
        variant: "",
        healthy: renewed,
        fault: |capture| {
            refresh(capture, 900_000, "rt-2", Ok("rt-3"));
            refresh(capture, 5, "rt-2", Err("refresh_token_reused"));
        },
    },
];

/// A refresh `ms` after the last exchange, with `token`; `Ok` names the next token, `Err` the error.
fn refresh(capture: &mut Capture<'_>, ms: i64, token: &str, answer: Result<&str, &str>) {
    let long = |token: &str| format!("{token}-9f86d081884c7d659a2feaa0c55ad015");
    let body = format!(r#"{{"refresh_token":"{}"}}"#, long(token));
    let (status, text) = match answer {
        Ok(next) => (
            200,
            format!(
                r#"{{"access_token":"at-{next}-{}","refresh_token":"{}","expires_in":900}}"#,
                "0c55ad0159f86d081884c7d659a2feaa",
                long(next)
            ),
        ),
        Err(error) => (401, format!(r#"{{"error":"{error}"}}"#)),
    };
    let entry = capture.add_ms(ms, "POST", REFRESH, status).json(&body).answer(&text);
    entry.request_header("Origin", "https://app.x.dev").response_header("Cache-Control", "no-store");
}

/// A session that was renewed once.
fn renewed(capture: &mut Capture<'_>) {
    capture.add(10, "GET", "https://app.x.dev/", 200).document();
    refresh(capture, 1000, "rt-1", Ok("rt-2"));
    let call = capture.add(1, "GET", "https://api.x.dev/v1/notes", 200).answer(r#"{"id":1}"#);
    call.request_header("Authorization", "Bearer at-rt-2-0c55ad0159f86d081884c7d659a2feaa");
}
