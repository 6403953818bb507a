//! What holds in the end, and where each value comes from: `authtrace config`.

use std::fmt::Display;

use authtrace_analyze::{catalogue::catalogue, thresholds::Threshold};
use authtrace_report::settings::{Setting, limit};
use toml::Spanned;

use super::Loaded;
use crate::args::AnalyzeArgs;

/// Every setting of `analyze`, with those of the rules where they are set or `everything` is wanted.
pub(crate) fn settings(args: &AnalyzeArgs, loaded: Option<&Loaded>, everything: bool) -> Vec<Setting> {
    let rows = Rows { loaded };
    let mut all = flags(args, &rows);
    all.extend(tables(&rows));
    all.extend(thresholds(&rows, everything));
    all
}

struct Rows<'a> {
    loaded: Option<&'a Loaded>,
}

impl Rows<'_> {
    fn at(&self, at: usize) -> String {
        self.loaded.map_or_else(String::new, |l| format!("{}:{}", l.path.display(), l.line(at)))
    }

    /// One value: the flag's, else the file's, else the environment's, else the default.
    fn one<T>(
        &self,
        name: &str,
        flag: Option<String>,
        file: Option<&Spanned<T>>,
        show: impl Fn(&T) -> String,
        default: Option<&str>,
    ) -> Setting {
        let (value, from) = match (flag, file) {
            (Some(value), _) => (Some(value), "flag".to_owned()),
            (None, Some(value)) => (Some(show(value.get_ref())), self.at(value.span().start)),
            (None, None) => (default.map(str::to_owned), "default".to_owned()),
        };
        Setting { name: name.to_owned(), value, from }
    }

    /// A list: what the flags give, then what the file gives, one row each.
    fn list<T>(
        &self,
        name: &str,
        flags: impl Iterator<Item = String>,
        file: &[Spanned<T>],
        show: impl Fn(&T) -> String,
    ) -> Vec<Setting> {
        let row = |value, from| Setting { name: name.to_owned(), value, from };
        let mut rows: Vec<Setting> = flags.map(|value| row(Some(value), "flag".to_owned())).collect();
        rows.extend(file.iter().map(|value| row(Some(show(value.get_ref())), self.at(value.span().start))));
        if rows.is_empty() {
            rows.push(row(None, "default".to_owned()));
        }
        rows
    }
}

fn shown(value: &impl Display) -> String {
    value.to_string()
}

fn flags(args: &AnalyzeArgs, rows: &Rows<'_>) -> Vec<Setting> {
    let inspect = &args.inspect;
    let output = &inspect.output;
    let empty = super::File::default();
    let file = rows.loaded.map_or(&empty, |loaded| &loaded.file);
    let path = |path: &std::path::PathBuf| path.display().to_string();
    let text = |text: &String| text.clone();
    let is_set = |flag: bool| flag.then(|| "true".to_owned());
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let mut all = vec![
        rows.one("fail-on", args.fail_on.clone(), file.fail_on.as_ref(), text, Some("high")),
        rows.one("min-severity", args.min_severity.clone(), file.min_severity.as_ref(), text, None),
        rows.one(
            "min-confidence",
            args.min_confidence.map(|p| p.to_string()),
            file.min_confidence.as_ref(),
            shown,
            None,
        ),
        rows.one("exit-zero", is_set(args.exit_zero), file.exit_zero.as_ref(), shown, Some("false")),
        rows.one("accept", args.accept.as_ref().map(path), file.accept.as_ref(), path, None),
        rows.one("filter", inspect.filter.clone(), file.filter.as_ref(), text, None),
        rows.one("since", inspect.since.clone(), file.since.as_ref(), text, None),
        rows.one("until", inspect.until.clone(), file.until.as_ref(), text, None),
        rows.one("host", inspect.host.clone(), file.host.as_ref(), text, None),
        rows.one("session", inspect.session.clone(), file.session.as_ref(), text, None),
        rows.one("time", inspect.time.clone(), file.time.as_ref(), text, None),
        rows.one("threads", inspect.threads.map(|n| n.to_string()), file.threads.as_ref(), shown, None),
        rows.one("fingerprint-key", inspect.fingerprint_key.clone(), file.fingerprint_key.as_ref(), text, None),
        rows.one("source-map", inspect.source_map.as_ref().map(path), file.source_map.as_ref(), path, None),
        rows.one("format", output.format.clone(), file.format.as_ref(), text, Some("text")),
        rows.one("output", output.output.as_ref().map(path), file.output.as_ref(), path, None),
        rows.one("quiet", is_set(output.quiet), file.quiet.as_ref(), shown, Some("false")),
        rows.one(
            "verbose",
            (output.verbose > 0).then(|| output.verbose.to_string()),
            file.verbose.as_ref(),
            shown,
            Some("0"),
        ),
    ];
    let mut color = rows.one("color", output.color.clone(), file.color.as_ref(), text, Some("auto"));
    if color.from == "default" && set("NO_COLOR").is_some() {
        (color.value, color.from) = (Some("never".to_owned()), "environment, NO_COLOR".to_owned());
    }
    all.push(color);
    all.extend(rows.list("openapi", inspect.openapi.iter().map(path), &file.openapi, path));
    all.extend(rows.list("env-file", inspect.keys.env_file.iter().map(path), &file.env_file, path));
    all.extend(
        rows.list("key", inspect.keys.key.iter().map(|key| without_secret(key)), &file.key, |key| without_secret(key)),
    );
    all.extend(rows.list("keylog", inspect.keylog.iter().map(path), &file.keylog, path));
    if let Some(value) = set("SSLKEYLOGFILE") {
        let value = Some(value.to_string_lossy().into_owned());
        all.push(Setting { name: "keylog".to_owned(), value, from: "environment, SSLKEYLOGFILE".to_owned() });
    }
    all
}

