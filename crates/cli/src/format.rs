//! Output formats (`-T`).

use anyhow::bail;

/// A format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One document.
    Json,
    /// One object a line.
    Jsonl,
    /// Rows for a spreadsheet.
    Csv,
    /// The incident report as Markdown.
    Md,
    /// The incident report as a page.
    Html,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for test reports.
    Junit,
    /// Annotations of GitHub Actions.
    Github,
    /// Columns for other engines.
    Parquet,
}

/// A format of a list.
#[derive(Clone, Copy)]
pub(crate) enum ListFormat {
    /// A table.
    Text,
    /// An array.
    Json,
    /// One object a line.
    Jsonl,
    /// Rows for a spreadsheet.
    Csv,
}

/// A format of what has no rows.
#[derive(Clone, Copy)]
pub(crate) enum ValueFormat {
    /// For people.
    Text,
    /// One document.
    Json,
    /// One line.
    Jsonl,
}

impl Format {
    /// Whether what is written goes to other people: reports, and what continuous integration keeps.
    pub(crate) fn is_handed_on(self) -> bool {
        matches!(self, Self::Md | Self::Html | Self::Sarif | Self::Junit | Self::Github)
    }

    const NAMES: [(&str, Self); 10] = [
        ("text", Self::Text),
        ("json", Self::Json),
        ("jsonl", Self::Jsonl),
        ("csv", Self::Csv),
        ("md", Self::Md),
        ("html", Self::Html),
        ("sarif", Self::Sarif),
        ("junit", Self::Junit),
        ("github", Self::Github),
        ("parquet", Self::Parquet),
    ];
    /// The format called `name`.
    pub(crate) fn parse(name: &str) -> anyhow::Result<Self> {
        match Self::NAMES.iter().find(|(known, _)| *known == name) {
            Some((_, format)) => Ok(*format),
            None => bail!("-T {name}: no such format; use {}", list(Self::NAMES.iter().map(|(name, _)| *name))),
        }
    }

    /// The format of a list.
    pub(crate) fn of_list(self) -> anyhow::Result<ListFormat> {
        Ok(match self {
            Self::Text => ListFormat::Text,
            Self::Json => ListFormat::Json,
            Self::Jsonl => ListFormat::Jsonl,
            Self::Csv => ListFormat::Csv,
            other => bail!("-T {}: not for this verb; use text, json, jsonl or csv", other.name()),
        })
    }

    /// The format of what has no rows.
    pub(crate) fn of_value(self) -> anyhow::Result<ValueFormat> {
        Ok(match self {
            Self::Text => ValueFormat::Text,
            Self::Json => ValueFormat::Json,
            Self::Jsonl => ValueFormat::Jsonl,
            other => bail!("-T {}: not for this verb; use text, json or jsonl", other.name()),
        })
    }

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }
}

/// `a, b or c`
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
