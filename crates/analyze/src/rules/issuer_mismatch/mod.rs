//! AUTH024: the token's issuer is not the one that the API trusts.

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::Fact,
    finding::{Cap, Reason, Severity},
    presented::{self, Control, Judged, Presented, Window, quoted, reason_is_open},
    rule::{Check, Draft, Findings, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH024",
        id: "issuer-mismatch",
        title: "Token comes from an issuer that this API does not trust (iss)",
        severity: Severity::High,
        layer: Layer::Token,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.aud-iss", "idp.instance"],
    },
    check: Check::Timeline(check),
};

fn check(case: &Case<'_>, out: &mut Findings) {
    for origin in presented::by_origin(case) {
        check_origin(case, &origin, out);
    }
}

fn check_origin(case: &Case<'_>, origin: &Judged<'_>, out: &mut Findings) {
    let controls = &origin.controls;
    for &(fact, jwt) in &origin.refused {
        if !fact.outcome.says(&[ErrorClass::Issuer]) && !reason_is_open(fact) {
            continue;
        }
        let differs = || differs_silently(case, fact, &jwt, controls);
        if fact.outcome.says(&[ErrorClass::Issuer]) || is_undeclared(case, fact, &jwt) || differs() {
            out.add(draft(case, fact, &jwt, controls));
        }
    }
}

/// No stated reason, and only tokens of other issuers are accepted by this origin, from whatever client.
fn differs_silently(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, controls: &[Control<'_>]) -> bool {
    let Some(iss) = jwt.claims.iss.as_deref() else { return false };
    let trusted = case.profile().signers(&fact.origin).any(|(s, n)| s.iss.as_deref() == Some(iss) && n.accepted > 0);
    reason_is_open(fact)
        && jwt.window(case, fact) == Window::Open
        && !trusted
        && !controls.is_empty()
        && controls.iter().all(|(_, other)| other.claims.iss.as_deref().is_some_and(|other| other != iss))
}

/// No stated reason, and the settings name the issuers of this API: this is none of them.
fn is_undeclared(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>) -> bool {
    let foreign = |iss: &str| case.capture().expectations().is_foreign_issuer(iss);
    jwt.window(case, fact) == Window::Open && jwt.claims.iss.as_deref().is_some_and(foreign)
}

fn draft(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, controls: &[Control<'_>]) -> Draft {
    let iss = jwt.claims.iss.as_deref();
    let control = controls.iter().find(|(_, other)| other.claims.iss.is_some() && other.claims.iss != jwt.claims.iss);
    let published =
        case.facts().find(|f| f.discovered_issuer.as_deref().is_some_and(|d| iss.is_some_and(|i| near(d, i))));
    let wanted = control
        .and_then(|(_, other)| other.claims.iss.as_deref())
        .or_else(|| published.and_then(|f| f.discovered_issuer.as_deref()));
    let undeclared = is_undeclared(case, fact, jwt);
    let declared = case.capture().expectations().issuers.first().map(|issuer| &**issuer).filter(|_| undeclared);
    let wanted = wanted.or(declared);
    let has = iss.map_or_else(|| "absent".to_owned(), |iss| quoted([iss].into_iter()));
    let mut draft = Draft::new(&RULE.meta, fact)
        .credential(jwt.id())
        .message(message(fact, iss, wanted))
        .because(Reason::WireFact)
        .because_if(control.is_some(), Reason::Control)
        .because_if(undeclared, Reason::Document)
        .because_server_says(fact)
        .capped([Cap::TokenSays])
        .capped((iss.is_some() && wanted.is_none()).then_some(Cap::NoControl))
        .primary(fact.id, "token.claim.iss", has)
        .related(fact.id, &jwt.part(), case.capture().describe(jwt.id()))
        .server_says(fact)
        .cause(format!("{} {}", fact.origin, iss.unwrap_or_default()));
    if let Some((ok, other)) = control {
        let iss = quoted(other.claims.iss.as_deref().into_iter());
        draft = draft.related(ok.id, "token.claim.iss", format!("{iss}, accepted on {}", ok.route));
    }
    if let Some(document) = published {
        let issuer = quoted(document.discovered_issuer.as_deref().into_iter());
        draft = draft.related(document.id, "response.body.issuer", format!("the provider calls itself {issuer}"));
    }
    draft
}

/// Whether two issuers are one apart from scheme and trailing slash: verifiers compare the exact string.
fn near(a: &str, b: &str) -> bool {
    let bare = |s: &str| s.trim_end_matches('/').split("://").last().unwrap_or_default().to_ascii_lowercase();
    a != b && bare(a) == bare(b)
}

fn message(fact: &Fact, iss: Option<&str>, wanted: Option<&str>) -> String {
    let (route, status) = (&fact.route, fact.status.unwrap_or_default());
    let quote = |value: &str| quoted([value].into_iter());
    match (iss, wanted) {
        (None, _) => format!("{route} answered {status} to a token without an iss claim, which this API requires."),
        (Some(iss), None) => {
            format!(
                "{route} answered {status} to a token from {}; the server says that it does not trust this issuer.",
                quote(iss)
            )
        }
        (Some(iss), Some(wanted)) if near(iss, wanted) => format!(
            "{route} answered {status} to a token from {}; the issuer it trusts reads {}, and verifiers compare every character.",
            quote(iss),
            quote(wanted)
        ),
        (Some(iss), Some(wanted)) => format!(
            "{route} answered {status} to a token from {}; the tokens that this API accepts come from {}{}.",
            quote(iss),
            quote(wanted),
            first_difference(iss, wanted)
        ),
    }
}

/// Where two issuers part, said only where that helps: they begin alike.
fn first_difference(a: &str, b: &str) -> String {
    let shared = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
    let scheme = a.find("://").map_or(0, |at| at + 3);
    if shared > scheme { format!(" (they differ from character {} on)", shared + 1) } else { String::new() }
}
