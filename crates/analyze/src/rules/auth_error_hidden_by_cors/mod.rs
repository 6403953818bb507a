//! AUTH062: a refusal without CORS headers, which the page sees as a network error.

use authtrace_parse::Kind;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, role::Role},
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH062",
        id: "auth-error-hidden-by-cors",
        title: "Refusal hidden from the page by missing CORS headers",
        severity: Severity::Medium,
        layer: Layer::Transport,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.cors-errors", "be.cors-order"],
    },
    check: Check::Timeline(check),
};

fn check(case: &Case<'_>, out: &mut Findings) {
    for fact in case.refusals().filter(|f| f.kind == Kind::Http && !f.is_document && f.is_cross_origin()) {
        let Some(status) = fact.status else { continue };
        if fact.cors.as_ref().is_none_or(|c| c.allows_origin()) {
            continue;
        }
        let control = readable(case, fact);
        if control.is_some() || fact.failure.is_some() {
            out.add(draft(fact, status, control));
        }
    }
}

/// An answer of the same origin that its page could read.
fn readable<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    case.lookup().succeeded_at(&fact.origin).iter().find(|f| {
        f.role != Role::Preflight && f.is_cross_origin() && f.cors.as_ref().is_some_and(|c| c.allows_origin())
    })
}

fn draft(fact: &Fact, status: u16, control: Option<&Fact>) -> Draft {
    let cors = fact.cors.as_ref();
    let page = cors.and_then(|c| c.origin.as_deref()).unwrap_or_default();
    let allowed = cors.and_then(|c| c.allow_origin.as_deref());
    let draft = Draft::new(&RULE.meta, fact)
        .because(Reason::WireFact)
        .because_if(control.is_some(), Reason::Control)
        .primary(fact.id, "response.header.access-control-allow-origin", allowed.unwrap_or("absent"))
        .related(fact.id, "response.status", status.to_string())
        .cause(&fact.origin)
        .message(format!(
            "{} was refused with {status}, but without Access-Control-Allow-Origin for {page}: the page sees a network error instead of the refusal{}.",
            fact.route,
            if control.is_some() { ", while it can read the API's other answers" } else { "" }
        ));
    match control {
        Some(control) => draft.related(
            control.id,
            "response.header.access-control-allow-origin",
            control.cors.as_ref().and_then(|c| c.allow_origin.as_deref()).unwrap_or_default(),
        ),
        None => draft,
    }
}
