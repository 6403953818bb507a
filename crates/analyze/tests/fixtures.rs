//! The fixtures of the knowledge base (detectors §14): small stories of a fault that must head the incident with what it
//! rules out, and of healthy or unrelated traffic about which nothing may be said.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use authtrace_analyze::{Analysis, Severity, Verdict};
use support::transcript;

fn analyze(text: &str) -> Analysis {
    let transcript = transcript::parse(text);
    support::analyze_input(&transcript.exchanges, transcript.settings, transcript.input)
}

fn said(analysis: &Analysis) -> String {
    let findings = analysis.findings.iter();
    findings.map(|f| format!("  {} {:?} {} {}\n", f.rule.code, f.variant, f.severity, f.message)).collect()
}

/// The first incident's root is one of `roots`, and its hypotheses `rejected` are.
#[track_caller]
fn fault(text: &str, roots: &[&str], rejected: &[&str]) {
    let analysis = analyze(text);
    let incident = analysis.incidents.first();
    let root = incident.and_then(|i| analysis.finding(i.root)).map(|f| f.rule.code);
    assert!(root.is_some_and(|root| roots.contains(&root)), "{root:?}, not {roots:?}:\n{}", said(&analysis));
    for wanted in rejected {
        let verdict = incident.and_then(|i| i.hypotheses.iter().find(|h| h.id == *wanted)).map(|h| h.verdict);
        assert_eq!(verdict, Some(Verdict::Rejected), "{wanted}:\n{}", said(&analysis));
    }
}

/// Nothing at medium or above.
#[track_caller]
fn quiet(text: &str) {
    let analysis = analyze(text);
    let loud = analysis.findings.iter().any(|f| f.severity >= Severity::Medium);
    assert!(!loud, "not quiet:\n{}", said(&analysis));
}

