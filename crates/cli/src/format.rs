//! Output formats (`-T`).

use anyhow::bail;

/// A format of this build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One document.
    Json,
    /// One object a line.
    Jsonl,
}

/// Formats that are promised and not in this build.
const LATER: [&str; 6] = ["csv", "md", "html", "sarif", "junit", "github"];

impl Format {
    /// The format called `name`.
    pub(crate) fn parse(name: &str) -> anyhow::Result<Self> {
        Ok(match name {
            "text" => Self::Text,
            "json" => Self::Json,
            "jsonl" => Self::Jsonl,
            _ if LATER.contains(&name) => bail!("-T {name}: not in this build; use text, json or jsonl"),
            _ => bail!("-T {name}: no such format; use text, json or jsonl"),
        })
    }
}
