//! Both README commands share one build: what the program needs is built for it with the features that the tests need.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// Every package of a build with its features.
fn tree(arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["tree", "--offline", "--prefix", "none", "-f", "{p}\t{f}"]);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (package, features) = line.trim_end_matches(" (*)").split_once('\t').unwrap_or((line, ""));
        let features = features.split(',').filter(|f| !f.is_empty()).map(str::to_owned);
        packages.entry(package.to_owned()).or_default().extend(features);
    }
    packages
}

#[test]
fn tests_add_no_feature_to_what_the_program_builds() {
    let program = tree(&["-p", "authtrace", "-e", "normal,build"]);
    let everything = tree(&["--workspace", "-e", "normal,build,dev"]);
    let differing: Vec<String> = program
        .iter()
        .filter_map(|(package, features)| {
            let more: Vec<_> = everything.get(package)?.difference(features).cloned().collect();
            (!more.is_empty()).then(|| format!("{package}: {}", more.join(", ")))
        })
        .collect();
    assert!(differing.is_empty(), "add these features in crates/cli/Cargo.toml:\n{}", differing.join("\n"));
}
