//! Services that an application works without: those that count its visitors or collect its errors.

use crate::{
    capture::Capture,
    catalogue::Layer,
    dictionary::{ThirdPartyKind, third_parties},
    finding::{Finding, Severity},
};

/// Makes little of what such a service refuses. What it is given stays as grave as it is: that is a matter of hygiene.
pub(crate) fn lower(capture: &Capture, finding: &mut Finding) {
    if finding.severity <= Severity::Low || finding.rule.layer == Layer::Hygiene {
        return;
    }
    let host = finding.first_exchange().and_then(|id| capture.fact(id)).map(|fact| &fact.host);
    let kind = host.and_then(|host| third_parties().by_host(host)).map(|row| row.kind);
    if let Some(kind @ (ThirdPartyKind::Analytics | ThirdPartyKind::Errors)) = kind {
        finding.severity = Severity::Low;
        finding.severity_reason = Some(match kind {
            ThirdPartyKind::Errors => "a service that collects errors; nobody's sign-in depends on it",
            _ => "a service that counts visitors; nobody's sign-in depends on it",
        });
    }
}
