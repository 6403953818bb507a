//! "The API answers with HTML": why was a script sent to a login page? (detectors AUTH053)

use super::{Contradiction, Hypothesis, Scene, shows};

pub(super) static TABLE: &[Hypothesis] = &[
    Hypothesis {
        id: "session-ended",
        statement: "The session ended, and the server sends everybody without one to sign in",
        rules: &["AUTH053:session-ended"],
        reject: never_began,
        needs: "a capture that shows the call working before",
    },
    Hypothesis {
        id: "gateway-session",
        statement: "A gateway in front of the API wants a session of its own",
        rules: &["AUTH053:gateway"],
        reject: same_origin,
        needs: "the address that it redirects to",
    },
    Hypothesis {
        id: "cookie-not-sent",
        statement: "The session cookie exists and did not come along",
        rules: &["AUTH050", "AUTH051"],
        reject: cookie_sent,
        needs: "an export with sensitive data",
    },
    Hypothesis {
        id: "not-signed-in",
        statement: "Nobody was signed in yet",
        rules: &["AUTH053:not-signed-in"],
        reject: was_signed_in,
        needs: "a capture that starts before the login",
    },
    Hypothesis {
        id: "refresh-failed",
        statement: "The refresh failed and the client lost its session",
        rules: &["AUTH040", "AUTH042", "AUTH043"],
        reject: no_refresh,
        needs: "a capture that starts before the session ended",
    },
    Hypothesis {
        id: "wrong-route",
        statement: "The route is served by a front end instead of the API",
        rules: &[],
        reject: goes_to_login,
        needs: "the answer's headers and body",
    },
];

fn never_began(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    (first.credentials.is_empty() && first.on_wire).then_some(())?;
    Contradiction::new("The call carried no session at all.", shows(first, "request.header.cookie", "absent"))
}

/// The redirect stays on the application's own origin.
fn same_origin(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let to = first.redirect.as_ref().filter(|to| to.origin == first.origin)?;
    Contradiction::new(
        "It redirects to a page of the application itself.",
        shows(first, "response.header.location", format!("{}{}", to.origin, to.path)),
    )
}

fn cookie_sent(scene: &Scene<'_>) -> Option<Contradiction> {
    let fact = scene.failing.iter().find(|f| f.cookies().next().is_some())?;
    let carrier = fact.cookies().next()?.carrier.to_string();
    Contradiction::new("A session cookie came along.", shows(fact, &carrier, "present"))
}

fn was_signed_in(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let mut accepted = scene.client.succeeded_at(&first.origin).iter();
    let ok = accepted.find(|f| {
        f.started_nanos() < first.started_nanos() && f.accepted() && f.is_api_call() && !f.credentials.is_empty()
    })?;
    Contradiction::new(
        format!("{} was accepted before.", ok.route),
        shows(ok, "response.status", ok.status.map_or_else(String::new, |s| s.to_string())),
    )
}

fn no_refresh(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    scene.signs(super::Sign::Refresh).next().is_none().then_some(())?;
    Contradiction::new("The capture shows no refresh.", shows(first, "request", "no refresh before it"))
}

fn goes_to_login(scene: &Scene<'_>) -> Option<Contradiction> {
    let fact = scene.failing.iter().find(|f| f.redirect.is_some())?;
    let to = fact.redirect.as_ref()?;
    Contradiction::new(
        "The server redirects to sign-in on purpose.",
        shows(fact, "response.header.location", format!("{}{}", to.origin, to.path)),
    )
}
