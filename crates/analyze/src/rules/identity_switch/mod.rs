//! AUTH054: who is signed in changes without a login: another user's token, or a session that the server forgets each time.

mod principal;
mod store;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    finding::Severity,
    rule::{Check, Findings, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH054",
        id: "identity-switch",
        title: "Identity changes without a login",
        severity: Severity::Medium,
        layer: Layer::Session,
        tier: Tier::T3,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.session-store", "be.no-shared-cache"],
    },
    check: Check::Timeline(check),
};

fn check(case: &Case<'_>, out: &mut Findings) {
    out.add_all(principal::check(case));
    out.add_all(store::check(case));
}
