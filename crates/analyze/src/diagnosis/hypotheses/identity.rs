//! "The user changed": who mixed up the sessions? (detectors AUTH054)

use super::{Contradiction, Hypothesis, Scene, Sign, common, shows};

pub(super) static TABLE: &[Hypothesis] = &[
    Hypothesis {
        id: "no-shared-session-store",
        statement: "The instances behind the load balancer do not share their sessions",
        rules: &["AUTH054:session-store"],
        reject: common::open,
        needs: "the instance that answered each request",
    },
    Hypothesis {
        id: "refresh-mixed-up",
        statement: "A refresh handed out another user's token",
        rules: &["AUTH054:refresh-changed-user"],
        reject: no_refresh,
        needs: "a capture that starts before the first of the two tokens was issued",
    },
    Hypothesis {
        id: "two-accounts",
        statement: "The page uses the tokens of two accounts at once",
        rules: &["AUTH054:other-user"],
        reject: common::open,
        needs: "the code that picks the account",
    },
    Hypothesis {
        id: "shared-cache",
        statement: "A cache between client and API hands out another user's answer",
        rules: &[],
        reject: not_cached,
        needs: "the Age and Cache-Control fields of the answers that delivered the tokens",
    },
];

fn no_refresh(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    scene.signs(Sign::Refresh).next().is_none().then_some(())?;
    Contradiction::new("The capture shows no refresh.", shows(first, "request", "no refresh before it"))
}

/// The token came from an answer that forbids caches to keep it.
fn not_cached(scene: &Scene<'_>) -> Option<Contradiction> {
    let first = scene.first()?;
    let token = scene.capture.tokens.get(first.main_credential()?.token);
    let delivery = scene.capture.fact(token.delivered_by?).filter(|f| f.no_store)?;
    Contradiction::new(
        format!("{} delivered it with no-store.", delivery.route),
        shows(delivery, "response.header.cache-control", "no-store"),
    )
}
