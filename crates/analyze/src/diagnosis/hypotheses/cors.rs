//! "CORS error in the console": which of the things that look the same was it? (detectors §5.5)

use super::{Contradiction, Hypothesis, Scene, shows};
use crate::facts::role::Role;

pub(super) static TABLE: &[Hypothesis] = &[
    Hypothesis {
        id: "preflight-refused",
        statement: "The preflight does not allow the request",
        rules: &["AUTH060"],
        reject: preflight_passed,
        needs: "an export from DevTools, which lists preflights",
    },
    Hypothesis {
        id: "wildcard-with-credentials",
        statement: "The answer allows any origin, which credentialed requests may not use",
        rules: &["AUTH061"],
        reject: no_wildcard,
        needs: "the answer's headers",
    },
    Hypothesis {
        id: "refusal-hidden-by-cors",
        statement: "The server refused the credential, and CORS hid the refusal",
        rules: &["AUTH062"],
        reject: not_answered,
        needs: "a packet capture, which shows what the browser hid",
    },
    Hypothesis {
        id: "server-unreachable",
        statement: "Nothing listens at this address",
        rules: &["AUTH074"],
        reject: reachable,
        needs: "the browser's error text",
    },
    Hypothesis {
        id: "token-expired",
        statement: "The token had expired",
        rules: &["AUTH020"],
        reject: never_judged,
        needs: "the answer to the request itself",
    },
    Hypothesis {
        id: "token-refused",
        statement: "The token was refused",
        rules: &["AUTH013", "AUTH023", "AUTH024", "AUTH027", "AUTH030"],
        reject: never_judged,
        needs: "the answer to the request itself",
    },
];

fn preflight_passed(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let preflight = scene.capture.fact(first.preflight?)?;
    let cors = preflight.cors.as_ref()?;
    (preflight.status.is_some_and(|s| (200..300).contains(&s))
        && cors.allows_origin()
        && cors.refused_headers().is_empty())
    .then_some(())?;
    Contradiction::new(
        "Its preflight allowed it.",
        shows(preflight, "response.status", "2xx, origin and headers allowed"),
    )
}

fn no_wildcard(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let wildcard = scene.failing.iter().any(|f| f.cors.as_ref().and_then(|c| c.allow_origin.as_deref()) == Some("*"));
    (!wildcard).then_some(())?;
    Contradiction::new(
        "No answer allows any origin.",
        shows(first, "response.header.access-control-allow-origin", "not *"),
    )
}

fn not_answered(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let refused = scene.failing.iter().any(|f| f.refused() && f.role != Role::Preflight);
    let all_preflights = scene.failing.iter().all(|f| f.role == Role::Preflight || f.status.is_none());
    (!refused && all_preflights).then_some(())?;
    Contradiction::new(
        "The request itself was never sent, so no refusal could be hidden.",
        shows(first, "response.status", "none but the preflight's"),
    )
}

fn reachable(scene: &Scene<'_>) -> Option<Contradiction> {
    let fact = scene.failing.iter().find(|f| f.status.is_some())?;
    Contradiction::new("The server answered.", shows(fact, "response.status", fact.status?.to_string()))
}

fn never_judged(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    scene.failing.iter().all(|f| f.role == Role::Preflight || f.status.is_none()).then_some(())?;
    Contradiction::new("The server never saw a token: the request was not sent.", shows(first, "request", "not sent"))
}
