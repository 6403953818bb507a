//! Live capture on real traffic in network namespaces of its own: what is found while packets arrive is what their file
//! says, and whatever ends a capture, nothing that was captured is lost.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout, reason = "tests run programs")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;

/// The program with live capture, and how a namespace is entered; says aloud what is missing.
fn tools() -> Option<&'static (PathBuf, Vec<&'static str>)> {
    static TOOLS: OnceLock<Result<(PathBuf, Vec<&'static str>), String>> = OnceLock::new();
    let tools = TOOLS.get_or_init(|| {
        let works = |command: &[&str]| {
            Command::new(command[0]).args(&command[1..]).output().is_ok_and(|output| output.status.success())
        };
        // As root, or in a user namespace, where the kernel grants those to everybody.
        let enter = [vec!["unshare", "-nm"], vec!["unshare", "-rnm"]];
        let enter = enter.into_iter().find(|enter| works(&[enter, &["ip", "link", "set", "lo", "up"][..]].concat()));
        let enter = enter.ok_or("no network namespace for this user (unshare -n, ip)")?;
        if !works(&["python3", "--version"]) {
            return Err("no python3 for servers and clients".to_owned());
        }
        Ok((program()?, enter))
    });
    match tools {
        Ok(tools) => Some(tools),
        Err(why) => {
            println!("SKIPPED: live capture was not tried: {why}");
            None
        }
    }
}

/// A build of the program with the feature `live`, which needs libpcap. The rest of the tree is that of this test.
fn program() -> Result<PathBuf, String> {
    let plain = Path::new(env!("CARGO_BIN_EXE_authtrace"));
    if cfg!(feature = "live") {
        return Ok(plain.to_owned());
    }
    let linkable = std::env::var_os("LIBPCAP_LIBDIR").is_some()
        || Command::new("pkg-config").args(["--exists", "libpcap"]).status().is_ok_and(|status| status.success())
        || ["/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
            .iter()
            .any(|folder| Path::new(folder).join("libpcap.so").exists());
    if !linkable {
        return Err("libpcap's development files are not there (docs/live.md)".to_owned());
    }
    let folder = plain.parent().and_then(Path::parent).ok_or("no target directory")?;
    let build = |features: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--workspace", "--locked", "--target-dir"]);
        if plain.parent().is_some_and(|parent| parent.ends_with("release")) {
            cargo.arg("--release");
        }
        cargo.env_remove("CARGO_TARGET_DIR").arg(folder).args(features).output()
    };
    let built = build(&["--features", "authtrace/live"]).map_err(|error| error.to_string())?;
    let live = folder.join("live-tests");
    std::fs::create_dir_all(&live).map_err(|error| error.to_string())?;
    let live = live.join("authtrace");
    let copied = std::fs::copy(plain, &live);
    // The other tests want the program as it was.
    let _ = build(&[]);
    if !built.status.success() {
        let text = String::from_utf8_lossy(&built.stderr);
        return Err(format!("it does not build: {}", text.lines().rev().take(5).collect::<Vec<_>>().join(" | ")));
    }
    copied.map(|_| live).map_err(|error| error.to_string())
}

/// What a capture came to.
struct Captured {
    code: i64,
    out: String,
    err: String,
    folder: tempfile::TempDir,
}

impl Captured {
    /// Exit code and output of `analyze` on a file that the capture wrote.
    fn analyzed(&self, name: &str) -> (Option<i32>, String) {
        let (program, _) = tools().unwrap();
        let path = self.folder.path().join(name);
        let output = Command::new(program).args(["analyze", "-T", "json"]).arg(path).output().unwrap();
        (output.status.code(), text(&output))
    }

    /// Packets in a file that the capture wrote.
    fn frames(&self, name: &str) -> u64 {
        let data = std::fs::read(self.folder.path().join(name)).unwrap();
        let (mut at, mut frames) = (0, 0);
        while let Some(head) = data.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            frames += u64::from(head[0] == 6);
            at += u32::from_le_bytes(head[4..].try_into().unwrap()) as usize;
        }
        assert_eq!(at, data.len(), "{name} ends behind a block");
        frames
    }

    /// Codes of the incidents' roots in a document.
    fn roots(document: &str) -> Vec<String> {
        let document: Value = serde_json::from_str(document).unwrap();
        let of = |incident: &Value| {
            let found = document["findings"].as_array().unwrap().iter().find(|f| f["id"] == incident["root"]);
            found.unwrap()["code"].as_str().unwrap().to_owned()
        };
        document["incidents"].as_array().unwrap().iter().map(of).collect()
    }

    /// Files in its folder that the capture wrote.
    fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| name.ends_with(".pcapng"));
        names.sort();
        names
    }
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Runs a scenario of `lab.py`; `{}` in an argument is a folder of its own.
fn capture(scenario: &str, arguments: &[&str]) -> Option<Captured> {
    let (program, enter) = tools()?;
    let folder = tempfile::tempdir().unwrap();
    // Whoever the capture goes on as shall begin files in it.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let arguments = arguments.iter().map(|argument| argument.replace("{}", folder.path().to_str().unwrap()));
    let output = Command::new(enter[0])
        .args(&enter[1..])
        .arg("python3")
        .arg(root.join("tests/live/lab.py"))
        .arg(scenario)
        .args([program, folder.path()])
        .args(arguments)
        .env_remove("SSLKEYLOGFILE")
        .output()
        .unwrap();
    assert!(output.status.success(), "{scenario}: {}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    Some(Captured {
        code: result["code"].as_i64().unwrap(),
        out: result["out"].as_str().unwrap().to_owned(),
        err: result["err"].as_str().unwrap().to_owned(),
        folder,
    })
}

