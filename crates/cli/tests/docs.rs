//! The documents: links lead somewhere, and the tests that the threat model names exist.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout, reason = "tests read files and report")]

mod support;

use std::{collections::BTreeSet, fs, path::PathBuf};

use pulldown_cmark::{Event, Parser, Tag};
use support::{root, shell};

/// Every Markdown page that people read: reports are made by the program and tested elsewhere.
fn pages() -> Vec<PathBuf> {
    let folders =
        ["", "docs", "docs/guides", "docs/rules", "captures", "captures/lab", "fuzz", "crates/analyze/dictionary"];
    let entries = folders.iter().filter_map(|folder| fs::read_dir(root().join(folder)).ok()).flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    pages.sort();
    pages
}

/// The links and pictures of a page.
fn links(text: &str) -> Vec<String> {
    let link = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
        _ => None,
    };
    Parser::new(text).filter_map(link).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut broken = BTreeSet::new();
    let pages = pages();
    assert!(pages.len() > 60, "{} pages", pages.len());
    for page in pages {
        for link in links(&fs::read_to_string(&page).unwrap()) {
            let path = link.split('#').next().unwrap();
            let is_file = !path.is_empty() && !link.contains("://") && !link.starts_with("mailto:");
            if is_file && !page.parent().unwrap().join(path).exists() {
                broken.insert(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_eq!(broken, BTreeSet::new());
}

/// What a guide shows on a sample of this repository is run as it is written, in a folder that has `captures/`.
#[test]
fn commands_of_the_guides_run() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("captures"), folder.path().join("captures")).unwrap();
    let mut run = 0;
    for page in pages().iter().filter(|page| page.parent().unwrap().ends_with("guides")) {
        let text = fs::read_to_string(page).unwrap();
        let commands = text.lines().filter_map(|line| line.strip_prefix("$ "));
        for command in
            commands.filter(|c| c.starts_with("authtrace ") && (c.contains("captures/") || c.ends_with("shared.har")))
        {
            let output = shell(command, folder.path());
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{}: {command}: {error}", page.display());
            run += 1;
        }
    }
    assert!(run >= 10, "{run}");
}

/// Every command of the page, one after the other.
#[test]
fn commands_of_the_page_on_datasets_run() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("captures"), folder.path().join("captures")).unwrap();
    let page = fs::read_to_string(root().join("docs/dataset.md")).unwrap();
    let mut run = 0;
    for command in page.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let output = shell(command, folder.path());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)) && error.is_empty(), "{command}: {error}");
        run += 1;
    }
    assert!(run >= 6, "{run}");
}

#[test]
fn the_threat_model_names_tests_that_exist() {
    let page = fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let mut named = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && line.contains("tests/")) {
        let tests = row.trim_end_matches(" |").rsplit_once(" | ").unwrap().1;
        let mut file = String::new();
        for name in tests.split('`').skip(1).step_by(2) {
            if name.contains('/') {
                file = fs::read_to_string(root().join("crates").join(name)).expect(name);
            } else if !name.contains('.') {
                assert!(file.contains(&format!("fn {name}")), "{name}");
                named += 1;
            }
        }
    }
    assert!(named > 20, "{named}");
}
