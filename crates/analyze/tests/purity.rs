//! The pure crates open nothing: no file, no socket, no clock, no environment.
//!
//! Clippy's bans say so at every build; this test says so where clippy is not run, and covers whole modules
//! (`std::fs`, `std::net`'s sockets) that a list of methods cannot.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the test reads the sources that it checks")]

use std::path::{Path, PathBuf};

/// Crates that take bytes and values only.
const PURE: &[&str] = &["parse", "analyze", "report", "redact"];

/// What they must not name. Address types of `std::net` are values and are allowed.
const FORBIDDEN: &[&str] = &[
    "std::fs",
    "std::env::",
    "std::process",
    "std::time::Instant",
    "std::time::SystemTime",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn pure_crates_open_nothing() {
    let mut faults = Vec::new();
    for name in PURE {
        let mut files = Vec::new();
        sources(&crates().join(name).join("src"), &mut files);
        assert!(!files.is_empty(), "{name} has no sources");
        for file in files.iter().filter(|f| !f.ends_with("tests.rs")) {
            let text = std::fs::read_to_string(file).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for (number, line) in code.enumerate() {
                faults.extend(
                    FORBIDDEN
                        .iter()
                        .filter(|f| line.contains(**f))
                        .map(|f| format!("{}:{number}: {f}", file.display())),
                );
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut files = Vec::new();
    sources(&crates(), &mut files);
    let silent: Vec<_> = files.iter().filter(|f| !std::fs::read_to_string(f).unwrap().starts_with("//!")).collect();
    assert!(silent.is_empty(), "no `//!` at the top: {silent:?}");
}

#[test]
fn pure_crates_forbid_unsafe_code() {
    for name in PURE {
        let root = std::fs::read_to_string(crates().join(name).join("src/lib.rs")).unwrap();
        assert!(root.contains("#![forbid(unsafe_code)]"), "{name}");
    }
}