/// Live and from the file: the same document, headed by `root`.
#[track_caller]
fn check(scenario: &str, arguments: &[&str], root: &[&str]) {
    let all = [&["-w", "{}/out.pcapng", "-T", "json"], arguments].concat();
    let Some(captured) = capture(scenario, &all) else { return };
    assert_eq!(captured.code, 130, "{scenario}: {}", captured.err);
    let (_, analyzed) = captured.analyzed("out.pcapng");
    similar_asserts(scenario, &captured.out, &analyzed);
    let roots = Captured::roots(&captured.out);
    assert_eq!(roots.is_empty(), root.is_empty(), "{scenario}: {roots:?}");
    assert!(roots.first().is_none_or(|first| root.contains(&first.as_str())), "{scenario}: {roots:?}");
}

fn similar_asserts(scenario: &str, live: &str, file: &str) {
    for (a, b) in live.lines().zip(file.lines()) {
        assert_eq!(a, b, "{scenario}");
    }
    assert_eq!(live.len(), file.len(), "{scenario}");
}

#[test]
fn every_class_is_found_live_as_in_its_file() {
    check("traffic:missing", &[], &["AUTH002", "AUTH001"]);
    check("traffic:expired", &[], &["AUTH020"]);
    check("traffic:signature", &[], &["AUTH030"]);
    check("traffic:placeholder", &[], &["AUTH010"]);
    check("traffic:storm", &["--threads", "1"], &["AUTH043", "AUTH041"]);
    check("traffic:healthy", &[], &[]);
    check("any", &[], &["AUTH002", "AUTH001"]);
}

#[test]
fn recorded_incidents_over_a_wire_are_found_live_as_in_their_file() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures");
    let replay = |name: &str, root: &[&str]| {
        check(&format!("replay:{}", captures.join(name).canonicalize().unwrap().display()), &[], root);
    };
    replay("bypass.pcapng", &["AUTH003", "AUTH004"]);
    replay("healthy.pcapng", &[]);
    replay("herd.pcapng", &["AUTH043", "AUTH041"]);
    replay("preflight.pcap", &["AUTH060"]);
    replay("race.pcapng", &["AUTH002"]);
    replay("redirect.pcapng", &["AUTH070"]);
    replay("secret-mismatch.pcapng", &["AUTH030", "AUTH033"]);
    replay("websocket-403.pcapng", &["AUTH080"]);
    replay("wrong-token.pcapng", &["AUTH013", "AUTH023"]);
    let race = captures.join("race.pcapng").canonicalize().unwrap();
    check(&format!("several:{}", race.display()), &[], &["AUTH002"]);
}

#[test]
fn what_memory_has_no_room_for_comes_back_for_the_report() {
    let few = ["--in-memory", "2"];
    check("traffic:missing", &few, &["AUTH002", "AUTH001"]);
    check("traffic:storm", &few, &["AUTH043", "AUTH041"]);
    check("traffic:strangers", &few, &["AUTH020"]);
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures").canonicalize().unwrap();
    for (name, root) in [("herd.pcapng", "AUTH043"), ("race.pcapng", "AUTH002"), ("wrong-token.pcapng", "AUTH023")] {
        check(
            &format!("replay:{}", captures.join(name).display()),
            &["--in-memory", "3"],
            &[root, "AUTH041", "AUTH013"],
        );
    }
    let Some(text) = capture("traffic:missing", &["-w", "{}/out.pcapng", "--in-memory", "1"]) else { return };
    let path = text.folder.path().join("out.pcapng");
    let analyzed = Command::new(&tools().unwrap().0).arg("analyze").arg(path).output().unwrap();
    assert_eq!(text.out, String::from_utf8(analyzed.stdout).unwrap(), "{}", text.err);
}

