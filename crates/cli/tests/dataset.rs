//! `extract`, and the verbs that read what it keeps: the same answers as from the captures themselves, and never half a part.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests write files and may panic"
)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use support::{root, shared};

fn authtrace(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_authtrace")).args(args).current_dir(root()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Extracts `captures` into `dataset` with `flags`; what it says.
fn extract(captures: &[&str], dataset: &Path, flags: &[&str]) -> Output {
    let out = dataset.to_str().unwrap();
    authtrace(&[&["extract", "-o", out], captures, flags].concat())
}

fn extracted(captures: &[&str], dataset: &Path, flags: &[&str]) -> String {
    let output = extract(captures, dataset, flags);
    assert_eq!(output.status.code(), Some(0), "{captures:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// The captures say the same as files and as a dataset.
#[track_caller]
fn check(captures: &[&str], flags: &[&str], questions: &[&[&str]]) {
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("facts");
    extracted(captures, &dataset, flags);
    for question in questions {
        let of_files = authtrace(&[question, captures, flags].concat());
        // Keys were tried and packets opened when the facts were drawn.
        let of_dataset = authtrace(&[question, &[dataset.to_str().unwrap()][..]].concat());
        assert_eq!(text(&of_dataset.stderr), text(&of_files.stderr), "{captures:?} {question:?}");
        assert_eq!(of_dataset.status.code(), of_files.status.code(), "{captures:?} {question:?}");
        assert!(of_dataset.stdout == of_files.stdout, "{captures:?} {question:?}: {}", text(&of_dataset.stdout));
    }
}

/// Whole documents: whatever differs shows.
const DOCUMENT: &[&str] = &["analyze", "-T", "json"];

#[test]
fn every_sample_is_judged_from_its_facts_as_from_the_capture() {
    let samples = fs::read_dir(root().join("captures")).unwrap().map(|entry| entry.unwrap().path());
    let mut samples: Vec<PathBuf> = samples.filter(|path| is_capture(path)).collect();
    samples.sort();
    assert!(samples.len() > 20);
    for sample in samples {
        let name = format!("captures/{}", sample.file_name().unwrap().to_str().unwrap());
        check(&[&name], &[], &[DOCUMENT]);
    }
}

#[test]
fn every_lab_capture_is_judged_from_its_facts_as_from_the_capture() {
    let Some(lab) = shared("lab") else { return };
    let mut seen = 0;
    for folder in fs::read_dir(lab).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for capture in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| is_capture(path))
        {
            check(&[capture.to_str().unwrap()], &[], &[DOCUMENT]);
            seen += 1;
        }
    }
    println!("{seen} lab captures");
    assert!(seen > 20);
}

fn is_capture(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    [".har", ".pcap", ".pcapng", ".pcapng.gz"].iter().any(|ending| name.ends_with(ending))
}

#[test]
fn every_verb_that_reads_a_dataset_says_the_same() {
    let questions: &[&[&str]] = &[
        DOCUMENT,
        &["analyze", "-v"],
        &["exchanges", "-T", "jsonl"],
        &["exchanges", "--filter", "status = 401"],
        &["tokens", "-T", "json"],
        &["sessions"],
    ];
    check(&["captures/race.har"], &[], questions);
    check(&["captures/race.har", "captures/race.pcapng"], &[], questions);
    check(&["captures/storm.har", "captures/healthy.har", "captures/herd.pcapng"], &[], questions);
}

#[test]
fn keys_are_tried_when_facts_are_drawn() {
    let flags = &["--env-file", "captures/secret-mismatch.env"];
    check(&["captures/secret-mismatch.har"], flags, &[DOCUMENT, &["tokens"]]);
}

/// Captures that are read side by side come to the same files, byte for byte.
#[test]
fn it_is_the_same_however_many_are_read_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let captures = ["captures/issuer.har", "captures/race.har", "captures/herd.pcapng", "captures/healthy.har"];
    let contents = ["1", "7"].map(|threads| {
        let dataset = folder.path().join(threads);
        extracted(&captures, &dataset, &["--threads", threads]);
        let files = files(&dataset, "");
        let named = files.iter().map(|path| (path.strip_prefix(&dataset).unwrap().to_owned(), fs::read(path).unwrap()));
        named.collect::<Vec<_>>()
    });
    assert!(contents[0].len() > 3 * captures.len());
    assert!(contents[0] == contents[1]);
}

