//! The program as a shell sees it: exit codes, errors of one line, pipes, files, determinism.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests write and read files and may panic")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

fn authtrace() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrace"));
    command.env_remove("NO_COLOR").env_remove("COLUMNS").stdin(Stdio::null());
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    command
}

fn run(args: &[&str]) -> Output {
    authtrace().args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Exit code, nothing on standard output, and one line on standard error that says `says`.
#[track_caller]
fn refused(args: &[&str], says: &str) {
    let output = run(args);
    let error = err(&output);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
    assert_eq!(out(&output), "", "{args:?}");
    assert_eq!(error.lines().count(), 1, "{args:?}: {error}");
    assert!(error.starts_with("authtrace: ") && error.contains(says), "{args:?}: {error}");
}

fn file(folder: &tempfile::TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

fn har(entries: &str) -> String {
    format!(r#"{{"log":{{"version":"1.2","creator":{{"name":"test","version":"1"}},"entries":[{entries}]}}}}"#)
}

const PLAIN: &str = r#"{"startedDateTime":"2026-11-21T10:00:00Z","time":5,
    "request":{"method":"GET","url":"http://localhost:8000/weather","headers":[{"name":"accept","value":"*/*"}]},
    "response":{"status":200,"headers":[],"content":{"mimeType":"text/plain","size":2,"text":"ok"}}}"#;

#[test]
fn exit_0_and_1_follow_fail_on() {
    let code = |args: &[&str]| run(args).status.code();
    assert_eq!(code(&["analyze", "captures/healthy.har"]), Some(0));
    assert_eq!(code(&["analyze", "captures/race.har"]), Some(1));
    assert_eq!(code(&["captures/race.har"]), Some(1), "without a verb");
    assert_eq!(code(&["-r", "captures/race.har"]), Some(1), "as tshark reads");
    assert_eq!(code(&["analyze", "captures/race.har", "--fail-on", "critical"]), Some(0));
    assert_eq!(code(&["analyze", "captures/race.har", "--exit-zero"]), Some(0));
    assert_eq!(code(&["exchanges", "captures/race.har"]), Some(0), "looking is not judging");
}

#[test]
fn exit_2_wins_and_the_rest_is_still_reported() {
    let output = run(&["analyze", "captures/race.har", "missing.har", "--exit-zero"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(out(&output).contains("AUTH002"));
    assert_eq!(err(&output), "authtrace: cannot read missing.har: no such file; check the path\n");
}

#[test]
fn exit_3_when_nothing_can_be_judged() {
    let folder = tempfile::tempdir().unwrap();
    let empty = file(&folder, "empty.har", &har(""));
    assert_eq!(run(&["analyze", &empty]).status.code(), Some(3));
    assert_eq!(run(&["tokens", &empty]).status.code(), Some(3));
    assert_eq!(run(&["analyze", &empty, "--exit-zero"]).status.code(), Some(0));
}

#[test]
fn no_authentication_traffic_is_one_line_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let plain = file(&folder, "plain.har", &har(PLAIN));
    let output = run(&["analyze", &plain]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), "No authentication traffic in 1 exchange.\n"));
}

#[test]
fn a_truncated_har_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read_to_string(root().join("captures/race.har")).unwrap();
    let cut = file(&folder, "cut.har", &whole[..whole.len() * 9 / 10]);
    let output = run(&["analyze", &cut]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let json: serde_json::Value = serde_json::from_slice(&run(&["analyze", &cut, "-T", "json"]).stdout).unwrap();
    assert_eq!(json["inputs"][0]["anomalies"]["truncated"], 1);
}

#[test]
fn inputs_that_give_nothing_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = file(&folder, "nothing.har", "");
    let prose = file(&folder, "prose.har", "Dear reader,");
    let json = file(&folder, "other.json", r#"{"a":1}"#);
    std::fs::create_dir(folder.path().join("bare")).unwrap();
    let bare = folder.path().join("bare");
    refused(&["analyze", "missing.har"], "no such file");
    refused(&["analyze", &nothing], "is empty");
    refused(&["analyze", &prose], "not a capture");
    refused(&["analyze", &json], "not a HAR");
    refused(&["analyze", bare.to_str().unwrap()], "a directory without captures");
}

#[test]
fn usage_errors_are_one_line() {
    refused(&["analyze"], "no capture named");
    refused(&["analyze", "captures/race.har", "-T", "yaml"], "no such format");
    refused(&["exchanges", "captures/race.har", "-T", "sarif"], "not for this verb");
    refused(&["analyze", "captures/race.har", "--fail-on", "bad"], "no such severity");
    refused(&["analyze", "captures/race.har", "--min-confidence", "2"], "between 0 and 1");
    refused(&["analyze", "captures/race.har", "-t", "noon"], "no such time style");
    refused(&["analyze", "captures/race.har", "--since", "noon"], "no time");
    refused(&["analyze", "captures/race.har", "-Y", "nonsense = 1"], "cannot filter by");
    refused(&["analyze", "captures/race.har", "--color", "blue"], "no such choice");
    refused(&["analyze", "captures/race.har", "--colour"], "unexpected argument");
    refused(&["analyze", "-", "-"], "named twice");
    refused(&["explain", "AUTH999"], "no rule is called");
}

#[test]
fn directories_stand_for_their_captures() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(root().join("captures/race.har"), folder.path().join("a.har")).unwrap();
    std::fs::copy(root().join("captures/healthy.har"), folder.path().join("b.har")).unwrap();
    let output = run(&["exchanges", folder.path().to_str().unwrap(), "-T", "jsonl"]);
    let inputs: Vec<u64> = out(&output)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["source"]["input"].as_u64().unwrap())
        .collect();
    assert!(inputs.contains(&0) && inputs.contains(&1));
}

