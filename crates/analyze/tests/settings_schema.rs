//! The schema of the settings file admits what the documentation shows, and refuses what the program refuses.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "reads files of the repository and may panic")]

use std::path::Path;

use serde_json::{Map, Value};

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
}

/// TOML as JSON; a date is its text, as an editor sees it.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::Table(table) => Value::Object(table.into_iter().map(|(k, v)| (k, json(v))).collect::<Map<_, _>>()),
        toml::Value::Array(list) => list.into_iter().map(json).collect(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
    }
}

#[test]
fn the_schema_is_the_files() {
    let schema: Value = serde_json::from_str(&read("authtrace.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let valid = |text: &str| validator.is_valid(&json(toml::from_str::<toml::Value>(text).unwrap()));
    let page = read("configuration.md");
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() > 4);
    for block in blocks {
        assert!(valid(block), "{block}");
    }
    for wrong in [
        "failon = 1",
        "fail-on = 'loud'",
        "[[route]]\nmatch = '/a'",
        "[[ignore]]\nrule = 'AUTH101'\nreason = 'r'",
        "[[ignore]]\nreason = 'r'\nuntil = 2026-12-31",
        "[[rule]]\nname = 'X Y'\nwhen = 'true'",
    ] {
        assert!(!valid(wrong), "{wrong}");
    }
}
