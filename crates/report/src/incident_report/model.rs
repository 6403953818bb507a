//! The report as plain data, written once from an analysis and rendered three times; no style, no secret, no markup.
//!
//! Field names are what a team's own template reads. Section numbers are those of the outline in `docs/reports.md`.

use serde::Serialize;

/// An incident report.
#[derive(Serialize)]
#[expect(missing_docs, reason = "section names; docs/reports.md describes them")]
pub struct Report {
    pub front: Front,
    pub summary: Vec<Line>,
    pub context: Context,
    pub impact: Impact,
    pub incidents: Vec<Chapter>,
    /// Incidents beyond those with a chapter of their own, and findings of none.
    pub also: Vec<Also>,
    pub limits: Limits,
    pub appendix: Appendix,
}

/// 0: what this is a report of.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Front {
    pub title: String,
    /// Derived from the inputs' content, equal in every run.
    pub id: String,
    /// When the report was written, where the caller says so: the reports of one capture are equal otherwise.
    pub date: Option<String>,
    pub analyst: Option<String>,
    pub tool: String,
    pub status: String,
    pub priority: &'static str,
    pub inputs: Vec<InputLine>,
}

/// One input.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct InputLine {
    pub path: String,
    pub kind: String,
    pub sha256: String,
    pub exchanges: u32,
    pub span: String,
}

/// A label and a text.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Line {
    pub label: &'static str,
    pub text: String,
}

/// 2: who took part and how well it was seen.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Context {
    pub parties: Vec<Party>,
    pub quality: Vec<String>,
}

/// One origin.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Party {
    pub origin: String,
    pub part: String,
    pub exchanges: usize,
    pub known_by: String,
}

/// 3: what broke, in numbers.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Impact {
    pub lines: Vec<Line>,
    pub groups: Vec<GroupLine>,
}

/// One API group.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct GroupLine {
    pub group: String,
    pub requests: usize,
    pub refused: usize,
    pub accepted: usize,
}

/// Everything about one incident: sections 4 to 13.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Chapter {
    pub id: String,
    pub code: &'static str,
    pub rule: &'static str,
    pub title: String,
    pub severity: &'static str,
    pub certainty: String,
    pub statement: String,
    pub place: Vec<Line>,
    pub symptoms: Vec<Symptom>,
    pub flow: Vec<Step>,
    pub actual_diagram: String,
    pub expected_diagram: String,
    pub evidence: Vec<Proof>,
    pub hypotheses: Vec<Hypothesis>,
    pub whys: Vec<Why>,
    pub factors: Vec<String>,
    pub contrast: Vec<Contrast>,
    /// Whether an accepted call of the same API is in the capture.
    pub comparable: bool,
    pub tree: Vec<Branch>,
    pub options: Vec<FixOption>,
    pub steps: Vec<String>,
    pub checks: Vec<Check>,
    pub prevention: Vec<&'static str>,
}

/// 4: what somebody saw, as it was on the wire.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Symptom {
    pub id: String,
    pub request: String,
    pub answer: String,
    pub said: Option<String>,
    pub count: usize,
    pub first: u32,
}

/// 5: one step of the flow.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Step {
    pub number: usize,
    pub mark: Mark,
    pub expected: String,
    pub actual: String,
    /// Since the step before, where both are in the capture: `+806 ms`.
    pub after: Option<String>,
    pub exchange: Option<u32>,
}

/// Whether a step went as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// As expected.
    Ok,
    /// Not as expected.
    Bad,
    /// As expected, too late.
    Late,
    /// The capture does not show it.
    Unseen,
}

/// 6: one exchange as a link of the evidence chain.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Proof {
    pub id: String,
    pub exchange: u32,
    pub request: String,
    pub time: Option<String>,
    pub primary: bool,
    pub facts: Vec<Shown>,
    pub proves: Vec<&'static str>,
    pub proves_not: Vec<&'static str>,
}

/// A part of an exchange and what stands there.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Shown {
    pub part: String,
    pub says: String,
}

/// 7: a competing explanation.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Hypothesis {
    pub id: &'static str,
    pub statement: &'static str,
    pub verdict: &'static str,
    pub because: String,
    pub exchanges: Vec<u32>,
    pub needs: Option<&'static str>,
}

/// 8: one why.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Why {
    pub question: String,
    pub answer: String,
    /// False where the wire cannot answer: it needs code or configuration.
    pub on_wire: bool,
}

/// 9: what separates what fails from what works.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Contrast {
    pub feature: String,
    pub failing: String,
    pub working: String,
    /// Whether it holds for every call; else for most of them.
    pub exact: bool,
}

/// 10: a cause with what followed from it.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Branch {
    pub code: &'static str,
    pub title: String,
    pub severity: &'static str,
    pub routes: Vec<String>,
    pub requests: usize,
    pub depth: usize,
    pub children: Vec<Branch>,
}

/// 11: something that can be done.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct FixOption {
    pub key: &'static str,
    #[serde(rename = "where")]
    pub place: &'static str,
    pub change: &'static str,
    pub pros: &'static str,
    pub cons: &'static str,
    pub effort: &'static str,
    pub term: &'static str,
    pub recommended: bool,
}

/// 12: an assertion that `authtrace verify` evaluates on the next capture.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(PartialEq, Debug))]
#[expect(missing_docs, reason = "as above")]
pub struct Check {
    pub id: String,
    pub says: String,
    /// SQL over the columns of `exchanges`, as for `--filter`.
    pub filter: String,
    pub at_least: Option<usize>,
    pub at_most: Option<usize>,
}

/// What has no chapter.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Also {
    pub id: String,
    pub code: &'static str,
    pub severity: &'static str,
    pub certainty: String,
    pub title: String,
    pub text: String,
}

/// 14: what this report cannot say.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Limits {
    pub coverage: Vec<Gap>,
    pub questions: Vec<Question>,
}

/// What the capture could not show.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Gap {
    pub code: &'static str,
    pub title: &'static str,
    pub says: String,
    pub affects: Vec<&'static str>,
    pub remedy: Option<&'static str>,
}

/// A hypothesis that stays open, and what would decide it.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Question {
    pub incident: String,
    pub question: &'static str,
    pub needs: String,
}

/// 15: the material.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Appendix {
    pub timeline: Vec<Moment>,
    /// Exchanges that the timeline leaves out.
    pub omitted: usize,
    pub tokens: Vec<TokenLine>,
    pub more_tokens: usize,
    pub findings: Vec<FindingLine>,
    pub redaction: &'static str,
    pub references: Vec<String>,
}

/// One exchange of the timeline.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Moment {
    pub exchange: u32,
    pub time: Option<String>,
    pub request: String,
    pub answer: String,
    pub token: String,
    pub incidents: String,
    pub locator: String,
}

/// One credential.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct TokenLine {
    pub id: String,
    pub name: String,
    pub purpose: &'static str,
    pub carriers: String,
    pub life: String,
    pub sent: u32,
    pub accepted: u32,
    pub refused: u32,
}

/// One finding.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct FindingLine {
    pub id: String,
    pub code: &'static str,
    pub severity: &'static str,
    pub certainty: String,
    pub route: String,
    pub title: String,
    pub requests: usize,
    pub fingerprint: String,
}
