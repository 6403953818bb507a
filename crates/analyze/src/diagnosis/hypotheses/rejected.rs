//! "401/403 with a token": why was this token refused? (detectors §5.2)
//!
//! Verifiers check in a known order, so words about a later stage prove the earlier ones passed.

use super::{Contradiction, Hypothesis, Scene, Sign, common, shows};
use crate::{dictionary::Stage, token::TokenKind};

pub(super) static TABLE: &[Hypothesis] = &[
    Hypothesis {
        id: "no-credential",
        statement: "The request carried no credential",
        rules: &["AUTH001", "AUTH002", "AUTH003", "AUTH004"],
        reject: credential_present,
        needs: "an export with sensitive data",
    },
    Hypothesis {
        id: "placeholder-value",
        statement: "The header held undefined, null or another non-value",
        rules: &["AUTH010"],
        reject: well_formed,
        needs: "an export with sensitive data",
    },
    Hypothesis {
        id: "wrong-format",
        statement: "The credential is not of the kind that the API verifies",
        rules: &["AUTH013", "AUTH011"],
        reject: right_format,
        needs: "one accepted request to the same API",
    },
    Hypothesis {
        id: "token-expired",
        statement: "The token had expired",
        rules: &["AUTH020"],
        reject: not_expired,
        needs: "the token's expiry: an export with sensitive data, or the verifier's log",
    },
    Hypothesis {
        id: "not-yet-valid",
        statement: "The token was not yet valid",
        rules: &["AUTH021"],
        reject: had_begun,
        needs: "the token's nbf and iat: an export with sensitive data, or the verifier's log",
    },
    Hypothesis {
        id: "clock-skew",
        statement: "The clocks of issuer and verifier disagree",
        rules: &["AUTH022"],
        reject: clocks_agree,
        needs: "an answer with a Date field from the issuer and from the API",
    },
    Hypothesis {
        id: "stale-token",
        statement: "A newer token existed and the old one was sent",
        rules: &["AUTH026"],
        reject: no_newer_token,
        needs: "a capture that starts before the login",
    },
    Hypothesis {
        id: "audience",
        statement: "The token is meant for another audience",
        rules: &["AUTH023"],
        reject: |scene| passed(scene, Stage::Audience).or_else(|| common::accepted(scene, "the audience")),
        needs: "the audience that the API expects, or one accepted token",
    },
    Hypothesis {
        id: "issuer",
        statement: "The token comes from another issuer",
        rules: &["AUTH024"],
        reject: |scene| passed(scene, Stage::Issuer).or_else(|| common::accepted(scene, "the issuer")),
        needs: "the issuer that the API expects, or one accepted token",
    },
    Hypothesis {
        id: "signature",
        statement: "The token was signed with a key that the verifier does not use",
        rules: &["AUTH030"],
        reject: signature_holds,
        needs: "the verifier's key: --key NAME=@FILE or --env-file FILE",
    },
    Hypothesis {
        id: "unknown-key",
        statement: "The verifier has no key of that name, or an old copy of the issuer's keys",
        rules: &["AUTH031"],
        reject: key_is_known,
        needs: "the issuer's key set in the capture, or the verifier's log",
    },
    Hypothesis {
        id: "algorithm",
        statement: "The verifier does not accept the token's algorithm",
        rules: &["AUTH032"],
        reject: algorithm_is_accepted,
        needs: "one accepted token of the same issuer",
    },
    Hypothesis {
        id: "environment-crossover",
        statement: "Token and API belong to different environments",
        rules: &["AUTH033"],
        reject: |scene| common::accepted(scene, "the environment"),
        needs: "one accepted token of this environment",
    },
    Hypothesis {
        id: "conflicting-credentials",
        statement: "Another credential in the same request was judged instead",
        rules: &["AUTH015"],
        reject: single_credential,
        needs: "an export with sensitive data",
    },
    Hypothesis {
        id: "not-authorised",
        statement: "The sign-in is fine, and this user or client may not do this",
        rules: &["AUTH025"],
        reject: failed_before_user,
        needs: "the verifier's log line for this request, or one request of a user who may",
    },
    Hypothesis {
        id: "proof-of-possession",
        statement: "The token is bound to a key, and the proof is missing or wrong",
        rules: &["AUTH094"],
        reject: not_bound,
        needs: "the token's cnf claim and the request's DPoP field: an export with sensitive data",
    },
    Hypothesis {
        id: "wrong-recipient",
        statement: "The token went to somebody whom it is not for",
        rules: &["AUTH102"],
        reject: |scene| common::accepted(scene, "the recipient"),
        needs: "one accepted request to this origin with this token",
    },
    Hypothesis {
        id: "user-unknown-or-revoked",
        statement: "The token is sound, and its user or session is not",
        rules: &["AUTH027:user-unknown", "AUTH027:revoked"],
        reject: failed_before_user,
        needs: "the verifier's log line for this request",
    },
    Hypothesis {
        id: "gateway-policy",
        statement: "A gateway refused it before the application saw it",
        rules: &["AUTH072"],
        reject: same_responder,
        needs: "an accepted answer with the same fields, which would come from the same server",
    },
    Hypothesis {
        id: "stripped-by-proxy",
        statement: "A proxy removed the credential on the way",
        rules: &["AUTH073"],
        reject: server_saw_it,
        needs: "a packet capture behind the proxy",
    },
];

