//! AUTH071: sign-in sends the browser to the application, and the application sends it back, again and again.

mod cause;
mod cycle;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::span,
};
use cause::Cause;
use cycle::Cycle;

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH071",
        id: "auth-redirect-loop",
        title: "Redirect loop between sign-in and application",
        severity: Severity::Critical,
        layer: Layer::Session,
        tier: Tier::T2,
        thresholds: cycle::Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["be.callback-open", "be.cookie-attributes"],
    },
    check: Check::Timeline(check),
};

fn check(case: &Case<'_>, out: &mut Findings) {
    out.add_all(cycle::find(case).iter().filter_map(|cycle| draft(case, cycle)));
}

fn draft(case: &Case<'_>, cycle: &Cycle<'_>) -> Option<Draft> {
    let first = cycle.hops.first().copied()?;
    let last = cycle.hops.last().copied()?;
    let cause = cause::of(case, cycle);
    let routes = cycle.routes();
    let path = routes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ");
    let times = match (cycle.visits, cycle.gave_up) {
        (n, Some(_)) if n > 1 => {
            format!("{n} times in {} until the browser gave up", span(last.ended_nanos() - first.started_nanos()))
        }
        (_, Some(_)) => "until the browser gave up".to_owned(),
        (n, None) => format!("{n} times in {}", span(last.ended_nanos() - first.started_nanos())),
    };
    let mut draft = Draft::new(&RULE.meta, first)
        .variant(cause.variant())
        .message(format!("The browser went {path} {times}. {}", cause.sentence()))
        .because(Reason::WireFact)
        .because_if(cycle.visits > 1, Reason::Timing)
        .because_if(cycle.gave_up.is_some(), Reason::ServerCode)
        .capped((cycle.visits < 2).then_some(Cap::NoControl))
        .also(cycle.hops.iter().map(|f| f.id))
        .routes(routes)
        .cause(path.clone())
        .fixes(cause.fixes());
    draft = match cycle.gave_up {
        Some(end) => draft.primary(end.id, "response.status", end.failure.as_deref().unwrap_or("too many redirects")),
        None => {
            draft.primary(first.id, "response.header.location", format!("{} visits of {}", cycle.visits, cycle.node))
        }
    };
    for hop in cycle.hops.iter().take(4) {
        if let Some(to) = &hop.redirect {
            draft = draft.related(hop.id, "response.header.location", format!("{}{}", to.origin, to.path));
        }
    }
    if let Cause::CookieLost { set_by, name, .. } = &cause {
        draft = draft.related(set_by.id, &format!("response.cookie.{name}"), "set, and not sent back");
    }
    if let Cause::Said { fact, .. } = &cause {
        draft = draft.server_says(fact);
    }
    Some(match cycle.ends_well {
        true => draft.severity(Severity::High, "the loop ended by itself"),
        false => draft,
    })
}
