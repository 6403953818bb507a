//! AUTH061: the server answers a credentialed cross-origin request in a way that the browser must keep from the page.

use std::collections::BTreeMap;

use authtrace_parse::Kind;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, cors::Cors, outcome::OutcomeClass, role::Role, site},
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::Text,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH061",
        id: "credentialed-wildcard-cors",
        title: "Answer to a credentialed request withheld by CORS",
        severity: Severity::Medium,
        layer: Layer::Transport,
        tier: Tier::T2,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.cors-order"],
    },
    check: Check::Timeline(check),
};

/// Sites that must be echoed with credentials before an allow-list looks like a mirror: one site may have several pages.
const ECHOED_SITES: usize = 2;

fn check(case: &Case<'_>, out: &mut Findings) {
    for fact in case.facts().filter(|f| is_scripted(f) && f.is_cross_origin()) {
        let Some(cors) = fact.cors.as_ref() else { continue };
        // Cookies went along, or the browser withheld an answer that it had: either way, credentials were included.
        let withheld = fact.outcome.class == OutcomeClass::Unreadable;
        if withheld || (fact.has_cookies && fact.status.is_some_and(|s| s < 400)) {
            out.add_all(defect(cors, withheld).map(|variant| draft(fact, cors, variant, withheld)));
        }
    }
    for (_, facts) in Case::grouped(case.facts().filter(|f| echoes(f)), |f| f.origin.clone()) {
        out.add_all(reflective(&facts));
    }
}

/// A request of a script: navigations carry cookies without asking CORS, handshakes know no CORS, files are public.
fn is_scripted(fact: &Fact) -> bool {
    fact.kind == Kind::Http && !fact.is_document && !matches!(fact.role, Role::Preflight | Role::Static)
}

/// What the answer lacks for a credentialed request (Fetch, "CORS check").
fn defect(cors: &Cors, withheld: bool) -> Option<&'static str> {
    match &cors.allow_origin {
        Some(allowed) if &**allowed == "*" => Some("wildcard"),
        _ if !cors.allows_origin() => withheld.then_some("origin-not-allowed"),
        _ if !cors.allow_credentials => Some("credentials-not-allowed"),
        _ => None,
    }
}

fn draft(fact: &Fact, cors: &Cors, variant: &'static str, withheld: bool) -> Draft {
    let page = cors.origin.as_deref().unwrap_or_default();
    let status = fact.status.unwrap_or_default();
    let (at, shows, why) = match variant {
        "wildcard" => (
            "response.header.access-control-allow-origin",
            "*".to_owned(),
            "Access-Control-Allow-Origin: * is not valid for a request with credentials".to_owned(),
        ),
        "credentials-not-allowed" => (
            "response.header.access-control-allow-credentials",
            "not \"true\"".to_owned(),
            "Access-Control-Allow-Credentials: true is missing".to_owned(),
        ),
        _ => (
            "response.header.access-control-allow-origin",
            cors.allow_origin.as_deref().unwrap_or("absent").to_owned(),
            format!("Access-Control-Allow-Origin does not name {page}"),
        ),
    };
    let effect = if withheld { "the browser kept it from" } else { "a browser keeps it from" };
    Draft::new(&RULE.meta, fact)
        .variant(variant)
        .because(Reason::WireFact)
        .because_if(withheld, Reason::Timing)
        .primary(fact.id, at, shows)
        .related(fact.id, "request.header.origin", page)
        .cause(format!("{} {variant}", fact.origin))
        .message(format!("{} was answered {status}, but {effect} {page}: {why}.", fact.route))
}

/// Whether the answer echoes the page's origin and allows credentials.
fn echoes(fact: &Fact) -> bool {
    let echoed = |c: &Cors| c.allow_credentials && c.origin.is_some() && c.allow_origin == c.origin;
    fact.is_cross_origin() && fact.cors.as_deref().is_some_and(echoed)
}

/// A server that echoes origins of several sites and allows credentials probably echoes any.
fn reflective(facts: &[&Fact]) -> Option<Draft> {
    let mut by_site: BTreeMap<Text, &Fact> = BTreeMap::new();
    for fact in facts {
        let origin = fact.cors.as_ref().and_then(|c| c.origin.as_deref())?;
        by_site.entry(Text::from(site::registrable(site::host_of(origin)))).or_insert(fact);
    }
    if by_site.len() < ECHOED_SITES {
        return None;
    }
    let first = by_site.values().min_by_key(|f| f.id)?;
    let draft = Draft::new(&RULE.meta, first)
        .variant("reflective")
        .title("Server seems to allow any origin with credentials")
        .severity(Severity::Low, "an allow-list may name several sites")
        .because(Reason::WireFact)
        .cause(format!("{} reflective", first.origin))
        .also(by_site.values().map(|f| f.id))
        .message(format!(
            "{} echoes the origins of {} sites and allows credentials; if it echoes any, every site can call it with the user's cookies.",
            first.origin,
            by_site.len()
        ));
    Some(by_site.values().fold(draft, |draft, fact| {
        let origin = fact.cors.as_ref().and_then(|c| c.origin.as_deref()).unwrap_or_default();
        draft.primary(fact.id, "response.header.access-control-allow-origin", format!("{origin}, echoed"))
    }))
}
