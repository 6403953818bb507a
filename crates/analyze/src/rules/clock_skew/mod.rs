//! AUTH022: two clocks that judge the same token disagree.

mod client;
mod issuer;
mod request;

use std::time::Duration;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta},
    finding::Severity,
    rule::{Check, Findings, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH022",
        id: "clock-skew",
        title: "Clocks disagree",
        severity: Severity::Medium,
        layer: Layer::Token,
        spec: include_str!("spec.md"),
        fixes: &["be.leeway", "fe.proactive"],
    },
    check: Check::Timeline(check),
};

struct Thresholds {
    /// More than verifiers that allow some leeway mostly allow (detectors §12).
    warn: Duration,
    /// Clocks that are further apart are those of a replayed or invented answer, not of two machines at work.
    most: Duration,
    /// An application refreshes this long before the expiry at most; earlier, its clock is the reason.
    margin: Duration,
    /// Refreshes in a row that came too early: fewer may be a page that was reloaded.
    early: usize,
}

const THRESHOLDS: Thresholds = Thresholds {
    warn: Duration::from_secs(30),
    most: Duration::from_secs(48 * 3600),
    margin: Duration::from_secs(60),
    early: 3,
};

fn check(case: &Case<'_>, out: &mut Findings) {
    out.add_all(issuer::check(case));
    out.add_all(client::check(case));
    out.add_all(request::check(case));
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
