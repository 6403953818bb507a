//! `docs/rules/` is what the rules say of themselves; `docs/rules/generate` writes it anew.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read and write files")]

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use authtrace_report::rules::pages;
use serde_json::Value;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules")
}

fn written() -> BTreeMap<String, String> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let pages = files.filter(|path| path.extension().is_some_and(|end| end == "md"));
    pages.map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&p).unwrap())).collect()
}

#[test]
fn the_folder_is_what_the_rules_say() {
    let wanted: BTreeMap<String, String> = pages().into_iter().map(|page| (page.name, page.text)).collect();
    if std::env::var_os("WRITE_RULE_PAGES").is_some() {
        for name in written().keys().filter(|name| !wanted.contains_key(*name)) {
            fs::remove_file(folder().join(name)).unwrap();
        }
        wanted.iter().for_each(|(name, text)| fs::write(folder().join(name), text).unwrap());
    }
    let written = written();
    let stale: Vec<&String> = wanted.keys().filter(|name| written.get(*name) != wanted.get(*name)).collect();
    let extra: Vec<&String> = written.keys().filter(|name| !wanted.contains_key(*name)).collect();
    assert!(stale.is_empty() && extra.is_empty(), "run docs/rules/generate; stale {stale:?}, extra {extra:?}");
}

#[test]
fn the_catalogue_for_programs_is_an_array() {
    let out = Command::new(env!("CARGO_BIN_EXE_authtrace")).args(["rules", "-T", "json"]).output().unwrap();
    let rules: Vec<Value> = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(rules.len() + 1, pages().len());
    for rule in &rules {
        for key in ["code", "id", "title", "severity", "tier"] {
            assert!(rule[key].as_str().is_some_and(|text| !text.is_empty()), "{key} of {rule}");
        }
    }
}
