//! "The login at the provider fails": which step, and why (detectors AUTH090–AUTH093).

use super::{Contradiction, Hypothesis, Scene, common, shows};
use crate::{
    facts::{Fact, oauth::Oauth, role::Role},
    flows::Flows,
};

/// The login itself: from the authorization request to the token.
pub(super) static LOGIN: &[Hypothesis] = &[
    Hypothesis {
        id: "redirect-uri",
        statement: "The redirect URI is not the one that is registered, or differs between the two requests",
        rules: &["AUTH090:redirect-uri", "AUTH091:redirect-uri-mismatch"],
        reject: redirect_uri_fits,
        needs: "the authorization request, from a capture that starts before the login",
    },
    Hypothesis {
        id: "client-refused",
        statement: "The provider does not accept the client or the way it authenticates itself",
        rules: &["AUTH092", "AUTH090:client"],
        reject: client_accepted,
        needs: "the answer of the token endpoint: a capture at the application's server",
    },
    Hypothesis {
        id: "code-replayed",
        statement: "The code was sent twice",
        rules: &["AUTH091:code-replayed"],
        reject: code_sent_once,
        needs: "the request that trades the code: a capture at the application's server",
    },
    Hypothesis {
        id: "verifier",
        statement: "The PKCE verifier does not fit the challenge",
        rules: &["AUTH091:verifier-mismatch", "AUTH091:verifier-missing"],
        reject: verifier_fits,
        needs: "the authorization request and the request that trades the code",
    },
    Hypothesis {
        id: "state",
        statement: "The state was lost or belongs to another login",
        rules: &["AUTH091:state-mismatch", "AUTH091:state-cookie-lost"],
        reject: state_fits,
        needs: "the authorization request, from a capture that starts before the login",
    },
    Hypothesis {
        id: "code-expired",
        statement: "The code was too old",
        rules: &["AUTH091:code-expired"],
        reject: code_fresh,
        needs: "the redirect that delivered the code",
    },
    Hypothesis {
        id: "refused-by-person-or-policy",
        statement: "The person or a policy of the provider refused",
        rules: &["AUTH090:denied", "AUTH090:saml", "AUTH090:scope"],
        reject: code_issued,
        needs: "the provider's log",
    },
    Hypothesis {
        id: "provider-failed",
        statement: "The provider itself failed",
        rules: &["AUTH090:provider-failed"],
        reject: answered_for_cause,
        needs: "the provider's log",
    },
];

/// A renewal without the user.
pub(super) static SILENT: &[Hypothesis] = &[
    Hypothesis {
        id: "cookies-withheld",
        statement: "The browser withheld the provider's cookies from the hidden frame",
        rules: &["AUTH093:cookies-withheld"],
        reject: cookies_sent,
        needs: "an export with sensitive data, which lists the cookies of the frame's request",
    },
    Hypothesis {
        id: "provider-session-over",
        statement: "The user's session at the provider is over",
        rules: &["AUTH093:login-required"],
        reject: |scene| said_other(scene, "login_required"),
        needs: "the provider's cookies on that request",
    },
    Hypothesis {
        id: "consent-missing",
        statement: "The user has not agreed to what is asked for",
        rules: &["AUTH093:consent-required"],
        reject: |scene| said_other(scene, "consent_required"),
        needs: "the provider's answer",
    },
    Hypothesis {
        id: "interaction-needed",
        statement: "The provider wants to see the user: second factor, terms, another account",
        rules: &["AUTH093:interaction-required"],
        reject: |scene| said_other(scene, "interaction_required"),
        needs: "the provider's answer",
    },
    Hypothesis {
        id: "frame-blocked",
        statement: "The provider or the browser did not let the frame load",
        rules: &["AUTH093:no-answer"],
        reject: common::answered,
        needs: "the frame's answer and the browser's console",
    },
];

/// A sign-in that is confirmed on another device (RFC 8628).
pub(super) static DEVICE: &[Hypothesis] = &[
    Hypothesis {
        id: "lapsed",
        statement: "Nobody confirmed the sign-in before its code lapsed",
        rules: &["AUTH091:device-expired"],
        reject: |scene| said_other(scene, "expired_token"),
        needs: "the provider's answer",
    },
    Hypothesis {
        id: "refused-by-person-or-policy",
        statement: "The person or a policy of the provider refused",
        rules: &["AUTH091:device-denied"],
        reject: |scene| said_other(scene, "access_denied"),
        needs: "the provider's answer",
    },
    Hypothesis {
        id: "device-code-unknown",
        statement: "The device code is not one that the provider gave to this client",
        rules: &["AUTH091:device-unknown"],
        reject: device_code_known,
        needs: "the answer that gave the device code",
    },
    Hypothesis {
        id: "client-refused",
        statement: "The provider does not accept the client or the way it authenticates itself",
        rules: &["AUTH092"],
        reject: device_code_known,
        needs: "the answers to earlier questions of the device",
    },
];

/// The failing step and what it says.
fn step<'a>(scene: &Scene<'a>) -> Option<(&'a Fact, &'a Oauth)> {
    scene.failing.iter().find_map(|&fact| Some((fact, fact.oauth()?)))
}

fn flows<'a>(scene: &Scene<'a>) -> Flows<'a> {
    Flows::among(scene.client.facts().filter(|f| f.leg_of().is_none()))
}

fn request<'a>(scene: &Scene<'a>) -> Option<(&'a Fact, &'a Oauth)> {
    flows(scene).request_for_code(step(scene)?.1.asked.code?)
}