fn credential_present(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let credential = first.main_credential()?;
    Contradiction::new(
        format!("It carried one: {}.", scene.capture.describe(credential.token)),
        shows(first, &credential.carrier.to_string(), "present"),
    )
}

fn well_formed(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let credential = first.main_credential()?;
    (credential.kind != TokenKind::Placeholder).then_some(())?;
    Contradiction::new(
        "The header held a real value.",
        shows(first, &credential.carrier.to_string(), credential.kind.name()),
    )
}

fn right_format(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let credential = first.main_credential().filter(|c| c.well_formed)?;
    if credential.kind != TokenKind::Jwt {
        return common::accepted(scene, "its form");
    }
    Contradiction::new(
        "The bytes are a well-formed JWT.",
        shows(first, &credential.carrier.to_string(), "three base64url segments, JSON header and payload"),
    )
}

fn not_expired(scene: &Scene<'_>) -> Option<Contradiction> {
    common::not_expired(scene).or_else(|| passed(scene, Stage::Expiry)).or_else(|| has_no_expiry(scene))
}

/// `nbf` and `iat` had passed on the server's clock, or the words are about a later stage.
fn had_begun(scene: &Scene<'_>) -> Option<Contradiction> {
    if let Some(contradiction) = common::accepted(scene, "its beginning").or_else(|| passed(scene, Stage::NotBefore)) {
        return Some(contradiction);
    }
    let first = scene.first()?;
    let credential = first.main_credential()?;
    if is_password(credential.kind) {
        return Contradiction::new(
            "The value is no token and has no beginning.",
            shows(first, &credential.carrier.to_string(), credential.kind.name()),
        );
    }
    let claims = scene.capture.tokens.get(credential.token).claims()?;
    let Some(begin) = [claims.nbf, claims.iat].into_iter().flatten().map(|date| date.intended().nanos()).max() else {
        return Contradiction::new("The token names no beginning.", shows(first, "token.claim.nbf", "absent"));
    };
    let clock = scene.capture.profile.clocks.offset(&first.origin);
    let since = clock.behind(first, begin);
    (since > 0).then_some(())?;
    Contradiction::new(
        format!("Its nbf and iat had passed at least {} before by the server's clock.", crate::text::span(since)),
        shows(first, "token.claim.iat", "in the past"),
    )
}

/// Two `Date` fields, of whoever delivered the token and of whoever refused it, agree within a few seconds.
fn clocks_agree(scene: &Scene<'_>) -> Option<Contradiction> {
    const CLOSE: i64 = 5_000_000_000;
    let first = scene.first()?;
    let token = scene.capture.tokens.get(first.main_credential()?.token);
    let delivery = scene.capture.fact(token.delivered_by?)?;
    let (api, issuer) =
        (scene.capture.profile.clocks.offset(&first.origin), scene.capture.profile.clocks.offset(&delivery.origin));
    let known = api.samples > 0 && issuer.samples > 0 && api.consistent && issuer.consistent;
    let apart = api.high.saturating_sub(issuer.low).max(issuer.high.saturating_sub(api.low));
    (known && apart < CLOSE).then_some(())?;
    Contradiction::new(
        format!("The clocks of issuer and API agree within {}.", crate::text::span(apart)),
        shows(delivery, "response.header.date", "agrees with the API's"),
    )
}

/// A shared secret has no key set, and whoever judged a later stage had a key.
fn key_is_known(scene: &Scene<'_>) -> Option<Contradiction> {
    if let Some(contradiction) = common::accepted_since(scene, "the key").or_else(|| passed(scene, Stage::Key)) {
        return Some(contradiction);
    }
    let first = scene.first()?;
    let token = scene.capture.tokens.get(first.main_credential()?.token);
    let alg = token.classified.jose.as_ref()?.header.alg.as_deref().filter(|alg| alg.starts_with("HS"))?;
    Contradiction::new(
        "The token is signed with a shared secret, not with a published key.",
        shows(first, "token.header.alg", alg),
    )
}

/// Tokens of the same algorithm are accepted here.
fn algorithm_is_accepted(scene: &Scene<'_>) -> Option<Contradiction> {
    if let Some(contradiction) = common::accepted(scene, "the algorithm").or_else(|| passed(scene, Stage::Algorithm)) {
        return Some(contradiction);
    }
    let first = scene.first()?;
    let token = scene.capture.tokens.get(first.main_credential()?.token);
    let alg = token.classified.jose.as_ref()?.header.alg.as_deref()?;
    let mut signers = scene.capture.profile.signers(&first.origin);
    signers.find(|(signer, counts)| signer.alg.as_deref() == Some(alg) && counts.accepted > 0)?;
    Contradiction::new(
        format!("{} accepts tokens with the algorithm {alg}.", first.origin),
        shows(first, "token.header.alg", alg),
    )
}

