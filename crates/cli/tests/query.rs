//! `query`: every recipe of docs/query.md is run, and prints what the page shows.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout, reason = "tests run programs")]

mod support;

use support::{root, shell};

fn printed(command: &str) -> String {
    let output = shell(command, &root());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// `UPDATE_DOCS=1` writes what the recipes print today into the page; read the difference before you commit it.
#[test]
fn recipes_print_what_the_page_shows() {
    let path = root().join("docs/query.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut anew = String::new();
    let mut rest = page.as_str();
    let mut recipes = 0;
    while let Some((before, after)) = rest.split_once("```text\n") {
        let command = before.rsplit_once("```console\n$ ").unwrap().1.split_once("\n```").unwrap().0;
        let (_, after) = after.split_once("```\n").unwrap();
        anew.push_str(&format!("{before}```text\n{}```\n", printed(command)));
        rest = after;
        recipes += 1;
    }
    anew.push_str(rest);
    assert!(recipes >= 12, "{recipes} recipes");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, anew).unwrap();
    } else {
        assert_eq!(page, anew);
    }
}

#[test]
fn every_format_holds_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "'SELECT id, route, status FROM exchanges ORDER BY id'";
    let json: serde_json::Value =
        serde_json::from_str(&printed(&format!("authtrace query captures/race.har -T json {sql}"))).unwrap();
    let lines = printed(&format!("authtrace query captures/race.har -T jsonl {sql}"));
    let csv = printed(&format!("authtrace query captures/race.har -T csv {sql}"));
    assert_eq!((lines.lines().count(), csv.lines().count()), (21, 22));
    assert!(json.to_string().contains("GET /api/v1/books/"));
    let parquet = folder.path().join("out.parquet");
    printed(&format!("authtrace query captures/race.har -T parquet -o {} {sql}", parquet.display()));
    let bytes = std::fs::read(parquet).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[test]
fn what_cannot_be_answered_is_said_in_one_line() {
    let check = |arguments: &str, says: &str| {
        let output = shell(&format!("authtrace query {arguments}"), &root());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.contains(says) && error.lines().count() == 1, "{arguments}: {error}");
    };
    check("captures/race.har", "query");
    check("captures/race.har 'SELECT nothing FROM exchanges'", "nothing");
    check("captures/race.har 'SELECT * FROM secrets'", "secrets");
    check("captures/race.har 'DROP TABLE exchanges'", "SELECT");
    check("captures/none.har 'SELECT id FROM exchanges'", "none.har");
}

#[test]
fn the_schema_names_every_table() {
    let schema = printed("authtrace query --schema");
    for table in ["exchanges", "tokens", "sessions", "findings"] {
        assert!(schema.contains(table), "{schema}");
    }
    assert!(
        !printed("authtrace query captures/race.har --explain 'SELECT id FROM exchanges WHERE status = 401'")
            .is_empty()
    );
}
