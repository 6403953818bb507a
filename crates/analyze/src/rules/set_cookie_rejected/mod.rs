//! AUTH050: a response sets a session cookie that the browser must ignore.

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{
        Delivery, Fact,
        cookie_jar::{self, Rejection},
        credential::Carrier,
        set_cookie::SetCookie,
        site,
    },
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH050",
        id: "set-cookie-rejected",
        title: "Session cookie that the browser refuses to keep",
        severity: Severity::High,
        layer: Layer::Session,
        tier: Tier::T2,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.cookie-attributes"],
    },
    check: Check::Timeline(check),
};

fn check(case: &Case<'_>, out: &mut Findings) {
    // Scripts and servers keep cookies by rules of their own; only browsers enforce these.
    for fact in case.facts().filter(|f| f.is_from_browser()) {
        for cookie in fact.set_cookies.iter().filter(|c| !c.deletes) {
            let carrier = Carrier::SetCookie(cookie.name.clone());
            let Some(delivery) = fact.delivered.iter().find(|d| d.carrier == carrier) else { continue };
            let Some(why) = cookie_jar::rejection(fact, cookie) else { continue };
            if !came_back(case, fact, delivery) {
                out.add(draft(case, fact, cookie, delivery, why));
            }
        }
    }
}

/// Whether a later request carried the cookie: then this browser did keep it.
fn came_back(case: &Case<'_>, fact: &Fact, delivery: &Delivery) -> bool {
    let carrying = case.lookup().with_cookie(delivery.token);
    carrying.since(fact.started_nanos()).iter().next().is_some()
}

fn draft(case: &Case<'_>, fact: &Fact, cookie: &SetCookie, delivery: &Delivery, why: Rejection) -> Draft {
    let name = &cookie.name;
    let at = format!("response.cookie.{name}");
    // The first refusal on that site which went out without the cookie is what the user sees of it.
    let missed = case.refusals().find(|f| {
        f.started_nanos() >= fact.ended_nanos()
            && site::same_site(&f.host, &fact.host)
            && f.cookies().all(|c| c.carrier != Carrier::Cookie(name.clone()))
    });
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant(why))
        .credential(delivery.token)
        .because(Reason::WireFact)
        .because_if(missed.is_some(), Reason::Timing)
        .primary(fact.id, &at, cookie_jar::attributes(cookie))
        .cause(format!("{} {name} {}", fact.origin, variant(why)));
    let draft = match why {
        Rejection::NotIncluded => draft.fixes(&["fe.include-credentials", "be.cors-order"]),
        _ => draft,
    };
    let says = format!("{} sets {name}, but {}", fact.route, cookie_jar::explain(fact, cookie, why));
    match missed {
        Some(missed) => draft
            .related(missed.id, &format!("request.cookie.{name}"), "absent, and the request was refused")
            .message(format!("{says}. {} then went out without it and was refused.", missed.route)),
        // A request that left credentials out may well have meant it.
        None if matches!(why, Rejection::CrossSite | Rejection::NotIncluded) => draft
            .severity(
                Severity::Low,
                "no refused request of the capture lacks the cookie, and the request did not ask for it",
            )
            .message(format!("{says}.")),
        None => draft
            .severity(Severity::Medium, "no refused request of the capture lacks the cookie")
            .message(format!("{says}.")),
    }
}

fn variant(why: Rejection) -> &'static str {
    match why {
        Rejection::NoneWithoutSecure => "none-without-secure",
        Rejection::PartitionedWithoutSecure => "partitioned-without-secure",
        Rejection::SecureWithoutTls => "secure-without-tls",
        Rejection::HostPrefix => "host-prefix",
        Rejection::SecurePrefix => "secure-prefix",
        Rejection::ForeignDomain => "foreign-domain",
        Rejection::PublicSuffix => "public-suffix",
        Rejection::TooLarge => "too-large",
        Rejection::CrossSite => "cross-site",
        Rejection::NotIncluded => "credentials-not-included",
    }
}
