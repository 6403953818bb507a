//! `authtrace.toml`, `--openapi`, `--source-map`, and `authtrace config`, as a shell sees them.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests write and read files and may panic")]

mod support;

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use support::{har::Har, root};

/// A folder with a settings file and captures, in which the program runs.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new(settings: &str) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        project.file("authtrace.toml", settings);
        project
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn run_in(&self, folder: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authtrace"));
        for name in ["NO_COLOR", "COLUMNS", "SSLKEYLOGFILE"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).current_dir(self.folder.path().join(folder)).args(args).output().unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        self.run_in(".", args)
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["-T", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", err(&output)))
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn sample(name: &str) -> String {
    root().join("captures").join(name).canonicalize().unwrap().to_str().unwrap().to_owned()
}

/// Codes of the findings, in order.
fn codes(document: &Value) -> Vec<String> {
    let findings = document["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// Exit code 2 and one line that begins with the place and holds `says`.
#[track_caller]
fn check(settings: &str, place: &str, says: &str) {
    let output = Project::new(settings).run(&["analyze", &sample("healthy.har"), "--config", "authtrace.toml"]);
    let error = err(&output);
    assert_eq!(output.status.code(), Some(2), "{settings}\n{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(
        error.starts_with(&format!("authtrace: authtrace.toml:{place}: ")) && error.contains(says),
        "{settings}\n{error}"
    );
}

#[test]
fn errors_name_line_and_column() {
    check("fail-on = \"high\"\nfailon = 1\n", "2:1", "unknown field `failon`");
    check("fail-on = \n", "1:11", "");
    check("threads = \"two\"\n", "1:11", "");
    check("[thresholds.nothing]\na = 1\n", "1:13", "no rule is called nothing");
    check("[thresholds.refresh-storm]\nmany = 1\n", "2:1", "short-count, short-within");
    check("[thresholds.refresh-storm]\nshort-count = \"3\"\n", "2:15", "a whole number");
    check("[thresholds.refresh-storm]\nshort-within = 10\n", "2:16", "a span of time");
    check("[thresholds.AUTH001]\ncohort-ratio = 1.5\n", "2:16", "a share from 0 to 1");
    check("[severity]\nAUTH001 = \"loud\"\n", "2:11", "critical, high");
    check("[[route]]\nmatch = \"books\"\nprotected = true\n", "2:9", "begins with /");
    check("[[route]]\nmatch = \"/books\"\n", "2:9", "`role`, `protected` or both");
    check("[[route]]\nmatch = \"/books\"\nrole = \"king\"\n", "3:8", "a role is one of login");
    check("[expect]\norigins = [\"https://x.dev\", \"x.dev\"]\n", "2:29", "scheme and host");
    check("[[ignore]]\nrule = \"AUTH101\"\nuntil = 2026-12-31\n", "1:1", "reason");
    check("[[ignore]]\nrule = \"AUTH101\"\nreason = \"r\"\n", "1:1", "until");
    check("[[ignore]]\nrule = \"AUTH101\"\nreason = \" \"\nuntil = 2026-12-31\n", "3:10", "write one");
    check("[[ignore]]\nreason = \"r\"\nuntil = 2026-12-31\n", "1:1", "say what to ignore");
    check("[[ignore]]\nrule = \"AUTH101\"\nreason = \"r\"\nuntil = \"soon\"\n", "4:9", "2026-12-31");
    check("[[rule]]\nname = \"x\"\nwhen = \"statuss = 401\"\n", "3:9", "statuss");
    check("[[rule]]\nname = \"x\"\nwhen = \"status = 401\"\ngroup_by = [\"host\", \"user\"]\n", "4:21", "user");
    check("[[rule]]\nname = \"x\"\nwhen = \"status = 401\"\nmessage = \"{a}\"\n", "4:11", "{a}");
    check("[[rule]]\nname = \"X Y\"\nwhen = \"status = 401\"\n", "2:8", "lower-case");
    check("[[rule]]\nname = \"x\"\nwhen = \"true\"\n[[rule]]\nname = \"x\"\nwhen = \"true\"\n", "5:8", "two rules");
}

#[test]
fn values_that_may_be_secret_are_not_repeated() {
    let output = Project::new("key = \"hunter2-hunter2\"\n").run(&["analyze", "x.har", "--config", "authtrace.toml"]);
    assert!(!err(&output).contains("hunter2"), "{}", err(&output));
    let shown =
        Project::new("key = [\"a=b64:aHVudGVyMg==\", \"b=env:HOME\"]\n").run(&["config", "--config", "authtrace.toml"]);
    assert!(!out(&shown).contains("aHVudGVyMg") && out(&shown).contains("b=env:HOME"), "{}", out(&shown));
}

#[test]
fn bombs_end_soon() {
    let bombs = [
        format!("a = {}", "[".repeat(100_000)),
        format!("{}x = 1", "a.".repeat(100_000)),
        "x = 1\n".repeat(400_000),
        format!("[[rule]]\nname = \"x\"\nwhen = \"{}true\"\n", "(".repeat(4000)),
        format!("[[rule]]\nname = \"x\"\nwhen = \"{}true\"\n", "not ".repeat(1000)),
        "[[rule]]\nname = \"x\"\nwhen = \"true\"\n".repeat(100),
        format!("[[route]]\nmatch = \"/{}\"\nprotected = true\n", "**/".repeat(10_000)),
    ];
    for bomb in bombs {
        let began = std::time::Instant::now();
        let output = Project::new(&bomb).run(&["analyze", &sample("healthy.har"), "--config", "authtrace.toml"]);
        assert_eq!(output.status.code(), Some(2), "{}", &bomb[..60]);
        assert!(began.elapsed().as_secs() < 20, "{}", &bomb[..60]);
    }
}

#[test]
fn a_file_is_found_in_the_repository_and_announced() {
    let project = Project::new("fail-on = \"critical\"\n");
    project.file("api/tests/.keep", "");
    let race = sample("race.har");
    let found = |folder: &str, args: &[&str]| project.run_in(folder, &[&["analyze", race.as_str()], args].concat());
    assert_eq!(found("api/tests", &[]).status.code(), Some(1), "outside of a repository nothing is looked for above");
    assert_eq!(found(".", &[]).status.code(), Some(0));
    project.file(".git/HEAD", "");
    let below = found("api/tests", &[]);
    assert_eq!(below.status.code(), Some(0), "{}", err(&below));
    assert!(err(&below).contains("settings from") && err(&below).contains("--no-config"), "{}", err(&below));
    assert_eq!(found("api/tests", &["--no-config"]).status.code(), Some(1));
    assert_eq!(err(&found("api/tests", &["-q"])), "");
    project.file("authtrace.toml", "quiet = true\noutput = \"stolen.txt\"\n");
    let unsafe_file = found("api/tests", &[]);
    assert_eq!(unsafe_file.status.code(), Some(2));
    assert!(err(&unsafe_file).contains(":2:10: `output` counts only"), "{}", err(&unsafe_file));
    let named = project.run(&["analyze", &race, "--config", "authtrace.toml"]);
    assert!(named.status.success() || named.status.code() == Some(1), "{}", err(&named));
    assert!(project.folder.path().join("stolen.txt").is_file());
}

#[test]
fn thresholds_and_severities_change_the_judgement() {
    let storm = sample("storm.har");
    let severity = |document: &Value, code: &str| {
        let findings = document["findings"].as_array().unwrap();
        findings.iter().find(|f| f["code"] == code).map(|f| f["severity"].as_str().unwrap().to_owned())
    };
    let plain = Project::new("").json(&["analyze", &storm]);
    assert_eq!(severity(&plain, "AUTH041").as_deref(), Some("high"));
    let lenient = "[thresholds.refresh-storm]\nshort-count = 100\nlong-count = 100\n";
    assert_eq!(severity(&Project::new(lenient).json(&["analyze", &storm]), "AUTH041"), None);
    let milder = Project::new("[severity]\nrefresh-storm = \"info\"\n").json(&["analyze", &storm]);
    assert_eq!(severity(&milder, "AUTH041").as_deref(), Some("info"));
}

#[test]
fn what_is_ignored_is_shown_and_does_not_count() {
    let race = sample("race.har");
    let run = |until: &str, match_: &str| {
        let text = format!(
            "[[ignore]]\nrule = \"AUTH002\"\n{match_}\nreason = \"known\"\nuntil = {until}\n[[ignore]]\nrule = \"AUTH001\"\nreason = \"known\"\nuntil = {until}\n"
        );
        Project::new(&text).run(&["analyze", &race, "-T", "json"])
    };
    let ignored = run("2999-12-31", "route = \"/api/v1/**\"");
    let document: Value = serde_json::from_slice(&ignored.stdout).unwrap();
    assert_eq!(ignored.status.code(), Some(0));
    assert!(document["findings"][0]["accepted"]["reason"] == "known", "{document:#}");
    assert_eq!(run("2999-12-31", "route = \"POST /api/v1/**\"").status.code(), Some(1), "the GET still counts");
    assert_eq!(run("2999-12-31", "origin = \"https://other.dev\"").status.code(), Some(1));
    let expired = run("2020-01-01", "");
    assert_eq!(expired.status.code(), Some(1));
    assert!(
        err(&expired).contains("authtrace.toml:1: what is ignored here was until 2020-01-01; it counts again"),
        "{}",
        err(&expired)
    );
}

const OWN: &str = r#"
[[rule]]
name = "hammered-login"
title = "Refused too often"
when = "status = 401"
group_by = ["client_key", "host"]
window = "60s"
at_least = 2
severity = "high"
message = "{count} refusals within {window} at {host}."
help = "Look into it."
"#;

#[test]
fn own_rules_are_rules_like_any_other() {
    let project = Project::new(&format!(
        "{OWN}\n[[ignore]]\norigin = \"http://localhost:8000\"\nrule = \"AUTH002\"\nreason = \"r\"\nuntil = 2999-01-01\n[[ignore]]\nrule = \"AUTH001\"\nreason = \"r\"\nuntil = 2999-01-01\n"
    ));
    let race = sample("race.har");
    let analysis = project.json(&["analyze", &race]);
    let own: Vec<&Value> =
        analysis["findings"].as_array().unwrap().iter().filter(|f| f["code"] == "OWN-hammered-login").collect();
    assert_eq!(own.len(), 1, "{:?}", codes(&analysis));
    assert_eq!(own[0]["message"], "2 refusals within 1 min 0 s at localhost.");
    assert_eq!(own[0]["exchanges_count"], 2);
    assert_eq!(own[0]["severity"], "high");
    assert_eq!(project.run(&["analyze", &race]).status.code(), Some(1));
    let report = |format: &str| out(&project.run(&["analyze", &race, "-T", format]));
    let sarif: Value = serde_json::from_str(&report("sarif")).unwrap();
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.last().unwrap()["id"], "OWN-hammered-login");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["ruleId"] == "OWN-hammered-login").unwrap();
    assert_eq!(result["ruleIndex"], rules.len() - 1);
    assert!(report("junit").contains("OWN-hammered-login"), "{}", report("junit"));
    for format in ["text", "csv", "md", "html", "jsonl", "github"] {
        assert!(report(format).contains("OWN-hammered-login"), "{format}");
    }
    let healthy = project.json(&["analyze", &sample("healthy.har")]);
    assert!(!codes(&healthy).contains(&"OWN-hammered-login".to_owned()));
}

#[test]
fn settings_are_printed_with_their_origin() {
    let project = Project::new("fail-on = \"medium\"\n\n[thresholds.AUTH041]\nshort-count = 9\n");
    let settings = project.json(&["config", "--min-severity", "low"]);
    let from = |name: &str| {
        let found = settings.as_array().unwrap().iter().find(|s| s["name"] == name).unwrap();
        (found["value"].as_str().map(str::to_owned), found["from"].as_str().unwrap().to_owned())
    };
    let place = |line: usize| {
        format!("{}:{line}", project.folder.path().canonicalize().unwrap().join("authtrace.toml").display())
    };
    assert_eq!(from("fail-on"), (Some("medium".into()), place(1)));
    assert_eq!(from("min-severity"), (Some("low".into()), "flag".into()));
    assert_eq!(from("filter"), (None, "default".into()));
    assert_eq!(from("thresholds.refresh-storm.short-count"), (Some("9".into()), place(4)));
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrace"));
    command.args(["config", "--all", "--no-config"]).env("NO_COLOR", "1").env("COLUMNS", "200");
    let text = out(&command.output().unwrap());
    assert!(text.contains("environment, NO_COLOR"), "{text}");
    assert!(text.contains("thresholds.refresh-storm.short-within"), "{text}");
}

const OPENAPI: &str = r#"
openapi: 3.0.3
info: { title: Books, version: "1" }
servers: [ { url: "https://api.example.com" } ]
security: [ { bearer: [] } ]
paths:
  /health: { get: { security: [] } }
  /api/v1/auth/login: { post: { security: [] } }
  /api/v1/auth/refresh/: { post: { security: [] } }
  /api/v1/auth/logout: { post: {} }
  /api/v1/books: { get: {} }
  /api/v1/books/: { get: {}, post: {} }
  /api/v1/books/{id}: { get: {} }
  /api/v1/ws-ticket: { post: {} }
components:
  securitySchemes: { bearer: { type: http, scheme: bearer } }
"#;

/// A capture of one refused call without a credential: alone it says little.
fn lonely(project: &Project) -> String {
    let mut har = Har::read(&root().join("captures/healthy.har"));
    har.entry("GET /api/v1/books/1").request_header("Authorization", "").status(401).answer("");
    let path = har.write(project.folder.path(), "lonely");
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_api_description_is_evidence() {
    let project = Project::new("openapi = [\"openapi.yaml\"]\n");
    project.file("openapi.yaml", OPENAPI);
    let healthy = project.json(&["analyze", &sample("healthy.har")]);
    let loud = |document: &Value| {
        let findings = document["findings"].as_array().unwrap().iter();
        findings.filter(|f| ["medium", "high", "critical"].iter().any(|s| f["severity"] == *s)).count()
    };
    assert_eq!(loud(&healthy), 0, "a healthy capture keeps to its description: {:?}", codes(&healthy));
    let lonely = lonely(&project);
    let with = project.json(&["analyze", &lonely]);
    let finding =
        with["findings"].as_array().unwrap().iter().find(|f| f["code"] == "AUTH001" || f["code"] == "AUTH003").unwrap();
    let says: Vec<&str> = finding["evidence"].as_array().unwrap().iter().filter_map(|e| e["says"].as_str()).collect();
    if finding["code"] == "AUTH001" {
        assert!(says.iter().any(|s| s.contains("openapi.yaml, /api/v1/books/{id}: needs bearer (bearer)")), "{says:?}");
    }
    project.file(
        "openapi.yaml",
        &OPENAPI
            .replace("{ get: {}, post: {} }", "{ get: { security: [] }, post: { security: [ { key: [] } ] } }")
            .replace("bearer: { type", "key: { type: apiKey, in: header, name: X-Key }, bearer: { type"),
    );
    let conflicting = project.json(&["analyze", &sample("race.har")]);
    let conflicts: Vec<&str> = conflicting["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["code"] == "AUTH104")
        .filter_map(|f| f["variant"].as_str())
        .collect();
    assert!(conflicts.contains(&"refused-though-public") && conflicts.contains(&"other-credential"), "{conflicts:?}");
    project.file("openapi.yaml", "openapi: 3.1.0\npaths:\n  - a\n");
    let wrong = project.run(&["analyze", &lonely]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(err(&wrong).contains("openapi.yaml:3:"), "{}", err(&wrong));
    project.file("openapi.yaml", &OPENAPI.replace("/api/v1", "/other").replace("/health", "/other/health"));
    assert!(
        err(&project.run(&["analyze", &lonely])).contains("openapi.yaml describes no call"),
        "idle documents are said"
    );
}

#[test]
fn source_maps_name_the_source() {
    let project = Project::new("");
    // Every place of the first lines of `api.js` comes from line 41 of `src/api/client.ts`.
    let lines = vec!["AAwCAA"; 1].into_iter().chain(vec!["AAAA"; 60]).collect::<Vec<_>>().join(";");
    let map =
        format!(r#"{{"version":3,"sources":["webpack:///./src/api/client.ts"],"names":["x"],"mappings":"{lines}"}}"#);
    project.file("dist/js/api.js.map", &map);
    let race = sample("race.har");
    let plain = project.json(&["exchanges", &race]);
    let mapped = project.json(&["exchanges", &race, "--source-map", "dist"]);
    let sites = |document: &Value| -> Vec<String> {
        document.as_array().unwrap().iter().filter_map(|e| e["initiator"].as_str().map(str::to_owned)).collect()
    };
    assert!(sites(&plain).iter().any(|site| site.contains("js/api.js:")), "{:?}", sites(&plain));
    assert!(sites(&mapped).iter().any(|site| site.contains("(src/api/client.ts:41)")), "{:?}", sites(&mapped));
    assert!(!sites(&mapped).iter().any(|site| site.contains("js/api.js:")), "{:?}", sites(&mapped));
    let text = out(&project.run(&["analyze", &race, "--source-map", "dist"]));
    assert!(text.contains("src/api/client.ts:41"), "{text}");
    let empty = project.run(&["analyze", &race, "--source-map", "nowhere"]);
    assert_eq!(empty.status.code(), Some(2));
    assert!(err(&empty).contains("--source-map"), "{}", err(&empty));
    project.file("broken/a.js.map", "no map");
    assert!(err(&project.run(&["analyze", &race, "--source-map", "broken"])).contains("a.js.map is left out"));
}

#[test]
fn documentation_names_every_key() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md")).unwrap();
    for setting in Project::new("").json(&["config", "--no-config"]).as_array().unwrap() {
        assert!(text.contains(setting["name"].as_str().unwrap()), "{}", setting["name"]);
    }
    // Every block of the page is a valid file.
    for block in text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        let project = Project::new(block);
        project.file("api/openapi.yaml", OPENAPI);
        let output = project.run(&["config", "--config", "authtrace.toml"]);
        assert_eq!(output.status.code(), Some(0), "{block}\n{}", err(&output));
    }
}
