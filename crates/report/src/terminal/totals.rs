//! The last lines: what was looked at, how it went, and the next useful commands.

use authtrace_analyze::{
    Severity,
    coverage::InputFormat,
    facts::{Fact, outcome::OutcomeClass},
};
use authtrace_parse::{ExchangeId, HeaderView};

use crate::{page::Page, style::Ink, view::View, words::count};

/// Whether nothing above low severity was found.
pub(super) fn is_healthy(view: &View<'_>) -> bool {
    view.incidents().is_empty() && !view.findings().any(|(_, f)| f.severity > Severity::Low)
}

/// Writes what was looked at and how it went.
pub(super) fn write(page: &mut Page, view: &View<'_>) {
    if is_healthy(view) {
        nothing_found(page, view);
    } else {
        page.para(0, Ink::Bold, &summary(view));
    }
}

/// The one line for a capture that has nothing to do with authentication.
pub(super) fn no_authentication(view: &View<'_>) -> String {
    format!("No authentication traffic in {}.", count(view.analysis.summary().exchanges, "exchange"))
}

/// The one line for inputs that hold no readable request.
pub(super) fn no_request(view: &View<'_>) -> String {
    let inputs = &view.analysis.capture.inputs;
    let advice = if inputs.iter().all(|input| input.format == InputFormat::Har) {
        "; record again with the network panel open"
    } else {
        ""
    };
    format!("No HTTP request could be read from {}{advice}.", names(view))
}

/// The inputs by name: `race.har`, `a.har and b.har`, `a.har and 3 more`.
pub(super) fn names(view: &View<'_>) -> String {
    let paths: Vec<&str> = view.analysis.capture.inputs.iter().map(|i| i.path.as_str()).collect();
    match paths.as_slice() {
        [] => "no input".to_owned(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    }
}

fn nothing_found(page: &mut Page, view: &View<'_>) {
    if view.is_sanitized() {
        let text = "Nothing was found, and nothing can be concluded: credentials were removed from this capture.";
        return page.para(0, Ink::Bold, text);
    }
    let facts = &view.analysis.capture.facts;
    let cut = facts.iter().filter(|fact| fact.view == HeaderView::Partial).count();
    if 2 * cut > facts.len() {
        let text = "Nothing was found, and little can be concluded: most request heads were not captured whole.";
        return page.para(0, Ink::Bold, text);
    }
    if view.is_narrowed() {
        let all = view.analysis.capture.facts.len();
        let text = format!("Nothing found in the {} of {all} in focus.", count(view.facts().count(), "exchange"));
        return page.para(0, Ink::Bold, &text);
    }
    let refused: Vec<ExchangeId> = view.analysis.unexplained().filter(|id| view.shows(*id)).collect();
    if refused.is_empty() {
        page.para(0, Ink::Good, &format!("No authentication failures in {}.", looked_at(view)));
        let recovered = view.analysis.summary().recovered;
        if recovered > 0 {
            let text =
                format!("{} refused, refreshed, repeated and accepted, as it should be.", count(recovered, "request"));
            page.para(0, Ink::Plain, &text);
        }
        refused_otherwise(page, view);
        return;
    }
    let text = format!(
        "No cause found for {} refused for authentication ({}) in {}.",
        count(refused.len(), "request"),
        numbers(refused.iter().copied()),
        looked_at(view)
    );
    page.para(0, Ink::Bold, &text);
}

/// What is nobody's defect, and the first thing to know where somebody cannot sign in or is kept out.
fn refused_otherwise(page: &mut Page, view: &View<'_>) {
    let kinds = [
        (OutcomeClass::LoginFailed, "sign-in", "refused for the name, password or code that came with it"),
        (OutcomeClass::Blocked, "request", "refused by a firewall, a bot check or a limit"),
    ];
    for (class, noun, why) in kinds {
        let refused: Vec<&Fact> = view.facts().filter(|f| f.outcome.class == class).collect();
        let Some(first) = refused.first() else { continue };
        let said = first.outcome.error_text.as_deref().map_or_else(String::new, |text| format!(": \"{text}\""));
        let at = numbers(refused.iter().map(|f| f.id));
        page.para(0, Ink::Plain, &format!("{} {why} ({at}){said}.", count(refused.len(), noun)));
    }
}

/// The first numbers of exchanges: `#3, #8…`.
fn numbers(ids: impl ExactSizeIterator<Item = ExchangeId>) -> String {
    const SHOWN: usize = 5;
    let more = if ids.len() > SHOWN { "…" } else { "" };
    let shown: Vec<String> = ids.take(SHOWN).map(|id| format!("#{}", id.0)).collect();
    format!("{}{more}", shown.join(", "))
}

/// `1 incident, 3 findings in 53 exchanges (24 with credentials, 2 sessions).`
fn summary(view: &View<'_>) -> String {
    let further: usize = view.analysis.elsewhere.findings.values().sum();
    let findings = count(view.findings().count() + further, "finding");
    let incidents = count(view.incidents().len(), "incident");
    let only = if further == 0 { String::new() } else { format!(", {further} of them counted only") };
    format!("{incidents}, {findings}{only} in {}.", looked_at(view))
}

fn looked_at(view: &View<'_>) -> String {
    let summary = view.analysis.summary();
    format!(
        "{} ({} with credentials, {})",
        count(summary.exchanges, "exchange"),
        summary.with_credentials,
        count(summary.sessions, "session")
    )
}

/// Commands that lead on from here.
pub(super) fn next(page: &mut Page, view: &View<'_>) {
    let paths: Vec<String> = view.analysis.capture.inputs.iter().map(|i| quoted(&i.path)).collect();
    let paths = if paths.len() > 3 { "FILE…".to_owned() } else { paths.join(" ") };
    let mut commands = Vec::new();
    if let Some(root) = view.incidents().first().and_then(|i| view.analysis.finding(i.root)) {
        commands.push(format!("authtrace explain {}", root.rule.code));
    }
    commands.push(format!("authtrace exchanges {paths}"));
    commands.push(format!("authtrace tokens {paths}"));
    let mut label = "next";
    for command in commands {
        page.verbatim(0, label, 7, Ink::Dim, &command);
        label = "";
    }
}

/// As a shell needs it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | '=' | '@' | ':' | ',');
    if path.chars().all(plain) && !path.is_empty() {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}
