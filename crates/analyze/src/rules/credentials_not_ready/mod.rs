//! AUTH002: the first calls of a page went out before its token was there.

use std::time::Duration;

use crate::{
    case::{Case, Lack},
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, role::Role},
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    thresholds::{nanos, thresholds},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH002",
        id: "credentials-not-ready",
        title: "API called before the token was ready",
        severity: Severity::High,
        layer: Layer::Client,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.gate-ready", "fe.fail-fast"],
    },
    check: Check::Timeline(check),
};

const MILLISECOND: i64 = 1_000_000;

// When a call without a credential counts as early.
thresholds! {
    /// The first call that carries the credential follows within this time.
    follow_up: time = Duration::from_secs(10),
    /// A page is young for this long: SDKs load and mint within it.
    young: time = Duration::from_secs(5),
    /// What a program does by itself after an answer, it does within this time.
    prompt: time = Duration::from_secs(1),
    /// A token delivered at least this much earlier was there to be used.
    delivered_before: time = Duration::from_millis(250),
}

/// What shows that the token was late.
enum Late<'a> {
    /// The page's first token arrived after the call was sent.
    Delivered(&'a Fact),
    /// The page's first call with a credential came after, and was accepted.
    FollowedUp(&'a Fact),
    /// The page's SDK was still loading: the provider's answer came after the call.
    Loading(&'a Fact),
    /// The page was young, and the API works with a credential elsewhere.
    Young(&'a Fact),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    for fact in case.refusals().filter(|f| !f.role.delivers()) {
        let Some(lack) = case.lacks_credential(fact) else { continue };
        if fact.redirected_from.is_some() || already_carried(case, fact) || delivered_early(case, fact) {
            continue;
        }
        if let Some(late) = lateness(case, fact) {
            let draft = draft(fact, &lack, &late);
            out.add(if is_renewal(case, fact) { draft.severity(Severity::Low, RENEWED) } else { draft });
        }
    }
}

/// Whether a request of the same page to the same origin carried a credential before.
fn already_carried(case: &Case<'_>, fact: &Fact) -> bool {
    let first = case.lookup().carrying_in_page(fact.lifetime, &fact.origin).iter().next();
    first.is_some_and(|f| f.started_nanos() < fact.started_nanos())
}

/// Whether the page got a token early enough to use it: then something else kept the call from carrying it.
fn delivered_early(case: &Case<'_>, fact: &Fact) -> bool {
    case.deliveries_in_page(fact)
        .any(|f| f.ended_nanos() + nanos(Thresholds::of(case).delivered_before) <= fact.started_nanos())
}

fn lateness<'a>(case: &Case<'a>, fact: &Fact) -> Option<Late<'a>> {
    let sent = fact.started_nanos();
    let delivered = case.deliveries_in_page(fact).find(|f| f.role != Role::Login && f.ended_nanos() > sent);
    let carrying = case.lookup().carrying_in_page(fact.lifetime, &fact.origin);
    let soon = carrying.since(sent + 1).before(sent + nanos(Thresholds::of(case).follow_up) + 1);
    let follow_up = soon.iter().find(|f| !f.refused());
    // The token was there, in a place where the API does not look (AUTH004).
    let had = |f: &Fact| f.authorization().is_some_and(|c| fact.credentials.iter().any(|own| own.token == c.token));
    if follow_up.is_some_and(had) {
        return None;
    }
    if let (Some(delivered), Some(_)) = (delivered, follow_up) {
        return Some(Late::Delivered(delivered));
    }
    if let Some(follow_up) = follow_up.filter(|f| f.succeeded()) {
        return Some(Late::FollowedUp(follow_up));
    }
    if !is_young(case, fact) {
        return None;
    }
    let accepted = case.lookup().carrying_at(&fact.origin).iter().find(|f| f.is_api_call() && f.succeeded())?;
    if let Some(delivered) = delivered {
        return Some(Late::Delivered(delivered));
    }
    let mut providers = case.lookup().providers_in(fact.lifetime).iter();
    let loading = providers.find(|f| f.origin != fact.origin && f.ended_nanos() > sent);
    match loading {
        Some(provider) => Some(Late::Loading(provider)),
        // Without a sign of the provider, only a route that works elsewhere tells a race from a call that never carries it.
        None => (case.route(fact).credentialed_ok > 0).then_some(Late::Young(accepted)),
    }
}