#[test]
fn standard_input_is_read() {
    let mut child =
        authtrace().args(["analyze", "-", "-q"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let text = std::fs::read(root().join("captures/race.har")).unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).starts_with("high[AUTH002]"));
}

#[test]
fn a_closed_pipe_is_success() {
    let folder = tempfile::tempdir().unwrap();
    let large = file(&folder, "large.har", &har(&vec![PLAIN; 4000].join(",")));
    let mut child = authtrace()
        .args(["exchanges", &large, "-T", "jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    drop(reader);
    let status = child.wait().unwrap();
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!((status.code(), error.as_str()), (Some(0), ""));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for verb in ["analyze", "exchanges", "tokens", "sessions"] {
        for format in ["text", "json", "jsonl"] {
            let args = [verb, "captures/secret-mismatch.har", "captures/race.har", "-T", format];
            assert_eq!(run(&args).stdout, run(&args).stdout, "{args:?}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    for verb in ["analyze", "exchanges", "tokens", "sessions"] {
        let with =
            |threads| run(&[verb, "captures/race.har", "captures/storm.pcap", "-T", "json", "--threads", threads]);
        let alone = with("1");
        assert!(matches!(alone.status.code(), Some(0 | 1)), "{}", err(&alone));
        for threads in ["2", "4", "16"] {
            assert_eq!(out(&with(threads)), out(&alone), "{verb} with {threads} threads");
        }
    }
}

#[test]
fn an_exchange_is_shown_in_full() {
    let text = out(&run(&["exchanges", "--full", "--id", "11", "captures/race.har"]));
    assert!(text.starts_with("GET http://localhost:8000/api/v1/books/\n→ 401"), "{text}");
    assert!(text.contains("request headers") && text.contains("response body") && text.contains("AUTH002"), "{text}");
    let json = out(&run(&["exchanges", "--full", "captures/race.pcapng", "-T", "json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let fields = |one: &serde_json::Value| one["request"]["headers"].as_array().unwrap().clone();
    let bearer = |one: &serde_json::Value| {
        let named =
            fields(one).into_iter().find(|field| field["name"].as_str().unwrap().eq_ignore_ascii_case("authorization"));
        named.is_some_and(|field| field["value"].as_str().unwrap().starts_with("Bearer ‹T"))
    };
    let with: Vec<&serde_json::Value> = json.as_array().unwrap().iter().filter(|one| bearer(one)).collect();
    assert!(
        !with.is_empty() && with.iter().all(|one| one["status"].as_u64() < Some(300) && one["unread"].is_null()),
        "{with:?}"
    );
    let lines = out(&run(&["exchanges", "--full", "-Y", "status = 401", "captures/race.har", "-T", "jsonl"]));
    assert!(!lines.is_empty() && lines.lines().all(|line| line.contains("\"status\":401")), "{lines}");
    let curl = out(&run(&["exchanges", "--curl", "--id", "15", "captures/race.har"]));
    assert!(
        curl.starts_with("curl -X GET http://localhost:8000/api/v1/books/") && curl.contains("Bearer $T"),
        "{curl}"
    );
    refused(&["exchanges", "--id", "4711", "captures/race.har"], "no such exchange");
    refused(&["exchanges", "--full", "captures/race.har", "-T", "csv"], "not for this verb");
    refused(&["exchanges", "--curl", "captures/race.har", "-T", "json"], "leave -T out");
}

#[test]
fn a_cookie_that_a_browser_refuses_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let har = r#"{"log":{"version":"1.2","creator":{"name":"t","version":"1"},"entries":[{"startedDateTime":"2026-11-21T10:00:00.000Z","time":20,
        "request":{"method":"POST","url":"http://app.example/login","headers":[]},
        "response":{"status":200,"headers":[
            {"name":"Set-Cookie","value":"theme=dark"},{"name":"Set-Cookie","value":"sid=abcdefgh; SameSite=None"},
            {"name":"Set-Cookie","value":"__Host-x=abcdefgh; Secure"}],"content":{"size":0,"mimeType":""}}}]}}"#;
    let path = file(&folder, "cookies.har", har);
    let text = out(&run(&["exchanges", "--full", &path]));
    let refused: Vec<&str> = text.lines().filter(|line| line.contains("a browser refuses it")).collect();
    assert_eq!(refused.len(), 2, "{text}");
    assert!(refused[0].contains("SameSite=None without Secure") && refused[1].contains("__Host-"), "{refused:?}");
    let json: serde_json::Value =
        serde_json::from_str(&out(&run(&["exchanges", "--full", &path, "-T", "json"]))).unwrap();
    let fields = json[0]["response"]["headers"].as_array().unwrap();
    assert_eq!(fields[0].get("refused"), None);
    assert!(fields[1]["refused"].as_str().unwrap().contains("without Secure"), "{fields:?}");
}

#[test]
fn focus_narrows() {
    let lines =
        |args: &[&str]| out(&run(&[&["exchanges", "captures/race.har", "-T", "jsonl"], args].concat())).lines().count();
    let all = lines(&[]);
    let refused = lines(&["-Y", "status = 401"]);
    assert!(refused > 0 && refused < all);
    assert_eq!(lines(&["--filter", "status = 401 and credential is not null"]), 0);
    assert!(lines(&["--host", "localhost:8000"]) < lines(&["--host", "LOCALHOST"]));
    assert_eq!(lines(&["--since", "2030-01-01T00:00:00Z"]), 0);
    assert_eq!(lines(&["--until", "2030-01-01"]), all);
    assert_eq!(lines(&["--session", "S1"]), lines(&["-Y", "session = 'S1'"]));
    assert_eq!(run(&["analyze", "captures/race.har", "-Y", "status = 200"]).status.code(), Some(0));
}

#[test]
fn output_goes_to_a_private_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    std::fs::write(&path, "older and longer ".repeat(10_000)).unwrap();
    let output = run(&["analyze", "captures/race.har", "-T", "json", "-o", path.to_str().unwrap()]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path).unwrap()).unwrap();
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn colour_is_asked_for() {
    let coloured = |args: &[&str]| out(&run(&[&["analyze", "captures/race.har"], args].concat())).contains('\u{1b}');
    assert!(!coloured(&[]), "a pipe is no terminal");
    assert!(coloured(&["--color", "always"]));
    assert!(!coloured(&["--color", "never"]));
}

#[test]
fn a_configuration_file_speaks_for_the_flags() {
    let folder = tempfile::tempdir().unwrap();
    let config = file(&folder, "authtrace.toml", "fail-on = \"critical\"\nformat = \"json\"\n");
    let output = run(&["analyze", "captures/race.har", "--config", &config]);
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).starts_with('{'));
    assert_eq!(run(&["captures/race.har", "--config", &config, "--fail-on", "low"]).status.code(), Some(1));
    let wrong = file(&folder, "wrong.toml", "fail_on = \"critical\"\n");
    refused(&["analyze", "captures/race.har", "--config", &wrong], "unknown field");
}