fn redirect_uri_fits(scene: &Scene<'_>) -> Option<Contradiction> {
    let (fact, oauth) = step(scene)?;
    if let Some((asked, with)) = request(scene)
        && with.redirect_uri.is_some()
        && (oauth.redirect_uri.is_none() || with.redirect_uri == oauth.redirect_uri)
    {
        let because = "The provider sent a code to this redirect URI, and the trade names no other.";
        return Contradiction::new(because, shows(asked, "request.query.redirect_uri", "accepted"));
    }
    let returned = fact.role == Role::Callback && oauth.asked.error.is_some();
    returned.then_some(())?;
    Contradiction::new(
        "The provider sent the user back to the redirect URI, which it does only with one that it knows.",
        shows(fact, "request", fact.route.to_string()),
    )
}

/// A token endpoint authenticates the client before it looks at the grant (RFC 6749 §3.2.1, §5.2).
fn client_accepted(scene: &Scene<'_>) -> Option<Contradiction> {
    let (fact, oauth) = step(scene)?;
    if oauth.trades_code && oauth.answered.error.as_deref() == Some("invalid_grant") {
        return Contradiction::new(
            "The token endpoint refused the grant, and it authenticates the client before it looks at that.",
            shows(fact, "response.body.error", "invalid_grant"),
        );
    }
    None
}

/// Who is told to wait has been recognised, client and code.
fn device_code_known(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let asked = scene.client.on_route(&first.origin, &first.route);
    let told_to_wait =
        |f: &Fact| f.oauth().is_some_and(|o| o.answered.error.as_deref() == Some("authorization_pending"));
    let waiting = asked.iter().find(|f| f.asks_for_device() && told_to_wait(f))?;
    Contradiction::new(
        "The provider told the device to wait, which it does only for a client and a code that it knows.",
        shows(waiting, "response.body.error", "authorization_pending"),
    )
}

fn code_sent_once(scene: &Scene<'_>) -> Option<Contradiction> {
    let (fact, oauth) = step(scene)?;
    let code = oauth.asked.code?;
    let steps = flows(scene);
    let times = steps.with_code(code).filter(|(_, o)| o.trades_code == oauth.trades_code).count();
    (times == 1).then_some(())?;
    Contradiction::new("The capture shows the code once.", shows(fact, "request.code", "sent once"))
}

fn verifier_fits(scene: &Scene<'_>) -> Option<Contradiction> {
    let (fact, oauth) = step(scene)?;
    let (asked, with) = request(scene)?;
    match (with.challenge, oauth.verifier) {
        (None, _) => Contradiction::new(
            "The login was started without a challenge.",
            shows(asked, "request.query.code_challenge", "absent"),
        ),
        (Some(challenge), Some((hashed, plain))) => {
            (challenge == if with.plain { plain } else { hashed }).then_some(())?;
            Contradiction::new(
                "The verifier makes the challenge that the login was started with.",
                shows(fact, "request.body.code_verifier", "fits"),
            )
        }
        (Some(_), None) => None,
    }
}

fn state_fits(scene: &Scene<'_>) -> Option<Contradiction> {
    let (fact, oauth) = step(scene)?;
    // At a callback the application compares it with what it keeps, which the wire does not show.
    oauth.trades_code.then_some(())?;
    let state = oauth.asked.state.or_else(|| {
        let delivery = flows(scene).code_delivery(oauth.asked.code?)?;
        delivery.1.asked.state.or(delivery.1.answered.state)
    })?;
    let (asked, _) = flows(scene).request_with(state, fact.started_nanos())?;
    Contradiction::new(
        "The state that came back is the one that was sent.",
        shows(asked, "request.query.state", "the same"),
    )
}

fn code_fresh(scene: &Scene<'_>) -> Option<Contradiction> {
    const FRESH: i64 = 30_000_000_000;
    let (fact, oauth) = step(scene)?;
    let (delivery, _) = flows(scene).code_delivery(oauth.asked.code?)?;
    let age = fact.started_nanos() - delivery.started_nanos();
    (delivery.id != fact.id && (0..FRESH).contains(&age)).then_some(())?;
    Contradiction::new(
        format!("The code was {} old.", crate::text::span(age)),
        shows(delivery, "response.header.location", "the code was given"),
    )
}

fn code_issued(scene: &Scene<'_>) -> Option<Contradiction> {
    let (fact, oauth) = step(scene)?;
    oauth.asked.code?;
    Contradiction::new("The provider gave a code.", shows(fact, "request", "carries a code"))
}

fn answered_for_cause(scene: &Scene<'_>) -> Option<Contradiction> {
    let (fact, oauth) = step(scene)?;
    let said = oauth.answered.error.as_ref().or(oauth.asked.error.as_ref())?;
    let part = oauth.answered.part.as_ref().or(oauth.asked.part.as_ref())?;
    (!matches!(&**said, "server_error" | "temporarily_unavailable")).then_some(())?;
    Contradiction::new(format!("It answered for a cause: {said}."), shows(fact, part, said.to_string()))
}

fn cookies_sent(scene: &Scene<'_>) -> Option<Contradiction> {
    let fact = scene.failing.iter().find(|f| f.role == Role::Authorize && f.has_cookies)?;
    Contradiction::new("The request carried cookies.", shows(fact, "request.header.cookie", "present"))
}

fn said_other(scene: &Scene<'_>, error: &str) -> Option<Contradiction> {
    let (fact, oauth) = step(scene)?;
    let said = oauth.answered.error.as_ref().or(oauth.asked.error.as_ref())?;
    (&**said != error).then_some(())?;
    Contradiction::new(format!("The provider says {said}."), shows(fact, "response", said.to_string()))
}
