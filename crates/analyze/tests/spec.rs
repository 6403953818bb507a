//! Every rule's page is a test: each transcript in it must yield exactly the findings that it names.
//!
//! Under `## Example` at least one transcript fires; under `## Quiet on` this rule says nothing at medium or above.

mod support;

use std::collections::BTreeSet;

use authtrace_analyze::{
    Analysis, Severity,
    catalogue::{RuleMeta, catalogue},
};
use support::transcript::{self, Expected};

/// One transcript of a page, with the heading that it stands under.
struct Block<'a> {
    heading: &'a str,
    text: String,
}

fn blocks(spec: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let (mut heading, mut open) = ("", None::<String>);
    for line in spec.lines() {
        match &mut open {
            Some(text) if line == "```" => {
                found.push(Block { heading, text: std::mem::take(text) });
                open = None;
            }
            Some(text) => {
                text.push_str(line);
                text.push('\n');
            }
            None if line == "```http" => open = Some(String::new()),
            None => {
                if let Some(title) = line.strip_prefix("## ") {
                    heading = title;
                }
            }
        }
    }
    found
}

/// What the analysis says by this rule, and whether everything else that the transcript names is there.
#[track_caller]
fn check(meta: &RuleMeta, block: &Block<'_>) -> bool {
    let transcript = transcript::parse(&block.text);
    let analysis = support::analyze_input(&transcript.exchanges, transcript.settings, transcript.input);
    let context = format!("{} under `{}`:\n{}\n{}", meta.code, block.heading, block.text, describe(&analysis));
    let own: BTreeSet<Expected> = transcript.findings.iter().filter(|e| e.code == meta.code).cloned().collect();
    let said: BTreeSet<Expected> = analysis
        .findings
        .iter()
        .filter(|f| {
            f.rule.code == meta.code && (f.severity > Severity::Low || own.iter().any(|e| e.code == f.rule.code))
        })
        .map(|f| Expected { code: f.rule.code.to_owned(), route: Some(f.route.to_string()) })
        .collect();
    assert_eq!(said, own, "{context}");
    for other in transcript.findings.iter().filter(|e| e.code != meta.code) {
        let there = analysis
            .findings
            .iter()
            .any(|f| f.rule.code == other.code && other.route.as_deref().is_none_or(|r| r == &*f.route));
        assert!(there, "{other:?} is missing; {context}");
    }
    let coverage: BTreeSet<&str> = analysis.coverage.iter().map(|c| c.rule.code).collect();
    for named in &transcript.coverage {
        assert!(coverage.contains(named.code.as_str()), "{named:?} is missing; {context}");
    }
    let covers = transcript.coverage.iter().any(|c| c.code == meta.code);
    assert_eq!(coverage.contains(meta.code), covers, "coverage {}; {context}", meta.code);
    !own.is_empty() || covers
}

fn describe(analysis: &Analysis) -> String {
    let findings = analysis.findings.iter().map(|f| {
        format!(
            "  {} {} {} {:.2} {:?} {}",
            f.rule.code,
            f.route,
            f.severity.name(),
            f.confidence().value(),
            f.variant,
            f.message
        )
    });
    findings.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_page_does_what_it_says() {
    let filter = option_env!("AUTHTRACE_SPEC");
    for meta in catalogue().filter(|meta| filter.is_none_or(|only| meta.code == only)) {
        let blocks = blocks(meta.spec);
        let (mut fires, mut quiet) = (0, 0);
        for block in &blocks {
            match block.heading {
                "Example" => fires += usize::from(check(meta, block)),
                "Quiet on" => {
                    assert!(!check(meta, block), "{} fires under `Quiet on`", meta.code);
                    quiet += 1;
                }
                "Known limits" => {
                    check(meta, block);
                }
                other => panic!("{}: a transcript under `{other}`", meta.code),
            }
        }
        assert!(fires > 0 && quiet > 0, "{}: {fires} firing and {quiet} quiet transcripts", meta.code);
    }
}