#[test]
fn f0_race_and_f0b_its_control() {
    let story = |call: &str, mint: &str| {
        format!(
            "@0ms GET https://app.x.dev/books type=document page=p
< 200
@{call} POST https://api.x.dev/api/v1/books/ type=fetch page=p at=save@books.js:12
> Origin: https://app.x.dev
< 401
< WWW-Authenticate: Bearer
<< {{\"detail\":\"Not authenticated\"}}
@{mint} POST https://clerk.x.dev/v1/client/sessions/sess_2abcdefghijklmnopqrstuvwxyz/tokens type=fetch page=p took=100ms
> Cookie: __client={{opaque:client}}
< 200
<< {{\"object\":\"token\",\"jwt\":\"{{jwt:ann}}\"}}
@3s GET https://api.x.dev/api/v1/books/ type=fetch page=p at=list@books.js:30
> Authorization: Bearer {{jwt:ann}}
< 200
@4s GET https://api.x.dev/api/v1/books/1 type=fetch page=p at=list@books.js:30
> Authorization: Bearer {{jwt:ann}}
< 200
"
        )
    };
    fault(&story("500ms", "820ms"), &["AUTH002"], &["token-never-generated", "token-expired", "blocked-by-cors"]);
    fault(&story("2s", "500ms"), &["AUTH001", "AUTH003"], &["token-not-ready", "token-never-generated"]);
}

#[test]
fn f2b_the_secret_matches_and_the_socket_is_refused() {
    let story = "* key JWT_SECRET=transcript-secret-0123456789abcdef
@0ms GET https://api.x.dev/api/v1/threads type=fetch
> Authorization: Bearer {jwt:ann}
< 200
@1s GET wss://api.x.dev/ws/chat?token={jwt:ann}
> Origin: https://app.x.dev
< 403
";
    fault(story, &["AUTH080"], &["signature", "token-expired", "no-credential"]);
}

#[test]
fn f3_session_id_for_a_token_and_f3b_token_without_audience() {
    let session = "@0ms GET https://api.x.dev/v1/portfolios type=fetch
> Authorization: Bearer {sess:ann}
< 401
<< {\"detail\":\"Invalid token: Not enough segments\"}
";
    fault(session, &["AUTH013"], &["token-expired", "signature"]);
    let audience = "@0ms GET https://api.x.dev/v1/portfolios type=fetch
> Authorization: Bearer {jwt:ann iss=https://clerk.x.dev azp=https://app.x.dev exp=60 iat=0}
< 401
<< {\"detail\":\"Token is missing the \\\"aud\\\" claim\"}
";
    fault(audience, &["AUTH023"], &["wrong-format", "token-expired"]);
}

#[test]
fn f3c_preflight_without_authorization() {
    let story = "@0ms OPTIONS https://api.x.dev/v1/portfolios type=preflight
> Origin: https://app.x.dev
> Access-Control-Request-Method: GET
> Access-Control-Request-Headers: authorization
< 200
< Access-Control-Allow-Origin: https://app.x.dev
< Access-Control-Allow-Headers: content-type
@10ms GET https://api.x.dev/v1/portfolios type=fetch error=net::ERR_FAILED view=provisional
> Authorization: Bearer {jwt:ann}
";
    fault(story, &["AUTH060"], &["token-expired", "token-refused"]);
}

/// A refresh at `at` with the token `old`, answered by `answer`.
fn refresh(at: u32, old: &str, answer: &str) -> String {
    format!(
        "@{at}ms POST https://api.x.dev/auth/refresh/ type=fetch page=p\n>> {{\"refresh_token\":\"{{opaque:{old}}}\"}}\n{answer}\n"
    )
}

#[test]
fn f4_loop_f4b_healthy_f4c_two_tabs_f4d_another_status() {
    let refused = "< 401\n<< {\"error\":\"Invalid refresh token\"}";
    let call = "@0ms GET https://api.x.dev/v1/me type=fetch page=p\n> Authorization: Bearer {jwt:ann exp=-5}\n< 401\n<< {\"detail\":\"Signature has expired\"}\n";
    let looping: String = (0..6).map(|i| refresh(120 + i * 140, "rt", refused)).collect();
    fault(&format!("{call}{looping}"), &["AUTH042", "AUTH040"], &["refresh-parallel", "transient-network"]);

    let renewed = "< 200\n< Cache-Control: no-store\n<< {\"access_token\":\"{jwt:ann jti=2}\",\"refresh_token\":\"{opaque:rt2}\"}";
    let again =
        "@400ms GET https://api.x.dev/v1/me type=fetch page=p\n> Authorization: Bearer {jwt:ann jti=2}\n< 200\n";
    quiet(&format!("{call}{}{again}", refresh(120, "rt", renewed)));

    let reused = "< 401\n<< {\"error\":\"refresh_token_reused\"}";
    let tabs = format!("{}{}", refresh(120, "rt", renewed), refresh(125, "rt", reused));
    fault(&format!("{call}{tabs}"), &["AUTH043"], &["refresh-token-expired"]);

    let auth0 = "< 403\n<< {\"error\":\"invalid_grant\",\"error_description\":\"Unknown or invalid refresh token.\"}";
    fault(&format!("{call}{}", refresh(120, "rt", auth0)), &["AUTH040"], &["transient-network"]);
}

#[test]
fn n1_to_n3_challenges_that_open_a_conversation() {
    quiet(
        "@0ms GET https://intra.x.dev/api/list conn=1
< 401
< WWW-Authenticate: NTLM
@20ms GET https://intra.x.dev/api/list conn=1
> Authorization: NTLM TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAGAbEdAAAADw==
< 401
< WWW-Authenticate: NTLM TlRMTVNTUAACAAAADAAMADgAAAAFgomiOv
@40ms GET https://intra.x.dev/api/list conn=1
> Authorization: NTLM TlRMTVNTUAADAAAAGAAYAHwAAAAYABgAlAAAABQAFABIAAAA
< 200
",
    );
    quiet(
        "@0ms GET https://cam.x.dev/onvif/device
< 401
< WWW-Authenticate: Digest realm=\"cam\", nonce=\"dcd98b7102dd2f0e\", qop=\"auth\"
@50ms GET https://cam.x.dev/onvif/device
> Authorization: Digest username=\"ann\", realm=\"cam\", nonce=\"dcd98b7102dd2f0e\", uri=\"/onvif/device\", response=\"6629fae49393a05397450978507c4ef1\"
< 200
",
    );
}

#[test]
fn n4_to_n6_wrong_password_preflight_and_cache() {
    quiet(
        "@0ms POST https://api.x.dev/auth/login type=fetch
>> {\"email\":\"a@x.dev\",\"password\":\"wrong\"}
< 401
<< {\"detail\":\"Incorrect username or password\"}
",
    );
    quiet(
        "@0ms OPTIONS https://api.x.dev/v1/a type=preflight
> Origin: https://app.x.dev
> Access-Control-Request-Method: GET
> Access-Control-Request-Headers: authorization
< 204
< Access-Control-Allow-Origin: https://app.x.dev
< Access-Control-Allow-Headers: authorization
",
    );
    quiet(
        "@0ms GET https://api.x.dev/v1/a type=fetch
> Authorization: Bearer {jwt:ann}
< 200
@1s GET https://api.x.dev/v1/a type=fetch
> Authorization: Bearer {jwt:ann}
< 304
@2s GET https://api.x.dev/v1/a type=fetch cache=yes view=provisional
< 200
",
    );
}

#[test]
fn n7_to_n10_credentials_and_answers_of_other_kinds() {
    quiet(
        "@0ms GET https://b.s3.amazonaws.com/k
> Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024
< 200
",
    );
    fault(
        "@0ms POST https://api.x.dev/graphql type=fetch
>> {\"operationName\":\"Feed\",\"query\":\"query Feed { feed { id } }\"}
> Authorization: Bearer {jwt:ann}
< 200
<< {\"errors\":[{\"message\":\"Not signed in\",\"extensions\":{\"code\":\"UNAUTHENTICATED\"}}]}
",
        &["AUTH027"],
        &["token-expired"],
    );
    quiet(
        "@0ms GET https://a1.execute-api.eu-west-1.amazonaws.com/prod/nope type=fetch
> Authorization: Bearer {jwt:ann}
< 403
< x-amzn-ErrorType: MissingAuthenticationTokenException
<< {\"message\":\"Missing Authentication Token\"}
",
    );
    quiet(
        "@0ms GET https://app.x.dev/profile type=document
> Cookie: session=eyJ1c2VyX2lkIjoxMjN9.aBcDeF.Zm9vYmFyYmF6cXV4Zm9vYmFyYmE
< 200
",
    );
}

#[test]
fn n11_to_n13_names_that_mislead_and_nobody_signed_in() {
    let siblings: String = (0..3)
        .map(|i| {
            format!("@{}ms GET https://api.x.dev/api/v1/documents/{i} type=fetch page=p at=load@api.js:8\n> Authorization: Bearer {{jwt:ann}}\n> Cookie: access_token={{jwt:ann}}\n< 200\n", 100 + i * 100)
        })
        .collect();
    fault(
        &format!(
            "@0ms GET https://app.x.dev/ type=document page=p
< 200
{siblings}@450ms POST https://api.x.dev/api/v1/sessions type=fetch page=p at=create@workspace.js:44
> Cookie: access_token={{jwt:ann}}
>> {{\"document_id\":3}}
< 403
<< {{\"detail\":\"Not authenticated\"}}
@600ms GET https://api.x.dev/api/v1/documents/9 type=fetch page=p at=load@api.js:8
> Authorization: Bearer {{jwt:ann}}
> Cookie: access_token={{jwt:ann}}
< 200
"
        ),
        &["AUTH003", "AUTH004"],
        &["token-not-ready", "token-never-generated", "token-expired"],
    );
    let anonymous: String =
        (0..5).map(|i| format!("@{i}s GET https://api.x.dev/news/{i} type=fetch\n< 200\n")).collect();
    quiet(&anonymous);
    quiet(
        "@0ms GET https://api.x.dev/api/me type=fetch
< 401
<< {\"detail\":\"Not authenticated\"}
@5s POST https://api.x.dev/auth/login type=fetch
>> {\"email\":\"a@x.dev\",\"password\":\"right\"}
< 200
< Cache-Control: no-store
<< {\"access_token\":\"{jwt:ann}\"}
@6s GET https://api.x.dev/api/me type=fetch
> Authorization: Bearer {jwt:ann}
< 200
",
    );
}
