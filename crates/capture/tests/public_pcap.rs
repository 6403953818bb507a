//! The public packet captures against tshark's view of them: every HTTP/1 exchange of which tshark shows both sides is
//! found with its method, host, target and status, and nothing is taken for HTTP where tshark sees none.
//!
//! Finding more than tshark is right; finding less needs a reason in [`EXCEPTIONS`].
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout, reason = "a test reads and reports")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use authtrace_capture::{InputPath, Plan, read_input};
use authtrace_parse::{BodyQuestion, Exchange, HeaderView, KeyLog, Kind, Protocol, Target};

/// Files in which fewer exchanges are found than tshark shows, how many, and why that is right or accepted.
const EXCEPTIONS: &[(&str, usize, &str)] = &[
    ("http-evader-467.pcap", 1, "the status is `2xx`, which is none"),
    ("http-evader-468.pcap", 1, "the status is `20x`, which is none"),
    ("http-evader-474.pcap", 1, "a tab before the status: tshark reads 20, the line says 200"),
    ("http-evader-477.pcap", 1, "the status is `0204`: tshark reads 20"),
    ("http1-noint-status.pcap", 1, "the status is `2x0`, which is none"),
    ("nDPI__http-manipulated.pcap", 1, "two spaces before the target: tshark reads an empty one"),
    ("zeek__http__methods.pcap", 4, "request lines without a target, or with a method glued to it"),
    ("nDPI__WebattackRCE.pcap", 1, "the target holds spaces: tshark ends it at the first"),
    (
        "suricata-verify__filestore-5408.pcap",
        6,
        "ICMP errors that quote the request; the connection itself holds none of them",
    ),
];

fn shared() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    if path.is_dir() {
        return Some(path);
    }
    println!("SKIPPED: {} is not on this machine", path.display());
    None
}

/// The bodies are no matter here.
fn keep_none(_: &BodyQuestion<'_>) -> usize {
    0
}

/// Reads a capture, with the key log at `keys` where there is one.
fn read(path: &Path, keys: &Path) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let input = InputPath::File(path.to_owned());
    let mut log = KeyLog::new();
    if keys.is_file() {
        assert!(log.read(&std::fs::read(keys).unwrap()).secrets > 0, "{}", keys.display());
    }
    let plan = Plan { keys: Arc::new(log), ..Plan::new(&keep_none) };
    // A file that is no capture gives an error, which is an answer, too.
    let _ = read_input(&input, &plan, &mut |exchange| exchanges.push(exchange));
    exchanges
}

/// Method, host, target and, where it is compared, status of one exchange.
type Key = (String, String, String, Option<u16>);

fn found(exchange: &Exchange) -> Key {
    let target = &exchange.request.target;
    let mut uri = target.path.expose().to_owned();
    if let Some(query) = &target.query {
        uri.push('?');
        uri.push_str(query.expose());
    }
    let host = if exchange.kind == Kind::Connect { String::new() } else { target.host.to_string() };
    let status = exchange.response.as_ref().map(|response| response.status);
    (exchange.request.method.to_string(), host, uri, status)
}

/// The requests that tshark shows over HTTP/1, with the status where it is sure of the answer.
fn expected(text: &str) -> Vec<Key> {
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let names = lines.next().unwrap_or_default();
    let column = |name: &str| names.iter().position(|n| *n == name).unwrap();
    let (proto, method, host, uri, status, matched) =
        (column("proto"), column("method"), column("host"), column("uri"), column("status"), column("match"));
    let requests = lines.filter(|row| row.len() > matched && row[proto] == "http1" && !row[method].is_empty());
    let status = |row: &[&str]| (row[matched] == "both").then(|| row[status].parse().unwrap());
    requests.map(|row| key(row[method], row[host], row[uri], status(&row))).collect()
}

/// As [`found`] spells it: the host without port, the target of a request line without its authority.
fn key(method: &str, host: &str, uri: &str, status: Option<u16>) -> Key {
    if method == "CONNECT" {
        return (method.to_owned(), String::new(), uri.to_owned(), status);
    }
    let absolute = Target::parse(uri);
    let stated = Target::parse(&format!("http://{host}/"));
    let host = absolute.as_ref().or(stated.as_ref()).map_or_else(String::new, |target| target.host.to_string());
    let uri = absolute.map_or_else(
        || uri.split('#').next().unwrap_or_default().to_owned(),
        |target| {
            let query = target.query.map_or_else(String::new, |query| format!("?{}", query.expose()));
            format!("{}{query}", target.path.expose())
        },
    );
    (method.to_owned(), host, uri, status)
}

/// What is missing of `expected` in `exchanges`. A request without `Host` matches by what it has, one without a status
/// whatever its status. Those with a status are served first.
fn missing(expected: &[Key], exchanges: &[Exchange]) -> Vec<Key> {
    let mut there: Vec<Key> = exchanges.iter().map(found).collect();
    let mut expected: Vec<&Key> = expected.iter().collect();
    expected.sort_by_key(|key| key.3.is_none());
    let mut lacking = Vec::new();
    for key in expected {
        let same = |other: &Key| {
            let host = key.1.is_empty() || key.1 == other.1;
            let status = key.3.is_none() || key.3 == other.3;
            key.0 == other.0 && key.2 == other.2 && host && status
        };
        match there.iter().position(same) {
            Some(index) => drop(there.swap_remove(index)),
            None => lacking.push(key.clone()),
        }
    }
    lacking
}

#[derive(Default)]
struct Score {
    files: usize,
    expected: usize,
    found: usize,
    more: usize,
}

#[test]
fn every_exchange_of_tshark_is_found() {
    let Some(shared) = shared() else { return };
    let index = std::fs::read_to_string(shared.join("public/index.tsv")).unwrap();
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    let mut faults = Vec::new();
    for row in index.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>()) {
        let (group, file) = (row[1], row[2]);
        if !file.contains("/pcap/") {
            continue;
        }
        let exchanges = read(&shared.join(file), &shared.join(row[36]));
        let oracle = shared.join(row[37]);
        let expected = if oracle.is_file() { expected(&std::fs::read_to_string(oracle).unwrap()) } else { Vec::new() };
        let lacking = missing(&expected, &exchanges);
        let score = scores.entry(group.to_owned()).or_default();
        score.files += 1;
        score.expected += expected.len();
        score.found += expected.len() - lacking.len();
        score.more += exchanges.len().saturating_sub(expected.len() - lacking.len());
        let accepted = EXCEPTIONS.iter().find(|(name, _, _)| file.ends_with(name)).map_or(0, |(_, count, _)| *count);
        if lacking.len() > accepted {
            faults.push(format!("{file}: {} of {} missing: {:?}", lacking.len(), expected.len(), lacking.first()));
        }
        if group == "other-proto" && row[15] == "0" {
            let invented: Vec<_> = exchanges.iter().map(found).collect();
            if !invented.is_empty() {
                faults.push(format!("{file}: taken for HTTP: {:?}", invented.first()));
            }
        }
        for exchange in &exchanges {
            assert!(matches!(exchange.protocol, Some(Protocol::Http10 | Protocol::Http11)), "{file}");
            assert!(exchange.request.view != HeaderView::Missing, "{file}");
        }
    }
    println!("{:<20} {:>6} {:>9} {:>7} {:>6}", "group", "files", "expected", "found", "more");
    for (group, Score { files, expected, found, more }) in &scores {
        println!("{group:<20} {files:>6} {expected:>9} {found:>7} {more:>6}");
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
