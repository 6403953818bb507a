//! The keys of the settings file, as they are written.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::place::Fault;

/// The file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct File {
    pub(crate) filter: Option<Spanned<String>>,
    pub(crate) since: Option<Spanned<String>>,
    pub(crate) until: Option<Spanned<String>>,
    pub(crate) host: Option<Spanned<String>>,
    pub(crate) session: Option<Spanned<String>>,
    pub(crate) time: Option<Spanned<String>>,
    pub(crate) fingerprint_key: Option<Spanned<String>>,
    pub(crate) threads: Option<Spanned<NonZeroUsize>>,
    pub(crate) key: Vec<Spanned<String>>,
    pub(crate) env_file: Vec<Spanned<PathBuf>>,
    pub(crate) keylog: Vec<Spanned<PathBuf>>,
    pub(crate) openapi: Vec<Spanned<PathBuf>>,
    pub(crate) source_map: Option<Spanned<PathBuf>>,
    pub(crate) format: Option<Spanned<String>>,
    pub(crate) output: Option<Spanned<PathBuf>>,
    pub(crate) color: Option<Spanned<String>>,
    pub(crate) quiet: Option<Spanned<bool>>,
    pub(crate) verbose: Option<Spanned<u8>>,
    pub(crate) min_severity: Option<Spanned<String>>,
    pub(crate) min_confidence: Option<Spanned<f64>>,
    pub(crate) fail_on: Option<Spanned<String>>,
    pub(crate) accept: Option<Spanned<PathBuf>>,
    pub(crate) exit_zero: Option<Spanned<bool>>,
    pub(crate) theme: Option<Spanned<String>>,
    pub(crate) tui_keys: BTreeMap<String, Vec<String>>,
    /// `[thresholds.RULE]`
    pub(crate) thresholds: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<Number>>>,
    /// `[severity]`
    pub(crate) severity: BTreeMap<Spanned<String>, Spanned<String>>,
    /// `[[route]]`
    pub(crate) route: Vec<Route>,
    /// `[expect]`
    pub(crate) expect: Expect,
    /// `[[ignore]]`
    pub(crate) ignore: Vec<Spanned<Ignore>>,
    /// `[[rule]]`
    pub(crate) rule: Vec<Spanned<Rule>>,
}

/// A threshold's value.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Number {
    Whole(i64),
    Broken(f64),
    Time(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    pub(crate) r#match: Spanned<String>,
    pub(crate) role: Option<Spanned<String>>,
    pub(crate) protected: Option<Spanned<bool>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expect {
    pub(crate) issuers: Vec<Spanned<String>>,
    pub(crate) audiences: Vec<Spanned<String>>,
    pub(crate) origins: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ignore {
    pub(crate) rule: Option<Spanned<String>>,
    pub(crate) route: Option<Spanned<String>>,
    pub(crate) origin: Option<Spanned<String>>,
    pub(crate) fingerprint: Option<Spanned<String>>,
    pub(crate) reason: Spanned<String>,
    pub(crate) until: Spanned<toml::Value>,
}

impl Ignore {
    /// The last day as written, a date or a text; empty where it is neither.
    pub(crate) fn last_day(&self) -> String {
        match self.until.get_ref() {
            toml::Value::String(text) => text.clone(),
            toml::Value::Datetime(date) => date.to_string(),
            _ => String::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct Rule {
    pub(crate) name: Spanned<String>,
    pub(crate) title: Option<Spanned<String>>,
    pub(crate) when: Spanned<String>,
    #[serde(default)]
    pub(crate) group_by: Vec<Spanned<String>>,
    pub(crate) window: Option<Spanned<String>>,
    pub(crate) at_least: Option<Spanned<u32>>,
    pub(crate) severity: Option<Spanned<String>>,
    pub(crate) message: Option<Spanned<String>>,
    pub(crate) help: Option<Spanned<String>>,
}

impl File {
    /// Reads the text.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            Fault::new(at, format!("{}; docs/configuration.md lists the keys", says(error.message())))
        })
    }

    /// A key that must not count where nobody named the file: it reads secrets or writes files.
    pub(crate) fn unsafe_to_find(&self) -> Option<(&'static str, usize)> {
        let first = |name, list: &[usize]| list.first().map(|at| (name, *at));
        let starts = |list: &[Spanned<PathBuf>]| list.iter().map(|path| path.span().start).collect::<Vec<_>>();
        let keys: Vec<usize> = self.key.iter().map(|key| key.span().start).collect();
        first("key", &keys)
            .or_else(|| first("env-file", &starts(&self.env_file)))
            .or_else(|| first("keylog", &starts(&self.keylog)))
            .or_else(|| self.fingerprint_key.as_ref().map(|key| ("fingerprint-key", key.span().start)))
            .or_else(|| self.output.as_ref().map(|path| ("output", path.span().start)))
    }
}

/// The parser's words on one line, without the value that it repeats: that might be a secret.
fn says(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let mut words = String::new();
    let mut quoted = false;
    for (index, piece) in line.split('"').enumerate() {
        quoted = index % 2 == 1;
        if !quoted {
            words.push_str(piece);
        }
    }
    if quoted { "cannot be read as TOML with the expected types".to_owned() } else { words.replace(" ,", ",") }
}