#[test]
fn reports_diffs_verifications_and_queries_read_datasets() {
    let folder = tempfile::tempdir().unwrap();
    let (broken, healthy) = (folder.path().join("broken"), folder.path().join("healthy"));
    extracted(&["captures/race.har"], &broken, &[]);
    extracted(&["captures/healthy.har"], &healthy, &[]);
    let (broken, healthy) = (broken.to_str().unwrap(), healthy.to_str().unwrap());
    let report = folder.path().join("report");
    let out = report.to_str().unwrap();
    assert_eq!(authtrace(&["report", broken, "-o", out]).status.code(), Some(1));
    for file in ["report.md", "report.html", "report.json"] {
        let kept = fs::read_to_string(root().join("reports/race.har").join(file)).unwrap();
        let made = fs::read_to_string(report.join(file)).unwrap();
        assert!(made == kept, "{file}: {made}");
    }
    let diff = |before: &str, after: &str| text(&authtrace(&["diff", before, after]).stdout);
    assert_eq!(diff(broken, healthy), diff("captures/race.har", "captures/healthy.har"));
    let baseline = report.join("report.json");
    let verify = |capture: &str| {
        let output = authtrace(&["verify", "--baseline", baseline.to_str().unwrap(), capture]);
        (output.status.code(), text(&output.stdout))
    };
    assert_eq!(verify(healthy), verify("captures/healthy.har"));
    assert_eq!(verify(broken), verify("captures/race.har"));
    let query = |capture: &str| {
        text(
            &authtrace(&[
                "query",
                capture,
                "SELECT route, status, COUNT(*) FROM exchanges GROUP BY route, status ORDER BY 1, 2",
            ])
            .stdout,
        )
    };
    assert!(query(broken).contains("GET /api/v1/books/"));
    assert_eq!(query(broken), query("captures/race.har"));
}

#[test]
fn a_dataset_grows_where_the_owner_gives_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, "the owner's own").unwrap();
    let key = format!("@{}", key.display());
    let flags = &["--fingerprint-key", key.as_str()];
    let dataset = folder.path().join("facts");
    for capture in ["captures/race.har", "captures/race.pcapng", "captures/healthy.har"] {
        assert!(extracted(&[capture], &dataset, flags).contains(" exchanges, "));
    }
    assert!(extracted(&["captures/race.har"], &dataset, flags).ends_with("there already\n"));
    assert!(
        extracted(&["captures/race.har"], &dataset, &[flags, &["--replace"][..]].concat()).contains(" exchanges, ")
    );
    let captures = ["captures/race.har", "captures/race.pcapng", "captures/healthy.har"];
    let of_files = authtrace(&[DOCUMENT, &captures, flags].concat());
    let of_dataset = authtrace(&[DOCUMENT, &[dataset.to_str().unwrap()]].concat());
    assert!(of_dataset.stdout == of_files.stdout, "{}", text(&of_dataset.stdout));

    let refused = extract(&["captures/storm.har"], &dataset, &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("made with another key"), "{}", text(&refused.stderr));
}

/// Files of a dataset whose name ends so.
fn files(dataset: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dataset.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn what_was_not_finished_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("facts");
    extracted(&["captures/race.har", "captures/storm.har"], &dataset, &[]);
    // As if it had been killed before the second part was whole, and while a file was being written.
    let part =
        files(&dataset, ".json").into_iter().find(|path| fs::read_to_string(path).unwrap().contains("storm.har"));
    fs::remove_file(part.unwrap()).unwrap();
    fs::write(dataset.join("tokens/_unfinished-1"), b"PAR1").unwrap();
    let seen = authtrace(&["exchanges", "-T", "jsonl", dataset.to_str().unwrap()]);
    assert_eq!((seen.status.code(), text(&seen.stdout).lines().count()), (Some(0), 21));
    // And taken up again.
    let said = extracted(&["captures/race.har", "captures/storm.har"], &dataset, &[]);
    assert!(said.contains("race.har: there already") && said.contains("storm.har: 27 exchanges"), "{said}");
    let whole = authtrace(&["exchanges", "-T", "jsonl", dataset.to_str().unwrap()]);
    assert_eq!(text(&whole.stdout).lines().count(), 21 + 27);
}

