//! `rules` and `explain`: the catalogue, and one rule's page.

mod pages;

use authtrace_analyze::catalogue::{RuleMeta, catalogue};
use serde::Serialize;

use crate::{
    columns::{Column, table},
    json,
    page::Page,
    style::{Ink, Style},
};

#[derive(Serialize)]
struct Row {
    code: &'static str,
    id: &'static str,
    severity: &'static str,
    title: &'static str,
    tier: &'static str,
    layer: &'static str,
    fixes: &'static [&'static str],
}

fn rows() -> impl Iterator<Item = Row> {
    catalogue().map(|rule| Row {
        code: rule.code,
        id: rule.id,
        severity: rule.severity.name(),
        title: rule.title,
        tier: rule.tier.name(),
        layer: rule.layer.name(),
        fixes: rule.fixes,
    })
}

pub use pages::{PageFile, pages};

/// One JSON document: an array.
pub fn json() -> String {
    json::pretty(&rows().collect::<Vec<_>>())
}

/// One rule a line.
pub fn jsonl() -> String {
    rows().map(|row| json::line(&row)).collect()
}

/// A table.
pub fn text(width: Option<usize>, style: Style) -> String {
    let columns =
        [Column::left("code"), Column::left("severity"), Column::left("rule"), Column::flexible("what it says", 20)];
    let cells: Vec<Vec<String>> =
        rows().map(|row| [row.code, row.severity, row.id, row.title].map(str::to_owned).to_vec()).collect();
    table(&columns, &cells, width, style)
}

/// The rule's page: Markdown as it is, with headings and code set apart where there is colour.
pub fn page(rule: &RuleMeta, style: Style) -> String {
    let mut page = Page::new(usize::MAX / 4, style);
    write(&mut page, rule);
    page.finish()
}

/// The rule's page, wrapped at the width of `page`.
pub fn write(page: &mut Page, rule: &RuleMeta) {
    let mut fenced = false;
    for line in rule.spec.lines() {
        let fence = line.starts_with("```");
        fenced ^= fence;
        match line {
            _ if fence || fenced => page.verbatim(0, "", 0, Ink::Dim, line),
            _ if line.starts_with('#') => page.para(0, Ink::Bold, line),
            _ => page.para(0, Ink::Plain, line),
        }
    }
}
