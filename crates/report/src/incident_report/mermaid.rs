//! Mermaid sequence diagrams of what happened and of what should happen; every text is spelled so that it stays text.

use std::fmt::Write as _;

use authtrace_analyze::facts::Fact;

use super::{
    model::{Mark, Step},
    scene::{Scene, began},
};
use crate::{hidden::visible, moment::span, words::answer};

/// The most characters of one label.
const LABEL: usize = 90;

/// The exchanges of the incident, participant by participant.
pub(super) fn actual(scene: &Scene<'_>, parts: &[(String, String)]) -> String {
    let (story, omitted) = scene.story();
    let mut out = String::from("sequenceDiagram\n    participant C as Client\n");
    let used: Vec<usize> = (0..parts.len()).filter(|&i| story.iter().any(|fact| *fact.origin == *parts[i].0)).collect();
    for &index in &used {
        let (origin, part) = &parts[index];
        let _ = writeln!(out, "    participant P{index} as {}", label(&format!("{part} {origin}")));
    }
    let mut before = None;
    for fact in &story {
        let Some(index) = used.iter().find(|&&i| *fact.origin == *parts[i].0) else { continue };
        if let Some(pause) =
            began(fact).zip(before).map(|(at, before): (authtrace_parse::Timestamp, _)| at.nanos_since(before))
        {
            let _ = writeln!(out, "    Note over C: {}", label(&format!("{} later", span(pause))));
        }
        before = began(fact).or(before);
        let carried = credential(scene, fact);
        let _ = writeln!(out, "    C->>P{index}: {}", label(&format!("#{} {}{carried}", fact.id.0, fact.route)));
        let arrow = if fact.succeeded() { "-->>" } else { "--x" };
        let _ = writeln!(out, "    P{index}{arrow}C: {}", label(&answer(fact)));
    }
    if omitted > 0 {
        let _ = writeln!(out, "    Note over C: and {omitted} more like these");
    }
    out.trim_end().to_owned()
}

/// Which token a request carried, by its number in the inventory: never its value.
fn credential(scene: &Scene<'_>, fact: &Fact) -> String {
    match fact.main_credential() {
        Some(credential) => format!(" ({})", credential.token),
        None if scene.failing.iter().any(|f| f.id == fact.id) => " (no credential)".to_owned(),
        None => String::new(),
    }
}

/// The expected steps, as a diagram.
pub(super) fn expected(steps: &[Step]) -> String {
    let mut out = String::from("sequenceDiagram\n    participant C as Client\n    participant S as Servers\n");
    for step in steps.iter().filter(|step| !step.expected.starts_with("Control")) {
        let changed = if step.mark == Mark::Ok { "" } else { " (fixed)" };
        let answers = step.expected.contains("answers") || step.expected.contains("receives");
        let arrow = if answers { "S-->>C" } else { "C->>S" };
        let _ = writeln!(out, "    {arrow}: {}", label(&format!("{}. {}{changed}", step.number, step.expected)));
    }
    out.trim_end().to_owned()
}

/// Text in a diagram: what Mermaid could take for syntax is written as its entity (`#35;`).
fn label(text: &str) -> String {
    let mut out = String::new();
    for c in visible(text, LABEL).chars() {
        match c {
            c if c.is_alphanumeric() => out.push(c),
            ' ' | '/' | '.' | '-' | '_' | ',' | '(' | ')' | '…' | '→' => out.push(c),
            c => {
                let _ = write!(out, "#{};", u32::from(c));
            }
        }
    }
    // `end` alone would close a block.
    if out.trim().eq_ignore_ascii_case("end") { format!("({out})") } else { out }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn labels_stay_text() {
        assert_eq!(label("GET /a/{id}; drop"), "GET /a/#123;id#125;#59; drop");
        assert_eq!(label("```\n<b>"), "#96;#96;#96;\u{fffd}".replace('\u{fffd}', "#65533;") + "#60;b#62;");
        assert_eq!(label("end"), "(end)");
    }
}