#[test]
fn clients_that_know_nothing_of_each_other_are_judged_apart_in_the_end() {
    let arguments = ["-w", "{}/out.pcapng", "-T", "json", "--in-memory", "2", "--at-once", "4", "-vvv"];
    let Some(captured) = capture("traffic:strangers", &arguments) else { return };
    assert!(captured.err.contains("judged in 12 rounds"), "{}", captured.err);
    let (_, analyzed) = captured.analyzed("out.pcapng");
    similar_asserts("strangers", &captured.out, &analyzed);
}

#[test]
fn what_is_set_aside_tells_nobody_anything() {
    let Some(captured) = capture("kept:canary", &["-T", "jsonl", "--in-memory", "1", "-w", "{}/out.pcapng"]) else {
        return;
    };
    let finds = |name: &str, what: &str| {
        let bytes = std::fs::read(captured.folder.path().join(name)).unwrap();
        assert!(bytes.len() > 1000, "{name} has {} bytes", bytes.len());
        bytes.windows(what.len()).any(|window| window == what.as_bytes())
    };
    for what in ["cnry-6d1f", "/api/books", "127.0.0.1"] {
        assert!(!finds("kept", what), "{what} stands in the temporary store");
    }
    assert!(finds("out.pcapng", "cnry-6d1f"), "the capture holds it, as it must");
    assert!(!captured.out.contains("cnry-6d1f"), "{}", captured.out);
}

#[test]
fn what_has_no_room_anywhere_is_forgotten_and_said() {
    let Some(small) = capture("traffic:big", &["--in-memory", "4", "--spill-limit", "0", "-T", "json"]) else { return };
    assert!(small.code == 130 && small.out.contains("CAP203"), "{}", small.err);

    let full = capture("crowded:big", &["--in-memory", "2", "-w", "{}/out.pcapng", "-T", "json"]).unwrap();
    assert_eq!(full.err.matches("No space left").count(), 1, "{}", full.err);
    assert!(full.err.contains("temporary store") && full.out.contains("CAP203"), "{}", full.err);
    let (_, analyzed) = full.analyzed("out.pcapng");
    assert!(!analyzed.contains("CAP203"), "the file has everything");
}

#[test]
fn secrets_are_followed_and_kept_with_the_packets() {
    if !Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: no openssl for a certificate");
        return;
    }
    check("tls:now", &[], &["AUTH002", "AUTH001"]);
    check("tls:late", &[], &["AUTH002", "AUTH001"]);
}

#[test]
fn an_incident_is_announced_once() {
    let Some(captured) = capture("slow:6", &["-T", "jsonl", "-o", "{}/report.json"]) else { return };
    let events: Vec<Value> = captured.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("exchange"), count("incident-opened")), (12, 1), "{}", captured.out);
    assert!((1..=4).contains(&count("incident-updated")), "{}", count("incident-updated"));
    assert_eq!(count("incident-closed"), 1);
    assert!(count("stats") >= 1 && count("finding") >= 1);
    assert!(events.iter().filter(|e| e["event"] == "incident-opened").all(|e| e["provisional"] == true));
    let last = events.iter().rfind(|event| event["event"] == "incident-updated").unwrap();
    assert_eq!(last["incident"]["exchanges_count"], 6);
    let report = std::fs::read_to_string(captured.folder.path().join("report.json")).unwrap();
    assert_eq!(Captured::roots(&report).len(), 1);
}

#[test]
fn the_terminal_ui_watches_freezes_and_reports() {
    let arguments = ["-w", "{}/out.pcapng", "-T", "json", "-o", "{}/report.json"];
    for (how, code) in [("left", 1), ("interrupted", 130)] {
        let Some(watched) = capture(&format!("watched:{how}"), &arguments) else { return };
        assert_eq!(watched.code, code, "{how}: {}", watched.out);
        let report = std::fs::read_to_string(watched.folder.path().join("report.json")).unwrap();
        assert_eq!(Captured::roots(&report), ["AUTH002"], "{how}");
        let (_, analyzed) = watched.analyzed("out.pcapng");
        similar_asserts(how, &report, &analyzed);
    }
    let both = capture("plain", &["-i", "lo", "--tui", "-T", "jsonl"]).unwrap();
    assert!(both.code == 2 && both.err.contains("choose one of them"), "{}", both.err);
    let nowhere = capture("plain", &["-i", "lo", "--tui"]).unwrap();
    assert!(nowhere.code == 2 && nowhere.err.contains("--tui needs a terminal"), "{}", nowhere.err);
}