#[test]
fn the_catalogue_is_explained() {
    assert!(out(&run(&["rules"])).contains("missing-authorization"));
    let rules: serde_json::Value = serde_json::from_slice(&run(&["rules", "-T", "json"]).stdout).unwrap();
    assert_eq!(rules[0]["code"], "AUTH001");
    assert_eq!(run(&["explain", "auth001"]).stdout, run(&["explain", "missing-authorization"]).stdout);
    assert!(out(&run(&["explain", "AUTH001"])).starts_with("# AUTH001"));
    assert!(out(&run(&["completions", "bash"])).contains("authtrace"));
    assert!(out(&run(&["man"])).contains("Say what is wrong"));
    assert!(out(&run(&["man", "verify"])).contains("baseline"));
    refused(&["man", "nothing"], "no such verb");
    assert!(out(&run(&["--help"])).contains("Exit codes:"));
}

#[test]
fn a_token_is_decoded_and_checked() {
    let secret = "a-test-secret-of-some-length-0123456789";
    let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUudGVzdCIsInN1YiI6ImFubkBleGFtcGxlLnRlc3QiLCJleHAiOjE3MDAwMDAwMDB9.4-5jzWbO8wKWYFyTCVAuw2k0Fbk1rgvVSt57S5vKlSM";
    let folder = tempfile::tempdir().unwrap();
    let key = format!("api=@{}", file(&folder, "key", secret));
    let output = run(&["token", jwt, "--key", &key]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(text.contains("https://id.example.test") && text.contains("expired"), "{text}");
    assert!(!text.contains("ann@") && !text.contains(jwt) && !text.contains(secret), "{text}");
    refused(&["token"], "standard input is empty");
}

#[test]
fn a_bare_secret_is_refused_and_not_repeated() {
    for given in ["hunter2hunter2", "dev=hunter2hunter2", "aHVudGVyMg==", "dev=plain:hunter2hunter2"] {
        let output = run(&["analyze", "captures/race.har", "--key", given]);
        let error = err(&output);
        assert_eq!(output.status.code(), Some(2), "{given}");
        assert!(error.contains("bare secret") && !error.contains("hunter2") && !error.contains("aHVud"), "{error}");
    }
}

#[test]
fn a_token_in_place_of_a_file_is_not_repeated() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    let output = run(&["analyze", jwt]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!err(&output).contains("dozjgNry"), "{}", err(&output));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
#[cfg(unix)]
fn ctrl_c_reports_what_there_is() {
    let mut child = authtrace()
        .args(["analyze", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = std::fs::read(root().join("captures/race.har")).unwrap();
    stdin.write_all(&text[..text.len() - 10]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    std::thread::sleep(std::time::Duration::from_millis(100));
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(out(&output).contains("exchange"));
}

/// A key log is read whatever is between its lines; what is none is refused with what to do.
#[test]
fn key_logs() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../capture/tests/data/tls");
    let capture = data.join("tls13-ccm.pcap");
    let keys = data.join("tls13-ccm.keys");
    let folder = tempfile::tempdir().unwrap();
    let run = |given: &[&Path], variable: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authtrace"));
        command.arg("exchanges").arg(&capture).args(["-T", "jsonl"]).env("SSLKEYLOGFILE", variable);
        for path in given {
            command.arg("--keylog").arg(path);
        }
        let output = command.output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap().lines().count();
        (output.status.code(), lines, String::from_utf8(output.stderr).unwrap())
    };
    let nothing = folder.path().join("not there");
    assert_eq!(run(&[&keys], &nothing).1, 2);
    assert_eq!(run(&[], &keys).1, 2);
    assert_eq!(run(&[], &nothing).1, 0);
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "# nothing\n").unwrap();
    let (code, _, error) = run(&[&empty], &nothing);
    assert!(code == Some(2) && error.contains("holds no TLS secret"), "{error}");
    let (code, _, error) = run(&[&nothing], &nothing);
    assert!(code == Some(2) && error.contains("cannot read"), "{error}");
    // A line that is none is named by its number, and the others are used.
    let odd = folder.path().join("odd");
    std::fs::write(&odd, format!("secret rubbish\n{}", std::fs::read_to_string(&keys).unwrap())).unwrap();
    let (_, lines, error) = run(&[&odd], &nothing);
    assert!(lines == 2 && error.contains("line 1") && !error.contains("rubbish"), "{error}");
    // Several logs add up.
    let text = std::fs::read_to_string(&keys).unwrap();
    let halves = [folder.path().join("a"), folder.path().join("b")];
    let (client, server): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("CLIENT"));
    std::fs::write(&halves[0], client.join("\n")).unwrap();
    std::fs::write(&halves[1], server.join("\r\n")).unwrap();
    assert_eq!(run(&[&halves[0], &halves[1]], &nothing).1, 2);
}