/// Why a refusal that [`is_renewal`] does no harm.
pub(super) const RENEWED: &str = "the refusal made the page renew its token, and the call was repeated";

/// Whether the page learns by the refusal that it has to renew its token: it does nothing for a login before, renews right
/// after, and repeats the call. So do pages that keep the access token in memory and lose it when they are reloaded.
pub(super) fn is_renewal(case: &Case<'_>, fact: &Fact) -> bool {
    let Some(renewal) = case.deliveries_in_page(fact).find(|f| f.ended_nanos() > fact.started_nanos()) else {
        return false;
    };
    if renewal.role != Role::Refresh {
        return false;
    }
    let patience = nanos(Thresholds::of(case).prompt);
    let prompt = |earlier: i64, later: i64| (earlier..=earlier.saturating_add(patience)).contains(&later);
    let same = case.lookup().on_route(&fact.origin, &fact.route).since(renewal.ended_nanos());
    let repeated = same.iter().find(|f| f.lifetime == fact.lifetime && f.path == fact.path);
    if !repeated.is_some_and(|f| f.succeeded() && prompt(renewal.ended_nanos(), f.started_nanos())) {
        return false;
    }
    let mut before = case.page(fact).take_while(|f| f.started_nanos() < fact.started_nanos());
    // Several calls may be refused at once; the first of them is enough.
    let refused = case.page(fact).filter(|f| f.refused() && f.credentials.is_empty());
    let first = refused.map(Fact::ended_nanos).min().unwrap_or(fact.ended_nanos());
    prompt(first, renewal.started_nanos()) && !before.any(|f| f.role.is_identity() || f.role.delivers())
}

/// Whether the request came within seconds of the page's start.
fn is_young(case: &Case<'_>, fact: &Fact) -> bool {
    case.page(fact)
        .next()
        .is_some_and(|first| fact.started_nanos() - first.started_nanos() <= nanos(Thresholds::of(case).young))
}

fn draft(fact: &Fact, lack: &Lack, late: &Late<'_>) -> Draft {
    let draft = Draft::new(&RULE.meta, fact)
        .because(Reason::WireFact)
        .because_server_says(fact)
        .capped(lack.caps.iter().copied().filter(|cap| *cap != Cap::NoControl))
        .primary(fact.id, "request.header.authorization", "absent")
        .server_says(fact)
        // One bootstrap defect shows on every page that calls the API too early.
        .cause(&fact.origin);
    let ms = |later: &Fact, at: i64| (at - fact.started_nanos()) / MILLISECOND + i64::from(later.id == fact.id);
    let draft = match late {
        Late::Delivered(delivery) => {
            let after = ms(delivery, delivery.ended_nanos());
            draft
                .because(Reason::Control)
                .because(Reason::Timing)
                .related(
                    delivery.id,
                    "response",
                    format!("the page's first token arrived {after} ms after the call was sent"),
                )
                .message(format!(
                    "{} was sent {after} ms before {} delivered the page's first token; later calls carry it.",
                    fact.route, delivery.route
                ))
        }
        Late::FollowedUp(next) => {
            let after = ms(next, next.started_nanos());
            draft
                .because(Reason::Control)
                .because(Reason::Timing)
                .related(next.id, "request.header.authorization", format!("present {after} ms later, and accepted"))
                .message(format!(
                    "{} was sent without Authorization; {after} ms later the page's first call with it was accepted.",
                    fact.route
                ))
        }
        Late::Loading(provider) => {
            let after = ms(provider, provider.ended_nanos());
            draft
                .because(Reason::Timing)
                .related(
                    provider.id,
                    "response",
                    format!("the auth provider answered the page {after} ms after the call"),
                )
                .message(format!(
                    "{} was sent while the page's auth provider was still loading ({} answered {after} ms later).",
                    fact.route, provider.route
                ))
        }
        Late::Young(accepted) => draft
            .because(Reason::Timing)
            .capped([Cap::NoControl])
            .related(accepted.id, "request.header.authorization", "present, and accepted, on another page")
            .message(format!(
                "{} was sent without Authorization right after its page started; elsewhere it carries it.",
                fact.route
            )),
    };
    match lack.preflight {
        Some(preflight) => {
            draft.related(preflight, "request.header.access-control-request-headers", "does not ask for authorization")
        }
        None => draft,
    }
}
