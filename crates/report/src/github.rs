//! Workflow commands of GitHub Actions: one annotation an incident, one a finding of none.

use authtrace_analyze::{Finding, FindingId, Severity};

use crate::{hidden::visible, view::View};

/// The most characters of a message.
const LONGEST: usize = 1000;

/// The annotations, gravest first; what is accepted is left out.
pub fn annotations(view: &View<'_>) -> String {
    let roots = view.incidents().iter().map(|incident| (incident.root, incident.statement.as_str()));
    let within: Vec<FindingId> = view.incidents().iter().flat_map(|i| i.findings.iter().copied()).collect();
    let loose = view.findings().filter(|(id, _)| !within.contains(id)).map(|(id, f)| (id, f.message.as_str()));
    let line = |(id, says): (FindingId, &str)| Some(annotation(view, view.analysis.finding(id)?, says));
    roots.chain(loose).filter(|(id, _)| view.acceptance(*id).is_none()).filter_map(line).collect()
}

fn annotation(view: &View<'_>, finding: &Finding, says: &str) -> String {
    let command = match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    };
    let first = finding.first_exchange().and_then(|id| view.analysis.fact(id));
    let input = first.and_then(|f| view.analysis.capture.inputs.get(usize::from(f.source.input)));
    let file = input.map(|input| format!("file={},", property(&input.path))).unwrap_or_default();
    let title = property(&format!("{} {}", finding.rule.code, finding.title));
    format!("::{command} {file}title={title}::{}\n", data(&format!("{}: {says}", finding.route)))
}

/// A message: what would end the line or the command is escaped as the runner undoes it.
fn data(text: &str) -> String {
    visible(text, LONGEST).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, which commas and colons would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_cannot_be_ended() {
        assert_eq!(property("a,b:c%\n::error::x"), "a%2Cb%3Cc%25".replace("%3C", "%3A") + "\u{fffd}%3A%3Aerror%3A%3Ax");
    }
}
