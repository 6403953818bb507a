//! The head of the report: what it is about, what it was made from, in six lines what it says, and who took part.

use std::collections::{BTreeMap, BTreeSet};

use authtrace_analyze::{
    Severity, Verdict,
    coverage::Input,
    facts::{Fact, role::Role},
};
use authtrace_parse::{Kind, Timestamp};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::{
    About,
    model::{Context, Front, InputLine, Line, Party},
    scene::Scene,
};
use crate::{
    moment::{date_and_time, rfc3339, span},
    view::View,
    words::{certainty, count, joined, some},
};

/// Section 0.
pub(super) fn front(view: &View<'_>, about: &About) -> Front {
    let inputs = &view.analysis.capture.inputs;
    Front {
        title: title(view),
        id: id(inputs),
        date: about.date.map(rfc3339),
        analyst: about.analyst.clone(),
        tool: format!("authtrace {}", env!("CARGO_PKG_VERSION")),
        status: status(view),
        priority: match view.worst() {
            Some(Severity::Critical) => "P1",
            Some(Severity::High) => "P2",
            Some(Severity::Medium) => "P3",
            _ => "P4",
        },
        inputs: inputs.iter().map(input).collect(),
    }
}

fn title(view: &View<'_>) -> String {
    match view.incidents() {
        [] if view.is_sanitized() => "No verdict: credentials were removed from the capture".to_owned(),
        [] => "No authentication incident".to_owned(),
        [one] => one.title.clone(),
        [first, rest @ ..] => format!("{}, and {}", first.title, count(rest.len(), "more incident")),
    }
}

/// Equal for equal inputs.
fn id(inputs: &[Input]) -> String {
    let mut digest = Sha256::new();
    inputs.iter().for_each(|input| digest.update(input.sha256));
    let hex: String = digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("AT-{hex}")
}

fn status(view: &View<'_>) -> String {
    let open =
        view.incidents().iter().flat_map(|i| &i.hypotheses).filter(|h| h.verdict == Verdict::Undecidable).count();
    match open {
        0 => "complete".to_owned(),
        _ => format!("partial: {} undecided", count(open, "hypothesis").replace("hypothesiss", "hypotheses")),
    }
}

fn input(input: &Input) -> InputLine {
    let creator = input.creator.as_deref().map(|creator| format!(", written by {creator}")).unwrap_or_default();
    InputLine {
        path: input.path.clone(),
        kind: format!("{}{creator}", input.format.name()),
        sha256: input.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        exchanges: input.exchanges,
        span: match (input.first, input.last) {
            (Some(first), Some(last)) => period(first, last),
            _ => "unknown".to_owned(),
        },
    }
}

/// `2026-11-25 18:09:30 UTC, within 12.4 s`
pub(super) fn period(first: Timestamp, last: Timestamp) -> String {
    let begin = date_and_time(first, &TimeZone::UTC);
    match last.nanos_since(first) {
        0 => format!("{begin} UTC"),
        nanos => format!("{begin} UTC, within {}", span(nanos)),
    }
}

/// Section 1: at most six lines.
pub(super) fn summary(view: &View<'_>, scenes: &[Scene<'_>], refused: &str) -> Vec<Line> {
    let Some(scene) = scenes.first() else {
        let text = if view.is_sanitized() {
            "Nothing was found, and nothing can be concluded: the exporter removed credentials from this capture."
        } else {
            "No call was refused for authentication in a way that needs an explanation."
        };
        return vec![Line { label: "Result", text: text.to_owned() }];
    };
    let incident = scene.incident;
    let of = |verdict| incident.hypotheses.iter().filter(move |h| h.verdict == verdict).count();
    let open: Vec<String> =
        incident.hypotheses.iter().filter(|h| h.verdict == Verdict::Undecidable).map(|h| h.id.to_owned()).collect();
    let mut lines = vec![
        Line { label: "Symptom", text: symptom(scene) },
        Line { label: "Root cause", text: incident.statement.clone() },
        Line {
            label: "Certainty",
            text: format!(
                "{}; {} ruled out",
                certainty(incident.confidence),
                count(of(Verdict::Rejected), "other explanation")
            ),
        },
        Line { label: "Blast radius", text: refused.to_owned() },
    ];
    if let Some(fix) = incident.fixes.first() {
        lines.push(Line { label: "Recommended", text: format!("{}: {}", fix.place, fix.text) });
    }
    let mut unknown = if open.is_empty() { "no explanation is left undecided".to_owned() } else { some(&open, 3) };
    if scenes.len() > 1 {
        unknown.push_str(&format!("; {} below", count(scenes.len() - 1, "more incident")));
    }
    lines.push(Line { label: "Open", text: unknown });
    lines
}

