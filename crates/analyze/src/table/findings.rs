//! The table `findings`: one row a rule's judgement, with the incident that it belongs to.

use super::{ColumnDef, ColumnType, Values};
use crate::{
    analysis::Analysis,
    finding::{Finding, FindingId},
};

/// Every column of the table.
pub(super) const SCHEMA: &[ColumnDef] = &[
    ColumnDef::new("id", ColumnType::Text, "finding (F1, F2…)"),
    ColumnDef::new("code", ColumnType::Text, "code of the rule"),
    ColumnDef::new("rule", ColumnType::Text, "id of the rule"),
    ColumnDef::new("variant", ColumnType::Text, "variant within the rule"),
    ColumnDef::new("severity", ColumnType::Text, "critical, high, medium, low or info"),
    ColumnDef::new("confidence", ColumnType::Real, "probability that it is true, 0 to 1"),
    ColumnDef::new("title", ColumnType::Text, "what is wrong, in one line"),
    ColumnDef::new("message", ColumnType::Text, "what happened"),
    ColumnDef::new("origin", ColumnType::Text, "origin of the most affected route"),
    ColumnDef::new("route", ColumnType::Text, "most affected route"),
    ColumnDef::new("client_key", ColumnType::Int, "client"),
    ColumnDef::new("session", ColumnType::Text, "session, where one is known"),
    ColumnDef::new("token", ColumnType::Text, "credential that it is about"),
    ColumnDef::new("call_site", ColumnType::Text, "call site"),
    ColumnDef::new("first_exchange", ColumnType::Int, "first exchange concerned"),
    ColumnDef::new("exchanges", ColumnType::Int, "exchanges concerned, in all"),
    ColumnDef::new("incident", ColumnType::Text, "incident (I1, I2…)"),
    ColumnDef::new("caused_by", ColumnType::Text, "finding that caused it; null for a root"),
    ColumnDef::new("fingerprint", ColumnType::Text, "its identity across captures"),
    ColumnDef::new("cause", ColumnType::Text, "what findings of one rule share that make one incident"),
    ColumnDef::new("root_rule", ColumnType::Text, "code of the rule at the root of its incident"),
    ColumnDef::new("root_cause", ColumnType::Text, "cause of the root of its incident"),
    ColumnDef::new("session_first", ColumnType::Int, "first exchange of its session"),
];

/// Columns that number things over a whole capture: elsewhere, these numbers mean something else.
pub(super) const NUMBERED: &[&str] = &["id", "client_key", "session", "token", "incident", "caused_by"];

pub(super) fn values(column: &ColumnDef, ids: &[FindingId], analysis: &Analysis) -> Values {
    let findings = ids.iter().filter_map(|&id| Some((id, analysis.finding(id)?)));
    match column.kind {
        ColumnType::Int => Values::Int(findings.map(|(_, finding)| int(column.name, finding, analysis)).collect()),
        ColumnType::Real => Values::Real(findings.map(|(_, finding)| Some(finding.confidence().value())).collect()),
        ColumnType::Text => Values::Text(findings.map(|(id, f)| text(column.name, id, f, analysis)).collect()),
    }
}

fn int(name: &str, finding: &Finding, analysis: &Analysis) -> Option<i64> {
    match name {
        "client_key" => Some(i64::from(finding.client.0)),
        "first_exchange" => finding.first_exchange().map(|id| i64::from(id.0)),
        "exchanges" => i64::try_from(finding.exchanges.len()).ok(),
        "session_first" => Some(i64::from(analysis.capture.session(finding.session?)?.first_exchange.0)),
        _ => None,
    }
}

fn text(name: &str, id: FindingId, finding: &Finding, analysis: &Analysis) -> Option<String> {
    match name {
        "id" => Some(id.to_string()),
        "code" => Some(finding.rule.code.to_owned()),
        "rule" => Some(finding.rule.id.to_owned()),
        "variant" => finding.variant.map(str::to_owned),
        "severity" => Some(finding.severity.name().to_owned()),
        "title" => Some(finding.title.clone()),
        "message" => Some(finding.message.clone()),
        "origin" => Some(finding.origin.to_string()),
        "route" => Some(finding.route.to_string()),
        "session" => finding.session.map(|session| session.to_string()),
        "token" => finding.credential.map(|token| token.to_string()),
        "call_site" => finding.call_site.as_deref().map(str::to_owned),
        "incident" => analysis.incident_of(id).map(|incident| incident.id.to_string()),
        "caused_by" => analysis.caused_by(id).map(|cause| cause.to_string()),
        "fingerprint" => Some(finding.fingerprint()),
        "cause" => Some(finding.cause.to_string()),
        "root_rule" => Some(root(id, analysis)?.rule.code.to_owned()),
        "root_cause" => Some(root(id, analysis)?.cause.to_string()),
        _ => None,
    }
}

fn root(id: FindingId, analysis: &Analysis) -> Option<&Finding> {
    analysis.finding(analysis.incident_of(id)?.root)
}
