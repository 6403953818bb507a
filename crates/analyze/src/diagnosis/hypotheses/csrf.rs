//! "403/419 on a changing request": which part of the anti-forgery check failed, and that it was this check (detectors AUTH052).

use super::{Contradiction, Hypothesis, Scene, common, shows};
use crate::facts::{Fact, outcome::OutcomeClass};

pub(super) static TABLE: &[Hypothesis] = &[
    Hypothesis {
        id: "csrf-token-missing",
        statement: "The request carried no anti-forgery token",
        rules: &["AUTH052:no-token"],
        reject: token_was_sent,
        needs: "the request's body and headers: an export with sensitive data",
    },
    Hypothesis {
        id: "csrf-token-mismatch",
        statement: "The anti-forgery token is an old one, or not decoded",
        rules: &["AUTH052:mismatch", "AUTH052:not-decoded"],
        reject: is_the_cookies,
        needs: "the answer that set the token",
    },
    Hypothesis {
        id: "csrf-cookie-missing",
        statement: "The cookie that the token is compared with did not come along",
        rules: &["AUTH052:no-cookie", "AUTH050", "AUTH051"],
        reject: cookie_was_sent,
        needs: "an export with sensitive data",
    },
    Hypothesis {
        id: "origin-not-trusted",
        statement: "The server does not trust the page's origin",
        rules: &["AUTH052:origin", "AUTH052:stateful-domain"],
        reject: origin_passes,
        needs: "the server's list of trusted origins",
    },
    Hypothesis {
        id: "signed-out",
        statement: "The session had ended",
        rules: &["AUTH053"],
        reject: session_lives,
        needs: "a read of the same session right after",
    },
    Hypothesis {
        id: "token-refused",
        statement: "The credential itself was refused",
        rules: &["AUTH020", "AUTH027", "AUTH030"],
        reject: check_is_named,
        needs: "the server's log line for this request",
    },
];

fn token_was_sent(scene: &Scene<'_>) -> Option<Contradiction> {
    let fact = scene.failing.iter().find(|f| f.csrf.as_ref().is_some_and(|csrf| csrf.is_sent()))?;
    let csrf = fact.csrf.as_ref()?;
    let place = csrf.header.as_ref().map(|header| format!("request.header.{header}"));
    let place = place.or_else(|| csrf.field.as_ref().map(|field| format!("request.body.{field}")))?;
    Contradiction::new("It carried one.", shows(fact, &place, "present"))
}

fn is_the_cookies(scene: &Scene<'_>) -> Option<Contradiction> {
    let same = |f: &Fact| f.csrf.as_ref().is_some_and(|c| c.compared == Some(crate::facts::csrf::Compared::Same));
    let fact = scene.failing.iter().find(|f| same(f))?;
    Contradiction::new("Header and cookie hold the same token.", shows(fact, "request.header", "equals the cookie"))
}

fn cookie_was_sent(scene: &Scene<'_>) -> Option<Contradiction> {
    let fact = scene.failing.iter().find(|f| f.csrf.as_ref().is_some_and(|csrf| csrf.cookie.is_some()))?;
    let name = fact.csrf.as_ref()?.cookie.clone()?;
    Contradiction::new(
        format!("The cookie {name} came along."),
        shows(fact, &format!("request.cookie.{name}"), "present"),
    )
}

/// Another changing request of the same page passed the check.
fn origin_passes(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let page = |f: &Fact| f.cors.as_ref().and_then(|cors| cors.origin.clone());
    let mut accepted = scene.client.succeeded_at(&first.origin).iter();
    let ok = accepted
        .find(|f| !matches!(&*f.method, "GET" | "HEAD" | "OPTIONS") && page(f) == page(first) && f.accepted())?;
    Contradiction::new(
        format!("{} passed from the same page.", ok.route),
        shows(ok, "response.status", ok.status.map_or_else(String::new, |s| s.to_string())),
    )
}

/// The same session was accepted afterwards.
fn session_lives(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let token = first.main_credential()?.token;
    let mut accepted = scene.client.succeeded_at(&first.origin).iter();
    let later = accepted.find(|f| {
        f.started_nanos() > first.started_nanos() && f.accepted() && f.credentials.iter().any(|c| c.token == token)
    })?;
    Contradiction::new(
        format!("{} was accepted afterwards with the same session.", later.route),
        shows(later, "response.status", later.status.map_or_else(String::new, |s| s.to_string())),
    )
}

fn check_is_named(scene: &Scene<'_>) -> Option<Contradiction> {
    if let Some(contradiction) = common::accepted(scene, "the credential") {
        return Some(contradiction);
    }
    let fact = scene.failing.iter().find(|f| f.outcome.class == OutcomeClass::Csrf)?;
    let text = fact.outcome.error_text.as_deref().map_or_else(|| "status 419".to_owned(), |text| format!("\"{text}\""));
    Contradiction::new(
        format!("The server names another check: {text}."),
        shows(fact, fact.outcome.error_part.as_deref().unwrap_or("response.status"), text.clone()),
    )
}
