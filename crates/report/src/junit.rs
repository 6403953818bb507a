//! JUnit XML: a case a rule, so that rules that found nothing show as passed and blinded ones as skipped.

use authtrace_analyze::{
    Finding, FindingId, Severity,
    catalogue::{Layer, RuleMeta},
};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::{hidden::visible, view::View, words::certainty};

/// The most characters of one message.
const LONGEST: usize = 2000;

/// The report; a rule fails from severity `fail_on` on.
pub fn render(view: &View<'_>, fail_on: Severity) -> String {
    let mut suite = TestSuite::new(name(view));
    for rule in view.analysis.rules().filter(|rule| rule.layer != Layer::Capture) {
        suite.add_test_case(case(view, rule, fail_on));
    }
    let mut report = Report::new("authtrace");
    report.add_test_suite(suite);
    report.to_string().map(|text| text.trim_end().to_owned() + "\n").unwrap_or_default()
}

fn name(view: &View<'_>) -> String {
    let paths: Vec<&str> = view.analysis.capture.inputs.iter().map(|input| input.path.as_str()).collect();
    visible(&paths.join(" "), LONGEST).into_owned()
}

fn case(view: &View<'_>, rule: &RuleMeta, fail_on: Severity) -> TestCase {
    let found: Vec<(FindingId, &Finding)> = view.findings().filter(|(_, f)| f.rule.code == rule.code).collect();
    let (failing, tolerated): (Vec<_>, Vec<_>) =
        found.iter().partition(|(id, f)| f.severity >= fail_on && view.acceptance(*id).is_none());
    let mut case = TestCase::new(format!("{} {}", rule.code, rule.id), status(view, rule, &failing));
    case.set_classname("authtrace");
    if !tolerated.is_empty() {
        let lines: Vec<String> = tolerated.iter().map(|(_, f)| line(f)).collect();
        case.set_system_out(lines.join("\n"));
    }
    case
}

fn status(view: &View<'_>, rule: &RuleMeta, failing: &[&(FindingId, &Finding)]) -> TestCaseStatus {
    if let Some((_, first)) = failing.first() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let lines: Vec<String> = failing.iter().map(|(_, f)| line(f)).collect();
        status
            .set_message(visible(&first.title, LONGEST))
            .set_type(first.severity.name())
            .set_description(lines.join("\n"));
        return status;
    }
    // What the capture could not show has not passed.
    let blind = view.analysis.coverage.iter().find(|gap| gap.affects.contains(&rule.code));
    match blind {
        Some(gap) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(visible(&format!("{}: {}", gap.rule.code, gap.says), LONGEST));
            status
        }
        None => TestCaseStatus::success(),
    }
}

fn line(finding: &Finding) -> String {
    let text =
        format!("{}: {} ({}, {})", finding.route, finding.message, finding.severity, certainty(finding.confidence()));
    visible(&text, LONGEST).into_owned()
}
