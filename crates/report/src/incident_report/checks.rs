//! The verification plan: how to record again, and assertions over the table of exchanges that `authtrace verify` evaluates.

use std::collections::BTreeSet;

use authtrace_analyze::facts::Fact;

use super::{family::Family, model::Check, scene::Scene};

/// Routes that get assertions of their own.
const ROUTES: usize = 6;

/// What to do to see whether the fix holds.
pub(super) fn steps(scene: &Scene<'_>) -> Vec<String> {
    let inputs = &scene.view.analysis.capture.inputs;
    let input = scene.failing.first().and_then(|f| inputs.get(usize::from(f.source.input)));
    let how = match input.map(|input| input.format) {
        Some(authtrace_analyze::coverage::InputFormat::Har) | None => {
            "Record the same actions again as a HAR, starting before the sign-in, with sensitive data included."
        }
        Some(_) => {
            "Capture the same actions again at the same place, starting before the connection is opened; keep TLS keys."
        }
    };
    let first = scene.failing.first().map_or_else(String::new, |f| format!(" They must include {}.", f.route));
    vec![
        format!("{how}{first}"),
        "Run `authtrace verify --baseline report.json NEW-CAPTURE`: 0 means gone, 1 still there, 3 not provable from that capture.".to_owned(),
    ]
}

/// Assertions that hold once the incident is mended.
pub(super) fn checks(scene: &Scene<'_>, family: Family) -> Vec<Check> {
    let mut checks = Vec::new();
    for (route, place) in routes(&scene.failing) {
        let call = |rest: &str| format!("{place} and {rest}");
        let mut add = |says: String, filter: String, at_least, at_most| {
            checks.push(Check { id: format!("V{}", checks.len() + 1), says, filter, at_least, at_most });
        };
        match family {
            Family::Missing | Family::Redirect => {
                add(
                    format!("{route} is called and accepted at least once"),
                    call("outcome = 'success'"),
                    Some(1),
                    None,
                );
                add(
                    format!("No call of {route} without a credential is refused"),
                    call(&format!("credential is null and {}", failed(scene))),
                    None,
                    Some(0),
                );
            }
            Family::Rejected => {
                add(
                    format!("{route} accepts a credential at least once"),
                    call("credential is not null and outcome = 'success'"),
                    Some(1),
                    None,
                );
                add(
                    format!("No call of {route} with a credential is refused"),
                    call(&format!("credential is not null and {}", failed(scene))),
                    None,
                    Some(0),
                );
            }
            Family::Refresh => {
                add(format!("No call of {route} is refused"), call(&failed(scene)), None, Some(0));
                add(
                    "The session is renewed at least once".to_owned(),
                    "role in ('refresh', 'mint') and outcome = 'success'".to_owned(),
                    Some(1),
                    None,
                );
            }
            Family::WebSocket => {
                add(format!("{route} is answered 101 at least once"), call("status = 101"), Some(1), None);
                add(format!("No handshake of {route} is refused"), call(&failed(scene)), None, Some(0));
            }
            Family::Cors | Family::Address => {
                add(format!("{route} is answered at least once"), call("status is not null"), Some(1), None);
                add(format!("No call of {route} fails"), call(&failed(scene)), None, Some(0));
            }
            Family::Exposure => {}
        }
    }
    checks
}

/// Failing routes in order of time, each with the condition that selects it wherever the server runs.
fn routes<'a>(failing: &[&'a Fact]) -> Vec<(&'a str, String)> {
    let mut seen = BTreeSet::new();
    let routes = failing.iter().filter(|f| seen.insert((&*f.host, &*f.route))).take(ROUTES);
    routes.map(|f| (&*f.route, format!("route = {} and host = {}", quoted(&f.route), quoted(&f.host)))).collect()
}

/// The outcomes that failed, as a condition.
fn failed(scene: &Scene<'_>) -> String {
    let outcomes: BTreeSet<&str> = scene.failing.iter().map(|f| f.outcome.class.name()).collect();
    let outcomes: Vec<String> = outcomes.into_iter().map(quoted).collect();
    format!("outcome in ({})", outcomes.join(", "))
}

/// An SQL string literal.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
