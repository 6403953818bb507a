//! The catalogue as a folder of Markdown: an index, and every rule's own page with what the page does not say.

use std::fmt::Write as _;

use authtrace_analyze::{
    catalogue::{RuleMeta, catalogue},
    fixes,
};

use crate::settings::limit;

/// One file of the folder.
pub struct PageFile {
    /// Its name.
    pub name: String,
    /// Its Markdown.
    pub text: String,
}

/// Every file, the index first.
pub fn pages() -> Vec<PageFile> {
    let index = PageFile { name: "README.md".to_owned(), text: index() };
    std::iter::once(index).chain(catalogue().map(|rule| PageFile { name: file_name(rule), text: page(rule) })).collect()
}

const GENERATED: &str = "<!-- Generated from crates/analyze/src/rules; `docs/rules/generate` writes it anew. -->\n\n";

fn file_name(rule: &RuleMeta) -> String {
    format!("{}-{}.md", rule.code, rule.id)
}

fn index() -> String {
    let mut out = format!(
        "{GENERATED}# The rules\n\n\
         Each page is the rule's own: `authtrace explain CODE` prints it, and its transcripts are executed as tests.\n\
         Tier T1 is what most captures show, T3 what few do. The severity is that of an ordinary case.\n\n\
         | code | rule | severity | tier | layer | what it says |\n|---|---|---|---|---|---|\n"
    );
    for rule in catalogue() {
        let (file, severity) = (file_name(rule), rule.severity);
        let (tier, layer) = (rule.tier.name(), rule.layer.name());
        let _ = writeln!(
            out,
            "| [{}]({file}) | `{}` | {severity} | {tier} | {layer} | {} |",
            rule.code, rule.id, rule.title
        );
    }
    out
}

fn page(rule: &RuleMeta) -> String {
    let mut out = format!("{GENERATED}{}\n", rule.spec.trim_end());
    let _ = write!(
        out,
        "\n## In the catalogue\n\n{}.\nSeverity {} in an ordinary case, tier {}, layer {}.\n",
        rule.title,
        rule.severity,
        rule.tier.name(),
        rule.layer.name()
    );
    if !rule.thresholds.is_empty() {
        let _ = write!(
            out,
            "\n## Thresholds\n\nSet under `[thresholds.{}]` in `authtrace.toml` ([settings](../configuration.md#thresholds)).\n\n| name | default | meaning |\n|---|---|---|\n",
            rule.id
        );
        for threshold in rule.thresholds {
            let (name, default) = (threshold.key(), limit(threshold.default));
            let _ = writeln!(out, "| `{name}` | {default} | {} |", threshold.says.trim());
        }
    }
    let fixes: Vec<_> = rule.fixes.iter().filter_map(|key| fixes::fix(key)).collect();
    if !fixes.is_empty() {
        out.push_str("\n## What to change\n\n");
        for fix in fixes {
            let _ = writeln!(out, "- {} (`{}`): {}", fix.place, fix.key, fix.text);
        }
    }
    out
}
