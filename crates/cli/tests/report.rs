//! `report` and `verify` as a shell sees them: files, exit codes, and the page in a real browser.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests use files and may panic")]

mod support;

use std::{
    path::Path,
    process::{Command, Output},
};

use support::{browser, root};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_authtrace")).args(args).current_dir(root()).output().unwrap()
}

fn code(args: &[&str]) -> Option<i32> {
    run(args).status.code()
}

#[test]
fn three_files_that_only_the_user_reads() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("incident");
    let output = run(&["report", "captures/race.har", "-o", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let listed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(listed.lines().count(), 3, "{listed}");
    for path in listed.lines() {
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777,
            0o600
        );
        assert!(std::fs::read_to_string(path).unwrap().contains("AUTH002"), "{path}");
    }
    assert_eq!(code(&["report", "captures/healthy.har", "-o", out.to_str().unwrap()]), Some(0));
    assert_eq!(code(&["report", "captures/race.har"]), Some(2), "no directory");
    assert_eq!(code(&["report", "captures/race.har", "-T", "md", "-o", out.to_str().unwrap()]), Some(2));
}

#[test]
fn a_team_template_is_used_or_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let (templates, out) = (folder.path().join("t"), folder.path().join("o"));
    std::fs::create_dir(&templates).unwrap();
    let args = |t: &Path| {
        let (t, o) = (t.to_str().unwrap().to_owned(), out.to_str().unwrap().to_owned());
        run(&["report", "captures/race.har", "--template", &t, "-o", &o])
    };
    assert_eq!(args(&templates).status.code(), Some(2), "no report.md");
    std::fs::write(templates.join("report.md"), "Ours: {{ report.front.title }}").unwrap();
    assert_eq!(args(&templates).status.code(), Some(1));
    assert_eq!(
        std::fs::read_to_string(out.join("report.md")).unwrap(),
        "Ours: API called before the token was ready\n"
    );
    std::fs::write(templates.join("report.md"), "{% if %}").unwrap();
    let refused = args(&templates);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&refused.stderr).lines().count(), 1, "{refused:?}");
}

#[test]
fn verify_tells_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    assert_eq!(code(&["report", "captures/storm.har", "-o", out]), Some(1));
    let baseline = folder.path().join("report.json");
    let verify = |capture: &str| code(&["verify", "--baseline", baseline.to_str().unwrap(), capture]);
    assert_eq!(verify("captures/storm.har"), Some(1), "still there");
    assert_eq!(verify("captures/storm.pcap"), Some(1), "still there on the wire");
    assert_eq!(verify("captures/race.har"), Some(3), "not provable");
    let bad = run(&["verify", "--baseline", "captures/race.har", "captures/race.har"]);
    assert_eq!(bad.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&bad.stderr).lines().count(), 1, "{bad:?}");
}

/// What the analysis says of a healthy run after a broken one of the same routes.
#[test]
fn verify_says_gone_when_the_calls_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let entry = |second: u32, status: u16, header: &str| {
        format!(
            r#"{{"startedDateTime":"2026-11-21T10:00:{second:02}.000Z","time":20,
            "request":{{"method":"GET","url":"http://localhost:8000/api/v1/items","httpVersion":"h2","headers":[{header}{{"name":"user-agent","value":"t"}}]}},
            "response":{{"status":{status},"headers":[{{"name":"www-authenticate","value":"Bearer"}}],"content":{{"mimeType":"application/json","size":2,"text":"{{}}"}}}}}}"#
        )
    };
    let write = |name: &str, entries: &[String]| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!(r#"{{"log":{{"version":"1.2","entries":[{}]}}}}"#, entries.join(","))).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let token = r#"{"name":"authorization","value":"Bearer 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"},"#;
    let broken = write("broken.har", &[entry(1, 401, ""), entry(2, 200, token)]);
    let mended = write("mended.har", &[entry(1, 200, token), entry(2, 200, token)]);
    let out = folder.path().to_str().unwrap();
    assert_eq!(code(&["report", &broken, "-o", out]), Some(1));
    let baseline = folder.path().join("report.json");
    let output = run(&["verify", "--baseline", baseline.to_str().unwrap(), &mended]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The page in a real browser: its parts are there, the console is silent, nothing is requested but the file itself.
#[test]
fn the_page_stands_alone_in_chromium() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    assert_eq!(code(&["report", "captures/storm.har", "-o", out]), Some(1));
    let page = format!("file://{out}/report.html");
    let log = folder.path().join("net.json");
    for size in ["1280,900", "390,844"] {
        let profile = folder.path().join("profile");
        let output = Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--dump-dom"])
            .args([&format!("--window-size={size}"), &format!("--log-net-log={}", log.display())])
            .args([&format!("--user-data-dir={}", profile.display()), &page])
            .output()
            .unwrap();
        let console = String::from_utf8_lossy(&output.stderr);
        assert!(!console.contains("CONSOLE"), "{console}");
        let dom = String::from_utf8_lossy(&output.stdout);
        for part in [
            "<article id=\"I1\"",
            "id=\"waterfall-I1-t\"",
            "id=\"lifelines-t\"",
            "id=\"tree-I1-t\"",
            "id=\"refresh-rate-t\"",
        ] {
            assert!(dom.contains(part), "{part}");
        }
        let net = std::fs::read_to_string(&log).unwrap();
        let asked: Vec<&str> = net.split("\"url\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        // What the browser itself asks its vendor for is not the page's doing.
        let page_asks = |url: &&&str| url.contains("localhost:") || url.contains("report");
        assert!(!asked.iter().filter(page_asks).any(|url| url.starts_with("http")), "{asked:?}");
    }
}
