//! Services that an application works without: those that count its visitors or collect its errors.

use crate::{
    capture::Capture,
    catalogue::Layer,
    dictionary::{ThirdPartyKind, third_parties},
    facts::Fact,
    finding::{Finding, Severity},
};

/// Makes little of what such a service refuses. What it is given stays as grave as it is: a token of the application itself is
/// none of its business.
pub(crate) fn lower(capture: &Capture, finding: &mut Finding) {
    if finding.severity <= Severity::Low || finding.rule.layer == Layer::Hygiene {
        return;
    }
    let Some(fact) = finding.first_exchange().and_then(|id| capture.fact(id)) else { return };
    let kind =
        third_parties().by_host(&fact.host).map(|row| row.kind).filter(|_| !is_of_application(capture, finding, fact));
    if let Some(kind @ (ThirdPartyKind::Analytics | ThirdPartyKind::Errors)) = kind {
        finding.severity = Severity::Low;
        finding.severity_reason = Some(match kind {
            ThirdPartyKind::Errors => "a service that collects errors; nobody's sign-in depends on it",
            _ => "a service that counts visitors; nobody's sign-in depends on it",
        });
    }
}

/// Whether the credential that the finding is about went to, or came from, somebody else as well.
fn is_of_application(capture: &Capture, finding: &Finding, fact: &Fact) -> bool {
    finding.credential.is_some_and(|id| {
        let token = capture.tokens.get(id);
        let mut others = token.sent_in.iter().chain(&token.delivered_by).filter_map(|&id| capture.fact(id));
        others.any(|other| other.origin != fact.origin)
    })
}
