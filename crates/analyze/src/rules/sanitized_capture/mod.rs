//! CAP200: the exporter removed the credentials, so no header may be called absent.

use crate::{
    capture::Capture,
    catalogue::{Layer, RuleMeta, Tier},
    coverage::Coverage,
    finding::Severity,
    rule::{Check, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "CAP200",
        id: "sanitized-capture",
        title: "Credentials were removed from the capture",
        severity: Severity::Info,
        layer: Layer::Capture,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &[],
    },
    check: Check::Coverage(check),
};

fn check(capture: &Capture) -> Vec<Coverage> {
    let says = |path: &str| {
        format!(
            "{path} was exported without Authorization, Cookie and Set-Cookie: whether a request carried a credential is \
             known only where its preflight tells."
        )
    };
    capture
        .sanitized_inputs()
        .map(|input| Coverage {
            rule: &RULE.meta,
            says: says(&input.path),
            affects: &["AUTH001", "AUTH002", "AUTH003", "AUTH004", "AUTH005", "AUTH010", "AUTH011", "AUTH020", "AUTH050", "AUTH051"],
            remedy: Some(
                "In Chrome DevTools: Settings › Preferences › Network › \"Allow to generate HAR with sensitive data\", then hold \
                 the export button of the Network panel and choose \"Export HAR (with sensitive data)…\".",
            ),
        })
        .collect()
}
