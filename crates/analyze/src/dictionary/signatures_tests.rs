//! Every row by its example, and the texts of real captures by class.

use authtrace_parse::Headers;

use super::*;
use crate::dictionary::signatures;

fn row_headers(row: &Row) -> Option<Headers> {
    row.header.as_deref().map(|name| [(name, &*row.example)].into_iter().collect())
}

#[test]
fn every_example_finds_its_row() {
    let mut missed = Vec::new();
    for row in &signatures().rows {
        let challenges = match row.challenge.as_deref() {
            Some("") => Challenge::read_all(["Bearer"]),
            Some(error) => Challenge::read_all([format!("Bearer error=\"{error}\"").as_str()]),
            None => Vec::new(),
        };
        let headers = row_headers(row);
        let answer = Answer {
            status: row.status.first().copied().unwrap_or(401),
            text: if row.header.is_some() { "" } else { &row.example },
            challenges: &challenges,
            headers: headers.as_ref(),
        };
        let hit = signatures().classify(&answer);
        let got = hit.as_ref().map(|hit| (hit.class, hit.matched, hit.stacks.contains(&&*row.stack)));
        if got != Some((row.class, row.text.as_deref().unwrap_or_default(), true)) {
            missed.push(format!("{} {}: {got:?}", row.stack, row.example));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn every_verifier_is_known_and_has_the_stage() {
    for row in &signatures().rows {
        let Some(name) = row.verifier.as_deref() else { continue };
        let verifier = signatures().verifiers.iter().find(|v| &*v.name == name).expect(name);
        if let Some(stage) = row.stage.or(row.class.stage()) {
            assert!(verifier.order.contains(&stage), "{name} has no {stage:?}, needed by {}", row.example);
        }
    }
}

#[test]
fn classes_are_named_as_the_table_writes_them() {
    let table = include_str!("signatures.toml");
    for row in &signatures().rows {
        assert!(table.contains(&format!("class = \"{}\"", row.class.name())), "{}", row.class.name());
    }
}

#[test]
fn texts_are_lower_case() {
    for row in &signatures().rows {
        let text = row.text.as_deref().unwrap_or_default();
        assert_eq!(text, text.to_ascii_lowercase());
    }
}

#[track_caller]
fn check(status: u16, text: &str, challenge: &str, class: Option<ErrorClass>) {
    let challenges = Challenge::read_all([challenge]);
    let hit = signatures().classify(&Answer { status, text, challenges: &challenges, headers: None });
    assert_eq!(hit.map(|hit| hit.class), class, "{status} {text} {challenge}");
}

#[test]
fn classifies_real_texts() {
    use ErrorClass::*;
    check(401, r#"{"detail":"JWT validation failed: Signature verification failed"}"#, "", Some(Signature));
    check(401, r#"{"detail":"Invalid token: Not enough segments"}"#, "", Some(Malformed));
    check(401, r#"{"detail":"Invalid token: Token is missing the \"aud\" claim"}"#, "", Some(Audience));
    check(401, r#"{"detail":"Missing authentication credentials"}"#, "", Some(Missing));
    check(401, r#"{"error":"refresh_token_reused","details":"Token already rotated"}"#, "", Some(RefreshReused));
    check(
        401,
        r#"{"error":"Invalid refresh token","details":"Refresh token is invalid or expired"}"#,
        "",
        Some(RefreshInvalid),
    );
    check(401, r#"{"detail":"Token is expired","code":"token_not_valid"}"#, "", Some(Expired));
    check(401, r#"{"detail":"Authentication credentials were not provided."}"#, "", Some(MissingOrWrongScheme));
    check(400, r#"{"error":"invalid_grant"}"#, "", Some(RefreshInvalid));
    check(403, r#"{"detail":"Not authenticated"}"#, "", Some(Missing));
    check(401, r#"{"detail":"Not authenticated"}"#, "Bearer", Some(MissingOrWrongScheme));
    check(403, r#"{"detail":"Invalid authentication credentials"}"#, "", Some(WrongScheme));
    let nested = r#"{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{"message":"Token is expired"}]}"#;
    check(401, nested, "", Some(Expired));
    check(
        401,
        "",
        r#"Bearer error="invalid_token", error_description="The token expired at '01/01/2026 00:00:00'""#,
        Some(Expired),
    );
    check(401, "", r#"Bearer error="invalid_token""#, Some(Invalid));
    check(401, "", "Bearer", Some(Missing));
    check(401, r#"{"detail":"Could not validate credentials"}"#, "Bearer", Some(Invalid));
    check(401, r#"{"detail":"Invalid or expired token"}"#, "Bearer", Some(Invalid));
    check(401, "", r#"Basic realm="x""#, None);
    check(403, r#"{"message":"Missing Authentication Token"}"#, "", Some(GatewayUndefinedRoute));
    check(403, "Jwt is expired", "", Some(Expired));
    check(429, "", "", Some(RateLimited));
    check(200, "hello", "", None);
    check(500, r#"{"error":"boom"}"#, "", None);
}

#[track_caller]
fn proves(text: &str, passed: &[Stage], open: &[Stage]) {
    let hit = signatures().classify(&Answer { status: 401, text, challenges: &[], headers: None }).expect(text);
    assert!(passed.iter().all(|s| hit.proves.contains(s)), "{text}: {:?}", hit.proves);
    assert!(!open.iter().any(|s| hit.proves.contains(s)), "{text}: {:?}", hit.proves);
}

#[test]
fn a_later_stage_proves_the_earlier_ones() {
    proves("jwt expired", &[Stage::Structure, Stage::Signature], &[Stage::Audience]);
    proves("Signature has expired", &[Stage::Signature], &[Stage::Audience]);
    proves("Jwt is expired", &[Stage::Issuer], &[Stage::Signature, Stage::Audience]);
    proves("Jwt verification fails", &[Stage::Issuer, Stage::Expiry, Stage::Audience], &[Stage::Signature]);
    proves("user_not_found", &[Stage::Signature, Stage::Expiry], &[]);
    proves("token has wrong type", &[Stage::Signature, Stage::Expiry], &[Stage::User]);
    // Applications write this too, in any order of checks: it proves nothing.
    proves("invalid signature", &[], &[Stage::Structure, Stage::Issuer, Stage::Expiry]);
    // Shared by golang-jwt and simplejwt, which both look at the signature first.
    proves("Token is expired", &[Stage::Structure, Stage::Signature], &[Stage::Audience, Stage::User]);
}