/// The name of a key and the sort of its source; what follows `b64:` is the key.
fn without_secret(spec: &str) -> String {
    match spec.split_once('=') {
        Some((name, source))
            if source.starts_with(['@']) || ["env:", "jwks:@", "pem:@"].iter().any(|s| source.starts_with(s)) =>
        {
            format!("{name}={source}")
        }
        Some((name, source)) if source.starts_with("b64:") => format!("{name}=b64:…"),
        _ => "…".to_owned(),
    }
}

fn tables(rows: &Rows<'_>) -> Vec<Setting> {
    let Some(loaded) = rows.loaded else { return Vec::new() };
    let file = &loaded.file;
    let row = |name: String, value: String, at: usize| Setting { name, value: Some(value), from: rows.at(at) };
    let mut all = Vec::new();
    for (rule, severity) in &file.severity {
        all.push(row(format!("severity.{}", rule.get_ref()), severity.get_ref().clone(), severity.span().start));
    }
    for route in &file.route {
        let role = route.role.as_ref().map(|role| format!("role {}", role.get_ref()));
        let protected = route.protected.as_ref().map(|p| if *p.get_ref() { "protected" } else { "public" }.to_owned());
        let value = role.into_iter().chain(protected).collect::<Vec<_>>().join(", ");
        all.push(row(format!("route {}", route.r#match.get_ref()), value, route.r#match.span().start));
    }
    let lists =
        [("issuers", &file.expect.issuers), ("audiences", &file.expect.audiences), ("origins", &file.expect.origins)];
    for (name, list) in lists {
        all.extend(list.iter().map(|v| row(format!("expect.{name}"), v.get_ref().clone(), v.span().start)));
    }
    for entry in &file.ignore {
        let ignore = entry.get_ref();
        let what = [&ignore.rule, &ignore.route, &ignore.origin, &ignore.fingerprint].into_iter().flatten();
        let what: Vec<&str> = what.map(|text| text.get_ref().as_str()).collect();
        let expired = if loaded.judgement.ignored.iter().any(|a| a.reason == *ignore.reason.get_ref()) {
            ""
        } else {
            ", expired"
        };
        let value = format!("{} (until {}{expired})", ignore.reason.get_ref(), ignore.last_day());
        all.push(row(format!("ignore {}", what.join(" ")), value, entry.span().start));
    }
    for (entry, rule) in file.rule.iter().zip(&loaded.judgement.own_rules) {
        let value = format!("{}, {}", rule.meta().severity, entry.get_ref().when.get_ref());
        all.push(row(format!("rule {}", rule.meta().code), value, entry.get_ref().name.span().start));
    }
    all
}

/// Thresholds that the file sets; all of them where `everything` is wanted.
fn thresholds(rows: &Rows<'_>, everything: bool) -> Vec<Setting> {
    let place = |code: &str, threshold: &Threshold| {
        let tables = rows.loaded?.file.thresholds.iter();
        let mut table = tables
            .filter(|(rule, _)| authtrace_analyze::catalogue::find(rule.get_ref()).is_some_and(|r| r.code == code));
        let key = |(key, _): &(&Spanned<String>, _)| key.get_ref().replace('_', "-") == threshold.key();
        let at = table.find_map(|(_, values)| values.iter().find(key))?.1.span().start;
        Some(rows.at(at))
    };
    let mut all = Vec::new();
    for rule in catalogue() {
        for threshold in rule.thresholds {
            let set = rows.loaded.and_then(|l| l.judgement.thresholds.get(rule.code, threshold.name));
            if set.is_some() || everything {
                all.push(Setting {
                    name: format!("thresholds.{}.{}", rule.id, threshold.key()),
                    value: Some(limit(set.unwrap_or(threshold.default))),
                    from: place(rule.code, threshold).unwrap_or_else(|| "default".to_owned()),
                });
            }
        }
    }
    all
}