/// A value that is no token has no expiry to pass.
fn has_no_expiry(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let credential = first.main_credential()?;
    let lasting =
        matches!(credential.kind, TokenKind::Placeholder | TokenKind::Identifier) || is_password(credential.kind);
    lasting.then_some(())?;
    Contradiction::new(
        "The value is no token and has no expiry.",
        shows(first, &credential.carrier.to_string(), credential.kind.name()),
    )
}

/// A name with a password, or the proof that somebody knows it.
fn is_password(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Basic | TokenKind::Digest | TokenKind::Negotiate | TokenKind::Ntlm)
}

fn no_newer_token(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    // It has to hold for every call that failed.
    let last = scene.failing.iter().map(|f| f.started_nanos()).max()?;
    let newest = scene
        .signs(Sign::Delivers)
        .filter(|f| f.ended_nanos() < last)
        .filter(|f| f.delivered.iter().any(|d| d.purpose == crate::tokens::Purpose::Access))
        .max_by_key(|f| f.ended_nanos())?;
    let sent = first.main_credential()?.token;
    newest.delivered.iter().any(|d| d.token == sent).then_some(())?;
    Contradiction::new("It is the newest token that the client was given.", shows(newest, "response", "delivers it"))
}

/// The server's words are about a stage after `stage`.
fn passed(scene: &Scene<'_>, stage: Stage) -> Option<Contradiction> {
    let fact = scene.failing.iter().find(|f| f.outcome.proves.contains(&stage))?;
    let text = fact.outcome.error_text.as_deref().unwrap_or("the refusal");
    Contradiction::new(
        format!("The verifier got past this check: it says \"{text}\"."),
        shows(fact, fact.outcome.error_part.as_deref().unwrap_or("response"), format!("\"{text}\"")),
    )
}

/// Checked with a key, accepted elsewhere, or past in the verifier's order.
pub(super) fn signature_holds(scene: &Scene<'_>) -> Option<Contradiction> {
    if let Some(contradiction) = common::accepted_since(scene, "the signature") {
        return Some(contradiction);
    }
    if let Some(contradiction) = passed(scene, Stage::Signature) {
        return Some(contradiction);
    }
    let first = scene.first()?;
    let credential = first.main_credential()?;
    // What is signed is the request, or what stands there is no more than the rest of a token.
    let signs = matches!(credential.kind, TokenKind::SigV4 | TokenKind::SignedRequest) || !credential.well_formed;
    if !signs && credential.kind != TokenKind::Jwt && credential.kind != TokenKind::Jws {
        return Contradiction::new(
            "The value is not signed at all.",
            shows(first, &credential.carrier.to_string(), credential.kind.name()),
        );
    }
    let results = scene.capture.key_results.get(&credential.token)?;
    // With several candidate keys one cannot know which of them the verifier uses; with every one of them verifying, one can.
    (results.iter().all(|r| r.verified)).then_some(())?;
    let name = &results.first()?.name;
    Contradiction::new(
        format!("The token verifies with the given key {name}."),
        shows(first, "token.signature", format!("verifies with {name}")),
    )
}

fn single_credential(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    (scene.failing.iter().all(|f| f.credentials.len() <= 1)).then_some(())?;
    Contradiction::new("The request carried a single credential.", shows(first, "request", "one credential"))
}

/// A token that says nothing of a key is a plain bearer token.
fn not_bound(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let credential = first.main_credential()?;
    let claims = scene.capture.tokens.get(credential.token).claims()?;
    (claims.jkt.is_none() && !claims.has_certificate).then_some(())?;
    Contradiction::new("The token is bound to no key.", shows(first, "token.claim.cnf", "absent"))
}

fn failed_before_user(scene: &Scene<'_>) -> Option<Contradiction> {
    let fact = scene.failing.iter().find(|f| f.outcome.names_token_check())?;
    let text = fact.outcome.error_text.as_deref().unwrap_or("the refusal");
    Contradiction::new(
        format!("The verifier failed on the token itself: \"{text}\"."),
        shows(fact, fact.outcome.error_part.as_deref().unwrap_or("response"), format!("\"{text}\"")),
    )
}

fn same_responder(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let other = scene.client.succeeded_at(&first.origin).iter().find(|f| f.responder == first.responder)?;
    Contradiction::new(
        "The refusal comes from the same server software as accepted answers.",
        shows(other, "response.header.server", "same server and header names"),
    )
}

fn server_saw_it(scene: &Scene<'_>) -> Option<Contradiction> {
    let fact = scene.failing.iter().find(|f| f.outcome.names_token_check())?;
    let text = fact.outcome.error_text.as_deref().unwrap_or("the refusal");
    Contradiction::new(
        format!("The server judged the credential: \"{text}\"."),
        shows(fact, fact.outcome.error_part.as_deref().unwrap_or("response"), format!("\"{text}\"")),
    )
}
