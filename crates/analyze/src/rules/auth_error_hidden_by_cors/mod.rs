//! AUTH062: a refusal without CORS headers, which the page sees as a network error.

use authtrace_parse::{HeaderView, Kind};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, role::Role},
    finding::{Cap, Reason, Severity},
    presented::{Presented, Window},
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
    for fact in case.facts().filter(|f| is_kept_from_page(f)) {
        let over = Presented::of(case, fact).filter(|jwt| jwt.window(case, fact) == Window::Over);
        if let Some((jwt, control)) = over.zip(readable(case, fact)) {
            out.add(unseen(fact, &jwt, control));
        }
    }
}

/// Whether the request went out and its answer is nowhere: what browsers record of an answer without CORS headers.
fn is_kept_from_page(fact: &Fact) -> bool {
    let blocked = fact.failure.as_deref().is_none_or(|f| f.contains("ERR_FAILED") || f.contains("CORS"));
    let sent = fact.view == HeaderView::Full && fact.kind == Kind::Http && fact.role != Role::Preflight;
    sent && blocked && fact.status.is_none() && fact.is_cross_origin()
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

/// An answer that was not recorded, to a token that was over when it was sent.
fn unseen(fact: &Fact, jwt: &Presented<'_>, control: &Fact) -> Draft {
    let failure = fact.failure.as_deref().unwrap_or("no status");
    Draft::new(&RULE.meta, fact)
        .variant("unseen")
        .title("Expired token, and an answer that the browser keeps from the page")
        .credential(jwt.id())
        .because(Reason::WireFact)
        .because(Reason::Control)
        .capped([Cap::TokenSays, Cap::NoControl])
        .primary(fact.id, &jwt.part(), "a token whose exp had passed")
        .related(fact.id, "response", format!("not recorded: {failure}"))
        .related(control.id, "response.header.access-control-allow-origin", "the same API, readable by its page")
        .cause(format!("{} unseen", fact.origin))
        .message(format!(
            "{} went out with a token that had expired, and the browser shows the page a network error in place of the answer, while it can read the API's other answers: a 401 without Access-Control-Allow-Origin looks like this.",
            fact.route
        ))
}
