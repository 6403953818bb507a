//! AUTH050: a response sets a session cookie that the browser must ignore.

use std::{cell::LazyCell, collections::HashMap};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{
        Delivery, Fact,
        cookie_jar::{self, Rejection},
        credential::Carrier,
        csrf,
        outcome::OutcomeClass,
        set_cookie::SetCookie,
        site,
    },
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::Text,
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
    let forged = LazyCell::new(|| Forged::of(case));
    // Scripts and servers keep cookies by rules of their own; only browsers enforce these.
    for fact in case.facts().filter(|f| f.is_from_browser()) {
        for cookie in fact.set_cookies.iter().filter(|c| !c.deletes) {
            let carrier = Carrier::SetCookie(cookie.name.clone());
            let Some(why) = cookie_jar::rejection(fact, cookie) else { continue };
            match fact.delivered.iter().find(|d| d.carrier == carrier) {
                Some(delivery) if !came_back(case, fact, delivery) => {
                    out.add(draft(case, fact, cookie, delivery, why));
                }
                Some(_) => {}
                None if csrf::names_token(&cookie.name) => {
                    out.add_all(forged.after(fact).map(|missed| guard(fact, cookie, why, missed)));
                }
                None => {}
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

/// Refusals of a check against forged requests that got no cookie of its sort, by host and in time order: found once, however
/// many answers set one.
struct Forged<'a>(HashMap<&'a Text, Vec<&'a Fact>>);

impl<'a> Forged<'a> {
    fn of(case: &Case<'a>) -> Self {
        let mut by_host: HashMap<&Text, Vec<&Fact>> = HashMap::new();
        let bare = |f: &Fact| f.csrf.as_ref().is_none_or(|c| c.cookie.is_none());
        for fact in case.facts().filter(|f| f.outcome.class == OutcomeClass::Csrf && bare(f)) {
            by_host.entry(&fact.host).or_default().push(fact);
        }
        Self(by_host)
    }

    /// The first one on the host of `setter` after it.
    fn after(&self, setter: &Fact) -> Option<&'a Fact> {
        let refused = self.0.get(&setter.host)?;
        refused.get(refused.partition_point(|f| f.started_nanos() < setter.ended_nanos())).copied()
    }
}

/// A cookie against forged requests: no session, but nothing that changes anything gets through without it.
fn guard(fact: &Fact, cookie: &SetCookie, why: Rejection, missed: &Fact) -> Draft {
    let name = &cookie.name;
    Draft::new(&RULE.meta, fact)
        .variant(variant(why))
        .title("Cookie against forged requests that the browser refuses to keep")
        .because(Reason::WireFact)
        .because(Reason::Timing)
        .primary(fact.id, &format!("response.cookie.{name}"), cookie_jar::attributes(cookie))
        .related(missed.id, "request.cookie", "no cookie against forged requests, and the check refused it")
        .cause(format!("{} {name} {}", fact.origin, variant(why)))
        .message(format!(
            "{} sets {name}, but {}. {} then went out without it and was refused.",
            fact.route,
            cookie_jar::explain(fact, cookie, why),
            missed.route
        ))
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