#[test]
fn what_is_damaged_is_named_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let damage = |ending: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let dataset = folder.path().join(format!("facts{}", fs::read_dir(folder.path()).unwrap().count()));
        extracted(&["captures/race.har", "captures/healthy.har"], &dataset, &[]);
        let of_race =
            files(&dataset, ".json").into_iter().find(|path| fs::read_to_string(path).unwrap().contains("race.har"));
        let name = of_race.unwrap().file_stem().unwrap().to_str().unwrap().to_owned();
        let file = files(&dataset, &format!("{name}.{ending}")).pop().unwrap();
        fs::write(&file, change(fs::read(&file).unwrap())).unwrap();
        let output = authtrace(&["exchanges", "-T", "jsonl", dataset.to_str().unwrap()]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(file.to_str().unwrap()), "{said}");
        assert_eq!(text(&output.stdout).lines().count(), 26, "the other capture is read: {said}");
        said
    };
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    assert!(damage("parquet", &cut).contains("extract captures/race.har again"));
    assert!(damage("parquet", &|_| Vec::new()).contains("damaged"));
    assert!(damage("json", &cut).contains("damaged"));
    let older = |bytes: Vec<u8>| text(&bytes).replace("authtrace.dataset/2", "authtrace.dataset/0").into_bytes();
    assert!(damage("json", &older).contains("written as authtrace.dataset/0"));
    // Rows that a small file cannot hold were made up to fill memory.
    let many = |bytes: Vec<u8>| {
        let mut own: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        own["files"][0]["rows"] = 4_000_000_000_u64.into();
        serde_json::to_vec(&own).unwrap()
    };
    let dataset = folder.path().join("many");
    extracted(&["captures/race.har"], &dataset, &[]);
    let part = files(&dataset.join("parts"), ".json").pop().unwrap();
    fs::write(&part, many(fs::read(&part).unwrap())).unwrap();
    let output = authtrace(&["analyze", dataset.to_str().unwrap()]);
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("no room for 4000000000 rows"));
    // A file of another part in its place has other rows, or names credentials that are not there.
    let dataset = folder.path().join("swapped");
    extracted(&["captures/race.har", "captures/wrong-token.har"], &dataset, &[]);
    let tokens = files(&dataset.join("tokens"), ".parquet");
    fs::copy(&tokens[0], &tokens[1]).unwrap();
    assert_eq!(authtrace(&["analyze", dataset.to_str().unwrap()]).status.code(), Some(2));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("facts");
    extracted(&["captures/race.har"], &dataset, &[]);
    let dataset = dataset.to_str().unwrap();
    let check = |args: &[&str], says: &str| {
        let output = authtrace(args);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{args:?}: {error}");
        assert!(error.contains(says), "{args:?}: {error}");
    };
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("notes.txt"), "mine").unwrap();
    check(&["extract", "captures/race.har"], "-o DATASET");
    check(&["extract", "captures/race.har", "-o", other.to_str().unwrap()], "holds other files");
    check(&["extract", "-", "-o", folder.path().join("new").to_str().unwrap()], "standard input");
    check(&["extract", dataset, "-o", folder.path().join("new").to_str().unwrap()], "a dataset already");
    check(&["extract", "captures/race.har", "--host", "x", "-o", dataset], "whole captures");
    check(&["extract", "no-such.har", "-o", dataset], "no-such.har");
    check(&["redact", dataset, "-o", folder.path().join("copy").to_str().unwrap()], "a dataset holds facts alone");
    check(&["convert", dataset, "-o", folder.path().join("copy").to_str().unwrap()], "a dataset holds facts alone");
}

/// What one exchange shows by itself is answered from the files as from the judged whole.
#[test]
fn stored_columns_are_asked_without_judging() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("facts");
    let at = dataset.to_str().unwrap();
    extracted(&["captures/race.har", "captures/storm.har", "captures/preflight.pcap"], &dataset, &[]);
    for sql in [
        "SELECT route, status, COUNT(*) AS n FROM exchanges GROUP BY route, status",
        "SELECT COUNT(*) AS n FROM exchanges",
        "SELECT host, MIN(time) AS first FROM exchanges WHERE credential IS NOT NULL GROUP BY host",
    ] {
        let (judged, stored) = (authtrace(&["query", at, sql]), authtrace(&["query", "--stored", at, sql]));
        assert_eq!(text(&stored.stdout), text(&judged.stdout), "{sql}");
        assert_eq!(stored.status.code(), Some(0), "{sql}: {}", text(&stored.stderr));
    }
    for (from, sql, why) in [
        (at, "SELECT session FROM exchanges", "session"),
        (at, "SELECT code FROM findings", "findings"),
        ("captures/race.har", "SELECT status FROM exchanges", "no dataset"),
    ] {
        let output = authtrace(&["query", "--stored", from, sql]);
        assert_eq!(output.status.code(), Some(2), "{sql}");
        assert_eq!(text(&output.stderr).lines().count(), 1, "{sql}");
        assert!(text(&output.stderr).contains(why), "{sql}: {}", text(&output.stderr));
    }
}
