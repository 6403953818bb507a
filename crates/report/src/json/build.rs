//! Fills the document from a view.

use authtrace_analyze::{
    EvidenceRole, Finding, FindingId, Incident,
    coverage::{Coverage, Input},
};

use super::{SCHEMA, document as doc, listed};
use crate::{moment::rfc3339, sessions, tokens, view::View};

pub(super) fn document(view: &View<'_>) -> doc::Document {
    let summary = view.analysis.summary();
    doc::Document {
        schema: SCHEMA,
        tool: doc::Tool { name: "authtrace", version: env!("CARGO_PKG_VERSION") },
        inputs: view.analysis.capture.inputs.iter().map(input).collect(),
        coverage: view.analysis.coverage.iter().map(coverage).collect(),
        summary: doc::Summary {
            exchanges: summary.exchanges,
            auth_failures: summary.auth_failures,
            protected: summary.protected,
            sessions: summary.sessions,
            tokens: summary.tokens,
            further_findings: view.analysis.elsewhere.findings.clone(),
        },
        incidents: view.incidents().iter().map(|i| incident(view, i)).collect(),
        findings: view.findings().map(|(id, f)| finding(view, id, f)).collect(),
        sessions: sessions::documents(view),
        tokens: tokens::documents(view),
    }
}

fn input(input: &Input) -> doc::Input {
    doc::Input {
        path: input.path.clone(),
        format: input.format.name(),
        sha256: input.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        bytes: input.bytes,
        exchanges: input.exchanges,
        first: input.first.map(rfc3339),
        last: input.last.map(rfc3339),
        creator: input.creator.as_deref().map(str::to_owned),
        truncated: input.truncated,
        anomalies: input.anomalies.clone(),
    }
}

fn coverage(coverage: &Coverage) -> doc::Coverage {
    doc::Coverage {
        code: coverage.rule.code,
        id: coverage.rule.id,
        says: coverage.says.clone(),
        affects: coverage.affects.to_vec(),
        remedy: coverage.remedy,
    }
}

pub(super) fn incident(view: &View<'_>, incident: &Incident) -> doc::Incident {
    let hypothesis = |judged: &authtrace_analyze::Judged| doc::Hypothesis {
        id: judged.id,
        statement: judged.statement,
        verdict: judged.verdict.name(),
        because: judged.because.clone(),
        evidence: judged.evidence.iter().map(shown).collect(),
        needs: judged.needs,
    };
    let contrast = |c: &authtrace_analyze::Contrast| doc::Contrast {
        feature: c.feature.clone(),
        failing: c.failing.clone(),
        succeeding: c.succeeding.clone(),
        exact: c.exact,
        chance: c.chance,
    };
    doc::Incident {
        id: incident.id.to_string(),
        root: incident.root.to_string(),
        title: incident.title.clone(),
        severity: incident.severity.name(),
        confidence: incident.confidence.value(),
        confidence_band: incident.confidence.band(),
        statement: incident.statement.clone(),
        findings: incident.findings.iter().filter(|id| view.keeps(**id)).map(FindingId::to_string).collect(),
        exchanges: listed(&incident.exchanges),
        exchanges_count: incident.exchanges.len(),
        hypotheses: incident.hypotheses.iter().map(hypothesis).collect(),
        contrast: incident.contrast.iter().map(contrast).collect(),
        compared: doc::Compared {
            failing: incident.compared.failing,
            succeeding: incident.compared.succeeding,
            same_route: incident.compared.same_route,
        },
        fixes: incident.fixes.iter().map(|f| doc::Fix { key: f.key, place: f.place, text: f.text }).collect(),
    }
}

fn shown(evidence: &authtrace_analyze::Evidence) -> doc::Shown {
    doc::Shown { exchange: evidence.exchange.0, part: evidence.part.to_string(), says: evidence.says.clone() }
}

pub(super) fn finding(view: &View<'_>, id: FindingId, finding: &Finding) -> doc::Finding {
    let confidence = finding.confidence();
    let cause = view.analysis.caused_by(id).filter(|cause| view.keeps(*cause));
    doc::Finding {
        id: id.to_string(),
        code: finding.rule.code,
        rule: finding.rule.id,
        variant: finding.variant,
        severity: finding.severity.name(),
        severity_reason: finding.severity_reason,
        confidence: confidence.value(),
        confidence_band: confidence.band(),
        title: finding.title.clone(),
        message: finding.message.clone(),
        origin: finding.origin.to_string(),
        route: finding.route.to_string(),
        routes: finding.routes.iter().map(|route| route.to_string()).collect(),
        session: finding.session.map(|session| session.to_string()),
        token: finding.credential.map(|token| token.to_string()),
        call_site: finding.call_site.as_deref().map(str::to_owned),
        exchanges: listed(&finding.exchanges),
        exchanges_count: finding.exchanges.len(),
        evidence: finding.evidence.iter().map(evidence).collect(),
        caused_by: cause.map(|cause| cause.to_string()),
        fixes: finding.fixes.clone(),
        fingerprint: finding.fingerprint(),
        accepted: view
            .acceptance(id)
            .map(|accepted| doc::Accepted { reason: accepted.reason.clone(), until: accepted.until.clone() }),
    }
}

fn evidence(evidence: &authtrace_analyze::Evidence) -> doc::Evidence {
    doc::Evidence {
        exchange: evidence.exchange.0,
        part: evidence.part.to_string(),
        role: match evidence.role {
            EvidenceRole::Primary => "primary",
            EvidenceRole::Related => "related",
        },
        says: evidence.says.clone(),
    }
}
