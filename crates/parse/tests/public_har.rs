//! Reads every public HAR that the checkout has beside it and compares what was read with an independent reading.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an integration test reads its fixtures from disk")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use authtrace_parse::{
    BodyQuestion, Exchange, Target,
    exchange::Locator,
    har::{HarReader, HarSummary},
};

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/captures");

/// Recorders that join repeated fields with a newline: the oracle counts fields as recorded, the reader as sent.
const JOINED_FIELDS: &[&str] = &[
    "har-tools/pagexray__redirect__arcelormittal.com.har",
    "har-tools/pagexray__redirect__mousel.lu.har",
    "har-tools/pagexray__redirect__mytoys.de.har",
];

/// Entries that give no exchange, and why that is right.
const JUSTIFIED: &[(&str, &str)] = &[
    ("har-browser/harviewer__issue-23__chrome51.har", "edited by hand: the URL is a path without a host"),
    ("har-browser/harviewer__issue-23__ff47.har", "edited by hand: the URL is a path without a host"),
    ("har-browser/harviewer__issue-23__images.har", "edited by hand: the URL is a path without a host"),
    ("har-handwritten/haralyzer__missing_page.har", "no URL"),
    ("har-handwritten/haralyzer__missing_pageref.har", "no URL"),
    ("har-handwritten/insomnia__har__deep-input.json", "an empty URL"),
];

fn read(bytes: &[u8]) -> (Vec<Exchange>, HarSummary) {
    let keep_all = |question: &BodyQuestion<'_>| question.stored;
    let mut reader = HarReader::new(0, 0, &keep_all);
    let mut exchanges = Vec::new();
    for chunk in bytes.chunks(64 << 10) {
        reader.push(chunk, &mut |exchange| exchanges.push(exchange));
    }
    let summary = reader.finish(&mut |exchange| exchanges.push(exchange));
    (exchanges, summary)
}

/// One row of the oracle, and the same of an exchange.
#[derive(Debug, PartialEq)]
struct Row {
    method: String,
    url: Option<(String, String, Option<String>)>,
    status: Option<u16>,
    authorization: usize,
    set_cookie: usize,
}

fn split_url(target: &Target) -> (String, String, Option<String>) {
    (target.origin(), target.path.expose().to_owned(), target.query.as_ref().map(|q| q.expose().to_owned()))
}

fn expected(line: &str) -> Row {
    let cell: Vec<&str> = line.split('\t').collect();
    Row {
        method: cell[3].to_owned(),
        url: Target::parse(cell[4]).as_ref().map(split_url),
        status: cell[7].parse().ok().filter(|status| *status >= 100),
        authorization: cell[6].parse().unwrap_or_default(),
        set_cookie: cell[8].parse().unwrap_or_default(),
    }
}

fn got(exchange: &Exchange) -> Row {
    let response = exchange.response.as_ref();
    Row {
        method: exchange.request.method.to_string(),
        url: Some(split_url(&exchange.request.target)),
        status: response.map(|r| r.status),
        authorization: exchange.request.headers.get_all("authorization").count(),
        set_cookie: response.map_or(0, |r| r.headers.get_all("set-cookie").count()),
    }
}

/// The differences between one file and its oracle; values are not printed, only which column differs.
fn differences(name: &str, har: &Path, oracle: &str) -> Vec<String> {
    let (exchanges, summary) = read(&fs::read(har).unwrap());
    let rows: Vec<Row> = oracle.lines().skip(1).map(expected).collect();
    let read: BTreeMap<u32, &Exchange> = exchanges
        .iter()
        .filter_map(|e| match e.source.locator {
            Locator::Entry(n) => Some((n, e)),
            Locator::Frames { .. } => None,
        })
        .collect();
    let mut found = Vec::new();
    if summary.entries as usize != rows.len() {
        found.push(format!("{name}: {} entries, expected {}", summary.entries, rows.len()));
    }
    let justified = JUSTIFIED.iter().any(|(file, _)| *file == name);
    let joined = JOINED_FIELDS.contains(&name);
    for (n, row) in rows.iter().enumerate() {
        let Some(exchange) = read.get(&(n as u32)) else {
            if !(justified && row.url.is_none()) {
                found.push(format!("{name}[{n}]: not read"));
            }
            continue;
        };
        let got = got(exchange);
        for (column, same) in [
            ("method", got.method == row.method),
            ("url", got.url == row.url),
            ("status", got.status == row.status),
            ("authorization", got.authorization == row.authorization),
            ("set-cookie", got.set_cookie == row.set_cookie || (joined && got.set_cookie > row.set_cookie)),
        ] {
            if !same {
                found.push(format!(
                    "{name}[{n}]: {column} differs: {:?} {} {} / {:?} {} {}",
                    got.status, got.authorization, got.set_cookie, row.status, row.authorization, row.set_cookie
                ));
            }
        }
    }
    found
}

#[test]
fn public_hars_read_as_the_oracle_does() {
    let (hars, oracles) = (PathBuf::from(SHARED).join("public/har"), PathBuf::from(SHARED).join("expected/public"));
    if !hars.is_dir() {
        println!("SKIPPED: no public captures at {}", hars.display());
        return;
    }
    let (mut files, mut entries, mut found, mut silent) = (0, 0, Vec::new(), Vec::new());
    for group in ["auth-recordings", "browser", "handwritten", "malformed", "tools"] {
        let mut paths: Vec<PathBuf> = fs::read_dir(hars.join(group)).unwrap().map(|e| e.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let name = format!("har-{group}/{file}");
            files += 1;
            match fs::read_to_string(oracles.join(format!("{name}.entries.tsv"))) {
                Ok(oracle) => {
                    entries += oracle.lines().count() - 1;
                    found.extend(differences(&name, &path, &oracle));
                }
                Err(_) => {
                    let (exchanges, summary) = read(&fs::read(&path).unwrap());
                    assert!(exchanges.is_empty(), "{name}: no oracle, so nothing to find");
                    silent.push(format!("{name} (recognised: {})", summary.recognised));
                }
            }
        }
    }
    println!("{files} files, {entries} entries compared, {} differences", found.len());
    println!("no entries by the oracle either: {silent:?}");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
