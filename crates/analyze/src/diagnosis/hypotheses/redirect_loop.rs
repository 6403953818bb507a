//! "Too many redirects": what keeps the loop going? (detectors §5.7, AUTH071)

use authtrace_parse::HeaderView;

use super::{Contradiction, Hypothesis, Scene, shows};
use crate::facts::credential::Carrier;

pub(super) static TABLE: &[Hypothesis] = &[
    Hypothesis {
        id: "cookie-not-stored",
        statement: "The session cookie is set and does not come back",
        rules: &["AUTH071:cookie-lost", "AUTH050", "AUTH051"],
        reject: cookie_comes_back,
        needs: "an export with sensitive data, which keeps Cookie and Set-Cookie",
    },
    Hypothesis {
        id: "callback-protected",
        statement: "The check that protects the application protects its callback, too",
        rules: &["AUTH071:callback-protected"],
        reject: callback_sets_session,
        needs: "the callback's answer with its Set-Cookie fields",
    },
    Hypothesis {
        id: "clock-skew",
        statement: "The clocks of issuer and application disagree",
        rules: &["AUTH071:clock", "AUTH021", "AUTH022"],
        reject: clocks_agree,
        needs: "a Date field of both sides, or the reason that the server gives",
    },
    Hypothesis {
        id: "token-refused",
        statement: "The application refuses the token that sign-in gives out (key, issuer, audience, environment)",
        rules: &["AUTH071:token-refused", "AUTH030", "AUTH031", "AUTH032", "AUTH033"],
        reject: super::common::open,
        needs: "the application's log for one turn",
    },
    Hypothesis {
        id: "code-exchange-failed",
        statement: "The code exchange fails",
        rules: &["AUTH091", "AUTH092"],
        reject: super::common::open,
        needs: "a capture of the application's own requests to the provider",
    },
    Hypothesis {
        id: "session-store",
        statement: "The session is written to one instance and looked for on another",
        rules: &["AUTH054"],
        reject: super::common::open,
        needs: "the instance that answered each turn",
    },
];

fn cookie_comes_back(scene: &Scene<'_>) -> Option<Contradiction> {
    for (index, hop) in scene.failing.iter().enumerate() {
        for delivery in &hop.delivered {
            let Carrier::SetCookie(name) = &delivery.carrier else { continue };
            let back =
                scene.failing[index + 1..].iter().find(|f| f.credentials.iter().any(|c| c.token == delivery.token));
            if let Some(back) = back {
                return Contradiction::new(
                    format!("The cookie {name} that {} sets comes back.", hop.route),
                    shows(back, &format!("request.cookie.{name}"), "as it was set"),
                );
            }
        }
    }
    None
}

fn callback_sets_session(scene: &Scene<'_>) -> Option<Contradiction> {
    let callback = scene.failing.iter().find(|f| {
        f.role == crate::facts::role::Role::Callback && f.view == HeaderView::Full && !f.delivered.is_empty()
    })?;
    Contradiction::new(
        format!("{} sets a session.", callback.route),
        shows(callback, "response.header.set-cookie", "a session cookie"),
    )
}

/// Every hop's server tells the same time.
fn clocks_agree(scene: &Scene<'_>) -> Option<Contradiction> {
    const CLOSE: i64 = 5_000_000_000;
    let first = scene.first()?;
    let offsets = scene.failing.iter().map(|f| scene.capture.profile.clocks.offset(&f.origin));
    let offsets: Vec<_> = offsets.filter(|offset| offset.samples > 0).collect();
    let apart = offsets.iter().map(|o| o.high).max()? - offsets.iter().map(|o| o.low).min()?;
    let origins: std::collections::BTreeSet<_> = scene.failing.iter().map(|f| &f.origin).collect();
    (origins.len() > 1 && offsets.len() == scene.failing.len() && apart < CLOSE).then_some(())?;
    Contradiction::new(
        format!("The servers' clocks agree within {}.", crate::text::span(apart)),
        shows(first, "response.header.date", "agrees with the others"),
    )
}
