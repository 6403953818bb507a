//! One incident's chapter: sections 4 to 13, each from its own module.

use std::collections::BTreeSet;

use authtrace_analyze::{Severity, facts::Fact};

use super::{
    checks, evidence,
    family::Family,
    flow, mermaid,
    model::{Chapter, Contrast, Hypothesis, Line, Symptom},
    options,
    scene::{Scene, began},
    tree, whys,
};
use crate::words::{answer, certainty, some};

/// Symptoms that are listed.
const SYMPTOMS: usize = 12;

/// The chapter of `scene`; `parties` are the origins with the part each plays.
pub(super) fn chapter(scene: &Scene<'_>, parties: &[(String, String)]) -> Chapter {
    let family = Family::of(scene);
    let flow = flow::steps(scene, family);
    Chapter {
        id: scene.incident.id.to_string(),
        code: scene.root.rule.code,
        rule: scene.root.rule.id,
        title: scene.incident.title.clone(),
        severity: scene.incident.severity.name(),
        certainty: certainty(scene.incident.confidence),
        statement: scene.incident.statement.clone(),
        place: place(scene),
        symptoms: symptoms(scene),
        actual_diagram: mermaid::actual(scene, parties),
        expected_diagram: mermaid::expected(&flow),
        flow,
        evidence: evidence::chain(scene),
        hypotheses: hypotheses(scene),
        whys: whys::whys(scene, family),
        factors: factors(scene),
        contrast: contrast(scene),
        comparable: scene.has_accepted(),
        tree: tree::tree(scene),
        options: options::options(scene.incident),
        steps: checks::steps(scene),
        checks: checks::checks(scene, family),
        prevention: family.prevention().to_vec(),
    }
}

fn place(scene: &Scene<'_>) -> Vec<Line> {
    let routes: BTreeSet<String> = scene.same.iter().flat_map(|f| f.routes.iter().map(|r| r.to_string())).collect();
    let routes: Vec<String> = routes.into_iter().collect();
    let mut lines = vec![Line { label: "Where", text: format!("{} on {}", some(&routes, 5), scene.root.origin) }];
    if let Some(site) = scene.root.call_site.as_deref() {
        lines.push(Line { label: "Called by", text: site.to_owned() });
    }
    let times = || scene.failing.iter().filter_map(|f| began(f));
    if let (Some(first), Some(last)) = (times().min(), times().max()) {
        lines.push(Line { label: "When", text: super::front::period(first, last) });
    }
    if let Some(session) = scene.root.session {
        lines.push(Line { label: "Session", text: session.to_string() });
    }
    lines
}

/// Section 4: equal refusals are one symptom, under an id that does not change between captures.
fn symptoms(scene: &Scene<'_>) -> Vec<Symptom> {
    let mut symptoms: Vec<Symptom> = Vec::new();
    let facts =
        scene.incident.exchanges.iter().filter_map(|id| scene.view.analysis.fact(*id)).filter(|f| !f.succeeded());
    for fact in facts {
        let (request, answer, said) = (fact.route.to_string(), answer(fact), said(fact));
        match symptoms.iter_mut().find(|s| s.request == request && s.answer == answer && s.said == said) {
            Some(symptom) => symptom.count += 1,
            None => symptoms.push(Symptom {
                id: format!("{}-{:02}", scene.root.rule.code, symptoms.len() + 1),
                request,
                answer,
                said,
                count: 1,
                first: fact.id.0,
            }),
        }
        if symptoms.len() > SYMPTOMS {
            break;
        }
    }
    symptoms.truncate(SYMPTOMS);
    symptoms
}

/// The server's own words, scrubbed.
fn said(fact: &Fact) -> Option<String> {
    fact.outcome.error_text.as_deref().map(str::to_owned)
}

fn hypotheses(scene: &Scene<'_>) -> Vec<Hypothesis> {
    let one = |judged: &authtrace_analyze::Judged| {
        let ids: BTreeSet<u32> = judged.evidence.iter().map(|e| e.exchange.0).collect();
        Hypothesis {
            id: judged.id,
            statement: judged.statement,
            verdict: judged.verdict.name(),
            because: judged.because.clone(),
            exchanges: ids.into_iter().collect(),
            needs: judged.needs,
        }
    };
    scene.incident.hypotheses.iter().map(one).collect()
}

/// Section 9: what makes it worse or harder to see, and is true on its own.
fn factors(scene: &Scene<'_>) -> Vec<String> {
    const MOST: usize = 6;
    let capture = &scene.view.analysis.capture;
    let mut factors = Vec::new();
    for (a, b) in &capture.key_twins {
        factors.push(format!("The keys {a} and {b} differ only by surrounding white space."));
    }
    let concerned: BTreeSet<&str> = scene.failing.iter().map(|f| &*f.origin).collect();
    for (_, finding) in scene.view.findings() {
        let inside = scene.findings().any(|f| std::ptr::eq(f, finding));
        if !inside && finding.severity <= Severity::Medium && concerned.contains(&*finding.origin) {
            let text = format!("{} {}: {}", finding.rule.code, finding.title, finding.route);
            if !factors.contains(&text) {
                factors.push(text);
            }
        }
    }
    factors.truncate(MOST);
    factors
}

fn contrast(scene: &Scene<'_>) -> Vec<Contrast> {
    let one = |c: &authtrace_analyze::Contrast| Contrast {
        feature: c.feature.clone(),
        failing: c.failing.clone(),
        working: c.succeeding.clone(),
        exact: c.exact,
    };
    scene.incident.contrast.iter().map(one).collect()
}
