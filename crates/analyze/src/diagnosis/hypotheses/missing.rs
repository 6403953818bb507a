//! "401, no credentials": why did the request go out without a token? (detectors §5.1)

use super::{Contradiction, Hypothesis, Scene, Sign, common, shows};
use crate::{case::good_authorization, facts::Fact};

const READY_NANOS: i64 = 250_000_000;

pub(super) static TABLE: &[Hypothesis] = &[
    Hypothesis {
        id: "token-not-ready",
        statement: "The token was not ready when the call was made",
        rules: &["AUTH002"],
        reject: was_ready,
        needs: "a capture from the page's first request on, with \"Preserve log\" on",
    },
    Hypothesis {
        id: "call-site-bypasses-client",
        statement: "This call site does not go through the client that attaches the token",
        rules: &["AUTH003"],
        reject: same_call_carries_it,
        needs: "a capture of the same page while other calls are made, recorded in DevTools (it keeps call sites)",
    },
    Hypothesis {
        id: "cookie-assumed-sufficient",
        statement: "The code relies on a cookie that the API does not read",
        rules: &["AUTH004"],
        reject: no_cookie,
        needs: "the API's documentation of the carriers that it accepts",
    },
    Hypothesis {
        id: "token-never-generated",
        statement: "No token was ever issued to this client",
        rules: &[],
        reject: token_exists,
        needs: "a capture that starts before the login",
    },
    Hypothesis {
        id: "token-never-sent",
        statement: "A token was issued and nothing ever sends it",
        rules: &["AUTH005"],
        reject: token_is_sent,
        needs: "a capture that starts before the login",
    },
    Hypothesis {
        id: "placeholder-value",
        statement: "The header held undefined, null or another non-value",
        rules: &["AUTH010", "AUTH011"],
        reject: header_absent,
        needs: "an export with sensitive data",
    },
    Hypothesis {
        id: "token-expired",
        statement: "The token had expired",
        rules: &["AUTH020"],
        reject: header_absent,
        needs: "an export with sensitive data",
    },
    Hypothesis {
        id: "lost-on-redirect",
        statement: "A redirect dropped the header",
        rules: &["AUTH070"],
        reject: no_redirect,
        needs: "a capture with \"Preserve log\" on, which keeps redirect hops",
    },
    Hypothesis {
        id: "stripped-by-proxy",
        statement: "A proxy removed the header on the way",
        rules: &["AUTH073"],
        reject: absent_at_client,
        needs: "a packet capture on the client's side of the proxy",
    },
    Hypothesis {
        id: "blocked-by-cors",
        statement: "The browser blocked the request (CORS)",
        rules: &["AUTH060"],
        reject: common::answered,
        needs: "the browser's console",
    },
    Hypothesis {
        id: "signed-out",
        statement: "The user was signed out",
        rules: &[],
        reject: still_signed_in,
        needs: "the provider's session endpoint in the capture",
    },
];

fn was_ready(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let mut carrying = scene.client.authorized_in_page(first.lifetime, &first.origin).iter();
    if let Some(earlier) = carrying.find(|f| f.started_nanos() < first.started_nanos()) {
        return Contradiction::new(
            format!("{} of the same page had carried the token before.", earlier.route),
            shows(earlier, "request.header.authorization", "present"),
        );
    }
    let delivered = scene
        .client
        .deliveries_in(first.lifetime)
        .iter()
        .find(|f| f.ended_nanos() + READY_NANOS <= first.started_nanos())?;
    let ms = (first.started_nanos() - delivered.ended_nanos()) / 1_000_000;
    Contradiction::new(
        format!("The page had received its token {ms} ms before the call ({}).", delivered.route),
        shows(delivered, "response", "delivers a token"),
    )
}

/// The same call site or route carries the token at other times: the path through the client exists.
fn same_call_carries_it(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let mut same = scene.client.on_route(&first.origin, &first.route).iter();
    let other = same.find(|f| f.call_site == first.call_site && good_authorization(f).is_some())?;
    Contradiction::new(
        format!("The same call carries the token in exchange #{}: it does go through the client.", other.id.0),
        shows(other, "request.header.authorization", "present"),
    )
}

fn no_cookie(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let none = scene.failing.iter().all(|f| !f.has_cookies);
    let readable = !scene.capture.is_sanitized(first.source.input) && first.view == authtrace_parse::HeaderView::Full;
    (none && readable)
        .then(|| {
            Contradiction::new("The request carried no cookie either.", shows(first, "request.header.cookie", "absent"))
        })
        .flatten()
}

fn token_exists(scene: &Scene<'_>) -> Option<Contradiction> {
    if let Some(delivery) = scene.signs(Sign::Delivers).next() {
        return Contradiction::new(
            format!("{} delivered a token.", delivery.route),
            shows(delivery, "response", "delivers a token"),
        );
    }
    let carried = scene.signs(Sign::Authorized).find(|f| f.succeeded())?;
    Contradiction::new(
        format!("{} carried a token and was accepted.", carried.route),
        shows(carried, "request.header.authorization", "present"),
    )
}

fn token_is_sent(scene: &Scene<'_>) -> Option<Contradiction> {
    let carried = scene.signs(Sign::Authorized).next()?;
    Contradiction::new(
        format!("{} carries a token.", carried.route),
        shows(carried, "request.header.authorization", "present"),
    )
}

fn header_absent(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    first.authorization().is_none().then_some(())?;
    Contradiction::new(
        "No Authorization was sent, so no value of it can be the reason.",
        shows(first, "request.header.authorization", "absent"),
    )
}

fn no_redirect(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    scene.failing.iter().all(|f| f.redirected_from.is_none()).then_some(())?;
    Contradiction::new("No redirect led to the request.", shows(first, "request.target", "asked for directly"))
}

/// A browser's own recording is taken before any proxy.
fn absent_at_client(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let input = scene.capture.inputs.get(usize::from(first.source.input));
    let at_client = input.is_none_or(|input| input.format == crate::coverage::InputFormat::Har);
    (at_client && first.authorization().is_none()).then_some(())?;
    Contradiction::new(
        "The header was absent when the browser sent the request.",
        shows(first, "request.header.authorization", "absent"),
    )
}

fn still_signed_in(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let later = scene.signs(Sign::SignedIn).find(|f| f.started_nanos() > first.started_nanos());
    let logged_in_again = later.is_some_and(|later| {
        let between = |f: &Fact| f.started_nanos() > first.started_nanos() && f.started_nanos() < later.started_nanos();
        scene.signs(Sign::Login).any(between)
    });
    let later = later.filter(|_| !logged_in_again)?;
    Contradiction::new(
        format!("{} was accepted afterwards without a new login.", later.route),
        shows(later, "response.status", later.status.map_or_else(String::new, |s| s.to_string())),
    )
}
