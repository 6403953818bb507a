//! AUTH022: two clocks that judge the same token disagree.

mod client;
mod issuer;
mod request;

use std::time::Duration;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    finding::Severity,
    rule::{Check, Findings, Rule},
    thresholds::thresholds,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH022",
        id: "clock-skew",
        title: "Clocks disagree",
        severity: Severity::Medium,
        layer: Layer::Token,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["be.leeway", "fe.proactive"],
    },
    check: Check::Timeline(check),
};

thresholds! {
    /// More than verifiers that allow some leeway mostly allow (detectors §12).
    warn: time = Duration::from_secs(30),
    /// Clocks that are further apart are those of a replayed or invented answer, not of two machines at work.
    most: time = Duration::from_secs(48 * 3600),
    /// An application refreshes this long before the expiry at most; earlier, its clock is the reason.
    margin: time = Duration::from_secs(60),
    /// Refreshes in a row that came too early: fewer may be a page that was reloaded.
    early: count = 3,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    out.add_all(issuer::check(case));
    out.add_all(client::check(case));
    out.add_all(request::check(case));
}
