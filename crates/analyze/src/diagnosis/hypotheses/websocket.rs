//! "The WebSocket is refused": seven explanations that give the same 403 (detectors §4I).

use super::{Contradiction, Hypothesis, Scene, Sign, common, rejected, shows};

pub(super) static TABLE: &[Hypothesis] = &[
    Hypothesis {
        id: "no-credential",
        statement: "The handshake carried no credential",
        rules: &["AUTH081"],
        reject: carries_credential,
        needs: "a packet capture, or an export with sensitive data: browsers list only provisional headers of a refused handshake",
    },
    Hypothesis {
        id: "token-expired",
        statement: "The token had expired",
        rules: &["AUTH020", "AUTH082:expired-meanwhile", "AUTH082:expired-token"],
        reject: not_expired,
        needs: "the handshake's token",
    },
    Hypothesis {
        id: "signature",
        statement: "The token was signed with a key that the service does not use",
        rules: &["AUTH030", "AUTH033"],
        reject: rejected::signature_holds,
        needs: "the verifier's key (--key NAME=@FILE or --env-file FILE), or one HTTP call with the same token",
    },
    Hypothesis {
        id: "refused-after-accept",
        statement: "The service accepted the handshake and then refused what the client presented",
        rules: &["AUTH082"],
        reject: never_accepted,
        needs: "close codes and messages: a packet capture",
    },
    Hypothesis {
        id: "origin-not-allowed",
        statement: "The service does not allow the page's Origin",
        rules: &[],
        reject: origin_accepted,
        needs: "the same handshake from another Origin, or without one",
    },
    Hypothesis {
        id: "closed-before-accept",
        statement: "The application closed or failed before it accepted (ASGI answers 403 to that)",
        rules: &[],
        reject: was_accepted,
        needs: "the service's log for this handshake",
    },
    Hypothesis {
        id: "unknown-path",
        statement: "No WebSocket is served on this path",
        rules: &[],
        reject: path_works,
        needs: "one accepted handshake on this path",
    },
    Hypothesis {
        id: "gateway-policy",
        statement: "A proxy or gateway refused the upgrade",
        rules: &["AUTH072"],
        reject: was_accepted,
        needs: "the answer's headers (a packet capture), to see who answered",
    },
];

/// The token lived for longer than the socket, as far as that was seen.
fn not_expired(scene: &Scene<'_>) -> Option<Contradiction> {
    let contradiction = common::not_expired(scene)?;
    let first = scene.first()?;
    let claims = scene.capture.tokens.get(first.main_credential()?.token).claims()?;
    let end = first.socket().and_then(|s| s.last).unwrap_or_else(|| first.ended_nanos());
    (claims.exp?.intended().nanos() > end).then_some(contradiction)
}

/// A service that answers 101 serves this path, to this origin, and no gateway stopped it.
fn was_accepted(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    (first.status == Some(101)).then_some(())?;
    Contradiction::new("The handshake was accepted.", shows(first, "response.status", "101"))
}

fn never_accepted(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let status = first.outcome.status.filter(|status| *status != 101)?;
    Contradiction::new("The handshake itself was refused.", shows(first, "response.status", status.to_string()))
}

fn carries_credential(scene: &Scene<'_>) -> Option<Contradiction> {
    let fact = scene.failing.iter().find(|f| f.main_credential().is_some())?;
    let credential = fact.main_credential()?;
    Contradiction::new(
        format!("It carried {} in {}.", scene.capture.describe(credential.token), credential.carrier),
        shows(fact, &credential.carrier.to_string(), "present"),
    )
}

fn origin_accepted(scene: &Scene<'_>) -> Option<Contradiction> {
    if let Some(contradiction) = was_accepted(scene) {
        return Some(contradiction);
    }
    let first = scene.first()?;
    let page = first.cors.as_ref()?.origin.clone()?;
    let accepted = scene
        .everybody
        .signs(Sign::Upgraded)
        .iter()
        .find(|f| f.origin == first.origin && f.cors.as_ref().and_then(|c| c.origin.as_ref()) == Some(&page))?;
    Contradiction::new(
        format!("A handshake from {page} was accepted."),
        shows(accepted, "request.header.origin", page.to_string()),
    )
}

fn path_works(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let mut same = scene.everybody.on_route(&first.origin, &first.route).iter();
    let accepted = same.find(|f| f.kind == authtrace_parse::Kind::WebSocket && f.status == Some(101))?;
    Contradiction::new("A handshake on this path was accepted.", shows(accepted, "response.status", "101"))
}