fn symptom(scene: &Scene<'_>) -> String {
    let routes: BTreeSet<&str> = scene.failing.iter().map(|f| &*f.route).collect();
    let routes: Vec<String> = routes.into_iter().map(str::to_owned).collect();
    let answers: BTreeSet<String> = scene.failing.iter().map(|f| crate::words::answer(f)).collect();
    let answers: Vec<String> = answers.into_iter().collect();
    match scene.failing.len() {
        0 => scene.incident.title.clone(),
        number => format!("{} of {} answered {}", count(number, "call"), some(&routes, 3), joined(&answers)),
    }
}

/// Section 2.
pub(super) fn context(view: &View<'_>, parties: &[(String, String)]) -> Context {
    let facts: Vec<&Fact> = view.facts().collect();
    let party = |(origin, part): &(String, String)| {
        let of: Vec<&&Fact> = facts.iter().filter(|f| *f.origin == **origin).collect();
        let stack = of.iter().find_map(|f| f.outcome.stack.as_deref()).filter(|stack| *stack != "application");
        let stack = stack.map(|stack| format!("answers worded by {stack}"));
        // `server via | header names`, `-` where there is none.
        let software = of.iter().filter_map(|f| f.responder.split(" |").next());
        let software = software.map(|text| text.trim_matches([' ', '-'])).find(|text| !text.is_empty());
        let known: Vec<String> = stack.into_iter().chain(software.map(|text| format!("server: {text}"))).collect();
        Party { origin: origin.clone(), part: part.clone(), exchanges: of.len(), known_by: known.join("; ") }
    };
    Context { parties: parties.iter().map(party).collect(), quality: quality(view) }
}

/// The origins of the capture with the part each plays, busiest first.
pub(super) fn parties(view: &View<'_>) -> Vec<(String, String)> {
    const MOST: usize = 12;
    let mut by_origin: BTreeMap<&str, (usize, BTreeMap<&str, usize>)> = BTreeMap::new();
    for fact in view.facts() {
        let (number, parts) = by_origin.entry(&fact.origin).or_default();
        *number += 1;
        *parts.entry(part(fact)).or_default() += 1;
    }
    let mut origins: Vec<_> = by_origin.into_iter().collect();
    origins.sort_by_key(|(origin, (number, _))| (std::cmp::Reverse(*number), *origin));
    // What tells most about an origin comes first: one login says more than a hundred files.
    const TELLING: [&str; 4] = ["provider", "API", "WebSocket", "pages and files"];
    let named = origins.iter().take(MOST).map(|(origin, (_, parts))| {
        let told: Vec<&str> = TELLING.into_iter().filter(|part| parts.contains_key(part)).collect();
        ((*origin).to_owned(), if told.is_empty() { "other".to_owned() } else { told.join(", ") })
    });
    named.collect()
}

fn part(fact: &Fact) -> &'static str {
    match fact.role {
        _ if fact.kind == Kind::WebSocket => "WebSocket",
        Role::Static => "pages and files",
        _ if fact.is_document => "pages and files",
        Role::Preflight => "preflight",
        role if role.is_identity() => "provider",
        // What a provider answers to a cookie looks like an API's; an Authorization or a refusal tells.
        _ if fact.authorization().is_some() || fact.refused() => "API",
        _ => "other",
    }
}

fn quality(view: &View<'_>) -> Vec<String> {
    let capture = &view.analysis.capture;
    let mut lines = Vec::new();
    for input in &capture.inputs {
        let odd: Vec<String> = input.anomalies.iter().map(|(name, number)| format!("{name} ×{number}")).collect();
        let odd = if odd.is_empty() { "no oddity met".to_owned() } else { format!("met: {}", odd.join(", ")) };
        let cut = if input.truncated { "; it ends in the middle" } else { "" };
        lines.push(format!("{}: {}, {odd}{cut}.", input.path, count(input.exchanges as usize, "exchange")));
    }
    if !view.analysis.coverage.is_empty() {
        let codes: Vec<String> = view.analysis.coverage.iter().map(|c| c.rule.code.to_owned()).collect();
        lines.push(format!("Gaps that limit this report: {} (see Limits).", joined(&codes)));
    }
    lines.push(if capture.has_keys {
        "Signatures were checked with the keys that were given.".to_owned()
    } else {
        "No key was given: no signature was checked.".to_owned()
    });
    lines
}