#[test]
fn whatever_ends_it_what_was_captured_is_there() {
    let Some(killed) = capture("killed:missing", &["-w", "{}/killed.pcapng"]) else { return };
    let (code, document) = killed.analyzed("killed.pcapng");
    assert_eq!((killed.code, code), (-9, Some(1)));
    assert!(!document.contains("CAP202"), "a kill cuts no block");

    let full = capture("full:big", &["-a", "duration:4"]).unwrap();
    assert_eq!(full.code, 2, "{}", full.err);
    assert!(full.err.contains("No space left") && full.out.contains("AUTH002"), "{}", full.err);
    let (code, document) = full.analyzed("full.pcapng");
    assert_eq!(code, Some(1));
    assert!(!document.contains("ends in the middle"));

    let race = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures/race.pcapng").canonicalize().unwrap();
    let down = capture(&format!("down:{}", race.display()), &["-T", "json"]).unwrap();
    assert!(down.err.contains("vb is down") && down.err.contains("what came before is kept"), "{}", down.err);
    assert_eq!(Captured::roots(&down.out).len(), 1);
}

#[test]
fn a_frame_is_written_once() {
    let Some(captured) = capture("traffic:missing", &["-w", "{}/once.pcapng", "-T", "jsonl"]) else { return };
    let stats = captured.out.lines().rev().find(|line| line.starts_with(r#"{"event":"stats""#)).unwrap();
    let stats: Value = serde_json::from_str(stats).unwrap();
    assert_eq!(stats["frames"], captured.frames("once.pcapng"), "{}", captured.err);
}

#[test]
fn files_are_counted_cut_and_begun_as_asked() {
    let Some(counted) = capture("limited:missing", &["-c", "20", "-w", "{}/c.pcapng"]) else { return };
    assert_eq!(counted.code, 1, "{}", counted.err);
    assert_eq!(counted.frames("c.pcapng"), 20);

    let ring = ["-w", "{}/ring.pcapng", "-b", "packets:15", "-b", "files:3"];
    let ring = capture("traffic:missing", &ring).unwrap();
    let files = ring.files();
    assert_eq!(files.len(), 3, "{}", ring.err);
    assert!(files.iter().all(|name| ring.frames(name) <= 15));

    let rotated = capture("rotated", &["-w", "{}/r.pcapng"]).unwrap();
    let files = rotated.files();
    assert_eq!(files.len(), 2, "{files:?}: {}", rotated.err);
    assert!(files.iter().all(|name| rotated.analyzed(name).0 == Some(1)), "each can be read alone");
    let (_, together) = rotated.analyzed("");
    let together: Value = serde_json::from_str(&together).unwrap();
    assert_eq!(together["inputs"].as_array().unwrap().len(), 1, "all are one capture: {}", together["inputs"]);
}

#[test]
fn what_cannot_begin_says_what_to_do() {
    let refused = |scenario: &str, arguments: &[&str], says: &str| {
        let Some(captured) = capture(scenario, arguments) else { return };
        assert_eq!((captured.code, captured.out.as_str()), (2, ""), "{}", captured.err);
        assert_eq!(captured.err.lines().count(), 1, "{}", captured.err);
        assert!(captured.err.contains(says), "{}", captured.err);
    };
    refused("nobody", &[], "sudo setcap cap_net_raw");
    refused("plain", &["-i", "nowhere9"], "`authtrace capture -D` lists");
    refused("plain", &["-i", "lo", "-f", "tcp prt 80"], "syntax error");
    refused("plain", &["-i", "lo", "-w", "/nowhere/f.pcapng"], "-w /nowhere/f.pcapng: cannot be written");
    refused("plain", &["-i", "lo", "-a", "minutes:3"], "-a minutes:3");
    refused("plain", &[], "no device named");
}

#[test]
fn a_program_is_told_of_each_incident() {
    let Some(captured) = capture("traffic:missing", &["--on-incident", "tee {}/incident.json"]) else { return };
    let told = std::fs::read_to_string(captured.folder.path().join("incident.json")).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["event"], "incident-opened", "{}", captured.err);
}
