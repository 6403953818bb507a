//! Limits and appendix: what this cannot say, the timeline, the credentials, the findings, what was redacted.

use std::collections::{BTreeMap, BTreeSet};

use authtrace_analyze::{FindingId, Verdict, facts::Fact};
use authtrace_parse::{ExchangeId, Locator};

use super::model::{Appendix, FindingLine, Gap, Limits, Moment, Question, TokenLine};
use crate::{
    moment::{span, stamp},
    tokens,
    view::View,
    words::{answer, certainty},
};

/// Rows of the timeline; a capture may hold millions.
const ROWS: usize = 200;
/// Credentials that are listed.
const TOKENS: usize = 50;
/// Findings that are listed.
const FINDINGS: usize = 200;

const REDACTION: &str = "No credential of the capture is in this report: tokens, passwords, cookies, codes and keys are named by kind, length and a keyed fingerprint (HMAC-SHA-256, first 8 hex digits). Claims that name a person are left out, subjects are fingerprints. Query strings are reduced to their keys, server texts are scrubbed and cut to 300 characters. The finished text was searched for every credential of the capture before it was written.";

/// Section 14.
pub(super) fn limits(view: &View<'_>) -> Limits {
    let gap = |c: &authtrace_analyze::coverage::Coverage| Gap {
        code: c.rule.code,
        title: c.rule.title,
        says: c.says.clone(),
        affects: c.affects.to_vec(),
        remedy: c.remedy,
    };
    let open = |i: &&authtrace_analyze::Incident| {
        let undecided = i.hypotheses.iter().filter(|h| h.verdict == Verdict::Undecidable);
        let ask = |h: &authtrace_analyze::Judged| Question {
            incident: i.id.to_string(),
            question: h.statement,
            needs: h.needs.unwrap_or("another capture").to_owned(),
        };
        undecided.map(ask).collect::<Vec<_>>()
    };
    Limits {
        coverage: view.analysis.coverage.iter().map(gap).collect(),
        questions: view.incidents().iter().flat_map(open).collect(),
    }
}

/// Section 15; `told` are the exchanges that the chapters tell, which stay in the timeline when others must go.
pub(super) fn appendix(view: &View<'_>, told: &BTreeSet<ExchangeId>) -> Appendix {
    let mut facts: Vec<&Fact> = view.facts().collect();
    let all = facts.len();
    if all > ROWS {
        let mut room = ROWS.saturating_sub(told.len().min(ROWS));
        facts.retain(|f| {
            let other = !told.contains(&f.id);
            let keep = !other || room > 0;
            room -= usize::from(other && keep);
            keep
        });
        facts.truncate(ROWS);
    }
    facts.sort_by_key(|f| (f.started_nanos(), f.id));
    let of = incidents(view);
    let mut inventory = inventory(view);
    let more_tokens = inventory.len().saturating_sub(TOKENS);
    inventory.truncate(TOKENS);
    Appendix {
        timeline: facts.iter().map(|fact| moment(fact, &of)).collect(),
        omitted: all - facts.len(),
        tokens: inventory,
        more_tokens,
        findings: view.findings().take(FINDINGS).map(|(id, f)| finding(id, f)).collect(),
        redaction: REDACTION,
        references: references(view),
    }
}

/// For each exchange the incidents that it belongs to.
fn incidents(view: &View<'_>) -> BTreeMap<ExchangeId, Vec<String>> {
    let mut of: BTreeMap<ExchangeId, Vec<String>> = BTreeMap::new();
    for incident in view.incidents() {
        for id in &incident.exchanges {
            of.entry(*id).or_default().push(incident.id.to_string());
        }
    }
    of
}

fn moment(fact: &Fact, of: &BTreeMap<ExchangeId, Vec<String>>) -> Moment {
    Moment {
        exchange: fact.id.0,
        time: super::scene::began(fact).map(stamp),
        request: format!("{} {}", fact.origin, fact.route),
        answer: answer(fact),
        token: fact.main_credential().map_or_else(String::new, |c| c.token.to_string()),
        incidents: of.get(&fact.id).map(|ids| ids.join(" ")).unwrap_or_default(),
        locator: match fact.source.locator {
            Locator::Entry(entry) => format!("entry {entry}"),
            Locator::Frames { request, response, stream } => {
                let frame = |frame: Option<u32>| frame.map_or_else(|| "–".to_owned(), |frame| frame.to_string());
                let stream = stream.map(|stream| format!(", stream {stream}")).unwrap_or_default();
                format!("frames {}, {}{stream}", frame(request), frame(response))
            }
        },
    }
}

fn inventory(view: &View<'_>) -> Vec<TokenLine> {
    let capture = &view.analysis.capture;
    let line = |(id, token): (authtrace_analyze::tokens::TokenId, &authtrace_analyze::tokens::Token)| {
        let carriers: Vec<String> = token.carriers.iter().map(ToString::to_string).collect();
        let life = tokens::claims(token).and_then(|c| Some(c.exp?.intended().nanos_since(c.iat?.intended())));
        TokenLine {
            id: id.to_string(),
            name: tokens::name(capture, id, token),
            purpose: token.purpose.map_or("", authtrace_analyze::tokens::Purpose::name),
            carriers: carriers.join(", "),
            life: life.map(span).unwrap_or_default(),
            sent: token.sent_count,
            accepted: token.accepted,
            refused: token.refused,
        }
    };
    tokens::in_focus(view).into_iter().map(line).collect()
}

fn finding(id: FindingId, finding: &authtrace_analyze::Finding) -> FindingLine {
    FindingLine {
        id: id.to_string(),
        code: finding.rule.code,
        severity: finding.severity.name(),
        certainty: certainty(finding.confidence()),
        route: finding.route.to_string(),
        title: finding.title.clone(),
        requests: finding.exchanges.len(),
        fingerprint: finding.fingerprint(),
    }
}

/// What the pages of the rules that spoke refer to.
fn references(view: &View<'_>) -> Vec<String> {
    let codes: BTreeMap<&str, &str> = view.findings().map(|(_, f)| (f.rule.code, f.rule.spec)).collect();
    let of = |(code, spec): (&str, &str)| {
        let text = spec.split_once("## References").map(|(_, text)| text.trim()).unwrap_or_default();
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!line.is_empty()).then(|| format!("{code}: {line}"))
    };
    codes.into_iter().filter_map(of).collect()
}
