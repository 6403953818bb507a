//! AUTH003: one call site or route goes around the client that attaches the token.

mod calls;

use std::time::Duration;

use std::collections::BTreeSet;

use calls::Calls;

use crate::{
    case::{Case, Lack},
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, credential::Carrier},
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::{Text, answered},
    thresholds::thresholds,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH003",
        id: "auth-client-bypassed",
        title: "Call goes around the client that attaches the token",
        severity: Severity::High,
        layer: Layer::Client,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.single-client"],
    },
    check: Check::Timeline(check),
};

// When one way of calling an API stands out against the others.
thresholds! {
    /// Calls in the other group; two could be chance.
    others_min: count = 3,
    /// Share of the others that carries the token: the shared client always does, bar a slip at start-up.
    others_ratio: share = 0.9,
    /// Share of the suspect calls that may carry it: a wrapper that sometimes attaches it is no bypass.
    suspects_ratio: share = 0.1,
    /// A call with the token this long before proves that the page had it; longer ago it may be gone.
    overlap: time = Duration::from_secs(60),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let bare = |fact: &&Fact| !fact.role.delivers() && fact.redirected_from.is_none();
    let lacking = case.refusals().filter(bare).filter_map(|fact| Some((fact, case.lacks_credential(fact)?)));
    let lacking: Vec<(&Fact, Lack)> = lacking.collect();
    if lacking.is_empty() {
        return;
    }
    let calls = Calls::of(case);
    let mut proven: BTreeSet<(Text, Text)> = BTreeSet::new();
    for (fact, _) in &lacking {
        if calls.had_token(fact).is_some() && calls.split(fact).is_some() {
            proven.insert((fact.origin.clone(), fact.route.clone()));
        }
    }
    for (fact, lack) in &lacking {
        if !proven.contains(&(fact.origin.clone(), fact.route.clone())) {
            continue;
        }
        if let Some(split) = calls.split(fact) {
            out.add(draft(&calls, fact, lack, &split));
        }
    }
}

/// How the suspect calls were told from the others.
struct Split<'a> {
    by_site: bool,
    suspects: (usize, usize),
    others: (usize, usize),
    same_group: bool,
    control: &'a Fact,
}

/// The call site, else what the client library shows of itself.
fn site(fact: &Fact) -> &str {
    match &fact.call_site {
        Some(site) => site,
        None => accept(fact),
    }
}

fn accept(fact: &Fact) -> &str {
    fact.client_signature.split("; content-type").next().unwrap_or_default()
}

fn draft(calls: &Calls<'_>, fact: &Fact, lack: &Lack, split: &Split<'_>) -> Draft {
    let (before, after) = (calls.had_token(fact), calls.carried_after(fact));
    let draft = Draft::new(&RULE.meta, fact)
        .message(message(fact, split, before.is_some() && after.is_some()))
        // Without a word of the server that a credential is missing, only the comparison says why it refused.
        .because(if fact.outcome.error.is_some() || lack.says_missing || fact.status == Some(401) {
            Reason::WireFact
        } else {
            Reason::Timing
        })
        .because(Reason::Control)
        .because_server_says(fact)
        .capped(lack.caps.iter().copied().filter(|cap| *cap != Cap::NoControl))
        .capped((!split.same_group).then_some(Cap::NoControl))
        .primary(fact.id, "request.header.authorization", "absent")
        .related(
            split.control.id,
            "request.header.authorization",
            format!("present on {}, and accepted", split.control.route),
        )
        .server_says(fact)
        .cause(fact.call_site.as_deref().unwrap_or(&fact.origin));
    let draft = match before.filter(|before| before.id != split.control.id) {
        Some(before) => {
            draft.related(before.id, "request.header.authorization", "present on the same page before the call")
        }
        None => draft,
    };
    let draft = match after {
        Some(after) => draft.because(Reason::Timing).related(
            after.id,
            "request.header.authorization",
            "present on the same page after the call",
        ),
        None => draft,
    };
    let draft = match lack.preflight {
        Some(id) => {
            draft.related(id, "request.header.access-control-request-headers", "does not ask for authorization")
        }
        None => draft,
    };
    if split.by_site && accept(fact) != accept(split.control) {
        return draft.related(
            fact.id,
            "request.header.accept",
            format!("another HTTP client: `{}` here, `{}` there", accept(fact), accept(split.control)),
        );
    }
    draft
}

/// What the others carry, for messages.
fn carrier(control: &Fact) -> String {
    let others = || control.credentials.iter().find(|c| !c.is_cookie()).map(|c| &c.carrier);
    match (control.authorization(), others()) {
        (None, Some(Carrier::Header(name))) => format!("the header `{name}`"),
        (None, Some(Carrier::Query(name))) => format!("the query parameter `{name}`"),
        _ => "Authorization".to_owned(),
    }
}

fn message(fact: &Fact, split: &Split<'_>, enclosed: bool) -> String {
    let (without, all) = (split.suspects.1 - split.suspects.0, split.suspects.1);
    let (with, others) = split.others;
    let scope = if split.same_group { "the same API" } else { "the same origin" };
    let whose = match (&fact.call_site, split.by_site) {
        (Some(site), true) => format!("made by {site}"),
        (None, true) => format!("made by the HTTP client that sends `{}`", accept(fact)),
        _ => "to this route".to_owned(),
    };
    let what = if all == 1 { format!("the one call {whose}") } else { format!("{without} of {all} calls {whose}") };
    let when = if enclosed { "; the page's calls right before and after it carried it" } else { "" };
    format!(
        "{} {}: {what} went out without {}, while {with} of {others} other calls to {scope} carried it{when}.",
        fact.route,
        answered(fact.status),
        carrier(split.control)
    )
}
