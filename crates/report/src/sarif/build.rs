//! Fills the log from a view.

use std::collections::BTreeMap;

use authtrace_analyze::{
    EvidenceRole, Finding, FindingId, Severity,
    catalogue::{Layer, RuleMeta},
    facts::Fact,
};
use authtrace_parse::Locator;

use super::log::{
    Artifact, ArtifactLocation, CodeFlow, Configuration, Descriptor, Driver, Finding as Outcome, FindingProperties,
    FlowLocation, Help, Invocation, Location, LocationMessage, Log, LogicalLocation, Message, Notification,
    PhysicalLocation, Region, Rule, RuleProperties, Run, Suppression, ThreadFlow, Tool,
};
use crate::{json::listed, view::View};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn log(view: &View<'_>) -> Log {
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "authtrace",
                semantic_version: env!("CARGO_PKG_VERSION"),
                rules: view.analysis.rules().map(rule).collect(),
            },
        },
        invocations: vec![Invocation { execution_successful: true, tool_execution_notifications: notifications(view) }],
        artifacts: artifacts(view),
        results: view.findings().map(|(id, f)| outcome(view, id, f)).collect(),
        column_kind: "unicodeCodePoints",
    };
    Log { schema: SCHEMA, version: "2.1.0", runs: vec![run] }
}

fn rule(rule: &'static RuleMeta) -> Rule {
    Rule {
        id: rule.code,
        name: pascal(rule.id),
        short_description: text(rule.title),
        full_description: text(section(rule.spec, "## What it detects")),
        help: Help { text: section(rule.spec, "## Why it matters"), markdown: rule.spec },
        default_configuration: Configuration { level: level(rule.severity) },
        properties: RuleProperties {
            tags: if rule.layer == Layer::Capture { vec!["coverage"] } else { vec!["security", "authentication"] },
            security_severity: match rule.severity {
                Severity::Critical => "9.0",
                Severity::High => "7.0",
                Severity::Medium => "4.0",
                Severity::Low => "2.0",
                Severity::Info => "0.0",
            },
        },
    }
}

/// `missing-authorization` as the standard likes names: `MissingAuthorization`.
fn pascal(id: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    id.split('-').map(capital).collect()
}

/// The first paragraph below `heading`, on one line.
fn section(spec: &str, heading: &str) -> String {
    let below = spec.split_once(heading).map(|(_, below)| below.trim_start()).unwrap_or_default();
    below.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text(text: impl Into<String>) -> Message {
    Message { text: text.into() }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn notifications(view: &View<'_>) -> Vec<Notification> {
    let one = |gap: &authtrace_analyze::coverage::Coverage| Notification {
        descriptor: Descriptor { id: gap.rule.code },
        level: "warning",
        message: text(gap.says.clone()),
    };
    view.analysis.coverage.iter().map(one).collect()
}

fn artifacts(view: &View<'_>) -> Vec<Artifact> {
    let one = |(index, input): (usize, &authtrace_analyze::coverage::Input)| Artifact {
        location: ArtifactLocation { uri: uri(&input.path), index },
        length: input.bytes,
        hashes: BTreeMap::from([("sha-256", input.sha256.iter().map(|byte| format!("{byte:02x}")).collect())]),
    };
    view.analysis.capture.inputs.iter().enumerate().map(one).collect()
}

fn outcome(view: &View<'_>, id: FindingId, finding: &Finding) -> Outcome {
    let place = |exchange| view.analysis.fact(exchange).map(|fact| location(view, fact));
    let first = finding.first_exchange().and_then(place);
    let related = finding.exchanges.iter().skip(1).take(99).filter_map(|id| place(*id));
    let related = related.enumerate().map(|(index, at)| Location { id: Some(index + 1), ..at });
    let incident = view.incidents().iter().find(|incident| incident.findings.contains(&id));
    Outcome {
        rule_id: finding.rule.code,
        rule_index: view.analysis.rules().position(|rule| rule.code == finding.rule.code).unwrap_or_default(),
        level: level(finding.severity),
        kind: "fail",
        message: text(finding.message.clone()),
        locations: first.into_iter().collect(),
        related_locations: related.collect(),
        code_flows: vec![CodeFlow { thread_flows: vec![flow(view, id, finding)] }],
        partial_fingerprints: BTreeMap::from([("authtraceFinding/v1", finding.fingerprint())]),
        suppressions: suppressions(view, id),
        rank: (finding.confidence().value() * 100.0).round(),
        properties: FindingProperties {
            severity: finding.severity.name(),
            confidence: finding.confidence().value(),
            incident: incident.map(|incident| incident.id.to_string()),
            caused_by: view.analysis.caused_by(id).filter(|cause| view.keeps(*cause)).map(|cause| cause.to_string()),
            origin: finding.origin.to_string(),
            route: finding.route.to_string(),
            exchanges: listed(&finding.exchanges),
        },
    }
}

/// From the root cause to this finding, each with its proof.
fn flow(view: &View<'_>, id: FindingId, finding: &Finding) -> ThreadFlow {
    let mut chain = vec![finding];
    let mut at = id;
    while let Some(cause) = view.analysis.caused_by(at).filter(|cause| view.keeps(*cause)) {
        let Some(cause_finding) = view.analysis.finding(cause) else { break };
        if chain.iter().any(|known| std::ptr::eq(*known, cause_finding)) {
            break;
        }
        chain.push(cause_finding);
        at = cause;
    }
    let mut locations = Vec::new();
    for finding in chain.iter().rev() {
        for evidence in &finding.evidence {
            let Some(fact) = view.analysis.fact(evidence.exchange) else { continue };
            let says = format!("{} {}: {} is {}", finding.rule.code, fact.route, evidence.part, evidence.says);
            locations.push(FlowLocation {
                location: Location { message: Some(LocationMessage { text: says }), ..location(view, fact) },
                execution_order: locations.len() + 1,
                importance: if evidence.role == EvidenceRole::Primary { "essential" } else { "important" },
            });
        }
    }
    ThreadFlow { locations }
}

fn suppressions(view: &View<'_>, id: FindingId) -> Vec<Suppression> {
    let one = |accepted: &crate::view::Acceptance| Suppression {
        kind: "external",
        status: "accepted",
        justification: accepted.reason.clone(),
    };
    view.acceptance(id).map(one).into_iter().collect()
}

fn location(view: &View<'_>, fact: &Fact) -> Location {
    let index = usize::from(fact.source.input);
    let path = view.analysis.capture.inputs.get(index).map_or("", |input| input.path.as_str());
    let (name, kind) = match fact.source.locator {
        Locator::Entry(entry) => (format!("/log/entries/{entry}"), "object"),
        Locator::Frames { request, response, stream } => {
            let stream = stream.map(|stream| format!(" stream {stream}")).unwrap_or_default();
            (format!("frame {}{stream}", request.or(response).unwrap_or_default()), "member")
        }
    };
    Location {
        id: None,
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri: uri(path), index },
            region: Region { start_line: 1 },
        },
        logical_locations: vec![LogicalLocation { fully_qualified_name: name, kind }],
        message: None,
    }
}

/// A path as a URI reference (RFC 3986 §4.1): relative stays relative, whatever else is spelled out.
fn uri(path: &str) -> String {
    let mut out = String::new();
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri("captures/a b:c.har"), "captures/a%20b%3Ac.har");
        assert_eq!(uri("/tmp/ü.har"), "file:///tmp/%C3%BC.har");
        assert_eq!(pascal("missing-authorization"), "MissingAuthorization");
    }
}
